//! Opens a file to inspect it, beside a server or in a read-only folder.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};

use super::opening::{builder, check_migrated};
use super::{BUSY_TIMEOUT, Conn};
use crate::error::{Result, StorageError};

/// A connection that cannot write.
#[derive(Debug)]
struct OnLook;

impl CustomizeConnection<Conn, diesel::r2d2::Error> for OnLook {
    fn on_acquire(&self, conn: &mut Conn) -> std::result::Result<(), diesel::r2d2::Error> {
        conn.batch_execute(BUSY_TIMEOUT)
            .and_then(|()| conn.batch_execute("PRAGMA query_only = ON; PRAGMA cache_size = -65536"))
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Creates a pool of read-only connections to an existing file with the tables of this code.
///
/// SQLite reads a file in WAL mode through an index beside it, and creates the index if it is
/// missing. In a read-only folder it cannot. A file without a log, which no server has open, is then
/// read as an immutable file.
pub(crate) fn pool_to_look(path: &str, connections: u32) -> Result<Pool<ConnectionManager<Conn>>> {
    check_file(Path::new(path))?;
    match check_migrated(path).map_err(reading_error) {
        Ok(()) => pool(path, connections),
        Err(StorageError::Unreadable(_)) if !has_log(path) => {
            let unchanging = immutable(path);
            check_migrated(&unchanging).map_err(reading_error)?;
            pool(&unchanging, connections)
        }
        Err(StorageError::Unreadable(error)) => Err(StorageError::Unreadable(
            format!(
                "{error}: the newest changes are in {}, which SQLite reads only where it may write: \
                 copy the file and those whose names begin with its name to another folder",
                log_of(path).display()
            )
            .into(),
        )),
        Err(error) => Err(error),
    }
}

/// Opens connections only when they are wanted: another one, opened in the background, would create the
/// file of a faulty copy again that was just deleted.
fn pool(path: &str, connections: u32) -> Result<Pool<ConnectionManager<Conn>>> {
    let pool = builder(connections, Box::new(OnLook)).min_idle(Some(0));
    Ok(pool.build(ConnectionManager::new(path))?)
}

/// SQLite would create a missing file. Only SQLite may open the file: opening and closing it here
/// would release SQLite's locks in this process.
pub(super) fn check_file(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(StorageError::NotSqlite),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(StorageError::NoFile),
        Err(error) => Err(StorageError::Unreadable(error.into())),
    }
}

/// Maps the three messages of SQLite about an unusable file to their errors.
pub(super) fn reading_error(error: StorageError) -> StorageError {
    let (StorageError::Unreachable(cause) | StorageError::Defect(cause)) = error else {
        return error;
    };
    let text = cause.to_string();
    let says = |what: &str| text.to_ascii_lowercase().contains(what);
    if says("file is not a database") {
        StorageError::NotSqlite
    } else if says("unable to open database file") || says("readonly database") {
        StorageError::Unreadable(cause)
    } else {
        StorageError::Unreachable(cause)
    }
}

fn log_of(path: &str) -> PathBuf {
    PathBuf::from(format!("{path}-wal"))
}

fn has_log(path: &str) -> bool {
    std::fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0)
}

/// Returns the address of an immutable file.
pub(super) fn immutable(path: &str) -> String {
    let mut address = String::from("file:");
    for c in path.chars() {
        match c {
            '%' => address.push_str("%25"),
            '?' => address.push_str("%3f"),
            '#' => address.push_str("%23"),
            other => address.push(other),
        }
    }
    address.push_str("?immutable=1");
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_file_that_nobody_changes_keeps_its_name() {
        let address = immutable("/tmp/a?b#c%d/取引先.db");
        assert_eq!(address, "file:/tmp/a%3fb%23c%25d/取引先.db?immutable=1");
    }
}
