//! One organization in memory, behind one lock.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{RwLock, RwLockWriteGuard};
use roster_core::change::Change;
use roster_core::id::Revision;
use roster_core::organization::{OrganizationName, RevisionId};

use crate::apply::NotApplied;
use crate::facts::OrganizationFacts;

/// An organization that is in memory, is loading, or was in memory before.
///
/// Invariant: a reader sees every write passed to [`committed`](Self::committed) before, or gets
/// `None` and reads the database.
pub struct Organization {
    name: OrganizationName,
    held: RwLock<Holding>,
    bytes: AtomicUsize,
    /// In seconds of the index's clock.
    pub(crate) last_asked: AtomicU64,
}

/// The state under the lock.
#[derive(Default)]
pub(crate) struct Holding {
    facts: Option<Box<OrganizationFacts>>,
    /// Facts older than this must not be read: a later write was acknowledged here.
    floor: Revision,
    pub(crate) loading: bool,
    pub(crate) refused: Option<Refused>,
}

/// When an organization was too large.
#[derive(Clone, Copy)]
pub(crate) struct Refused {
    /// In seconds of the index's clock.
    pub(crate) at: u64,
    /// How often memory was freed before; `None` if no free memory would suffice.
    pub(crate) frees: Option<u64>,
}

/// The result of [`Organization::committed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// All change sets are in memory.
    Applied,
    /// The organization is loading, or an earlier change set is missing. Reads return `None` until
    /// it has caught up.
    Behind,
    /// They contradict the facts in memory, which were dropped for this reason. Load them again.
    Dropped(NotApplied),
}

impl Organization {
    pub(crate) fn new(name: OrganizationName) -> Self {
        Self {
            name,
            held: RwLock::default(),
            bytes: AtomicUsize::new(0),
            last_asked: AtomicU64::new(0),
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &OrganizationName {
        &self.name
    }

    /// Reads the facts of one revision; `None` if they are not in memory, or are older than a write
    /// that was acknowledged here.
    pub fn read<T>(&self, ask: impl FnOnce(&OrganizationFacts) -> T) -> Option<T> {
        let holding = self.held.read();
        let facts = holding.facts.as_deref()?;
        (facts.at().revision >= holding.floor).then(|| ask(facts))
    }

    /// Returns the revision in memory, even if it is too old to be read.
    pub fn at(&self) -> Option<RevisionId> {
        let holding = self.held.read();
        holding.facts.as_deref().map(OrganizationFacts::at)
    }

    /// Applies committed change sets, oldest first. Must be called before a write is acknowledged,
    /// and with the entries of the log.
    pub fn committed(&self, sets: &[(RevisionId, &[Change])]) -> Followed {
        let mut holding = self.held.write();
        if let Some((last, _)) = sets.last() {
            holding.floor = holding.floor.max(last.revision);
        }
        // Taken out, so that a panic leaves no half-changed facts.
        let Some(mut facts) = holding.facts.take() else {
            return Followed::Behind;
        };
        for (at, changes) in sets {
            match facts.apply(*at, changes) {
                Ok(()) | Err(NotApplied::AlreadyThere) => {}
                Err(NotApplied::Gap { .. }) => {
                    self.put(&mut holding, facts);
                    return Followed::Behind;
                }
                Err(why @ (NotApplied::Contradiction(_) | NotApplied::TooLarge(_))) => {
                    self.bytes.store(0, Ordering::Relaxed);
                    drop(holding);
                    return Followed::Dropped(why);
                }
            }
        }
        let behind = facts.at().revision < holding.floor;
        self.put(&mut holding, facts);
        if behind {
            Followed::Behind
        } else {
            Followed::Applied
        }
    }

    fn put(&self, holding: &mut RwLockWriteGuard<'_, Holding>, facts: Box<OrganizationFacts>) {
        self.bytes.store(facts.bytes(), Ordering::Relaxed);
        holding.facts = Some(facts);
    }

    /// Returns the bytes of its facts.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn install(&self, facts: OrganizationFacts) {
        let mut holding = self.held.write();
        holding.refused = None;
        self.put(&mut holding, Box::new(facts));
    }

    /// Drops the facts; returns whether there were any.
    pub(crate) fn drop_facts(&self) -> bool {
        let facts = self.held.write().facts.take();
        self.bytes.store(0, Ordering::Relaxed);
        // Outside the lock, because releasing so much memory takes time.
        facts.is_some()
    }

    pub(crate) fn holding<T>(&self, look: impl FnOnce(&Holding) -> T) -> T {
        look(&self.held.read())
    }

    pub(crate) fn change_holding<T>(&self, change: impl FnOnce(&mut Holding) -> T) -> T {
        change(&mut self.held.write())
    }
}

impl Holding {
    pub(crate) fn is_live(&self) -> bool {
        self.facts.is_some()
    }

    /// Marks the start of a load. The load reads every write that was acknowledged before.
    pub(crate) fn begin(&mut self) {
        self.loading = true;
        self.refused = None;
        self.floor = Revision::ZERO;
    }
}
