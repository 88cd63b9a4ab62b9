//! Answers in a form that all commands share, without the moment at which they were given.

use roster_core::id::{AccountId, ContactId, Pair};
use roster_core::record::{Account, Association, Contact, Settings, Stored};
use roster_core::refusal::Refusal;
use roster_core::rules::association::{AssociateAnswer, Associated};
use roster_core::rules::deletion::{DeletedAccount, DeletedContact};
use roster_core::rules::disposition::Transferred;
use roster_core::rules::ticket::Recorded;
use roster_core::text::TicketKey;

pub trait Tell {
    fn tell(&self) -> String;
}

/// An association as it is told.
pub fn association(of: &Stored<Association>) -> String {
    let record = &of.record;
    format!(
        "[primary {}, sees {}, role {}, etag {}]",
        record.primary,
        record.sees_account_tickets,
        record.role,
        of.revision.number()
    )
}

impl Tell for (AccountId, Stored<Account>) {
    fn tell(&self) -> String {
        format!("{} etag {}", self.0, self.1.revision.number())
    }
}

impl Tell for (ContactId, Stored<Contact>) {
    fn tell(&self) -> String {
        format!("{} etag {}", self.0, self.1.revision.number())
    }
}

impl Tell for AssociateAnswer {
    fn tell(&self) -> String {
        let one = |(contact, result): &(ContactId, Associated)| match result {
            Associated::Created(of) => format!("{contact} created {}", association(of)),
            Associated::Already(of) => format!("{contact} already {}", association(of)),
            Associated::Duplicate => format!("{contact} duplicate"),
            Associated::Failed(refusal) => format!("{contact} failed {refusal:?}"),
        };
        let results: Vec<String> = self.results.iter().map(one).collect();
        format!("{results:?} adopted {}", self.tickets_adopted)
    }
}

impl Tell for (Pair, Stored<Association>) {
    fn tell(&self) -> String {
        association(&self.1)
    }
}

impl Tell for u64 {
    fn tell(&self) -> String {
        format!("{self} tickets")
    }
}

impl Tell for Transferred {
    fn tell(&self) -> String {
        format!(
            "{} {} tickets",
            association(&self.association),
            self.tickets_changed
        )
    }
}

impl Tell for Vec<Result<Recorded, Refusal>> {
    fn tell(&self) -> String {
        let one = |result: &Result<Recorded, Refusal>| match result {
            Ok(of) => format!(
                "filled {}, existed {}, changed {}",
                of.account_filled_in, of.existed, of.changed
            ),
            Err(refusal) => format!("failed {refusal:?}"),
        };
        format!("{:?}", self.iter().map(one).collect::<Vec<_>>())
    }
}

impl Tell for Vec<(TicketKey, Result<(), Refusal>)> {
    fn tell(&self) -> String {
        let gone = |(_, result): &(TicketKey, Result<(), Refusal>)| result.clone();
        format!("{:?}", self.iter().map(gone).collect::<Vec<_>>())
    }
}

impl Tell for DeletedAccount {
    fn tell(&self) -> String {
        format!(
            "{} contacts, {} tickets",
            self.contacts_dissociated, self.tickets_changed
        )
    }
}

impl Tell for DeletedContact {
    fn tell(&self) -> String {
        format!(
            "{} accounts, {} deleted, {} reassigned",
            self.accounts_dissociated, self.tickets_deleted, self.tickets_reassigned
        )
    }
}

impl Tell for Stored<Settings> {
    fn tell(&self) -> String {
        format!("etag {}", self.revision.number())
    }
}
