//! The secret keys of `--secret-key-file`: the first seals, all open. No key is in the database, so
//! that a copy of the database is not a copy of its keys.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Keys of a file: decades of a rotation every quarter.
pub(crate) const KEYS_MAX: usize = 100;
/// Characters of the id of a key.
pub(crate) const KEY_ID_CHARS_MAX: usize = 32;
/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a file: all keys, with a comment above each.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// The permission of everybody to read a file.
const READ_BY_ALL: u32 = 0o004;

/// A secret key. It is erased from memory when it is dropped.
pub(crate) struct SecretKey {
    /// The id, which sealed values name.
    pub(crate) id: String,
    pub(crate) secret: Zeroizing<[u8; KEY_BYTES]>,
}

/// Shows the id only.
impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

/// The text of a file with keys, erased from memory when it is dropped.
pub(crate) type FileText = Zeroizing<String>;

/// Reads a file with keys. Fails if everybody may read it.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<FileText> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let mode = file.metadata()?.mode();
    ensure!(
        mode & READ_BY_ALL == 0,
        "everybody may read {shown}: run chmod o-rwx on it, or mount it with mode 0440"
    );
    let mut text = Zeroizing::new(String::new());
    let mut limited = file.take(FILE_BYTES_MAX + 1);
    limited
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    ensure!(
        text.len() as u64 <= FILE_BYTES_MAX,
        "{shown} is longer than {FILE_BYTES_MAX} bytes: it is no file with keys"
    );
    Ok(text)
}

/// Parses the keys of a file: `ID:BASE64` on each line, and comments that begin with `#`. An error
/// names the line and shows none of it.
pub(crate) fn parse(text: &str) -> anyhow::Result<Vec<SecretKey>> {
    let mut keys: Vec<SecretKey> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let (id, encoded) = line
            .split_once(':')
            .with_context(|| format!("line {number} is not ID:KEY"))?;
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            (1..=KEY_ID_CHARS_MAX).contains(&id.len()) && id.chars().all(is_id),
            "line {number} has no id of 1 to {KEY_ID_CHARS_MAX} characters of a-z, 0-9 and -"
        );
        ensure!(
            keys.iter().all(|key| key.id != id),
            "line {number} has the id of an earlier line"
        );
        // Also a wrong key is a secret: the error of the decoder would show a part.
        let bytes = Zeroizing::new(STANDARD.decode(encoded.trim()).unwrap_or_default());
        let mut secret = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            bail!("line {number} has no key of {KEY_BYTES} bytes in base64");
        }
        secret.copy_from_slice(&bytes);
        keys.push(SecretKey {
            id: id.to_owned(),
            secret,
        });
    }
    ensure!(!keys.is_empty(), "the file has no key");
    ensure!(
        keys.len() <= KEYS_MAX,
        "the file has {} keys, at most {KEYS_MAX} are allowed",
        keys.len()
    );
    Ok(keys)
}

/// Draws a key and returns its line.
pub(crate) fn draw_line() -> anyhow::Result<FileText> {
    let mut secret = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(&mut secret[..])?;
    let id = getrandom::u32()?;
    let encoded = Zeroizing::new(STANDARD.encode(&secret[..]));
    Ok(Zeroizing::new(format!("k-{id:08x}:{}\n", &*encoded)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_read_in_order_beside_comments() {
        let (first, second) = (draw_line().expect("a key"), draw_line().expect("a key"));
        let text = format!("# the first seals\n\n{}  # old\n{}", &*first, &*second);
        let keys = parse(&text).expect("keys");
        let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        let id = |line: &str| line.split_once(':').expect("an id").0.to_owned();
        assert_eq!(ids, [id(&first), id(&second)]);
        assert_eq!(
            format!("{keys:?}"),
            format!("[SecretKey({}), SecretKey({})]", ids[0], ids[1])
        );
    }

    #[test]
    fn a_wrong_line_is_named_and_not_shown() {
        let good = "A".repeat(43) + "=";
        for (text, said) in [
            (String::new(), "the file has no key"),
            ("# nothing".into(), "the file has no key"),
            (format!("\n{good}"), "line 2 is not ID:KEY"),
            (format!("A:{good}"), "line 1 has no id"),
            (format!(":{good}"), "line 1 has no id"),
            (format!("{}:{good}", "a".repeat(33)), "line 1 has no id"),
            (format!("a:{good}\na:{good}"), "line 2 has the id"),
            ("a:SECRET".into(), "line 1 has no key of 32 bytes"),
            (format!("a:AAAA{good}"), "line 1 has no key of 32 bytes"),
        ] {
            let error = parse(&text).expect_err("refused").to_string();
            assert!(error.contains(said), "{error}");
            assert!(
                !error.contains("SECRET") && !error.contains("AAAA"),
                "{error}"
            );
        }
        let ids =
            |count: usize| -> String { (0..count).map(|id| format!("k{id}:{good}\n")).collect() };
        for (count, fits) in [
            (KEYS_MAX - 1, true),
            (KEYS_MAX, true),
            (KEYS_MAX + 1, false),
        ] {
            assert_eq!(parse(&ids(count)).is_ok(), fits, "{count}");
        }
        assert!(parse(&format!("{}:{good}", "a".repeat(KEY_ID_CHARS_MAX))).is_ok());
    }

    #[test]
    fn a_file_that_everybody_may_read_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &*draw_line().expect("a key")).expect("written");
        for (mode, read) in [(0o400, true), (0o440, true), (0o444, false), (0o604, false)] {
            let permissions = PermissionsExt::from_mode(mode);
            std::fs::set_permissions(file.path(), permissions).expect("set");
            assert_eq!(read_text(file.path()).is_ok(), read, "{mode:o}");
        }
    }
}
