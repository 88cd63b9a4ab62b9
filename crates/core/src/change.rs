//! What rules decide: explicit rows, never a predicate, so that nobody who applies a change
//! has to ask what it meant.

use crate::fact::Held;
use crate::id::{AccountId, ContactId, Pair, TicketNo};
use crate::record::{Account, Association, Contact, Settings, Ticket};

/// One row before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row<K, R> {
    /// The row came into being.
    Created(K, R),
    /// The row was written anew.
    Updated {
        /// Which row.
        key: K,
        /// What it held.
        before: R,
        /// What it holds.
        after: R,
    },
    /// The row is gone; this is what it held.
    Deleted(K, R),
}

impl<K: Copy, R> Row<K, R> {
    /// Which row.
    pub fn key(&self) -> K {
        match self {
            Self::Created(key, _) | Self::Updated { key, .. } | Self::Deleted(key, _) => *key,
        }
    }

    /// What it held before, if it was there.
    pub fn before(&self) -> Option<&R> {
        match self {
            Self::Created(..) => None,
            Self::Updated { before, .. } | Self::Deleted(_, before) => Some(before),
        }
    }

    /// What it holds now, if it is there.
    pub fn after(&self) -> Option<&R> {
        match self {
            Self::Created(_, after) | Self::Updated { after, .. } => Some(after),
            Self::Deleted(..) => None,
        }
    }
}

/// One change; a command's changes together are its change set.
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
        /// What they were.
        before: Box<Settings>,
        /// What they are.
        after: Box<Settings>,
    },
    /// Tickets that move from one account to another, nothing else of them changing.
    TicketsMoved {
        /// Whose they are and where they stood.
        held: Held,
        /// Which, by number, each once.
        tickets: Vec<TicketNo>,
        /// Where they stand now.
        after: Option<AccountId>,
    },
}
