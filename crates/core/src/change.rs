//! The changes that rules decide. A change lists explicit rows, never a predicate, so code that
//! applies it needs no interpretation.

use crate::fact::Held;
use crate::id::{AccountId, ContactId, Pair, TicketNo};
use crate::record::{Account, Association, Contact, Settings, Ticket};

/// A row before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row<K, R> {
    /// The row was created.
    Created(K, R),
    /// The row was updated.
    Updated {
        /// The row's key.
        key: K,
        /// The row before the change.
        before: R,
        /// The row after the change.
        after: R,
    },
    /// The row was deleted; its last content.
    Deleted(K, R),
}

impl<K: Copy, R> Row<K, R> {
    /// Returns the row's key.
    pub fn key(&self) -> K {
        match self {
            Self::Created(key, _) | Self::Updated { key, .. } | Self::Deleted(key, _) => *key,
        }
    }

    /// Returns the row before the change, if it existed.
    pub fn before(&self) -> Option<&R> {
        match self {
            Self::Created(..) => None,
            Self::Updated { before, .. } | Self::Deleted(_, before) => Some(before),
        }
    }

    /// Returns the row after the change, if it exists.
    pub fn after(&self) -> Option<&R> {
        match self {
            Self::Created(_, after) | Self::Updated { after, .. } => Some(after),
            Self::Deleted(..) => None,
        }
    }
}

/// One change. All changes of a command form its change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An account.
    Account(Row<AccountId, Account>),
    /// A contact.
    Contact(Row<ContactId, Contact>),
    /// An association.
    Association(Row<Pair, Association>),
    /// A ticket.
    Ticket(Row<TicketNo, Ticket>),
    /// The settings.
    Settings {
        /// The settings before the change.
        before: Box<Settings>,
        /// The settings after the change.
        after: Box<Settings>,
    },
    /// Tickets that move from one account to another. No other field changes.
    TicketsMoved {
        /// The requester, and the account before the move.
        held: Held,
        /// The ticket numbers, each once.
        tickets: Vec<TicketNo>,
        /// The account after the move.
        after: Option<AccountId>,
    },
}
