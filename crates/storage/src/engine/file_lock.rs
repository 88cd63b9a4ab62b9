//! One server a SQLite file: what a server keeps in memory would not hear of another's writes.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Result, StorageError};

/// The lock on a database's file, held until dropped.
///
/// It is a lock of the operating system on a file beside the database, so it ends with the
/// process, however that ends; the file stays and means nothing by itself. SQLite's own locks
/// cannot serve: tools may read the database, and back it up, while a server runs.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock, at once or not at all.
    pub(crate) fn take(database: &str) -> Result<Self> {
        let path = beside(Path::new(database));
        let unusable = |error: std::io::Error| {
            let text = format!("{} cannot be opened: {error}", path.display());
            StorageError::Unreachable(text.into())
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }
}

/// `roster.db` is locked by `roster.db.lock`; two names of one file are locked by one.
fn beside(database: &Path) -> PathBuf {
    let real = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut name = real.into_os_string();
    name.push(".lock");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(path: &Path) -> Result<FileLock> {
        FileLock::take(path.to_str().expect("text"))
    }

    #[test]
    fn a_file_is_locked_once_by_whatever_name_until_its_holder_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("roster.db");
        File::create(&path).expect("a file");
        let held = take(&path).expect("the lock");
        let roundabout = folder.path().join(".").join("roster.db");
        for name in [&path, &roundabout] {
            let again = take(name);
            assert!(matches!(again, Err(StorageError::InUse)), "{again:?}");
        }
        drop(held);
        take(&path).expect("the lock");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing").join("roster.db");
        let refused = take(&path);
        assert!(matches!(refused, Err(StorageError::Unreachable(_))));
    }
}
