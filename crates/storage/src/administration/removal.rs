//! The removal of a deleted organization: in steps of bounded size, resumable, by one server at a
//! time.
//!
//! Invariants:
//! - A step commits only if the removal is due and this server holds its job.
//! - Each step begins at the first table again: rows that another writer added meanwhile are removed,
//!   too, and a server that was killed leaves nothing to remember.
//! - The row of the organization goes last, in one transaction with its job: until then the name is
//!   taken, and its number is never used again.

use roster_core::organization::{OrganizationName, OrganizationState};
use roster_core::rules::organization::is_removal_due;
use tokio::sync::oneshot;

use crate::clock::now;
use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::store::Store;
use crate::tables::credential::AdminEventRow;
use crate::tables::listed::Listed;
use crate::tables::of_organization::REMOVED;
use crate::tables::organization::Org;

/// Rows of a step, weighed: some tens of milliseconds, the longest that a call waits for a step.
const STEP_ROWS_MAX: usize = 5_000;
/// Rows of other tables that a record in the index of grams counts as: it has a row for each gram.
const GRAMS_WEIGHT: usize = 10;
/// Rows that a credential and its proofs count as.
const CREDENTIAL_WEIGHT: usize = 25;
/// Who removes, in the log of administration.
const SERVER: &str = "server";
/// What a server does that removed an organization, in the log of administration.
const ACTION: &str = "RemoveOrganization";

/// What a step of a removal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovalStep {
    /// How many rows it removed.
    pub rows: u64,
    /// What comes next.
    pub then: Removal,
}

/// What comes after a step of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Another step.
    Continues,
    /// The organization is gone.
    Ended,
    /// Nothing here: another server is at work, or the organization was restored.
    Elsewhere,
}

/// Deletes the next rows of an organization. Returns how many; 0 if there were none.
fn delete_next(connection: &mut dyn Connection, org: Org) -> Result<usize> {
    let mut step = Step {
        left: STEP_ROWS_MAX,
        rows: 0,
    };
    for table in REMOVED {
        step.take(table.weight, |limit| {
            connection.delete_some(org, table, limit)
        })?;
    }
    for listed in [Listed::Accounts, Listed::Contacts] {
        step.take(GRAMS_WEIGHT, |limit| {
            connection.delete_some_grams(org, listed, limit)
        })?;
    }
    step.take(CREDENTIAL_WEIGHT, |limit| {
        connection.delete_some_credentials(org, limit)
    })?;
    Ok(step.rows)
}

/// A step that fills up.
struct Step {
    left: usize,
    rows: usize,
}

impl Step {
    /// Deletes rows of a weight, unless the step is full.
    fn take(&mut self, weight: usize, delete: impl FnOnce(usize) -> Result<usize>) -> Result<()> {
        let limit = self.left / weight;
        if limit > 0 {
            let deleted = delete(limit)?;
            self.rows += deleted;
            // A full table may have more rows: the next step goes on there.
            self.left = if deleted == limit {
                0
            } else {
                self.left - deleted * weight
            };
        }
        Ok(())
    }
}

/// Runs a step. Returns `None` if it needs the row of the store, which administration locks before
/// the row of an organization.
fn step(
    connection: &mut dyn Connection,
    name: &OrganizationName,
    server: i64,
    has_store: bool,
) -> Result<Option<RemovalStep>> {
    let now = now();
    if has_store {
        connection.raise_credentials_version()?;
    }
    let nothing = RemovalStep {
        rows: 0,
        then: Removal::Elsewhere,
    };
    let Some((org, mut profile)) = connection.lock_profile(name)? else {
        return Ok(Some(nothing));
    };
    if !is_removal_due(&profile, now) || !connection.claim_removal(org, server, now)? {
        return Ok(Some(nothing));
    }
    let begins = profile.state() != OrganizationState::Removing;
    if begins && !has_store {
        return Ok(None);
    }
    if begins && let Some(deletion) = &mut profile.deletion {
        deletion.removing = true;
        connection.write_profile(org, &profile)?;
    }
    let rows = delete_next(connection, org)? as u64;
    if rows > 0 {
        connection.advance_removal(org, rows)?;
        return Ok(Some(RemovalStep {
            rows,
            then: Removal::Continues,
        }));
    }
    if !has_store {
        return Ok(None);
    }
    connection.append_admin_event(&AdminEventRow {
        time: now,
        credential: SERVER,
        actor: "",
        action: ACTION,
        target: name.as_str(),
        organization: Some(name),
    })?;
    connection.end_removal(org, name)?;
    Ok(Some(RemovalStep {
        rows: 0,
        then: Removal::Ended,
    }))
}

fn step_in_transaction(
    connection: &mut dyn Connection,
    name: &OrganizationName,
    server: i64,
    has_store: bool,
) -> Result<Option<RemovalStep>> {
    connection.begin_write()?;
    let done = step(connection, name, server, has_store).and_then(|done| {
        match done {
            Some(_) => connection.commit()?,
            None => connection.rollback()?,
        }
        Ok(done)
    });
    if done.is_err() {
        // A failed COMMIT has ended the transaction, too; the first error is the one to report.
        let _ = connection.rollback();
    }
    done
}

fn remove_some(
    connection: &mut dyn Connection,
    name: &OrganizationName,
    server: i64,
) -> Result<RemovalStep> {
    for has_store in [false, true] {
        if let Some(done) = step_in_transaction(connection, name, server, has_store)? {
            return Ok(done);
        }
    }
    Err(StorageError::Defect(
        "a step of a removal had the row of the store and asked for it".into(),
    ))
}

impl Store {
    /// Returns the organizations whose removal is due. Waits for no reader.
    pub async fn removals_due(&self) -> Result<Vec<OrganizationName>> {
        self.ask_connection(&self.roles.followers, |connection| {
            let (deleted, now) = (connection.deleted_organizations()?, now());
            let due = deleted
                .into_iter()
                .filter(|(_, profile)| is_removal_due(profile, now));
            Ok(due.map(|(name, _)| name).collect())
        })
        .await
    }

    /// Removes the next rows of an organization, after all waiting calls and jobs.
    pub async fn remove_some(&self, name: &OrganizationName) -> Result<RemovalStep> {
        let (tell, told) = oneshot::channel();
        let server = self.roles.server_number();
        let of = name.clone();
        self.queue.push_chore(
            name,
            Box::new(move |connection| {
                let done = connection.and_then(|connection| remove_some(connection, &of, server));
                // The server may be stopping.
                let _ = tell.send(done);
            }),
        )?;
        let lost = || StorageError::Unreachable("a step of a removal was dropped".into());
        told.await.unwrap_or_else(|_| Err(lost()))
    }
}
