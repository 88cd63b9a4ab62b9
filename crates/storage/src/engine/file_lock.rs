//! Allows one server per SQLite file: the facts in a server's memory would miss another's writes.

use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use parking_lot::Mutex;

use crate::error::{Result, StorageError};

/// The files that this process has locked.
static HELD: Mutex<BTreeSet<FileId>> = Mutex::new(BTreeSet::new());

/// A file's device and inode number: the same for every name of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(u64, u64);

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// The lock on a database's file, held until dropped.
///
/// It is a lock of the operating system on the database file itself, so it ends with the process,
/// however the process ends, and holds for every name of the file, including links of both kinds.
/// It does not conflict with the locks of SQLite, which are of another kind (`fcntl`, not `flock`):
/// tools may read and back up the database while a server runs.
///
/// Invariant: a process that closes a file loses all its `fcntl` locks on the file, including those
/// of other descriptors. So this lock is dropped after the connections to its file, and a file
/// that this process has locked is not opened again.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    id: FileId,
}

impl FileLock {
    /// Takes the lock, or fails at once. Creates the file if it does not exist.
    pub(crate) fn take(database: &str) -> Result<Self> {
        let path = Path::new(database);
        let unusable = |error: std::io::Error| {
            let text = format!("{} cannot be opened: {error}", path.display());
            StorageError::Unreachable(text.into())
        };
        let mut held = HELD.lock();
        if let Ok(metadata) = std::fs::metadata(path)
            && held.contains(&FileId::of(&metadata))
        {
            return Err(StorageError::InUse);
        }
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StorageError::InUse),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let id = FileId::of(&file.metadata().map_err(unusable)?);
        if FileId::of(&std::fs::metadata(path).map_err(unusable)?) != id {
            // Another file has taken the name meanwhile, and SQLite would open that file.
            return Err(StorageError::InUse);
        }
        held.insert(id);
        Ok(Self { file, id })
    }

    /// The locked file, for reading it without SQLite.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        HELD.lock().remove(&self.id);
    }
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
        let held = take(&path).expect("the lock");
        let roundabout = folder.path().join(".").join("roster.db");
        let (hard, soft) = (folder.path().join("hard"), folder.path().join("soft"));
        std::fs::hard_link(&path, &hard).expect("a link");
        std::os::unix::fs::symlink(&path, &soft).expect("a link");
        for name in [&path, &roundabout, &hard, &soft] {
            let again = take(name);
            assert!(matches!(again, Err(StorageError::InUse)), "{again:?}");
        }
        drop(held);
        for name in [&path, &roundabout, &hard, &soft] {
            drop(take(name).expect("the lock"));
        }
    }

    #[test]
    fn a_path_that_cannot_be_written_is_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing").join("roster.db");
        let refused = take(&path);
        assert!(matches!(refused, Err(StorageError::Unreachable(_))));
    }
}
