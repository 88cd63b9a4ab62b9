//! Grams in arrays under a GIN index: each a number, the organization above the gram.

use serde_json::json;

use super::{Conn, written};
use crate::connection::{Org, Result};
use crate::listed::{Listed, Nominated};
use crate::rows::column;

/// Bits of an entry that are the gram; the organization's lowest 22 stand above them. Should two
/// organizations share those, one's records are nominated to the other and left out by its number.
const GRAM_BITS: u32 = 42;

fn entry(org: Org, gram: u64) -> String {
    ((org << GRAM_BITS) | gram.cast_signed()).to_string()
}

fn entries(org: Org, grams: &[u64]) -> String {
    let entries: Vec<String> = grams.iter().map(|gram| entry(org, *gram)).collect();
    format!("{{{}}}", entries.join(","))
}

/// The statement that nominates: organization, what is wanted, how many. The common table
/// expression is planned as if all were wanted: a limit would lure the planner from the index.
pub(super) fn nominated(listed: Listed) -> String {
    let (table, id) = (listed.grams(), listed.id());
    format!(
        "WITH found AS MATERIALIZED (SELECT {id} AS id FROM {table} \
         WHERE org = $1 AND grams @> $2::text::bigint[]) SELECT id FROM found LIMIT $3"
    )
}

/// What is wanted: records with all of these grams.
pub(super) fn wanted(org: Org, grams: &[u64]) -> String {
    entries(org, grams)
}

/// Takes records out.
pub(super) fn delete(conn: &mut Conn, org: Org, listed: Listed, ids: &[u64]) -> Result<()> {
    let ids: Vec<_> = ids.iter().map(|id| json!([column(*id)])).collect();
    let sql = format!(
        "DELETE FROM {} WHERE org = $1 AND {} IN \
         (SELECT (row ->> 0)::bigint FROM json_array_elements($2::json) AS row)",
        listed.grams(),
        listed.id()
    );
    written::run(conn, &sql, org, &ids)
}

/// Writes records, also over those that are there.
pub(super) fn write(
    conn: &mut Conn,
    org: Org,
    listed: Listed,
    records: &[Nominated],
) -> Result<()> {
    let one = |record: &Nominated| json!([column(record.id), entries(org, &record.grams)]);
    let rows: Vec<_> = records.iter().map(one).collect();
    let (table, id) = (listed.grams(), listed.id());
    let sql = format!(
        "INSERT INTO {table} (org, {id}, grams) SELECT $1, (row ->> 0)::bigint, \
         (row ->> 1)::bigint[] FROM json_array_elements($2::json) AS row \
         ON CONFLICT (org, {id}) DO UPDATE SET grams = excluded.grams"
    );
    written::run(conn, &sql, org, &rows)
}
