//! Finds a few records of each name, however many share it.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use roster_core::fact::Namesakes;

use super::keys::named_columns;
use super::session::Session;
use super::unpack;
use crate::error::Result;
use crate::tables::cell::{Cell, Rows};
use crate::tables::column::{column, number};
use crate::tables::listed::Listed;
use crate::tables::organization::Org;
use crate::tables::rows::NAMES_SOUGHT;

#[derive(QueryableByName)]
struct NamesakeRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The condition for equal names. It repeats the columns of the index over names exactly, so that the
/// index is used.
fn in_common(listed: Listed) -> &'static str {
    match listed {
        Listed::Accounts => {
            "name_key = wanted.name_key AND (external_id IS NOT NULL) = wanted.known"
        }
        Listed::Contacts => {
            "name_key = wanted.name_key AND (external_id IS NOT NULL) = wanted.known \
             AND (emails <> '[]') = wanted.addressed"
        }
    }
}

impl Session {
    /// Returns the records of these names, the lowest `limit` of each.
    pub(crate) fn namesakes(
        &mut self,
        org: Org,
        listed: Listed,
        of: &[Namesakes],
        limit: usize,
    ) -> Result<Vec<(Namesakes, u64)>> {
        let sql = format!(
            "SELECT wanted.place AS place, found.{id} AS id FROM (SELECT {} {} {}) AS wanted {}",
            named_columns(&NAMES_SOUGHT),
            unpack::FROM,
            unpack::ONCE,
            unpack::lowest(listed.table(), listed.id(), in_common(listed)),
            id = listed.id(),
        );
        let mut wanted = Rows::of_width(NAMES_SOUGHT.len());
        for (place, of) in of.iter().enumerate() {
            wanted.push_row([
                Cell::Int(Some(column(place as u64))),
                Cell::text(&of.key),
                Cell::Bool(of.with_external_id),
                Cell::Bool(of.with_email),
            ]);
        }
        let rows: Vec<NamesakeRow> = sql_query(sql)
            .bind::<BigInt, _>(org)
            .bind::<Text, _>(wanted.json())
            .bind::<BigInt, _>(column(limit as u64))
            .load(&mut self.conn)?;
        let named = |row: NamesakeRow| {
            let of = of.get(usize::try_from(row.place).ok()?)?;
            Some((of.clone(), number(row.id)))
        };
        Ok(rows.into_iter().filter_map(named).collect())
    }
}
