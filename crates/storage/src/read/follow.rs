//! Following the change log, as servers do that hold facts in memory.

use std::collections::HashMap;

use roster_core::organization::{At, OrganizationName};

use crate::engine::interface::{LogPage, LoggedSet, Reading, Result};
use crate::log;
use crate::read::snapshot::Snapshot;
use crate::store::Store;
use crate::write::batch::CommittedSet;

/// How much payload of the log is read at once, compressed: unpacked it is some dozens of
/// mebibytes. A larger change set comes alone.
const FOLLOWED_BYTES_MAX: usize = 4 << 20;
/// How many change sets whoever follows the log reads at once: as many as a busy server writes
/// between two looks.
pub const FOLLOWED_SETS_MAX: usize = 1_000;
/// How many organizations one statement asks for: far below the 32,766 parameters of SQLite.
const HEADS_ASKED_MAX: usize = 10_000;

impl Store {
    /// The newest moments of these organizations, in their order: one that does not exist is at
    /// revision 0. One statement for thousands of them, which waits for no reader.
    pub async fn heads(
        &self,
        organizations: &[OrganizationName],
    ) -> Result<Vec<(OrganizationName, At)>> {
        let asked = organizations.to_vec();
        self.ask_connection(&self.followers, move |connection| {
            // Where none is asked for, being connected is the answer.
            let mut found: HashMap<String, At> = HashMap::new();
            for names in asked.chunks(HEADS_ASKED_MAX) {
                let names: Vec<&str> = names.iter().map(OrganizationName::as_str).collect();
                found.extend(connection.heads(&names)?);
            }
            let head = |name: OrganizationName| {
                let at = found.get(name.as_str()).copied().unwrap_or_default();
                (name, at)
            };
            Ok(asked.into_iter().map(head).collect())
        })
        .await
    }

    /// The change sets after a moment, oldest first: at most `limit` of them, and fewer where they
    /// are large. Empty: there are none. None: the organization never had that moment. It waits for
    /// no reader.
    pub async fn changes_after(
        &self,
        organization: &OrganizationName,
        after: At,
        limit: usize,
    ) -> Result<Option<Vec<CommittedSet>>> {
        let page = LogPage {
            sets_max: limit,
            bytes_max: FOLLOWED_BYTES_MAX,
        };
        self.ask_snapshot(&self.followers, Reading::Facts, organization, move |at| {
            at.changes_after(after, page)
        })
        .await
    }
}

impl Snapshot<'_> {
    fn changes_after(&mut self, after: At, page: LogPage) -> Result<Option<Vec<CommittedSet>>> {
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
