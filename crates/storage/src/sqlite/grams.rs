//! Grams in FTS5: each a word, begun by the organization; the row id holds organization and number.

use crate::connection::Org;
use crate::listed::{Listed, Nominated};
use crate::rows::column;

/// Bits of a row id that are the record's number; the organization's stands above them.
const NUMBER_BITS: u32 = 40;

fn word(org: Org, gram: u64) -> String {
    // No hexadecimal digit, so that no two organizations' words are one.
    format!("{org:x}z{gram:x}")
}

/// The statement that nominates: organization, what is wanted, how many.
pub(super) fn nominated(listed: Listed) -> String {
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

/// The statement that takes records out: organization, their numbers.
pub(super) fn delete(listed: Listed) -> String {
    format!(
        "DELETE FROM {} WHERE rowid IN \
         (SELECT (?1 << {NUMBER_BITS}) + json_extract(value, '$[0]') FROM json_each(?2))",
        listed.grams()
    )
}

/// The statement that writes records: organization, [`rows`].
pub(super) fn write(listed: Listed) -> String {
    format!(
        "INSERT OR REPLACE INTO {} (rowid, grams) SELECT (?1 << {NUMBER_BITS}) \
         + json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?2)",
        listed.grams()
    )
}

/// A record as [`write`] takes it.
pub(super) fn row(org: Org, record: &Nominated) -> serde_json::Value {
    let words: Vec<String> = record.grams.iter().map(|gram| word(org, *gram)).collect();
    serde_json::json!([column(record.id), words.join(" ")])
}
