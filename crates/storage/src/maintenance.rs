//! Work on a database that no store has open: migrations, backups.

use std::path::Path;

use crate::engine::sqlite::backup::{self, Copy, Replaced};
use crate::engine::{Address, Serving, postgres, sqlite};
use crate::error::{Result, StorageError};
use crate::tables::migrated::Migrated;

/// Creates and migrates the tables of a database. Blocks.
///
/// Fails if a newer version made the tables, if a server has a SQLite file open, and if
/// acknowledged writes are missing from the file.
pub fn migrate(database: &str, accepts_loss: bool) -> Result<Migrated> {
    match Address::parse(database)? {
        Address::Sqlite(path) => {
            let serving = Serving {
                migrates: true,
                accepts_loss,
            };
            let _lock = sqlite::take(path, serving)?;
            sqlite::migrate(path)
        }
        Address::Postgres(url) => {
            let route = postgres::route::Route::of(url)?;
            postgres::pooler::refuse_transaction_mode(route.url())?;
            postgres::migrate(route.url())
        }
    }
}

/// Copies a SQLite database, also while a server uses it. The copy contains everything that was
/// acknowledged before. `to` is the name that the copy will have. Blocks.
pub fn back_up(database: &str, to: &Path) -> Result<Copy> {
    backup::back_up(file_of(database)?, to)
}

/// Copies and migrates a backup, for the SQLite database that it shall become. Blocks.
pub fn prepare_restore(backup: &Path, database: &str) -> Result<(Copy, Migrated)> {
    backup::prepare_restore(backup, Path::new(file_of(database)?))
}

/// Makes a prepared copy the SQLite database of this address. With `replace`, keeps an existing
/// database under another name. Fails if a server has that database open. Blocks.
pub fn put_in_place(copy: Copy, database: &str, replace: bool) -> Result<Option<Replaced>> {
    copy.put_in_place(Path::new(file_of(database)?), replace)
}

fn file_of(database: &str) -> Result<&str> {
    match Address::parse(database)? {
        Address::Sqlite(path) => Ok(path),
        Address::Postgres(_) => Err(StorageError::NotAFile),
    }
}
