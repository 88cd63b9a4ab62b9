//! Whether what is written holds the invariants: at what a batch touched, and at everything.

use std::collections::BTreeSet;

use roster_core::guard::{Bounds, Found, Subject, Violation, check, needs, needs_behind};
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};

use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::log::settings_of;
use crate::tables::organization::{Org, Organization};
use crate::tables::unique_key::key_of_column;
use crate::write::working_set::WorkingSet;

/// How many subjects are loaded and looked at together: bounds memory, and every statement.
const SUBJECTS_MAX: usize = 1_000;

/// Whether each batch is looked at before it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarding {
    /// It is: what every test and debug build does.
    On,
    /// The rules are trusted.
    Off,
}

impl Default for Guarding {
    fn default() -> Self {
        if cfg!(debug_assertions) {
            Self::On
        } else {
            Self::Off
        }
    }
}

fn bounds(organization: &Organization) -> Bounds {
    Bounds {
        revision: organization.revision,
        next_account: organization.next_account,
        next_contact: organization.next_contact,
        next_ticket: organization.next_ticket,
    }
}

/// What is wrong at these subjects, read anew from the transaction.
fn look(
    connection: &mut dyn Connection,
    organization: &Organization,
    subjects: &[Subject],
    found: &mut Found,
) -> Result<()> {
    let bounds = bounds(organization);
    for subjects in subjects.chunks(SUBJECTS_MAX) {
        let settings = settings_of(organization)?;
        let facts = WorkingSet::new(&mut *connection, organization.org, settings);
        facts.prefetch(&needs(subjects))?;
        facts.prefetch(&needs_behind(&facts, subjects)?)?;
        for subject in subjects {
            check(&facts, &bounds, subject, found)?;
        }
    }
    Ok(())
}

/// Refuses what a batch has written if it breaks an invariant: a defect of ours, which must not
/// be committed.
pub(crate) fn guard(
    connection: &mut dyn Connection,
    organization: &Organization,
    touched: BTreeSet<Subject>,
) -> Result<()> {
    let subjects: Vec<Subject> = touched.into_iter().collect();
    let mut found = Found::default();
    look(connection, organization, &subjects, &mut found)?;
    for violation in &found.violations {
        tracing::error!(
            guard = violation.guard,
            subject = %violation.subject,
            what = violation.what,
            "a batch breaks an invariant: it is rolled back"
        );
    }
    match found.violations.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(StorageError::Defect(Box::new(first))),
    }
}

/// What is wrong anywhere in an organization.
pub(crate) fn check_all(
    connection: &mut dyn Connection,
    organization: &Organization,
) -> Result<Vec<Violation>> {
    let mut found = Found::default();
    look(connection, organization, &[Subject::Settings], &mut found)?;
    let mut walk = Walk {
        connection,
        organization,
        found: &mut found,
    };
    walk.over(
        0,
        |c, org, after| c.accounts_after(org, *after, SUBJECTS_MAX),
        |account| Some(Subject::Account(AccountId::new(*account))),
    )?;
    walk.over(
        0,
        |c, org, after| c.contacts_after(org, *after, SUBJECTS_MAX),
        |contact| Some(Subject::Contact(ContactId::new(*contact))),
    )?;
    walk.over(
        NO_PAIR,
        |c, org, after| c.pairs_after(org, *after, SUBJECTS_MAX),
        |pair| Some(Subject::Association(*pair)),
    )?;
    walk.over(
        0,
        |c, org, after| c.tickets_after(org, *after, SUBJECTS_MAX),
        |ticket| Some(Subject::Ticket(TicketNo::new(*ticket))),
    )?;
    walk.over(
        String::new(),
        |c, org, after| c.keys_after(org, after, SUBJECTS_MAX),
        |key| key_of_column(key).map(Subject::Key),
    )?;
    let orphans = connection.copies_without_ticket(organization.org, SUBJECTS_MAX)?;
    found
        .violations
        .extend(orphans.into_iter().map(|ticket| Violation {
            guard: "copies-owned",
            subject: Subject::Ticket(ticket),
            what: "does not exist and has a copy list".into(),
        }));
    Ok(found.violations)
}

/// Stands before every pair.
const NO_PAIR: Pair = Pair {
    contact: ContactId::new(0),
    account: AccountId::new(0),
};

/// The way over all rows of a table, by their keys.
struct Walk<'w> {
    connection: &'w mut dyn Connection,
    organization: &'w Organization,
    found: &'w mut Found,
}

impl Walk<'_> {
    fn over<K>(
        &mut self,
        before_all: K,
        page: impl Fn(&mut dyn Connection, Org, &K) -> Result<Vec<K>>,
        subject: impl Fn(&K) -> Option<Subject>,
    ) -> Result<()> {
        let mut last = before_all;
        loop {
            let rows = page(&mut *self.connection, self.organization.org, &last)?;
            let subjects: Vec<Subject> = rows.iter().filter_map(&subject).collect();
            look(self.connection, self.organization, &subjects, self.found)?;
            match rows.into_iter().next_back() {
                Some(end) => last = end,
                None => return Ok(()),
            }
        }
    }
}
