//! SQLite: one connection, like the server's.

use anyhow::Result;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::rows::Rows;
use super::tables::{
    associations, change_set_bitmaps, change_set_parts, change_set_subjects, change_sets,
};

type Conn = SqliteConnection;

#[path = "bare.rs"]
mod bare;

/// The settings of the server, so that writes are as durable and the cache is as large.
const SETTINGS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA wal_autocheckpoint = 65536; PRAGMA cache_size = -65536; \
     PRAGMA journal_size_limit = 268435456;";

pub(super) fn connect(path: &str) -> Result<Conn> {
    let mut conn = Conn::establish(path)?;
    conn.batch_execute(SETTINGS)?;
    Ok(conn)
}

/// The transaction locks the database when it begins. SQLite refuses a write of a transaction that
/// began with a read while another connection wrote.
fn write<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    conn.immediate_transaction(work)
}

/// Inserts each row with a prepared statement: SQLite has no faster way.
fn insert(conn: &mut Conn, rows: &Rows) -> Result<()> {
    for row in &rows.associations {
        diesel::insert_into(associations::table)
            .values(row)
            .execute(conn)?;
    }
    for row in &rows.change_sets {
        diesel::insert_into(change_sets::table)
            .values(row)
            .execute(conn)?;
    }
    for row in &rows.subjects {
        diesel::insert_into(change_set_subjects::table)
            .values(row)
            .execute(conn)?;
    }
    for row in &rows.bitmaps {
        diesel::insert_into(change_set_bitmaps::table)
            .values(row)
            .execute(conn)?;
    }
    for row in &rows.parts {
        diesel::insert_into(change_set_parts::table)
            .values(row)
            .execute(conn)?;
    }
    Ok(())
}

fn load(conn: &mut Conn, rows: Rows) -> Result<()> {
    insert(conn, &rows)
}
