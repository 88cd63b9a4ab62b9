//! Whether the files that a server has open are still where the next server will look for them.

use std::path::{Path, PathBuf};

use super::acknowledged::beside;
use crate::engine::file_lock::FileId;

/// A file that was moved, replaced or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Displaced {
    Database,
    /// The log, or the index of the log.
    Log,
}

/// The open files of a database, by path.
#[derive(Debug)]
pub(super) struct Presence {
    /// The database by the name that the server was given, which may be a link.
    database: (PathBuf, FileId),
    /// The log and its index, which SQLite names after the file that a link leads to.
    beside: [(PathBuf, FileId); 2],
}

fn file_at(path: &Path) -> std::io::Result<FileId> {
    Ok(FileId::of(&std::fs::metadata(path)?))
}

impl Presence {
    /// Notes the files of a database that SQLite has open.
    pub(super) fn note(path: &Path) -> std::io::Result<Self> {
        let canonical = path.canonicalize()?;
        let of = |path: PathBuf| file_at(&path).map(|id| (path, id));
        Ok(Self {
            database: of(path.to_owned())?,
            beside: [
                of(beside(&canonical, "-wal"))?,
                of(beside(&canonical, "-shm"))?,
            ],
        })
    }

    /// The first file that is not at its path any more. Takes three calls of the system.
    pub(super) fn displaced(&self) -> Option<Displaced> {
        let is_there = |(path, id): &(PathBuf, FileId)| file_at(path).is_ok_and(|at| at == *id);
        if !is_there(&self.database) {
            Some(Displaced::Database)
        } else if !self.beside.iter().all(is_there) {
            Some(Displaced::Log)
        } else {
            None
        }
    }
}
