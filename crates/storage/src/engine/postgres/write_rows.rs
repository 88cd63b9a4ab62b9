//! How rows are written: all in one statement, since each is a way to the server and back. They travel
//! as one JSON parameter, so that the statement's text does not depend on their number.

use diesel::prelude::*;
use diesel::sql_types::Untyped;

use super::shared::keys::{given, named_columns};
use super::{Conn, unpack};
use crate::engine::statement::Statement;
use crate::error::Result;
use crate::tables::cell::{Rows, Table, names};
use crate::tables::organization::Org;

/// Runs a statement of an organization and its rows.
pub(super) fn run(conn: &mut Conn, sql: &str, org: Org, rows: &Rows<'_>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    Statement::<Untyped>::numbered(sql, given(org, rows)).execute(conn)?;
    Ok(())
}

fn inserted(table: &Table) -> String {
    format!(
        "INSERT INTO {} (org, {}) SELECT {}, {} {}",
        table.name,
        names(table.columns).join(", "),
        unpack::ORG,
        unpack::columns(table.columns),
        unpack::FROM,
    )
}

/// Inserts rows.
pub(super) fn insert(conn: &mut Conn, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()> {
    run(conn, &inserted(table), org, rows)
}

/// Inserts rows; for a row whose key exists, runs the `or` clause instead.
pub(super) fn insert_or(
    conn: &mut Conn,
    org: Org,
    table: &Table,
    or: &str,
    rows: &Rows<'_>,
) -> Result<()> {
    let keys = names(&table.columns[..table.keys]).join(", ");
    let sql = format!("{} ON CONFLICT (org, {keys}) DO {or}", inserted(table));
    run(conn, &sql, org, rows)
}

/// Updates the rows with these keys.
pub(super) fn update(conn: &mut Conn, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()> {
    let set = names(&table.columns[table.keys..])
        .iter()
        .map(|name| format!("{name} = given.{name}"))
        .collect::<Vec<_>>();
    let same = std::iter::once("org")
        .chain(names(&table.columns[..table.keys]))
        .map(|name| format!("{}.{name} = given.{name}", table.name))
        .collect::<Vec<_>>();
    let sql = format!(
        "UPDATE {} SET {} FROM (SELECT {} AS org, {} {}) AS given WHERE {}",
        table.name,
        set.join(", "),
        unpack::ORG,
        named_columns(table.columns),
        unpack::FROM,
        same.join(" AND "),
    );
    run(conn, &sql, org, rows)
}

/// Deletes the rows of these keys.
pub(super) fn delete(conn: &mut Conn, org: Org, table: &Table, keys: &Rows<'_>) -> Result<()> {
    let sql = format!(
        "DELETE FROM {} WHERE org = {} AND ({}) IN (SELECT {} {})",
        table.name,
        unpack::ORG,
        names(&table.columns[..table.keys]).join(", "),
        unpack::columns(&table.columns[..table.keys]),
        unpack::FROM,
    );
    run(conn, &sql, org, keys)
}
