//! The generation of a file: a number in its header that says whether acknowledged writes may be
//! only in the log beside it.
//!
//! An even generation means that the file is complete. Before its first write after a pause, a
//! server makes the generation odd and moves this change into the file itself; after a pause, it
//! moves all changes into the file and makes the generation even. So a file that was copied or
//! opened without its log is recognized: it has an odd generation and no log.
//!
//! SQLite stores the number as its `user_version`, which nothing else here uses.

use std::fs::File;
use std::os::unix::fs::FileExt;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer};

use super::Conn;
use crate::error::{Result, StorageError};

/// Where the header of a file has the number, and how long the header is.
const PLACE: usize = 60;
const HEADER_BYTES: usize = 100;
/// The first bytes of a file of SQLite.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// See the module. Zero: a new file, or one of a version without generations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Generation(pub(super) u32);

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = Integer)]
    user_version: i32,
}

#[derive(QueryableByName)]
struct CheckpointRow {
    #[diesel(sql_type = BigInt)]
    busy: i64,
    #[diesel(sql_type = BigInt)]
    log: i64,
    #[diesel(sql_type = BigInt)]
    checkpointed: i64,
}

/// How a checkpoint treats readers and writers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checkpoint {
    /// Waits for nobody and delays nobody.
    Passive,
    /// Empties the log. Delays writers.
    Truncate,
}

impl Generation {
    /// Draws the generation of a file that has none. It is random, so that two files that were
    /// exchanged differ.
    pub(super) fn draw() -> Result<Self> {
        let random = getrandom::u32().map_err(|error| StorageError::Defect(Box::new(error)))?;
        // Even, not zero, and with room for an increment a second for decades.
        Ok(Self((random >> 2 | 1 << 20) & !1))
    }

    /// Whether acknowledged writes may be only in the log.
    pub(super) fn is_in_use(self) -> bool {
        self.0 % 2 == 1
    }

    pub(super) fn next(self) -> Self {
        // SQLite has it as a signed number.
        Self((self.0 + 1) & 0x7fff_ffff)
    }

    /// Reads it from a file without SQLite. `None` if the file is empty, or not of SQLite.
    pub(super) fn of_file(file: &File) -> std::io::Result<Option<Self>> {
        let mut header = [0; HEADER_BYTES];
        match file.read_exact_at(&mut header, 0) {
            Ok(()) if !header.starts_with(MAGIC) => Ok(None),
            Ok(()) => {
                let mut bytes = [0; 4];
                bytes.copy_from_slice(&header[PLACE..PLACE + 4]);
                Ok(Some(Self(u32::from_be_bytes(bytes))))
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads it as the next transaction sees it, in the log or in the file.
    pub(super) fn read(conn: &mut Conn) -> Result<Self> {
        let row: VersionRow = sql_query("PRAGMA user_version").get_result(conn)?;
        Ok(Self(row.user_version.cast_unsigned()))
    }

    pub(super) fn write(self, conn: &mut Conn) -> Result<()> {
        Ok(conn.batch_execute(&format!("PRAGMA user_version = {}", self.0))?)
    }
}

impl Checkpoint {
    /// Moves changes from the log into the file. Returns whether the file is complete.
    pub(super) fn run(self, conn: &mut Conn) -> Result<bool> {
        let how = match self {
            Self::Passive => "PASSIVE",
            Self::Truncate => "TRUNCATE",
        };
        let row: CheckpointRow =
            sql_query(format!("PRAGMA wal_checkpoint({how})")).get_result(conn)?;
        Ok(row.busy == 0 && row.log == row.checkpointed)
    }
}
