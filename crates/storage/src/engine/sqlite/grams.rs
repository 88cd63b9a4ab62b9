//! Grams in FTS5: each a word, begun by the organization; the row id holds organization and number.

use super::Conn;
use super::write_rows::Template;
use crate::error::Result;
use crate::tables::cell::{Cell, Rows};
use crate::tables::column::column;
use crate::tables::listed::{Listed, Nominated};
use crate::tables::organization::Org;

/// Bits of a row id that are the record's number; the organization's stands above them.
const NUMBER_BITS: u32 = 40;

fn word(org: Org, gram: u64) -> String {
    // No hexadecimal digit, so that no two organizations' words are one.
    format!("{org:x}z{gram:x}")
}

/// The statement that nominates by any number of grams: organization, what is wanted, how many.
pub(super) fn nominated(listed: Listed, _grams: usize) -> String {
    let table = listed.grams();
    format!(
        "SELECT rowid - ($1 << {NUMBER_BITS}) AS id FROM {table} WHERE {table} MATCH $2 LIMIT $3"
    )
}

/// What is wanted: records with all of these grams.
pub(super) fn wanted(org: Org, grams: &[u64]) -> String {
    let words: Vec<String> = grams.iter().map(|gram| word(org, *gram)).collect();
    words.join(" AND ")
}

/// The row of a record: its organization above its number, the row's first cell.
fn row(template: Template) -> Template {
    let above = format!(" << {NUMBER_BITS}) + ");
    template.words("(").org().words(&above).cell(0)
}

/// Takes records out.
pub(super) fn delete(conn: &mut Conn, org: Org, listed: Listed, ids: &[u64]) -> Result<()> {
    let ids = Rows::of_numbers(ids.iter().map(|id| column(*id)));
    let start = format!("DELETE FROM {} WHERE rowid = ", listed.grams());
    row(Template::default().words(&start)).run(conn, org, &ids)
}

/// Writes records, also over those that are there.
pub(super) fn write(
    conn: &mut Conn,
    org: Org,
    listed: Listed,
    records: &[Nominated],
) -> Result<()> {
    let mut rows = Rows::of_width(2);
    for record in records {
        let words: Vec<String> = record.grams.iter().map(|gram| word(org, *gram)).collect();
        rows.push_row([
            Cell::Int(Some(column(record.id))),
            Cell::Text(Some(words.join(" ").into())),
        ]);
    }
    let start = format!(
        "INSERT OR REPLACE INTO {} (rowid, grams) VALUES (",
        listed.grams()
    );
    let template = row(Template::default().words(&start)).words(", ");
    template.cell(1).words(")").run(conn, org, &rows)
}
