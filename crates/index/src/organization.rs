//! One organization in memory, behind one lock.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{RwLock, RwLockWriteGuard};
use roster_core::change::Change;
use roster_core::id::Revision;
use roster_core::organization::{At, OrganizationName};

use crate::apply::NotApplied;
use crate::facts::OrganizationFacts;

/// An organization that is in memory, or was, or is being loaded.
///
/// Invariant: whoever reads here sees every write that was handed to [`committed`]
/// (Self::committed) before, or sees nothing and asks the database.
pub struct Organization {
    name: OrganizationName,
    held: RwLock<Holding>,
    bytes: AtomicUsize,
    /// By the index's clock.
    pub(crate) last_asked: AtomicU64,
}

/// What the lock is over.
#[derive(Default)]
pub(crate) struct Holding {
    facts: Option<Box<OrganizationFacts>>,
    /// Facts before this are not to be read: something after them was acknowledged here.
    floor: Revision,
    pub(crate) loading: bool,
    pub(crate) refused: Option<Refused>,
}

/// When an organization was found too large.
#[derive(Clone, Copy)]
pub(crate) struct Refused {
    /// By the index's clock.
    pub(crate) at: u64,
    /// How often room had become free by then; none: no room would have been enough.
    pub(crate) frees: Option<u64>,
}

/// What became of change sets that were handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// All are in memory.
    Applied,
    /// The organization is loading or lacks one before them, and is not read until it has them.
    Behind,
    /// They do not fit what was in memory, which was dropped: this is why. Load it anew.
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

    /// Its name.
    pub fn name(&self) -> &OrganizationName {
        &self.name
    }

    /// Asks the facts of one moment; none while they are not in memory, or are older than a write
    /// that was acknowledged here.
    pub fn read<T>(&self, ask: impl FnOnce(&OrganizationFacts) -> T) -> Option<T> {
        let holding = self.held.read();
        let facts = holding.facts.as_deref()?;
        (facts.at().revision >= holding.floor).then(|| ask(facts))
    }

    /// Which moment is in memory, also where it is too old to be read.
    pub fn at(&self) -> Option<At> {
        let holding = self.held.read();
        holding.facts.as_deref().map(OrganizationFacts::at)
    }

    /// Applies change sets that were committed, oldest first. To be called before a write is
    /// acknowledged, and with what the log has.
    pub fn committed(&self, sets: &[(At, &[Change])]) -> Followed {
        let mut holding = self.held.write();
        if let Some((last, _)) = sets.last() {
            holding.floor = holding.floor.max(last.revision);
        }
        // Taken out, so that facts half changed are gone should a change panic.
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

    /// What its facts take.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn install(&self, facts: OrganizationFacts) {
        let mut holding = self.held.write();
        holding.refused = None;
        self.put(&mut holding, Box::new(facts));
    }

    /// Drops the facts; answers whether there were any.
    pub(crate) fn drop_facts(&self) -> bool {
        let facts = self.held.write().facts.take();
        self.bytes.store(0, Ordering::Relaxed);
        // Outside the lock: giving so much memory back takes its time.
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

    /// Marks that a load begins. What was acknowledged before is in whatever it reads from now on.
    pub(crate) fn begin(&mut self) {
        self.loading = true;
        self.refused = None;
        self.floor = Revision::ZERO;
    }
}
