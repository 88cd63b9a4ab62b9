//! Facts in memory: answers from them, and what the writers of this server tell them.
//!
//! Invariant: whoever was told that a write is done finds it in every later answer of this server.
//! The writer hands its changes over before it answers; where they cannot be taken (the
//! organization is being loaded, or another server wrote before) memory gives no answer until it
//! has caught up, and the database is asked.

mod follow;
mod load;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roster_core::change::Change;
use roster_core::id::ContactId;
use roster_core::organization::{At, OrganizationName};
use roster_core::rules::visibility::Standing;
use roster_index::{
    Followed, Index, IndexFigures, Known, LoadGuard, Organization, OrganizationFacts,
};
use roster_storage::{Committed, CommittedSet};
use tokio::sync::mpsc;

use crate::fault::{self, Fault};
use crate::token::lost;

pub(crate) use follow::follow;
pub(crate) use load::load;

/// How many organizations may wait to be loaded. One that finds no place is asked for again by its
/// next read.
const WANTED_MAX: usize = 1_024;

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// As fresh as this server is.
    Any,
    /// Not older than this moment.
    AtLeast(At),
    /// As the database is.
    Head,
}

/// From where questions were answered.
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
    /// As of when memory was last level with the database, in milliseconds of `clock`.
    level: AtomicU64,
    stale_after: Duration,
}

/// The organizations that wait to be loaded.
pub(crate) type Wanted = mpsc::Receiver<LoadGuard>;

impl Memory {
    /// Empty memory of so many bytes, whose facts are no longer told once they may be so old.
    pub(crate) fn new(bytes_max: usize, stale_after: Duration) -> (Self, Wanted) {
        let (wanted, waiting) = mpsc::channel(WANTED_MAX);
        let memory = Self {
            index: Index::new(bytes_max),
            answers: Answers::default(),
            wanted,
            clock: Instant::now(),
            level: AtomicU64::new(0),
            stale_after,
        };
        (memory, waiting)
    }

    /// What an organization's facts answer, if they are in memory and fresh enough. Where not, the
    /// database knows more.
    pub(crate) fn answer<T>(
        &self,
        organization: &str,
        fresh: Freshness,
        judge: impl FnOnce(&OrganizationFacts) -> T,
    ) -> Result<Option<(T, At)>, Fault> {
        let moment = match fresh {
            Freshness::Any => None,
            Freshness::AtLeast(moment) => Some(moment),
            Freshness::Head => return Ok(None),
        };
        let Some(held) = self.index.get(organization) else {
            return Ok(None);
        };
        if self.age() > self.stale_after {
            return Err(fault::stale(self.stale_after));
        }
        let answered = held.read(|facts| {
            let known = moment.map_or(Known::Yes, |moment| facts.knows(moment));
            match known {
                Known::Yes => Ok(Some((judge(facts), facts.at()))),
                Known::Lost => Err(lost()),
                Known::Ahead | Known::Older => Ok(None),
            }
        });
        let answered = answered.unwrap_or(Ok(None))?;
        if answered.is_some() {
            self.answers.memory.fetch_add(1, Ordering::Relaxed);
        }
        Ok(answered)
    }

    /// From where questions were answered so far.
    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }

    /// How many organizations are in memory, and how many bytes they take.
    pub(crate) fn figures(&self) -> IndexFigures {
        self.index.figures()
    }

    /// Takes note that the database answered in memory's place. The facts of an organization that
    /// exists are wanted here from now on.
    pub(crate) fn missed(&self, organization: &OrganizationName, exists: bool) {
        self.answers.database.fetch_add(1, Ordering::Relaxed);
        self.want(organization, exists);
    }

    /// How a contact stands at a moment, if that is the moment in memory.
    pub(crate) fn standing(
        &self,
        organization: &str,
        contact: ContactId,
        at: At,
    ) -> Option<Standing> {
        let held = self.index.get(organization)?;
        held.read(|facts| {
            let same = facts.at() == at;
            same.then(|| facts.standing(contact)).flatten()
        })?
    }

    /// Takes note that the facts of an organization, if it exists, would have been of use here.
    pub(crate) fn want(&self, organization: &OrganizationName, exists: bool) {
        if exists && let Some(load) = self.index.begin(organization) {
            // Where too many wait, the next read asks again.
            let _ = self.wanted.try_send(load);
        }
    }

    /// How old facts in memory may be: the time since they were last level with the database. It
    /// grows while the database is silent, and while there is more to follow than can be read.
    pub(crate) fn age(&self) -> Duration {
        let level = Duration::from_millis(self.level.load(Ordering::Relaxed));
        self.clock.elapsed().saturating_sub(level)
    }

    /// Takes note that all facts in memory are what the database held then, or newer.
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
        // Where this server is behind, the next look at the heads finds it so.
        take(&held, sets);
    }
}

/// Hands change sets to an organization's facts.
fn take(held: &Organization, sets: &[CommittedSet]) -> Followed {
    let sets: Vec<(At, &[Change])> = sets
        .iter()
        .map(|set| (set.at, set.changes.as_slice()))
        .collect();
    let followed = held.committed(&sets);
    if let Followed::Dropped(why) = &followed {
        let organization = held.name();
        tracing::error!(%organization, error = %why, "a change does not fit the facts in memory: they are dropped and loaded again");
    }
    followed
}
