//! The index rows of a picker's records: grams that nominate them, and counts by heading.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use roster_core::names::{Derived, Heading};

use crate::engine::interface::Connection;
use crate::error::Result;
use crate::tables::cell::Cell;
use crate::tables::listed::{Listed, Nominated, stretch};
use crate::tables::organization::Org;
use crate::tables::rows::HEADING_COUNTS;

/// The changes of a batch to the index of one list. Invariant: the rows written for a record are
/// the difference between its state before the batch and its state after.
pub(crate) struct NameIndex {
    listed: Listed,
    /// The derived columns of each written record before the batch.
    before: BTreeMap<u64, Option<Derived>>,
}

impl NameIndex {
    pub(crate) fn new(listed: Listed) -> Self {
        Self {
            listed,
            before: BTreeMap::new(),
        }
    }

    /// Notes a record before it is written; only the first call for a record counts.
    pub(crate) fn note(&mut self, id: u64, derived: impl FnOnce() -> Option<Derived>) {
        if let Entry::Vacant(first) = self.before.entry(id) {
            first.insert(derived());
        }
    }

    /// Writes grams and counts, given the derived columns of the records after the batch.
    pub(crate) fn write(
        &self,
        connection: &mut dyn Connection,
        org: Org,
        after: &BTreeMap<u64, Derived>,
    ) -> Result<()> {
        let mut counts: BTreeMap<Heading, i64> = BTreeMap::new();
        let mut gone = Vec::new();
        let mut written = Vec::new();
        for (id, before) in &self.before {
            let now = after.get(id);
            if let Some(before) = before {
                *counts.entry(before.heading).or_default() -= 1;
            }
            if let Some(now) = now {
                *counts.entry(now.heading).or_default() += 1;
            }
            let marks = |derived: &Derived| {
                (
                    stretch(&derived.sort_key).to_vec(),
                    derived.heading,
                    derived.search_text.clone(),
                )
            };
            match (before.as_ref().map(marks), now) {
                (before, Some(now)) if before != Some(marks(now)) => {
                    written.push(Nominated::by(*id, now));
                }
                (Some(_), None) => gone.push(*id),
                _ => {}
            }
        }
        let mut rows = HEADING_COUNTS.rows();
        for (heading, delta) in counts.into_iter().filter(|(_, delta)| *delta != 0) {
            rows.push_row(
                [self.listed.kind(), heading.code().into(), delta]
                    .map(|number| Cell::Int(Some(number))),
            );
        }
        connection.delete_grams(org, self.listed, &gone)?;
        connection.write_grams(org, self.listed, &written)?;
        connection.add(org, &HEADING_COUNTS, &rows)
    }
}
