//! Answers as text, in one form for all commands, without times.

use roster_core::id::{AccountId, ContactId, Pair};
use roster_core::record::{Account, Association, Contact, Settings, Stored};
use roster_core::refusal::Refusal;
use roster_core::rules::association::{AssociateAnswer, Associated};
use roster_core::rules::deletion::{DeletedAccount, DeletedContact};
use roster_core::rules::disposition::Transferred;
use roster_core::rules::ticket::Recorded;
use roster_core::text::TicketKey;

pub trait AnswerText {
    fn answer_text(&self) -> String;
}

/// Formats an association.
pub(super) fn association(of: &Stored<Association>) -> String {
    let record = &of.record;
    format!(
        "[primary {}, sees {}, role {}, etag {}]",
        record.primary,
        record.sees_account_tickets,
        record.role,
        of.revision.number()
    )
}

impl AnswerText for (AccountId, Stored<Account>) {
    fn answer_text(&self) -> String {
        format!("{} etag {}", self.0, self.1.revision.number())
    }
}

impl AnswerText for (ContactId, Stored<Contact>) {
    fn answer_text(&self) -> String {
        format!("{} etag {}", self.0, self.1.revision.number())
    }
}

impl AnswerText for AssociateAnswer {
    fn answer_text(&self) -> String {
        let one = |(contact, result): &(ContactId, Associated)| match result {
            Associated::Created(of) => format!("{contact} created {}", association(of)),
            Associated::Already(of) => format!("{contact} already {}", association(of)),
            Associated::Duplicate(of) => format!("{contact} duplicate {}", association(of)),
            Associated::Failed(refusal) => format!("{contact} failed {refusal:?}"),
        };
        let results: Vec<String> = self.results.iter().map(one).collect();
        format!("{results:?} adopted {}", self.tickets_adopted)
    }
}

impl AnswerText for (Pair, Stored<Association>) {
    fn answer_text(&self) -> String {
        association(&self.1)
    }
}

impl AnswerText for () {
    fn answer_text(&self) -> String {
        "done".into()
    }
}

impl AnswerText for u64 {
    fn answer_text(&self) -> String {
        format!("{self} tickets")
    }
}

impl AnswerText for Transferred {
    fn answer_text(&self) -> String {
        format!(
            "{} {} tickets",
            association(&self.association),
            self.tickets_changed
        )
    }
}

impl AnswerText for Vec<Result<Recorded, Refusal>> {
    fn answer_text(&self) -> String {
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

impl AnswerText for Vec<(TicketKey, Result<(), Refusal>)> {
    fn answer_text(&self) -> String {
        let gone = |(_, result): &(TicketKey, Result<(), Refusal>)| result.clone();
        format!("{:?}", self.iter().map(gone).collect::<Vec<_>>())
    }
}

impl AnswerText for DeletedAccount {
    fn answer_text(&self) -> String {
        format!(
            "{} contacts, {} tickets",
            self.contacts_dissociated, self.tickets_changed
        )
    }
}

impl AnswerText for DeletedContact {
    fn answer_text(&self) -> String {
        format!(
            "{} accounts, {} deleted, {} reassigned",
            self.accounts_dissociated, self.tickets_deleted, self.tickets_reassigned
        )
    }
}

impl AnswerText for Stored<Settings> {
    fn answer_text(&self) -> String {
        format!("etag {}", self.revision.number())
    }
}
