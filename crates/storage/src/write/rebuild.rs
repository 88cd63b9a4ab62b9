//! Derived columns made by an older code are made anew: organization by organization, in batches
//! between those of calls.
//!
//! Invariant: the number of an organization's row is that of the code that made all its derived
//! columns, or of an older one. A record answers by the columns that it has: by the old ones until
//! its batch, or a write of its own, brings the new. A rebuild that ends early, however it ends,
//! begins anew at the next start and does no harm.

use std::sync::Arc;

use roster_core::id::{AccountId, ContactId};
use roster_core::names::Derived;
use roster_core::organization::OrganizationName;

use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::tables::cell::Table;
use crate::tables::derivation;
use crate::tables::listed::{Listed, Nominated};
use crate::tables::organization::Org;
use crate::tables::records::{derived_of_account, derived_of_contact};
use crate::tables::rows::{DERIVED_ACCOUNTS, DERIVED_CONTACTS, push_derived_row};
use crate::write::queue::Queue;

/// Records of one batch: calls wait for one at most, so some tens of milliseconds.
const RECORDS: usize = 1_000;

/// Begins to rebuild what an older code made, if there is any.
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
    /// Nothing is left but to count the headings and to write the number.
    Switch,
}

impl Step {
    const FIRST: Self = Self::Records(Listed::Accounts, 0);
}

struct Rebuild {
    queue: Arc<Queue>,
    /// The organization at work is the last.
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
        // A queue that takes no more belongs to a server that stops: the next start goes on.
        if let Err(error) = queue.push_chore(&name, Box::new(chore)) {
            tracing::info!(%error, organization = %name, "derived columns stay old until the next start");
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
                tracing::error!(%error, cause = ?std::error::Error::source(&error),
                    organization = %name, "derived columns could not be rebuilt: the next start tries again");
                self.waiting.pop();
                self.step = Step::FIRST;
            }
        }
        self.go_on();
    }
}

/// One batch in one transaction. Answers what comes next; none: the organization is done.
fn batch(
    connection: &mut dyn Connection,
    name: &OrganizationName,
    step: Step,
) -> Result<Option<Step>> {
    connection.begin_write()?;
    let worked = connection
        .lock_organization(name.as_str())
        .and_then(|organization| {
            derivation::check(organization.derivation)?;
            work(connection, organization.org, step)
        });
    match worked {
        Ok(next) => {
            connection.commit()?;
            Ok(next)
        }
        Err(error) => {
            // The error that counts is the first one.
            let _ = connection.rollback();
            Err(error)
        }
    }
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

/// Writes what is derived of records; answers the last of them, none if there were none.
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
