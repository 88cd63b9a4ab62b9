//! Converts a change to its message and back.

use prost::Message;
use roster_core::change::{Change, Row};
use roster_core::fact::Held;
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};

use crate::tables::codec::Logged;
use crate::tables::column::{LogValue, column};
use crate::tables::message::{Entry, Kind};

pub(super) fn bytes<R: Logged>(record: &R) -> Vec<u8> {
    record.message().encode_to_vec()
}

pub(super) fn read<R: Logged>(bytes: &[u8]) -> Option<R> {
    R::Message::decode(bytes).ok().and_then(R::of_message)
}

/// Whether the personal data of an entry was erased: it describes no change any more.
pub(super) fn is_erased(entry: &Entry) -> bool {
    entry.kind() == Kind::Erased
}

/// Converts a change to its message.
pub(super) fn of_change(change: &Change) -> Entry {
    match change {
        Change::Account(row) => of_row(Kind::Account, row.key().number(), 0, row),
        Change::Contact(row) => of_row(Kind::Contact, row.key().number(), 0, row),
        Change::Association(row) => {
            let Pair { contact, account } = row.key();
            of_row(Kind::Association, contact.number(), account.number(), row)
        }
        Change::Ticket(row) => of_row(Kind::Ticket, row.key().number(), 0, row),
        Change::Settings { before, after } => Entry {
            kind: Kind::Settings.into(),
            before: Some(bytes(&**before)),
            after: Some(bytes(&**after)),
            ..Entry::default()
        },
        Change::TicketsMoved {
            held,
            tickets,
            after,
        } => {
            let mut last = 0;
            let distances = tickets.iter().map(|no| {
                let number = column(no.number());
                number - std::mem::replace(&mut last, number)
            });
            Entry {
                kind: Kind::TicketsMoved.into(),
                key: held.requester.log(),
                tickets: distances.collect(),
                from_account: held.account.log(),
                to_account: after.log(),
                ..Entry::default()
            }
        }
    }
}

fn of_row<K: Copy, R: Logged>(kind: Kind, key: u64, second_key: u64, row: &Row<K, R>) -> Entry {
    Entry {
        kind: kind.into(),
        key: column(key),
        second_key: column(second_key),
        before: row.before().map(bytes),
        after: row.after().map(bytes),
        ..Entry::default()
    }
}

/// Converts a message to its change; `None` if a field is missing or holds a value that no record
/// may have.
pub(super) fn into_change(entry: Entry) -> Option<Change> {
    let key = u64::from_log(entry.key)?;
    match entry.kind() {
        Kind::Unspecified | Kind::Erased => None,
        Kind::Account => Some(Change::Account(row(&entry, AccountId::new(key))?)),
        Kind::Contact => Some(Change::Contact(row(&entry, ContactId::new(key))?)),
        Kind::Association => {
            let pair = Pair {
                contact: ContactId::new(key),
                account: AccountId::from_log(entry.second_key)?,
            };
            Some(Change::Association(row(&entry, pair)?))
        }
        Kind::Ticket => Some(Change::Ticket(row(&entry, TicketNo::new(key))?)),
        Kind::Settings => Some(Change::Settings {
            before: Box::new(read(entry.before.as_deref()?)?),
            after: Box::new(read(entry.after.as_deref()?)?),
        }),
        Kind::TicketsMoved => {
            let mut last = 0_i64;
            let tickets = entry.tickets.iter().map(|distance| {
                last = last.checked_add(*distance)?;
                TicketNo::from_log(last)
            });
            Some(Change::TicketsMoved {
                tickets: tickets.collect::<Option<_>>()?,
                held: Held {
                    requester: ContactId::new(key),
                    account: LogValue::from_log(entry.from_account)?,
                },
                after: LogValue::from_log(entry.to_account)?,
            })
        }
    }
}

fn row<K, R: Logged>(entry: &Entry, key: K) -> Option<Row<K, R>> {
    match (&entry.before, &entry.after) {
        (None, None) => None,
        (None, Some(after)) => Some(Row::Created(key, read(after)?)),
        (Some(before), None) => Some(Row::Deleted(key, read(before)?)),
        (Some(before), Some(after)) => Some(Row::Updated {
            key,
            before: read(before)?,
            after: read(after)?,
        }),
    }
}
