//! The invariants of stored data, one function each, named after the rules that promise them.
//!
//! Rules keep the invariants; guards verify them. The same functions check the subjects that a
//! batch touched and a whole database. A guard reports violations and repairs nothing: a violation
//! is a defect in Roster.

use crate::fact::{Facts, Unavailable, UniqueKey};
use crate::fact::{account_keys, contact_keys};
use crate::id::{AccountId, ContactId, Revision, TicketNo};

mod invariants;
mod limits;
mod subject;

pub use invariants::*;
pub use subject::{Subject, needs, needs_behind, touched};

/// The counters of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Its current revision.
    pub revision: Revision,
    /// The number of its next account.
    pub next_account: u64,
    /// The number of its next contact.
    pub next_contact: u64,
    /// The number of its next ticket.
    pub next_ticket: u64,
}

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{guard}: {subject} {what}")]
pub struct Violation {
    /// The name of the guard.
    pub guard: &'static str,
    /// The subject that violates it.
    pub subject: Subject,
    /// Describes the violation.
    pub what: String,
}

/// The violations found so far.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of the checks.
    pub violations: Vec<Violation>,
}

impl Found {
    /// Records a violation unless `holds`.
    fn unless(
        &mut self,
        holds: bool,
        guard: &'static str,
        subject: &Subject,
        what: impl FnOnce() -> String,
    ) {
        if !holds {
            self.violations.push(Violation {
                guard,
                subject: subject.clone(),
                what: what(),
            });
        }
    }
}

/// Runs all guards of a subject.
pub fn check<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    subject: &Subject,
    found: &mut Found,
) -> Result<(), Unavailable> {
    match subject {
        Subject::Import(_) => Ok(()),
        Subject::Settings => check_settings(facts, bounds, found),
        Subject::Account(id) => check_account(facts, bounds, *id, found),
        Subject::Contact(id) => check_contact(facts, bounds, *id, found),
        Subject::Association(pair) => {
            if let Some(association) = facts.association(*pair)? {
                etag_known(bounds, subject, association.revision, found);
                limits::association(subject, &association.record, found);
            }
            association_ends(facts, *pair, found)
        }
        Subject::Ticket(no) => check_ticket(facts, bounds, *no, found),
        Subject::Key(key) => key_owned(facts, key, found),
    }
}

fn check_settings<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let settings = facts.settings()?;
    found.unless(
        settings.revision <= bounds.revision,
        "etag-known",
        &Subject::Settings,
        || "were written by a revision later than the current one".into(),
    );
    limits::settings(&settings.record, found);
    one_account_of_all(facts, &settings.record, found)
}

fn check_account<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    id: AccountId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let subject = Subject::Account(id);
    let Some(account) = facts.account(id)? else {
        return nothing_left_of_account(facts, id, found);
    };
    etag_known(bounds, &subject, account.revision, found);
    number_given(&subject, id.number(), bounds.next_account, found);
    limits::account(&subject, &account.record, found);
    keys_held(
        facts,
        &subject,
        account_keys(Some(&account.record)),
        id.number(),
        found,
    )
}

fn check_contact<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    id: ContactId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let subject = Subject::Contact(id);
    let Some(contact) = facts.contact(id)? else {
        return nothing_left_of_contact(facts, id, found);
    };
    etag_known(bounds, &subject, contact.revision, found);
    number_given(&subject, id.number(), bounds.next_contact, found);
    limits::contact(&subject, &contact.record, found);
    keys_held(
        facts,
        &subject,
        contact_keys(Some(&contact.record)),
        id.number(),
        found,
    )?;
    one_primary(facts, id, found)?;
    one_account(facts, id, found)
}

fn check_ticket<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    no: TicketNo,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let subject = Subject::Ticket(no);
    let Some(ticket) = facts.ticket(no)? else {
        return Ok(());
    };
    etag_known(bounds, &subject, ticket.revision, found);
    number_given(&subject, no.number(), bounds.next_ticket, found);
    limits::ticket(&subject, &ticket.record, found);
    let keys = vec![UniqueKey::of_ticket(&ticket.record.key)];
    keys_held(facts, &subject, keys, no.number(), found)?;
    cc_distinct(&subject, &ticket.record, found);
    ticket_people(facts, &subject, &ticket.record, found)?;
    ticket_account(facts, &subject, &ticket.record, found)
}
