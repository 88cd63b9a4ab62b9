//! Facts in memory: answers from them and applies the changes of this server's writers.
//!
//! Invariant: after a write returns, every later answer of this server includes it. The writer
//! hands its changes over before it answers. If memory cannot apply them (the organization is
//! loading, or another server wrote before), the database answers until memory has caught up.

mod follow;
mod load;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roster_core::change::Change;
use roster_core::id::ContactId;
use roster_core::organization::{OrganizationName, RevisionId};
use roster_core::rules::visibility::ContactFacts;
use roster_index::{
    Followed, Index, IndexFigures, Known, LoadGuard, Organization, OrganizationFacts,
};
use roster_storage::{Committed, CommittedSet};
use tokio::sync::mpsc;

use crate::fault::{self, Fault};
use crate::token::lost;

pub(crate) use follow::follow;
pub(crate) use load::load;

/// How many organizations may wait to be loaded. The next read of an organization that found the
/// queue full requests it again.
const WANTED_MAX: usize = 1_024;

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The server's current memory.
    Any,
    /// Not older than this revision.
    AtLeast(RevisionId),
    /// The same, for the token of a visitor: memory does not ask the database about a revision that
    /// is older than those that it knows.
    Reached(RevisionId),
    /// The current database.
    Head,
}

/// Counts of answers from memory and from the database.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    memory: AtomicU64,
    database: AtomicU64,
}

impl Answers {
    pub(crate) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    pub(crate) fn database(&self) -> u64 {
        self.database.load(Ordering::Relaxed)
    }
}

/// See the module.
pub(crate) struct Memory {
    index: Index,
    answers: Answers,
    wanted: mpsc::Sender<LoadGuard>,
    clock: Instant,
    /// When memory last equaled the database, in milliseconds of `clock`.
    level: AtomicU64,
    stale_after: Duration,
    /// Whether an organization was loaded since the last poll of all heads.
    has_loaded: AtomicBool,
}

/// The organizations that wait to be loaded.
pub(crate) type Wanted = mpsc::Receiver<LoadGuard>;

impl Memory {
    /// Empty memory with a maximum of bytes and a maximum age of its facts.
    pub(crate) fn new(bytes_max: usize, stale_after: Duration) -> (Self, Wanted) {
        let (wanted, waiting) = mpsc::channel(WANTED_MAX);
        let memory = Self {
            index: Index::new(bytes_max),
            answers: Answers::default(),
            wanted,
            clock: Instant::now(),
            level: AtomicU64::new(0),
            stale_after,
            has_loaded: AtomicBool::new(false),
        };
        (memory, waiting)
    }

    /// The answer from an organization's facts, if they are in memory and fresh enough. Otherwise
    /// use the database.
    pub(crate) fn answer<T>(
        &self,
        organization: &str,
        fresh: Freshness,
        check: impl FnOnce(&OrganizationFacts) -> T,
    ) -> Result<Option<(T, RevisionId)>, Fault> {
        let revision = match fresh {
            Freshness::Any => None,
            Freshness::AtLeast(revision) | Freshness::Reached(revision) => Some(revision),
            Freshness::Head => return Ok(None),
        };
        let Some(held) = self.index.get(organization) else {
            return Ok(None);
        };
        if self.age() > self.stale_after {
            return Err(fault::stale(self.stale_after));
        }
        let answered = held.read(|facts| {
            let known = revision.map_or(Known::Yes, |revision| facts.knows(revision));
            match known {
                Known::Yes => Ok(Some((check(facts), facts.at()))),
                Known::Lost => Err(lost()),
                Known::Older if matches!(fresh, Freshness::Reached(_)) => {
                    Ok(Some((check(facts), facts.at())))
                }
                Known::Ahead | Known::Older => Ok(None),
            }
        });
        let answered = answered.unwrap_or(Ok(None))?;
        if answered.is_some() {
            self.answers.memory.fetch_add(1, Ordering::Relaxed);
        }
        Ok(answered)
    }

    /// The counts of answers so far.
    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }

    /// How many organizations are in memory, and how many bytes they take.
    pub(crate) fn figures(&self) -> IndexFigures {
        self.index.figures()
    }

    /// Records that the database answered instead of memory, and requests the facts of an
    /// organization that exists.
    pub(crate) fn missed(&self, organization: &OrganizationName, exists: bool) {
        self.answers.database.fetch_add(1, Ordering::Relaxed);
        self.want(organization, exists);
    }

    /// A contact's accounts at a revision, if memory is at that revision.
    pub(crate) fn contact_facts(
        &self,
        organization: &str,
        contact: ContactId,
        at: RevisionId,
    ) -> Option<ContactFacts> {
        let held = self.index.get(organization)?;
        held.read(|facts| {
            let same = facts.at() == at;
            same.then(|| facts.contact_facts(contact)).flatten()
        })?
    }

    /// Requests the facts of an organization, if it exists.
    pub(crate) fn want(&self, organization: &OrganizationName, exists: bool) {
        if exists && let Some(load) = self.index.begin(organization) {
            // If the queue is full, the next read requests it again.
            let _ = self.wanted.try_send(load);
        }
    }

    /// Drops the facts of an organization that is deleted.
    pub(crate) fn forget(&self, organization: &OrganizationName) {
        self.index.drop_facts(organization.as_str());
    }

    /// The age of facts in memory: the time since they last equaled the database. It grows while
    /// the database does not answer or changes faster than the server reads.
    pub(crate) fn age(&self) -> Duration {
        let level = Duration::from_millis(self.level.load(Ordering::Relaxed));
        self.clock.elapsed().saturating_sub(level)
    }

    /// Records that all facts in memory are as new as the database was then.
    fn is_level(&self, with: Instant) {
        let millis = with.duration_since(self.clock).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        self.level.fetch_max(millis, Ordering::Relaxed);
    }
}

impl Committed for Memory {
    fn committed(&self, organization: &OrganizationName, sets: &[CommittedSet]) {
        let Some(held) = self.index.get(organization.as_str()) else {
            return;
        };
        // If this server is behind, the next poll of the heads detects it.
        take(&held, sets);
    }
}

/// Hands change sets to an organization's facts.
fn take(held: &Organization, sets: &[CommittedSet]) -> Followed {
    let sets: Vec<(RevisionId, &[Change])> = sets
        .iter()
        .map(|set| (set.at, set.changes.as_slice()))
        .collect();
    let followed = held.committed(&sets);
    if let Followed::Dropped(why) = &followed {
        let organization = held.name();
        tracing::error!(%organization, error = %why, "a change does not fit the facts in memory: dropping and reloading them");
    }
    followed
}
