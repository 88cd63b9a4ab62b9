//! PostgreSQL.

use anyhow::Result;
use diesel::prelude::*;

use super::rows::Rows;
use super::tables::{
    associations, change_set_bitmaps, change_set_parts, change_set_subjects, change_sets,
};

type Conn = PgConnection;

#[path = "bare.rs"]
mod bare;

fn write<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    conn.transaction(work)
}

/// Inserts the rows of a call, one statement per table.
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
    diesel::insert_into(change_set_subjects::table)
        .values(&rows.subjects)
        .execute(conn)?;
    for row in &rows.parts {
        diesel::insert_into(change_set_parts::table)
            .values(row)
            .execute(conn)?;
    }
    Ok(())
}

/// Copies the rows of an import: PostgreSQL has no faster way.
fn load(conn: &mut Conn, rows: Rows) -> Result<()> {
    diesel::copy_from(associations::table)
        .from_insertable(rows.associations)
        .execute(conn)?;
    diesel::copy_from(change_sets::table)
        .from_insertable(rows.change_sets)
        .execute(conn)?;
    diesel::copy_from(change_set_parts::table)
        .from_insertable(rows.parts)
        .execute(conn)?;
    diesel::copy_from(change_set_subjects::table)
        .from_insertable(rows.subjects)
        .execute(conn)?;
    diesel::copy_from(change_set_bitmaps::table)
        .from_insertable(rows.bitmaps)
        .execute(conn)?;
    Ok(())
}
