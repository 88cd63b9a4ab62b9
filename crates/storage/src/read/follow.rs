//! Reads the change log for servers that hold facts in memory.

use std::collections::HashMap;

use crate::engine::interface::{Connection, Reading};
use crate::error::Result;
use crate::log::CommittedSet;
use crate::read::snapshot::Snapshot;
use crate::store::Store;
use crate::tables::change_set::{LogPage, LoggedSet};
use roster_core::organization::{OrganizationName, RevisionId};

use crate::log;

/// Payload to read at once, compressed: some dozens of mebibytes when decompressed. A larger change
/// set is read by itself.
const FOLLOWED_BYTES_MAX: usize = 4 << 20;
/// Change sets that a follower reads at once: as many as a busy server writes between two reads.
pub const FOLLOWED_SETS_MAX: usize = 1_000;
/// Organizations per statement: far below the 32,766 parameters of SQLite.
const HEADS_ASKED_MAX: usize = 10_000;

/// Returns the newest revisions of these organizations, in their order. An organization that does
/// not exist is at revision 0.
fn heads(
    connection: &mut dyn Connection,
    organizations: Vec<OrganizationName>,
) -> Result<Vec<(OrganizationName, RevisionId)>> {
    let mut found: HashMap<String, RevisionId> = HashMap::new();
    for names in organizations.chunks(HEADS_ASKED_MAX) {
        let names: Vec<&str> = names.iter().map(OrganizationName::as_str).collect();
        found.extend(connection.heads(&names)?);
    }
    let head = |name: OrganizationName| {
        let at = found.get(name.as_str()).copied().unwrap_or_default();
        (name, at)
    };
    Ok(organizations.into_iter().map(head).collect())
}

/// The limits of one read of the log.
fn followed_page(sets_max: usize) -> LogPage {
    LogPage {
        sets_max,
        bytes_max: FOLLOWED_BYTES_MAX,
    }
}

impl Store {
    /// Returns a mark of the state of the database: while it is the same, nothing was committed.
    /// Waits for no reader.
    pub async fn mark(&self) -> Result<String> {
        self.ask_connection(&self.roles.followers, |connection| connection.mark())
            .await
    }

    /// Returns the newest revisions of these organizations, in their order. An organization that
    /// does not exist is at revision 0. Runs one statement for thousands of them, and waits for no
    /// reader.
    pub async fn heads(
        &self,
        organizations: &[OrganizationName],
    ) -> Result<Vec<(OrganizationName, RevisionId)>> {
        let asked = organizations.to_vec();
        self.ask_connection(&self.roles.followers, move |connection| {
            // For an empty list, a successful connection is the answer.
            heads(connection, asked)
        })
        .await
    }

    /// Returns the change sets after a revision, oldest first: at most `limit`, and fewer if they
    /// are large. Empty if there are no more; `None` if the organization was never at that
    /// revision. Waits for no reader.
    pub async fn changes_after(
        &self,
        organization: &OrganizationName,
        after: RevisionId,
        limit: usize,
    ) -> Result<Option<Vec<CommittedSet>>> {
        let page = followed_page(limit);
        self.ask_snapshot(
            &self.roles.followers,
            Reading::Facts,
            organization,
            move |at| at.changes_after(after, page),
        )
        .await
    }
}

impl Snapshot<'_> {
    pub(crate) fn changes_after(
        &mut self,
        after: RevisionId,
        page: LogPage,
    ) -> Result<Option<Vec<CommittedSet>>> {
        if !self.has_been(after)? {
            return Ok(None);
        }
        let sets = self
            .connection
            .change_sets_after(self.org, after.revision, page)?;
        let set = |set: LoggedSet| {
            let changes = log::decode(set.format, &set.parts)?;
            Ok(CommittedSet {
                at: set.at,
                changes,
            })
        };
        sets.into_iter().map(set).collect::<Result<_>>().map(Some)
    }
}

#[cfg(test)]
mod tests;
