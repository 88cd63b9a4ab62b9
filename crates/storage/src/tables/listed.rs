//! The two tables that a picker lists, and the grams that nominate their records.

use std::collections::BTreeSet;

use roster_core::names::{Derived, Gram};

use crate::tables::cell::{Cell, Rows};
use crate::tables::column::column;
use crate::tables::rows::GRAM_STRETCHES;

/// The records that a picker lists.
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

/// How many bytes of a sort key make a stretch: heading, script, and three kana or letters, or two
/// kanji. Among a million contacts, hardly any stretch has more than a few thousand.
const STRETCH_BYTES: usize = 5;

/// Returns the stretch of the name order that a sort key belongs to: the key's first bytes.
pub(crate) fn stretch(sort_key: &[u8]) -> &[u8] {
    &sort_key[..sort_key.len().min(STRETCH_BYTES)]
}

/// A record, the numbers of its grams, and its stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nominated {
    pub(crate) id: u64,
    pub(crate) grams: Vec<u64>,
    /// The grams that indicate its stretch.
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

    /// The rows of `gram_stretches` for these records, without duplicates.
    pub(crate) fn stretches(listed: Listed, records: &[Self]) -> Rows<'_> {
        let mut distinct: BTreeSet<(u64, &[u8])> = BTreeSet::new();
        for record in records {
            let of = |gram: &u64| (*gram, record.stretch.as_slice());
            distinct.extend(record.telling.iter().map(of));
        }
        let mut rows = GRAM_STRETCHES.rows();
        for (gram, stretch) in distinct {
            rows.push_row([
                Cell::Int(Some(listed.kind())),
                Cell::Int(Some(column(gram))),
                Cell::bytes(stretch),
            ]);
        }
        rows
    }
}

/// Numbers as one JSON parameter.
pub(crate) fn json_numbers(ids: &[u64]) -> String {
    Rows::of_numbers(ids.iter().map(|id| column(*id))).json_numbers()
}
