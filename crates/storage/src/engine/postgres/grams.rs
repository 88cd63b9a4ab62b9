//! Grams in arrays under a GIN index: each entry is a number, with the organization above the gram.

use super::{Conn, write_rows};
use crate::error::Result;
use crate::tables::cell::{Cell, Rows};
use crate::tables::column::column;
use crate::tables::listed::{Listed, Nominated};
use crate::tables::organization::Org;

/// Bits of an entry that hold the gram; the lowest 22 bits of the organization are above them. If
/// two organizations share those bits, records of one may be nominated for the other; the condition
/// on the organization's number excludes them.
const GRAM_BITS: u32 = 42;

fn entry(org: Org, gram: u64) -> String {
    ((org << GRAM_BITS) | gram.cast_signed()).to_string()
}

fn entries(org: Org, grams: &[u64]) -> String {
    let entries: Vec<String> = grams.iter().map(|gram| entry(org, *gram)).collect();
    format!("{{{}}}", entries.join(","))
}

/// Up to this many grams are all searched for. Among more, some are likely to be common.
const SOUGHT_MAX: usize = 6;

/// The statement that nominates by this many grams. Parameters: organization, entries, limit. The
/// common table expression is planned without the limit, which would tempt the planner away from
/// the index.
///
/// Grams that most records have, such as the domain's in a whole address, are not searched for
/// unless all grams are that common: reading their lists takes longer than they save. The
/// statistics of PostgreSQL tell which grams are common. Without statistics, all are searched for.
pub(super) fn nominated(listed: Listed, grams: usize) -> String {
    let (table, id) = (listed.grams(), listed.id());
    let wanted = "$2::text::bigint[]";
    let sought = if grams <= SOUGHT_MAX {
        wanted.to_owned()
    } else {
        format!(
            "(SELECT coalesce(array_agg(entry), {wanted}) FROM unnest({wanted}) AS wanted (entry) \
             WHERE entry NOT IN (SELECT entry FROM \
             (SELECT unnest(most_common_elems::text::bigint[]) AS entry, \
             unnest(most_common_elem_freqs) AS share FROM pg_stats \
             WHERE schemaname = current_schema() AND tablename = '{table}' AND attname = 'grams') \
             AS known WHERE share > 0.5 AND entry IS NOT NULL))"
        )
    };
    format!(
        "WITH found AS MATERIALIZED (SELECT {id} AS id FROM {table} \
         WHERE org = $1 AND grams @> {sought}) SELECT id FROM found LIMIT $3"
    )
}

/// The entries: records with all of these grams.
pub(super) fn wanted(org: Org, grams: &[u64]) -> String {
    entries(org, grams)
}

/// Removes records.
pub(super) fn delete(conn: &mut Conn, org: Org, listed: Listed, ids: &[u64]) -> Result<()> {
    let ids = Rows::of_numbers(ids.iter().map(|id| column(*id)));
    let sql = format!(
        "DELETE FROM {} WHERE org = $1 AND {} IN \
         (SELECT (row ->> 0)::bigint FROM json_array_elements($2::json) AS row)",
        listed.grams(),
        listed.id()
    );
    write_rows::run(conn, &sql, org, &ids)
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
        rows.push_row([
            Cell::Int(Some(column(record.id))),
            Cell::Text(Some(entries(org, &record.grams).into())),
        ]);
    }
    let (table, id) = (listed.grams(), listed.id());
    let sql = format!(
        "INSERT INTO {table} (org, {id}, grams) SELECT $1, (row ->> 0)::bigint, \
         (row ->> 1)::bigint[] FROM json_array_elements($2::json) AS row \
         ON CONFLICT (org, {id}) DO UPDATE SET grams = excluded.grams"
    );
    write_rows::run(conn, &sql, org, &rows)
}
