//! How rows are written: one after another, by a statement that stays prepared. Nothing travels
//! here, so this is the quickest way; and a statement of one row needs no journal of its own for
//! the case that it fails half-way.

use diesel::prelude::*;
use diesel::sql_types::Untyped;
use serde_json::Value;

use super::Conn;
use crate::engine::statement::{Given, Statement};
use crate::error::{Result, StorageError};
use crate::tables::encode::{Kind, Table, names};
use crate::tables::organization::Org;

/// What stands in a parameter's place.
#[derive(Clone, Copy)]
enum Slot {
    Org,
    /// The place of a row's cell, which is given as its column's kind says and not as what it holds
    /// would: the statement is the same for every row.
    Cell(usize, Kind),
}

/// A statement without the row that it is for: words, and the slots between them.
#[derive(Default)]
pub(super) struct Template {
    /// Each with the slot behind it.
    pieces: Vec<(String, Slot)>,
    /// Words that no slot is behind of yet.
    words: String,
}

impl Template {
    pub(super) fn words(mut self, words: &str) -> Self {
        self.words.push_str(words);
        self
    }

    pub(super) fn org(self) -> Self {
        self.slot(Slot::Org)
    }

    pub(super) fn cell(self, place: usize, kind: Kind) -> Self {
        match kind {
            Kind::Bytes => self
                .words("unhex(")
                .slot(Slot::Cell(place, kind))
                .words(")"),
            Kind::Int | Kind::Text | Kind::Bool => self.slot(Slot::Cell(place, kind)),
        }
    }

    fn slot(mut self, slot: Slot) -> Self {
        self.pieces.push((std::mem::take(&mut self.words), slot));
        self
    }

    /// Each column as `name = ` its cell, with these words between them.
    fn same(mut self, table: &Table, places: std::ops::Range<usize>, between: &str) -> Self {
        for place in places.clone() {
            let (name, kind) = table.columns[place];
            let before = if place == places.start { "" } else { between };
            self = self.words(&format!("{before}{name} = ")).cell(place, kind);
        }
        self
    }

    fn insert(table: &Table) -> Self {
        let all = names(table, 0..table.columns.len()).join(", ");
        let start = format!("INSERT INTO {} (org, {all}) VALUES (", table.name);
        let mut template = Self::default().words(&start).org();
        for (place, (_, kind)) in table.columns.iter().enumerate() {
            template = template.words(", ").cell(place, *kind);
        }
        template.words(")")
    }

    /// Runs it for each of the rows.
    pub(super) fn run(&self, conn: &mut Conn, org: Org, rows: &[Value]) -> Result<()> {
        for row in rows {
            let mut statement = Statement::<Untyped>::default();
            for (words, slot) in &self.pieces {
                statement.words(words.as_str()).given(match slot {
                    Slot::Org => Given::Number(Some(org)),
                    Slot::Cell(place, kind) => given(row.get(*place), *kind)?,
                });
            }
            statement.words(self.words.as_str());
            statement.execute(conn)?;
        }
        Ok(())
    }
}

/// A cell as its column's kind has it. A value of another kind is a defect of ours, and must not
/// become a NULL.
fn given(cell: Option<&Value>, kind: Kind) -> Result<Given<'_>> {
    let Some(cell) = cell.filter(|cell| !cell.is_null()) else {
        return Ok(match kind {
            Kind::Int | Kind::Bool => Given::Number(None),
            Kind::Text | Kind::Bytes => Given::Text(None),
        });
    };
    let given = match kind {
        Kind::Int => cell.as_i64().map(|number| Given::Number(Some(number))),
        Kind::Bool => cell.as_bool().map(|is| Given::Number(Some(is.into()))),
        Kind::Text | Kind::Bytes => cell.as_str().map(|text| Given::Text(Some(text.into()))),
    };
    given.ok_or_else(|| StorageError::Defect(format!("a cell is no {kind:?}").into()))
}

/// Inserts rows.
pub(super) fn insert(conn: &mut Conn, org: Org, table: &Table, rows: &[Value]) -> Result<()> {
    Template::insert(table).run(conn, org, rows)
}

/// Inserts rows; where one with the key is there, does something else.
pub(super) fn insert_or(
    conn: &mut Conn,
    org: Org,
    table: &Table,
    or: &str,
    rows: &[Value],
) -> Result<()> {
    let keys = names(table, 0..table.keys).join(", ");
    let conflict = format!(" ON CONFLICT (org, {keys}) DO {or}");
    Template::insert(table)
        .words(&conflict)
        .run(conn, org, rows)
}

/// Writes rows over those that have their keys.
pub(super) fn update(conn: &mut Conn, org: Org, table: &Table, rows: &[Value]) -> Result<()> {
    Template::default()
        .words(&format!("UPDATE {} SET ", table.name))
        .same(table, table.keys..table.columns.len(), ", ")
        .words(" WHERE org = ")
        .org()
        .words(" AND ")
        .same(table, 0..table.keys, " AND ")
        .run(conn, org, rows)
}

/// Deletes the rows of these keys.
pub(super) fn delete(conn: &mut Conn, org: Org, table: &Table, keys: &[Value]) -> Result<()> {
    Template::default()
        .words(&format!("DELETE FROM {} WHERE org = ", table.name))
        .org()
        .words(" AND ")
        .same(table, 0..table.keys, " AND ")
        .run(conn, org, keys)
}
