//! Reads the change log for the follower.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use roster_core::id::Revision;
use roster_core::organization::RevisionId;

use super::mark;
use super::session::Session;
use crate::engine::interface::ReadLog;
use crate::error::Result;
use crate::tables::change_set::{LogPage, LoggedSet};
use crate::tables::column::{column, number};
use crate::tables::organization::Org;
use crate::tables::schema::{change_set_parts, change_sets, organizations};

fn revision_id(revision: i64, nonce: i64) -> RevisionId {
    RevisionId {
        revision: Revision::new(number(revision)),
        nonce,
    }
}

/// The revisions after the first and up to the second.
#[derive(Clone, Copy)]
struct Span {
    org: Org,
    after: i64,
    last: i64,
}

impl ReadLog for Session {
    fn mark(&mut self) -> Result<String> {
        mark(&mut self.conn)
    }

    fn heads(&mut self, names: &[&str]) -> Result<Vec<(String, RevisionId)>> {
        let rows: Vec<(String, i64, i64)> = organizations::table
            .filter(organizations::name.eq_any(names))
            .select((
                organizations::name,
                organizations::revision,
                organizations::nonce,
            ))
            .load(&mut self.conn)?;
        let head = |(name, revision, nonce)| (name, revision_id(revision, nonce));
        Ok(rows.into_iter().map(head).collect())
    }

    fn change_sets_after(
        &mut self,
        org: Org,
        after: Revision,
        page: LogPage,
    ) -> Result<Vec<LoggedSet>> {
        let after = column(after.number());
        let mut heads: Vec<(i64, i64, i64)> = change_sets::table
            .filter(change_sets::org.eq(org))
            .filter(change_sets::revision.gt(after))
            .order(change_sets::revision)
            .limit(column(page.sets_max as u64))
            .select((
                change_sets::revision,
                change_sets::nonce,
                change_sets::format,
            ))
            .load(&mut self.conn)?;
        let Some(last) = heads.last().map(|(revision, ..)| *revision) else {
            return Ok(Vec::new());
        };
        let mut span = Span { org, after, last };
        span.last = self.last_within(span, page.bytes_max)?;
        heads.retain(|(revision, ..)| *revision <= span.last);
        let mut parts = self.payloads(span)?;
        let set = |(revision, nonce, format)| LoggedSet {
            at: revision_id(revision, nonce),
            format,
            parts: parts.remove(&revision).unwrap_or_default(),
        };
        Ok(heads.into_iter().map(set).collect())
    }
}

impl Session {
    /// Returns the last revision of a span up to which the payloads together fit into `bytes_max`;
    /// at least the first revision of the span.
    fn last_within(&mut self, span: Span, bytes_max: usize) -> Result<i64> {
        let sizes: Vec<(i64, i64)> = change_set_parts::table
            .filter(change_set_parts::org.eq(span.org))
            .filter(change_set_parts::revision.gt(span.after))
            .filter(change_set_parts::revision.le(span.last))
            .order((change_set_parts::revision, change_set_parts::part))
            .select((
                change_set_parts::revision,
                // Both engines compute this without reading the payload.
                sql::<BigInt>("CAST(octet_length(payload) AS BIGINT)"),
            ))
            .load(&mut self.conn)?;
        let mut bytes = 0;
        let too_much = sizes.into_iter().find(|(_, size)| {
            bytes += number(*size);
            bytes > bytes_max as u64
        });
        let before = |(revision, _): (i64, i64)| (revision - 1).max(span.after + 1);
        Ok(too_much.map_or(span.last, before))
    }

    fn payloads(&mut self, span: Span) -> Result<HashMap<i64, Vec<Vec<u8>>>> {
        let found: Vec<(i64, Vec<u8>)> = change_set_parts::table
            .filter(change_set_parts::org.eq(span.org))
            .filter(change_set_parts::revision.gt(span.after))
            .filter(change_set_parts::revision.le(span.last))
            .order((change_set_parts::revision, change_set_parts::part))
            .select((change_set_parts::revision, change_set_parts::payload))
            .load(&mut self.conn)?;
        let mut parts: HashMap<i64, Vec<Vec<u8>>> = HashMap::new();
        for (revision, payload) in found {
            parts.entry(revision).or_default().push(payload);
        }
        Ok(parts)
    }
}
