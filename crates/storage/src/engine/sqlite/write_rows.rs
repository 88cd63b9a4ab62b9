//! Writes rows one after another with a statement that stays prepared. Nothing travels over a
//! network, so this is the fastest way, and a single-row statement needs no statement journal in
//! case it fails half-way.

use std::borrow::Cow;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::Conn;
use crate::error::Result;
use crate::tables::cell::{Cell, Rows, Table, names};
use crate::tables::organization::Org;

/// A slot for a parameter.
#[derive(Clone, Copy)]
enum Slot {
    Org,
    /// A cell of the row, by its position.
    Cell(usize),
}

/// A statement without its row: SQL text, and the slots between.
#[derive(Default)]
pub(super) struct Template {
    /// Text, each with the slot that follows it.
    pieces: Vec<(String, Slot)>,
    /// Text that has no slot after it yet.
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

    pub(super) fn cell(self, place: usize) -> Self {
        self.slot(Slot::Cell(place))
    }

    fn slot(mut self, slot: Slot) -> Self {
        self.pieces.push((std::mem::take(&mut self.words), slot));
        self
    }

    /// Appends `name = ` and its cell for each column, separated by `between`.
    fn same(mut self, table: &Table, places: std::ops::Range<usize>, between: &str) -> Self {
        for place in places.clone() {
            let (name, _) = table.columns[place];
            let before = if place == places.start { "" } else { between };
            self = self.words(&format!("{before}{name} = ")).cell(place);
        }
        self
    }

    fn insert(table: &Table) -> Self {
        let all = names(table.columns).join(", ");
        let start = format!("INSERT INTO {} (org, {all}) VALUES (", table.name);
        let mut template = Self::default().words(&start).org();
        for place in 0..table.columns.len() {
            template = template.words(", ").cell(place);
        }
        template.words(")")
    }

    /// Runs the statement for each row.
    pub(super) fn run(&self, conn: &mut Conn, org: Org, rows: &Rows<'_>) -> Result<()> {
        for row in rows.iter() {
            let template = self;
            RowStatement { template, org, row }.execute(conn)?;
        }
        Ok(())
    }
}

/// The statement of a template with one row. It has no list of its own, because a batch has thousands
/// of rows.
struct RowStatement<'s> {
    template: &'s Template,
    org: Org,
    row: &'s [Cell<'s>],
}

impl QueryFragment<Sqlite> for RowStatement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        for (words, slot) in &self.template.pieces {
            out.push_sql(words);
            match slot {
                Slot::Org => out.push_bind_param::<BigInt, Org>(&self.org)?,
                Slot::Cell(place) => match &self.row[*place] {
                    Cell::Int(number) => {
                        out.push_bind_param::<Nullable<BigInt>, Option<i64>>(number)?;
                    }
                    Cell::Bool(is) => out.push_bind_param::<Bool, bool>(is)?,
                    Cell::Text(text) => {
                        out.push_bind_param::<Nullable<Text>, Option<Cow<'_, str>>>(text)?;
                    }
                    Cell::Bytes(bytes) => out.push_bind_param::<Binary, [u8]>(bytes)?,
                },
            }
        }
        out.push_sql(&self.template.words);
        Ok(())
    }
}

/// Identified by its text.
impl QueryId for RowStatement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<Conn> for RowStatement<'_> {}

/// Inserts rows.
pub(super) fn insert(conn: &mut Conn, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()> {
    Template::insert(table).run(conn, org, rows)
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
    let conflict = format!(" ON CONFLICT (org, {keys}) DO {or}");
    Template::insert(table)
        .words(&conflict)
        .run(conn, org, rows)
}

/// Updates the rows with these keys.
pub(super) fn update(conn: &mut Conn, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()> {
    Template::default()
        .words(&format!("UPDATE {} SET ", table.name))
        .same(table, table.keys..table.columns.len(), ", ")
        .words(" WHERE org = ")
        .org()
        .words(" AND ")
        .same(table, 0..table.keys, " AND ")
        .run(conn, org, rows)
}

/// Deletes the rows with these keys.
pub(super) fn delete(conn: &mut Conn, org: Org, table: &Table, keys: &Rows<'_>) -> Result<()> {
    Template::default()
        .words(&format!("DELETE FROM {} WHERE org = ", table.name))
        .org()
        .words(" AND ")
        .same(table, 0..table.keys, " AND ")
        .run(conn, org, keys)
}
