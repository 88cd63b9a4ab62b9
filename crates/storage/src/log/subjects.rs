//! The records that a change set concerns, so that the history of a record is found without reading
//! the payloads of all other change sets.

use std::collections::BTreeSet;

use roaring::RoaringTreemap;
use roster_core::change::{Change, Row};
use roster_core::id::{AccountId, ContactId, Revision, TicketNo};
use roster_core::record::Ticket;

use crate::error::{Result, StorageError};
use crate::tables::cell::{Cell, Rows};
use crate::tables::column::column;

/// Up to this many records, a change set has one row per record; above, one bitmap per kind:
/// otherwise an import of 20,000 rows would write as many rows to the log as to its tables.
pub(crate) const SUBJECT_ROWS_MAX: usize = 1_000;

/// The kind of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Account,
    Contact,
    Ticket,
    /// The settings of the organization: number 0.
    Settings,
}

impl Kind {
    fn number(self) -> i64 {
        match self {
            Self::Account => 1,
            Self::Contact => 2,
            Self::Ticket => 3,
            Self::Settings => 4,
        }
    }
}

/// The records that changes concern: the written records and the records that they belong to. An
/// association concerns its contact and its account. A ticket also concerns its requester and its
/// account, before and after.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Subjects(BTreeSet<(Kind, u64)>);

impl Subjects {
    pub(crate) fn of(changes: &[Change]) -> Self {
        let mut subjects = Self::default();
        for change in changes {
            subjects.add(change);
        }
        subjects
    }

    fn add(&mut self, change: &Change) {
        match change {
            Change::Account(row) => self.account(row.key()),
            Change::Contact(row) => self.contact(row.key()),
            Change::Association(row) => {
                self.account(row.key().account);
                self.contact(row.key().contact);
            }
            Change::Ticket(row) => self.ticket_row(row),
            Change::Settings { .. } => {
                self.0.insert((Kind::Settings, 0));
            }
            Change::TicketsMoved {
                held,
                tickets,
                after,
            } => {
                self.contact(held.requester);
                for account in held.account.iter().chain(after) {
                    self.account(*account);
                }
                self.0
                    .extend(tickets.iter().map(|no| (Kind::Ticket, no.number())));
            }
        }
    }

    fn ticket_row(&mut self, row: &Row<TicketNo, Ticket>) {
        self.0.insert((Kind::Ticket, row.key().number()));
        for ticket in row.before().into_iter().chain(row.after()) {
            self.contact(ticket.requester);
            if let Some(account) = ticket.account {
                self.account(account);
            }
        }
    }

    fn account(&mut self, id: AccountId) {
        self.0.insert((Kind::Account, id.number()));
    }

    fn contact(&mut self, id: ContactId) {
        self.0.insert((Kind::Contact, id.number()));
    }

    /// Appends the rows of a change set to the rows of `CHANGE_SET_SUBJECTS` or
    /// `CHANGE_SET_BITMAPS`.
    pub(crate) fn push(
        &self,
        revision: Revision,
        rows: &mut Rows<'_>,
        bitmaps: &mut Rows<'_>,
    ) -> Result<()> {
        let revision = column(revision.number());
        if self.0.len() <= SUBJECT_ROWS_MAX {
            for (kind, number) in &self.0 {
                rows.push_row(
                    [kind.number(), column(*number), revision].map(|n| Cell::Int(Some(n))),
                );
            }
            return Ok(());
        }
        for kind in [Kind::Account, Kind::Contact, Kind::Ticket, Kind::Settings] {
            let numbers = self.0.range((kind, 0)..=(kind, u64::MAX));
            let bitmap: RoaringTreemap = numbers.map(|(_, number)| *number).collect();
            if bitmap.is_empty() {
                continue;
            }
            let mut bytes = Vec::with_capacity(bitmap.serialized_size());
            bitmap
                .serialize_into(&mut bytes)
                .map_err(|error| StorageError::Defect(error.into()))?;
            bitmaps.push_row([
                Cell::Int(Some(revision)),
                Cell::Int(Some(kind.number())),
                Cell::Bytes(bytes.into()),
            ]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roster_core::fact::Held;

    fn moved(tickets: u64) -> Vec<Change> {
        vec![Change::TicketsMoved {
            held: Held {
                requester: ContactId::new(5),
                account: Some(AccountId::new(1)),
            },
            tickets: (1..=tickets).map(TicketNo::new).collect(),
            after: Some(AccountId::new(2)),
        }]
    }

    /// Returns how many rows and bitmaps the subjects of this many moved tickets take.
    fn written(tickets: u64) -> (usize, usize) {
        let (mut rows, mut bitmaps) = (Rows::of_width(3), Rows::of_width(3));
        let subjects = Subjects::of(&moved(tickets));
        subjects
            .push(Revision::new(9), &mut rows, &mut bitmaps)
            .expect("subjects");
        (rows.iter().len(), bitmaps.iter().len())
    }

    #[test]
    fn a_thousand_subjects_have_a_row_each_and_more_have_a_bitmap_a_kind() {
        // The requester and both accounts are subjects too.
        assert_eq!(written(996), (999, 0));
        assert_eq!(written(997), (1_000, 0));
        assert_eq!(written(998), (0, 3));
    }

    #[test]
    fn a_bitmap_holds_the_numbers_of_its_kind() {
        let (mut rows, mut bitmaps) = (Rows::of_width(3), Rows::of_width(3));
        Subjects::of(&moved(2_000))
            .push(Revision::new(9), &mut rows, &mut bitmaps)
            .expect("subjects");
        let numbers = |cells: &[Cell<'_>]| match &cells[2] {
            Cell::Bytes(bytes) => RoaringTreemap::deserialize_from(&bytes[..])
                .expect("a bitmap")
                .len(),
            other => panic!("{other:?} is not a bitmap"),
        };
        let lengths: Vec<u64> = bitmaps.iter().map(numbers).collect();
        assert_eq!(lengths, [2, 1, 2_000], "accounts, contacts and tickets");
    }
}
