//! The two tables that a picker lists, and what is kept beside them: grams that nominate, counts
//! by heading.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use roster_core::names::{Derived, Gram, Heading};
use serde_json::{Value, json};

use crate::engine::interface::{Connection, Org, Result};
use crate::tables::decode::column;
use crate::tables::encode::{HEADING_COUNTS, hex};

/// What a picker lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listed {
    Accounts,
    Contacts,
}

impl Listed {
    /// The table of the records.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Contacts => "contacts",
        }
    }

    /// The column of a record's number.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Accounts => "account",
            Self::Contacts => "contact",
        }
    }

    /// The table of the records' grams.
    pub(crate) fn grams(self) -> &'static str {
        match self {
            Self::Accounts => "account_grams",
            Self::Contacts => "contact_grams",
        }
    }

    /// The stored number of the kind.
    pub(crate) fn kind(self) -> i64 {
        match self {
            Self::Accounts => 1,
            Self::Contacts => 2,
        }
    }
}

/// How many bytes of a sort key make a stretch: heading, script and three kana or letters, or two
/// kanji. Of a million contacts hardly a stretch has more than some thousands.
const STRETCH_BYTES: usize = 5;

/// The stretch of the order of names in which a sort key stands: what its first bytes begin.
pub(crate) fn stretch(sort_key: &[u8]) -> &[u8] {
    &sort_key[..sort_key.len().min(STRETCH_BYTES)]
}

/// A record, the numbers of its grams, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nominated {
    pub(crate) id: u64,
    pub(crate) grams: Vec<u64>,
    /// Those of its grams that tell where it stands.
    telling: Vec<u64>,
    stretch: Vec<u8>,
}

impl Nominated {
    pub(crate) fn by(id: u64, derived: &Derived) -> Self {
        let grams = derived.grams();
        let telling = grams.iter().filter(|gram| gram.tells_where());
        Self {
            id,
            telling: telling.map(|gram| gram.code()).collect(),
            grams: grams.into_iter().map(Gram::code).collect(),
            stretch: stretch(&derived.sort_key).to_vec(),
        }
    }

    /// The rows that tell where these records stand, each once.
    pub(crate) fn stretches(listed: Listed, records: &[Self]) -> Vec<Value> {
        let mut distinct: BTreeSet<(u64, &[u8])> = BTreeSet::new();
        for record in records {
            let of = |gram: &u64| (*gram, record.stretch.as_slice());
            distinct.extend(record.telling.iter().map(of));
        }
        let row = |(gram, stretch)| json!([listed.kind(), column(gram), hex(stretch)]);
        distinct.into_iter().map(row).collect()
    }
}

/// What a batch does to one list beside its rows. Invariant: what is written of a record is the
/// difference between what was there before the batch and what it leaves.
pub(crate) struct Beside {
    listed: Listed,
    /// What was derived of each record that the batch wrote, before it.
    before: BTreeMap<u64, Option<Derived>>,
}

impl Beside {
    pub(crate) fn new(listed: Listed) -> Self {
        Self {
            listed,
            before: BTreeMap::new(),
        }
    }

    /// Notes a record before it is written; only the first time counts.
    pub(crate) fn note(&mut self, id: u64, derived: impl FnOnce() -> Option<Derived>) {
        if let Entry::Vacant(first) = self.before.entry(id) {
            first.insert(derived());
        }
    }

    /// Writes grams and counts, given what is derived of the records that the batch leaves.
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
        let rows: Vec<Value> = counts
            .into_iter()
            .filter(|(_, delta)| *delta != 0)
            .map(|(heading, delta)| json!([self.listed.kind(), heading.code(), delta]))
            .collect();
        connection.delete_grams(org, self.listed, &gone)?;
        connection.write_grams(org, self.listed, &written)?;
        connection.add(org, &HEADING_COUNTS, &rows)
    }
}

/// Numbers as one JSON parameter.
pub(crate) fn json_numbers(ids: &[u64]) -> String {
    Value::from(ids.iter().map(|id| column(*id)).collect::<Vec<_>>()).to_string()
}
