//! SQLite: one connection, as the server has it.

use diesel::connection::SimpleConnection;

use anyhow::Result;
use diesel::prelude::*;

use super::{NewSubject, Origin, associations, change_set_subjects, new_association};

type Conn = SqliteConnection;

#[path = "bare.rs"]
mod bare;

/// With the settings of the server: as durable, as large a cache.
const SETTINGS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA wal_autocheckpoint = 65536; PRAGMA cache_size = -65536; \
     PRAGMA journal_size_limit = 268435456;";

pub(super) fn connect(path: &str) -> Result<Conn> {
    let mut conn = Conn::establish(path)?;
    conn.batch_execute(SETTINGS)?;
    Ok(conn)
}

/// One that begins by reading would be refused when it writes.
fn write<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    conn.immediate_transaction(work)
}

/// A prepared insert a row: SQLite knows nothing faster.
fn insert_all(conn: &mut Conn, pairs: &[(u64, u64)]) -> QueryResult<()> {
    for pair in pairs {
        diesel::insert_into(associations::table)
            .values(new_association(*pair, 1, Origin::Import))
            .execute(conn)?;
    }
    Ok(())
}

fn insert_subjects(conn: &mut Conn, subjects: [NewSubject; 2]) -> QueryResult<()> {
    for subject in subjects {
        diesel::insert_into(change_set_subjects::table)
            .values(subject)
            .execute(conn)?;
    }
    Ok(())
}
