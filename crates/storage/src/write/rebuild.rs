//! Rebuilds derived columns that an older version of the code made: organization by organization,
//! in batches between those of calls.
//!
//! Invariant: an organization's derivation number is at most the version of the code that made any
//! of its derived columns. A record is found by its present columns: by the old ones until its
//! batch, or another write of the record, replaces them. A rebuild that ends early, for any reason,
//! starts again at the next start and does no harm.

use std::sync::Arc;

use roster_core::id::{AccountId, ContactId};
use roster_core::names::Derived;
use roster_core::organization::OrganizationName;

use crate::engine::interface::Connection;
use crate::engine::transaction::in_transaction;
use crate::error::{Result, StorageError};
use crate::tables::cell::Table;
use crate::tables::derivation;
use crate::tables::listed::{Listed, Nominated};
use crate::tables::organization::Org;
use crate::tables::records::{derived_of_account, derived_of_contact};
use crate::tables::rows::{DERIVED_ACCOUNTS, DERIVED_CONTACTS, push_derived_row};
use crate::write::queue::Queue;

/// Records per batch. A call waits for at most one batch: some tens of milliseconds.
const RECORDS: usize = 1_000;

/// Starts to rebuild derived columns of an older version, if there are any.
pub(crate) fn start(queue: &Arc<Queue>, connection: &mut dyn Connection) -> Result<()> {
    let mut waiting = Vec::new();
    for name in connection.organizations_derived_before(derivation::version())? {
        waiting.push(OrganizationName::parse(&name).map_err(|e| StorageError::Defect(e.into()))?);
    }
    waiting.reverse();
    Rebuild {
        queue: Arc::clone(queue),
        waiting,
        step: Step::FIRST,
    }
    .go_on();
    Ok(())
}

/// The next batch of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The records of a list after a number.
    Records(Listed, u64),
    /// All records are done: recount the headings and write the derivation number.
    Switch,
}

impl Step {
    const FIRST: Self = Self::Records(Listed::Accounts, 0);
}

struct Rebuild {
    queue: Arc<Queue>,
    /// The last is the current organization.
    waiting: Vec<OrganizationName>,
    step: Step,
}

impl Rebuild {
    /// Queues the next batch. One at a time: a thousand organizations must not fill the lane.
    fn go_on(self) {
        let Some(name) = self.waiting.last().cloned() else {
            return;
        };
        let queue = Arc::clone(&self.queue);
        let chore = {
            let name = name.clone();
            move |connection: Result<&mut dyn Connection>| self.work(connection, &name)
        };
        // A closed queue belongs to a server that is stopping; the next start continues.
        if let Err(error) = queue.push_chore(&name, Box::new(chore)) {
            tracing::info!(%error, organization = %name, "derived columns stay outdated until the next start");
        }
    }

    fn work(mut self, connection: Result<&mut dyn Connection>, name: &OrganizationName) {
        match connection.and_then(|connection| batch(connection, name, self.step)) {
            Ok(Some(next)) => self.step = next,
            Ok(None) => {
                tracing::info!(organization = %name, "derived columns are up to date");
                self.waiting.pop();
                self.step = Step::FIRST;
            }
            Err(error) => {
                tracing::error!(%error, source = ?std::error::Error::source(&error),
                    organization = %name, "could not rebuild derived columns; the next start tries again");
                self.waiting.pop();
                self.step = Step::FIRST;
            }
        }
        self.go_on();
    }
}

/// Runs one batch in one transaction. Returns the next batch, or `None` if the organization is
/// done.
fn batch(
    connection: &mut dyn Connection,
    name: &OrganizationName,
    step: Step,
) -> Result<Option<Step>> {
    in_transaction(connection, |connection| {
        // It was removed meanwhile.
        let Some(organization) = connection.lock_organization(name.as_str())? else {
            return Ok(None);
        };
        derivation::check(organization.derivation)?;
        work(connection, organization.org, step)
    })
}

fn work(connection: &mut dyn Connection, org: Org, step: Step) -> Result<Option<Step>> {
    match step {
        Step::Records(Listed::Accounts, after) => {
            let found = connection.account_rows_after(org, after, RECORDS)?;
            let derived = found
                .iter()
                .map(|(id, row): &(AccountId, _)| (id.number(), derived_of_account(&row.record)));
            let last = write(connection, org, Listed::Accounts, derived.collect())?;
            Ok(Some(
                last.map_or(Step::Records(Listed::Contacts, 0), |last| {
                    Step::Records(Listed::Accounts, last)
                }),
            ))
        }
        Step::Records(Listed::Contacts, after) => {
            let found = connection.contact_rows_after(org, after, RECORDS)?;
            let derived = found
                .iter()
                .map(|(id, row): &(ContactId, _)| (id.number(), derived_of_contact(&row.record)));
            let last = write(connection, org, Listed::Contacts, derived.collect())?;
            Ok(Some(last.map_or(Step::Switch, |last| {
                Step::Records(Listed::Contacts, last)
            })))
        }
        Step::Switch => {
            connection.recount_headings(org)?;
            connection.write_derivation(org, derivation::version())?;
            Ok(None)
        }
    }
}

/// Writes the derived columns of records. Returns the number of the last record, or `None` if there
/// were no records.
fn write(
    connection: &mut dyn Connection,
    org: Org,
    listed: Listed,
    derived: Vec<(u64, Derived)>,
) -> Result<Option<u64>> {
    let table: &Table = match listed {
        Listed::Accounts => &DERIVED_ACCOUNTS,
        Listed::Contacts => &DERIVED_CONTACTS,
    };
    let mut rows = table.rows();
    for (id, made) in &derived {
        push_derived_row(&mut rows, *id, made);
    }
    let nominated: Vec<_> = derived
        .iter()
        .map(|(id, made)| Nominated::by(*id, made))
        .collect();
    connection.update(org, table, &rows)?;
    connection.write_grams(org, listed, &nominated)?;
    Ok(derived.last().map(|(id, _)| *id))
}
