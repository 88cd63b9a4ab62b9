//! Grams in FTS5: each gram is a word that begins with the organization; the row id holds the
//! organization and the record's number.

use super::Conn;
use super::write_rows::Template;
use crate::error::Result;
use crate::tables::cell::{Cell, Rows};
use crate::tables::column::column;
use crate::tables::listed::{Listed, Nominated};
use crate::tables::organization::Org;

/// Bits of a row id that hold the record's number; the organization is above them.
pub(super) const NUMBER_BITS: u32 = 40;

fn word(org: Org, gram: u64) -> String {
    // `z` is no hexadecimal digit, so that words of different organizations always differ.
    format!("{org:x}z{gram:x}")
}

/// The statement that nominates by any number of grams. Parameters: organization, match expression,
/// limit.
pub(super) fn nominated(listed: Listed, _grams: usize) -> String {
    let table = listed.grams();
    format!(
        "SELECT rowid - ($1 << {NUMBER_BITS}) AS id FROM {table} WHERE {table} MATCH $2 LIMIT $3"
    )
}

/// The match expression: records with all of these grams.
pub(super) fn wanted(org: Org, grams: &[u64]) -> String {
    let words: Vec<String> = grams.iter().map(|gram| word(org, *gram)).collect();
    words.join(" AND ")
}

/// Makes the row id of a record: the organization above the number, which is the row's first cell.
fn row(template: Template) -> Template {
    let above = format!(" << {NUMBER_BITS}) + ");
    template.words("(").org().words(&above).cell(0)
}

/// Removes records.
pub(super) fn delete(conn: &mut Conn, org: Org, listed: Listed, ids: &[u64]) -> Result<()> {
    let ids = Rows::of_numbers(ids.iter().map(|id| column(*id)));
    let start = format!("DELETE FROM {} WHERE rowid = ", listed.grams());
    row(Template::default().words(&start)).run(conn, org, &ids)
}

/// Writes records, replacing existing ones.
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
