//! What a start finds less than a server had acknowledged.

use std::io::ErrorKind;
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::acknowledged::{Acknowledged, AcknowledgedWrite, beside, path_of};
use super::generation::Generation;
use super::look::immutable;
use super::{Conn, connect};
use crate::engine::file_lock::FileLock;
use crate::error::{Result, StorageError};
use crate::tables::schema::store;

/// How far the generation of a file may be ahead of its record: a server writes the record after
/// the file, and may have been killed in between, or during a pause that readers prolonged.
const AHEAD_MAX: u32 = 64;

#[derive(QueryableByName)]
struct NumberRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(conn: &mut Conn, sql: &str, org: i64, revision: i64) -> Result<Option<i64>> {
    let row = sql_query(sql)
        .bind::<BigInt, _>(org)
        .bind::<BigInt, _>(revision)
        .get_result::<NumberRow>(conn)
        .optional()?;
    Ok(row.map(|row| row.number))
}

/// The identity of the store, in hexadecimal.
pub(super) fn store_id(conn: &mut Conn) -> Result<String> {
    let id: Vec<u8> = store::table.select(store::store_id).first(conn)?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What a database has less than a record; `None` if nothing.
fn missing_of(conn: &mut Conn, record: &Acknowledged) -> Result<Option<String>> {
    if store_id(conn)? != record.store {
        return Ok(Some("the file is another database than before".to_owned()));
    }
    if record.administration > 0 {
        let version: i64 = store::table
            .select(store::credentials_version)
            .first(conn)?;
        if version < record.administration {
            return Ok(Some(format!(
                "the database ends at change {version} of credentials and organizations, but a \
                 server had acknowledged change {}",
                record.administration
            )));
        }
    }
    let Some(write) = &record.write else {
        return Ok(None);
    };
    let revision = write.revision.cast_signed();
    let nonce = "SELECT nonce AS number FROM change_sets WHERE org = ? AND revision = ?";
    if let Some(nonce) = number(conn, nonce, write.org, revision)? {
        let is_same = nonce == write.nonce;
        return Ok((!is_same).then(|| {
            let AcknowledgedWrite { organization, .. } = write;
            format!("revision {revision} of organization {organization} is another write")
        }));
    }
    // The beginning of a log may be removed, and so may an organization.
    let head = "SELECT revision AS number FROM organizations WHERE org = ? AND revision < ?";
    let behind = number(conn, head, write.org, revision)?;
    let known =
        sql_query("SELECT count(*) AS number FROM sqlite_sequence WHERE name = ? AND seq >= ?")
            .bind::<Text, _>("organizations")
            .bind::<BigInt, _>(write.org)
            .get_result::<NumberRow>(conn)?;
    Ok(match behind {
        Some(head) => Some(ends_at(head, write)),
        None if known.number == 0 => Some(ends_at(0, write)),
        None => None,
    })
}

fn ends_at(head: i64, write: &AcknowledgedWrite) -> String {
    let AcknowledgedWrite {
        organization,
        revision,
        ..
    } = write;
    format!(
        "the database ends at revision {head} of organization {organization}, but a server had \
         acknowledged revision {revision}"
    )
}

/// Fails unless the files contain everything that their last server acknowledged. Run it before
/// SQLite opens the file, because SQLite would apply a log of another file.
///
/// A `lock` is absent if the file does not exist.
pub(super) fn check(path: &Path, lock: Option<&FileLock>) -> Result<()> {
    let unreadable = |error: std::io::Error| StorageError::Unreadable(error.into());
    let record = Acknowledged::read(path).map_err(unreadable)?;
    let header = match lock {
        Some(lock) => Generation::of_file(lock.file()).map_err(unreadable)?,
        None => None,
    };
    let Some(header) = header else {
        return match record {
            Some(_) => Err(StorageError::Lost(format!(
                "the file {} is missing, empty or not a database",
                path.display()
            ))),
            None => Ok(()),
        };
    };
    if record
        .as_ref()
        .is_some_and(|record| is_foreign(header, record))
    {
        return Err(StorageError::Lost(format!(
            "{} is an older copy, or another file, than its last server had",
            path.display()
        )));
    }
    if header.is_in_use() && !has_log(path) {
        return without_log(path, record.as_ref());
    }
    let Some(record) = record else { return Ok(()) };
    let mut conn = connect(&path.to_string_lossy())?;
    match missing_of(&mut conn, &record)? {
        Some(missing) => Err(StorageError::Lost(missing)),
        None => Ok(()),
    }
}

/// Whether a file is not the one of a record: its log, if there is one, belongs to another file.
fn is_foreign(header: Generation, record: &Acknowledged) -> bool {
    let ahead = header.0.wrapping_sub(record.generation.0) & 0x7fff_ffff;
    record.generation != Generation::default() && ahead > AHEAD_MAX
}

/// Fails unless a file that was in use is complete without its log, as after a tool has moved the
/// log into the file.
fn without_log(path: &Path, record: Option<&Acknowledged>) -> Result<()> {
    let log = beside(path, "-wal");
    let log = log.display();
    let Some(record) = record else {
        return Err(StorageError::Lost(format!(
            "the newest writes are in {log}, which is missing: the file was copied, linked or moved \
             without it"
        )));
    };
    let mut conn = connect(&immutable(&path.to_string_lossy()))?;
    match missing_of(&mut conn, record)? {
        Some(missing) => Err(StorageError::Lost(format!(
            "{missing}: {log} is missing or was replaced"
        ))),
        None => Ok(()),
    }
}

fn has_log(path: &Path) -> bool {
    // SQLite names the log after the file that a link leads to.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    std::fs::metadata(beside(&path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// Fails if a file that is to be restored needs a log that is missing.
pub(super) fn check_copy(path: &Path) -> Result<()> {
    let unreadable = |error: std::io::Error| StorageError::Unreadable(error.into());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let header = Generation::of_file(&file).map_err(unreadable)?;
    if header.is_some_and(Generation::is_in_use) && !has_log(path) {
        return Err(StorageError::Lost(format!(
            "{} was copied while a server wrote, without its log: it lacks the newest writes",
            path.display()
        )));
    }
    Ok(())
}

/// Fails unless a copy contains what a record says.
pub(super) fn check_holds(copy: &Path, record: &Acknowledged) -> Result<()> {
    let mut conn = connect(&copy.to_string_lossy())?;
    match missing_of(&mut conn, record)? {
        Some(missing) => Err(StorageError::Lost(missing)),
        None => Ok(()),
    }
}

/// Gives up what is missing: removes the record, and makes the file count as complete. Moves a log of
/// another file aside.
///
/// A `lock` is absent if the file does not exist.
pub(super) fn accept(path: &Path, lock: Option<&FileLock>) -> Result<()> {
    let failed = |error: std::io::Error| StorageError::Unreachable(error.into());
    let record = Acknowledged::read(path).map_err(failed)?;
    let header = match lock {
        Some(lock) => Generation::of_file(lock.file()).map_err(failed)?,
        None => None,
    };
    let header = header.unwrap_or_default();
    if record
        .as_ref()
        .is_some_and(|record| is_foreign(header, record))
        || lock.is_none()
    {
        move_log_aside(path).map_err(failed)?;
    }
    if header.is_in_use() {
        header
            .next()
            .write(&mut connect(&path.to_string_lossy())?)?;
    }
    match std::fs::remove_file(path_of(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Renames a log that SQLite must not apply.
fn move_log_aside(path: &Path) -> std::io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let moved = std::fs::rename(beside(&path, "-wal"), beside(&path, "-wal.given-up"));
    for done in [moved, std::fs::remove_file(beside(&path, "-shm"))] {
        match done {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
