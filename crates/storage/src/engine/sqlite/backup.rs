//! Copies of a file: backups, and databases restored from them.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use tempfile::{NamedTempFile, TempPath};

use super::acknowledged::{Acknowledged, beside, path_of};
use super::generation::Generation;
use super::look::{check_file, immutable, reading_error};
use super::{connect, loss, migrate};
use crate::engine::file_lock::FileLock;
use crate::error::{Result, StorageError};
use crate::tables::migrated::Migrated;

/// A finished copy that has no name yet. It is removed unless it gets one.
#[derive(Debug)]
pub struct Copy {
    path: TempPath,
}

/// What a database that was replaced is called now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The first of its files.
    pub path: PathBuf,
}

fn unwritable(path: &Path, error: &Error) -> StorageError {
    StorageError::NoCopy(format!("{}: {error}", path.display()))
}

/// Copies a database beside the file `to`, also while a server uses it: one transaction of the
/// database, without its log. Checks that the copy contains what was acknowledged before.
pub(crate) fn back_up(path: &str, to: &Path) -> Result<Copy> {
    check_file(Path::new(path))?;
    if to.exists() {
        let error = Error::from(ErrorKind::AlreadyExists);
        return Err(unwritable(to, &error));
    }
    let unreadable = |error: Error| StorageError::Unreadable(error.into());
    let record = Acknowledged::read(Path::new(path)).map_err(unreadable)?;
    let copy = copied(path, to)?;
    if let Some(record) = record {
        loss::check_holds(&copy.path, &record)?;
    }
    Ok(copy)
}

/// Copies a backup beside the file of the database `to`, and migrates the copy.
pub(crate) fn prepare_restore(backup: &Path, to: &Path) -> Result<(Copy, Migrated)> {
    check_file(backup)?;
    loss::check_copy(backup)?;
    let copy = copied(&backup.to_string_lossy(), to)?;
    let migrated = migrate(&copy.path.to_string_lossy())?;
    Ok((copy, migrated))
}

/// Writes all tables of a database into a new file, which only its owner may read.
fn copied(path: &str, to: &Path) -> Result<Copy> {
    let folder = folder_of(to);
    let file = NamedTempFile::with_prefix_in(".roster-copy-", folder)
        .map_err(|error| unwritable(folder, &error))?;
    let copy = Copy {
        path: file.into_temp_path(),
    };
    let into = copy.path.to_string_lossy().into_owned();
    let write = |from: &str| -> Result<()> {
        let mut conn = connect(from)?;
        sql_query("VACUUM INTO ?")
            .bind::<Text, _>(&into)
            .execute(&mut conn)?;
        Ok(())
    };
    match write(path).map_err(reading_error) {
        // A file without a log in a folder that cannot be written.
        Err(StorageError::Unreadable(_)) => write(&immutable(path)).map_err(reading_error)?,
        done => done?,
    }
    // The copy is complete, whatever the file was.
    Generation::default().write(&mut connect(&into)?)?;
    Ok(copy)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

impl Copy {
    /// The path of the copy until it has its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives a backup its name, durably. Fails if the name is taken. Returns its size in bytes.
    pub fn keep_as(self, name: &Path) -> Result<u64> {
        let kept = || -> std::io::Result<u64> {
            let file = File::open(&self.path)?;
            file.sync_all()?;
            let bytes = file.metadata()?.len();
            self.path.persist_noclobber(name)?;
            File::open(folder_of(name))?.sync_all()?;
            Ok(bytes)
        };
        kept().map_err(|error| unwritable(name, &error))
    }

    /// Puts a restored database in its place, durably: moves the files of an existing database
    /// aside, if it may. Fails if a server has that database open.
    pub fn put_in_place(self, database: &Path, replace: bool) -> Result<Option<Replaced>> {
        let canonical = database.canonicalize();
        let database = canonical.as_deref().unwrap_or(database);
        let exists = database.exists();
        if exists && !replace {
            return Err(StorageError::NoCopy(format!(
                "{} exists: stop its server and use --replace, which keeps it under another name",
                database.display()
            )));
        }
        // Held until the end: no server begins meanwhile.
        let _lock = if exists {
            Some(FileLock::take(&database.to_string_lossy())?)
        } else {
            None
        };
        let owner = std::fs::metadata(if exists {
            database
        } else {
            folder_of(database)
        });
        let replaced = move_aside(database).map_err(|error| unwritable(database, &error))?;
        if let Ok(owner) = owner {
            // The server may run as another user than this program. Only root may do this.
            let _ = std::os::unix::fs::chown(&self.path, Some(owner.uid()), Some(owner.gid()));
        }
        self.keep_as(database)?;
        Ok(replaced)
    }
}

/// Renames the files of a database, so that none of them meets the next database of this name.
fn move_aside(database: &Path) -> std::io::Result<Option<Replaced>> {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let aside = beside(database, &format!(".replaced-{time}"));
    let mut first = None;
    for (from, to) in [
        (database.to_owned(), aside.clone()),
        (beside(database, "-wal"), beside(&aside, "-wal")),
        (path_of(database), path_of(&aside)),
    ] {
        match std::fs::rename(&from, &to) {
            Ok(()) => {
                first.get_or_insert(Replaced { path: to });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // SQLite makes the index of a log anew.
    match std::fs::remove_file(beside(database, "-shm")) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(first),
    }
}
