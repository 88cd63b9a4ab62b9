//! Checks the invariants: for the subjects that a batch touched, or for everything.

use std::collections::BTreeSet;

use roster_core::guard::{Bounds, Found, Subject, Violation, check, needs, needs_behind};
use roster_core::id::{AccountId, ContactId, ImportId, Pair, TicketNo};
use roster_core::record::{Settings, Stored};

use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::log::{settings_of, visibility_settings};
use crate::tables::organization::{Org, Organization};
use crate::tables::unique_key::key_of_column;
use crate::write::working_set::WorkingSet;

/// Subjects that are loaded and checked together: bounds memory and the size of statements.
const SUBJECTS_MAX: usize = 1_000;

/// Whether each batch is checked before it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarding {
    /// Checked, as in every test and debug build.
    On,
    /// Not checked: the rules are trusted.
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

/// Finds violations at these subjects, read again within the transaction.
fn look(
    connection: &mut dyn Connection,
    organization: &Organization,
    settings: &Stored<Settings>,
    subjects: &[Subject],
    found: &mut Found,
) -> Result<()> {
    let bounds = bounds(organization);
    for subjects in subjects.chunks(SUBJECTS_MAX) {
        let facts = WorkingSet::new(&mut *connection, organization.org, settings.clone());
        facts.prefetch(&needs(subjects))?;
        facts.prefetch(&needs_behind(&facts, subjects)?)?;
        for subject in subjects {
            check(&facts, &bounds, subject, found)?;
        }
    }
    Ok(())
}

/// Fails if the writes of a batch break an invariant: a defect of the server, which must not be
/// committed.
pub(crate) fn guard(
    connection: &mut dyn Connection,
    organization: &Organization,
    touched: BTreeSet<Subject>,
) -> Result<()> {
    let subjects: Vec<Subject> = touched.into_iter().collect();
    let mut found = Found::default();
    let settings = settings_of(organization)?;
    look(connection, organization, &settings, &subjects, &mut found)?;
    for violation in &found.violations {
        tracing::error!(
            guard = violation.guard,
            subject = %violation.subject,
            what = violation.what,
            "a batch breaks an invariant; rolling it back"
        );
    }
    match found.violations.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(StorageError::Defect(Box::new(first))),
    }
}

/// Finds all violations in an organization.
pub(crate) fn check_all(
    connection: &mut dyn Connection,
    organization: &Organization,
) -> Result<Vec<Violation>> {
    let mut walk = Walk {
        connection,
        organization,
        settings: visibility_settings(organization)?,
        found: Found::default(),
        not_understood: BTreeSet::new(),
    };
    if let Err(fault) = settings_of(organization) {
        walk.note_not_understood(&Subject::Settings, fault.into())?;
    }
    walk.look(&[Subject::Settings])?;
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
    walk.read_imports()?;
    let Walk {
        connection,
        mut found,
        ..
    } = walk;
    let orphans = connection.cc_without_ticket(organization.org, SUBJECTS_MAX)?;
    found
        .violations
        .extend(orphans.into_iter().map(|ticket| Violation {
            guard: "cc-owned",
            subject: Subject::Ticket(ticket),
            what: "does not exist but has contacts in CC".into(),
        }));
    Ok(found.violations)
}

/// Precedes every pair.
const NO_PAIR: Pair = Pair {
    contact: ContactId::new(0),
    account: AccountId::new(0),
};

/// A walk over all rows of a table, by their keys.
struct Walk<'w> {
    connection: &'w mut dyn Connection,
    organization: &'w Organization,
    settings: Stored<Settings>,
    found: Found,
    /// The values that are not understood and listed already: a row is read for several subjects.
    not_understood: BTreeSet<String>,
}

impl Walk<'_> {
    /// Looks at subjects together and, where a row among them is not understood, at each by itself.
    fn look(&mut self, subjects: &[Subject]) -> Result<()> {
        let mut found = Found::default();
        let (organization, settings) = (self.organization, &self.settings);
        let looked = look(
            &mut *self.connection,
            organization,
            settings,
            subjects,
            &mut found,
        );
        match (looked, subjects) {
            (Ok(()), _) => {
                self.found.violations.append(&mut found.violations);
                Ok(())
            }
            (Err(error), [subject]) => self.note_not_understood(subject, error),
            (Err(error), several) if error.not_understood().is_some() => several
                .iter()
                .try_for_each(|subject| self.look(std::slice::from_ref(subject))),
            (Err(error), _) => Err(error),
        }
    }

    /// No guard is about imports: that each can be read is all there is to check.
    fn read_imports(&mut self) -> Result<()> {
        let org = self.organization.org;
        let mut last = 0;
        loop {
            let page = self.connection.imports_after(org, last, SUBJECTS_MAX)?;
            for number in &page {
                let id = ImportId::new(*number);
                if let Err(error) = self.connection.import(org, id) {
                    self.note_not_understood(&Subject::Import(id), error)?;
                }
            }
            match page.last() {
                Some(number) => last = *number,
                None => return Ok(()),
            }
        }
    }

    fn note_not_understood(&mut self, subject: &Subject, error: StorageError) -> Result<()> {
        let Some(value) = error.not_understood().map(ToString::to_string) else {
            return Err(error);
        };
        let what = format!("cannot be read: {value}");
        if self.not_understood.insert(value) {
            self.found.violations.push(Violation {
                guard: "known-values",
                subject: subject.clone(),
                what,
            });
        }
        Ok(())
    }

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
            self.look(&subjects)?;
            match rows.into_iter().next_back() {
                Some(end) => last = end,
                None => return Ok(()),
            }
        }
    }
}
