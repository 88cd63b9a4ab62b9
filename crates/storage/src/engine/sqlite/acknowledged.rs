//! The file `NAME-acknowledged` beside a database: the newest write that a server acknowledged.
//!
//! It is rewritten after each commit and before the answer, without a sync: it survives the end of
//! the process, and after a power cut it may be older, never newer, than the database. The next
//! start compares it with the database.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::generation::Generation;
use crate::tables::organization::Org;

/// The end of the file's name.
const SUFFIX: &str = "-acknowledged";
/// The first word of a record; a new format has another.
const FORMAT: &str = "roster-acknowledged-1";
/// The last word of a record.
const END: &str = "end";
/// The length of the file: a record with the longest name fits, and a write of it is one block.
const BYTES: usize = 256;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// The store, in hexadecimal.
    pub(super) store: String,
    /// A generation that is in the database file itself, not only in its log.
    pub(super) generation: Generation,
    /// The newest change of credentials and organizations: the `credentials_version` of the store.
    pub(super) administration: i64,
    /// The write; `None` before the first.
    pub(super) write: Option<AcknowledgedWrite>,
}

/// A write, as its organization knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AcknowledgedWrite {
    pub(super) org: Org,
    pub(super) revision: u64,
    pub(super) nonce: i64,
    pub(super) organization: String,
}

/// The path of the record of a database.
pub(super) fn path_of(database: &Path) -> PathBuf {
    beside(database, SUFFIX)
}

/// A path whose name has this end.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(suffix);
    name.into()
}

impl Acknowledged {
    fn text(&self) -> String {
        let (store, generation, administration) =
            (&self.store, self.generation.0, self.administration);
        let write = self.write.as_ref().map_or_else(
            || "- - - -".to_owned(),
            |of| {
                format!(
                    "{} {} {} {}",
                    of.org, of.revision, of.nonce, of.organization
                )
            },
        );
        let text = format!("{FORMAT} {store} {generation} {administration} {write} {END}");
        format!("{text:<width$}\n", width = BYTES - 1)
    }

    fn parse(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split_whitespace().collect();
        let [
            FORMAT,
            store,
            generation,
            administration,
            org,
            revision,
            nonce,
            name,
            END,
        ] = words[..]
        else {
            return None;
        };
        let write = if org == "-" {
            None
        } else {
            Some(AcknowledgedWrite {
                org: org.parse().ok()?,
                revision: revision.parse().ok()?,
                nonce: nonce.parse().ok()?,
                organization: name.to_owned(),
            })
        };
        Some(Self {
            store: store.to_owned(),
            generation: Generation(generation.parse().ok()?),
            administration: administration.parse().ok()?,
            write,
        })
    }

    /// Reads the record of a database. `None` if there is no record that this version understands.
    pub(super) fn read(database: &Path) -> std::io::Result<Option<Self>> {
        let mut text = String::new();
        match File::open(path_of(database)) {
            Ok(file) => {
                // More is not a record.
                file.take(2 * BYTES as u64).read_to_string(&mut text)?;
                Ok(Self::parse(&text))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The open file of a record.
#[derive(Debug)]
pub(super) struct RecordFile(File);

impl RecordFile {
    /// Opens the record of a database, creating it if needed.
    pub(super) fn open(database: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        options.open(path_of(database)).map(Self)
    }

    pub(super) fn write(&self, record: &Acknowledged) -> std::io::Result<()> {
        self.0.write_all_at(record.text().as_bytes(), 0)
    }

    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> [Acknowledged; 2] {
        let longest = AcknowledgedWrite {
            org: i64::MAX,
            revision: u64::MAX,
            nonce: i64::MIN,
            organization: "x".repeat(roster_core::organization::ORGANIZATION_CHARS_MAX),
        };
        [None, Some(longest)].map(|write| Acknowledged {
            store: "0f".repeat(16),
            generation: Generation(u32::MAX),
            administration: i64::MAX,
            write,
        })
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_has_one_length() {
        for record in records() {
            let text = record.text();
            assert_eq!(text.len(), BYTES);
            assert_eq!(Acknowledged::parse(&text), Some(record));
        }
    }

    #[test]
    fn a_part_of_a_record_is_no_record() {
        for record in records() {
            let text = record.text();
            let text = text.trim_end();
            for length in 0..text.len() {
                assert_eq!(Acknowledged::parse(&text[..length]), None);
            }
        }
    }
}
