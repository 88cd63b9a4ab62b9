//! `roster-server secrets`: creates and rotates the file with secret keys.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::Context;
use zeroize::Zeroizing;

use crate::options::SecretsTask;
use crate::private_file::{self, OWNER_ONLY};
use crate::secret_keys;

/// Carries out a task.
pub fn run_secrets_task(task: &SecretsTask) -> anyhow::Result<()> {
    match task {
        SecretsTask::Create { out } => create(out),
        SecretsTask::Rotate { file } => rotate(file),
    }
}

fn create(out: &Path) -> anyhow::Result<()> {
    let line = secret_keys::draw_line()?;
    private_file::create(out, line.as_bytes())
        .with_context(|| format!("cannot create {}", out.display()))
}

/// Replaces the file at once, so that a server never reads a part.
fn rotate(path: &Path) -> anyhow::Result<()> {
    // Through a link, so that the link stays one.
    let path = fs::canonicalize(path).with_context(|| format!("cannot open {}", path.display()))?;
    let old = secret_keys::read_text(&path)?;
    let shown = path.display();
    let new = Zeroizing::new([&*secret_keys::draw_line()?, &**old].concat());
    // The rotated file must be readable by servers, too: it may have too many keys now.
    secret_keys::parse(&new).with_context(|| format!("cannot rotate {shown}"))?;
    let owner = fs::metadata(&path)?;
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(OWNER_ONLY))
        .tempfile_in(folder)
        .with_context(|| format!("cannot write beside {shown}"))?;
    file.write_all(new.as_bytes())?;
    // The server may run as another user than the operator.
    fchown(&file, Some(owner.uid()), Some(owner.gid()))
        .with_context(|| format!("cannot keep the owner of {shown}"))?;
    file.as_file().set_permissions(owner.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)
        .with_context(|| format!("cannot replace {shown}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a file").mode() & 0o777
    }

    #[test]
    fn a_file_is_created_for_its_owner_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        create(&path).expect("created");
        assert_eq!(mode(&path), 0o600);
        let text = fs::read_to_string(&path).expect("text");
        assert_eq!(secret_keys::parse(&text).expect("keys").len(), 1);
        assert!(create(&path).is_err());
        assert_eq!(fs::read_to_string(&path).expect("text"), text);
    }

    #[test]
    fn a_rotation_adds_a_first_key_and_keeps_the_rest_of_the_file_and_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        create(&path).expect("created");
        let old = format!("# ours\n{}", fs::read_to_string(&path).expect("text"));
        fs::write(&path, &old).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).expect("set");
        rotate(&path).expect("rotated");
        let new = fs::read_to_string(&path).expect("text");
        assert!(new.ends_with(&old) && new.len() > old.len());
        assert_eq!(secret_keys::parse(&new).expect("keys").len(), 2);
        assert_eq!(mode(&path), 0o440);

        fs::write(&path, "broken").expect("written");
        assert!(rotate(&path).is_err());
        assert_eq!(fs::read_to_string(&path).expect("text"), "broken");
    }
}
