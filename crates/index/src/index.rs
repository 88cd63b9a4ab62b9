//! All organizations in memory, within one memory limit.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use roster_core::organization::{OrganizationName, RevisionId};

use crate::facts::OrganizationFacts;
use crate::number::TooLarge;
use crate::organization::{Holding, Organization, Refused};

/// An organization without reads for this long may be evicted: a help center in use reads on every
/// page view.
pub const IDLE_SECONDS: u64 = 60;
/// An organization that was too large may be loaded again after this long, even if no memory was
/// freed: it may have become smaller, but a load that fails costs seconds.
pub const REFUSED_SECONDS: u64 = 600;

/// See the module documentation. It reads no clock: its owner advances the seconds.
pub struct Index {
    organizations: RwLock<HashMap<OrganizationName, Arc<Organization>>>,
    bytes_max: usize,
    /// Seconds since an epoch that the caller chose.
    now: AtomicU64,
    /// How often an organization released its memory.
    frees: AtomicU64,
}

/// Figures about the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexFigures {
    /// Organizations in memory.
    pub organizations: usize,
    /// Organizations that are loading.
    pub loading: usize,
    /// Organizations that were too large and are answered from the database.
    pub refused: usize,
    /// The bytes of the organizations in memory.
    pub bytes: usize,
    /// The limit on these bytes.
    pub bytes_max: usize,
    /// How often an organization was dropped from memory, for any reason.
    pub dropped_total: u64,
}

/// The exclusive right to load an organization. Dropping it releases the right.
pub struct LoadGuard {
    organization: Arc<Organization>,
    bytes_max: usize,
}

impl LoadGuard {
    /// Returns the organization.
    pub fn organization(&self) -> &Arc<Organization> {
        &self.organization
    }

    /// Returns the memory available to it.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }
}

impl Drop for LoadGuard {
    fn drop(&mut self) {
        self.organization
            .change_holding(|holding| holding.loading = false);
    }
}

impl Index {
    /// Creates an empty index with a memory limit.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            organizations: RwLock::default(),
            bytes_max,
            now: AtomicU64::new(0),
            frees: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// Returns an organization that is known here, and records the read.
    pub fn get(&self, name: &str) -> Option<Arc<Organization>> {
        let organization = self.organizations.read().get(name).map(Arc::clone)?;
        let now = self.now();
        // Written only if it changes, so that readers do not contend for the cache line.
        if organization.last_asked.load(Ordering::Relaxed) != now {
            organization.last_asked.store(now, Ordering::Relaxed);
        }
        Some(organization)
    }

    /// Returns the right to load an organization; `None` if it is in memory, is loading, or was too
    /// large recently and nothing has changed since.
    pub fn begin(&self, name: &OrganizationName) -> Option<LoadGuard> {
        let organization = self.get(name.as_str()).unwrap_or_else(|| self.make(name));
        if !organization.holding(|holding| self.may_load(holding)) {
            return None;
        }
        let begun = organization.change_holding(|holding| {
            let may = self.may_load(holding);
            if may {
                holding.begin();
            }
            may
        });
        begun.then(|| LoadGuard {
            bytes_max: self.room_beside(&organization),
            organization,
        })
    }

    fn make(&self, name: &OrganizationName) -> Arc<Organization> {
        let mut organizations = self.organizations.write();
        let known = organizations.entry(name.clone());
        let organization = known.or_insert_with(|| Arc::new(Organization::new(name.clone())));
        organization.last_asked.store(self.now(), Ordering::Relaxed);
        Arc::clone(organization)
    }

    fn may_load(&self, holding: &Holding) -> bool {
        !holding.is_live() && !holding.loading && !self.is_refused(holding)
    }

    fn is_refused(&self, holding: &Holding) -> bool {
        holding.refused.is_some_and(|refused| {
            let nothing_freed = refused
                .frees
                .is_none_or(|frees| frees == self.frees.load(Ordering::Relaxed));
            nothing_freed && self.now() < refused.at + REFUSED_SECONDS
        })
    }

    /// Puts loaded facts in memory and evicts idle organizations.
    pub fn install(&self, guard: LoadGuard, facts: OrganizationFacts) -> Result<(), TooLarge> {
        let bytes = facts.bytes();
        if bytes > self.room_beside(&guard.organization) {
            self.refuse(guard);
            return Err(TooLarge);
        }
        self.push_out_down_to(self.bytes_max - bytes, |organization| {
            self.is_idle(organization)
        });
        guard.organization.install(facts);
        Ok(())
    }

    /// Records that the organization did not fit into [`LoadGuard::bytes_max`].
    pub fn refuse(&self, guard: LoadGuard) {
        let refused = Refused {
            at: self.now(),
            frees: (guard.bytes_max < self.bytes_max).then(|| self.frees.load(Ordering::Relaxed)),
        };
        guard
            .organization
            .change_holding(|holding| holding.refused = Some(refused));
    }

    /// Returns the memory that organizations in use leave free.
    fn room_beside(&self, organization: &Arc<Organization>) -> usize {
        let used = self
            .all()
            .into_iter()
            .filter(|other| !Arc::ptr_eq(other, organization) && !self.is_idle(other));
        let bytes = used.map(|other| other.bytes()).sum();
        self.bytes_max.saturating_sub(bytes)
    }

    fn is_idle(&self, organization: &Organization) -> bool {
        organization.last_asked.load(Ordering::Relaxed) + IDLE_SECONDS <= self.now()
    }

    fn all(&self) -> Vec<Arc<Organization>> {
        self.organizations.read().values().cloned().collect()
    }

    /// Evicts organizations, least recently read first, until all fit into this many bytes.
    fn push_out_down_to(&self, bytes_max: usize, may: impl Fn(&Organization) -> bool) {
        let mut all = self.all();
        let mut bytes: usize = all.iter().map(|organization| organization.bytes()).sum();
        if bytes <= bytes_max {
            return;
        }
        all.sort_by_key(|organization| organization.last_asked.load(Ordering::Relaxed));
        for organization in all.iter().filter(|organization| may(organization)) {
            if bytes <= bytes_max {
                return;
            }
            let its = organization.bytes();
            if self.drop_held(organization) {
                bytes = bytes.saturating_sub(its);
            }
        }
    }

    fn drop_held(&self, organization: &Organization) -> bool {
        let dropped = organization.drop_facts();
        if dropped {
            self.frees.fetch_add(1, Ordering::Relaxed);
        }
        dropped
    }

    /// Drops the facts of an organization.
    pub fn drop_facts(&self, name: &str) {
        let organization = self.organizations.read().get(name).map(Arc::clone);
        if let Some(organization) = organization {
            self.drop_held(&organization);
        }
    }

    /// Sets the time, in seconds since the caller's epoch. If the organizations exceed the memory
    /// limit, the least recently read are evicted. Organizations without any state are removed.
    pub fn advance(&self, seconds: u64) {
        self.now.store(seconds, Ordering::Relaxed);
        self.push_out_down_to(self.bytes_max, |_| true);
        let is_forgotten = |organization: &Arc<Organization>| {
            // Another owner may be about to load it.
            Arc::strong_count(organization) == 1
                && self.is_idle(organization)
                && organization.holding(|holding| self.may_load(holding))
        };
        if self.organizations.read().values().any(is_forgotten) {
            let mut organizations = self.organizations.write();
            organizations.retain(|_, organization| !is_forgotten(organization));
        }
    }

    /// Returns the organizations in memory, with their revisions.
    pub fn live(&self) -> Vec<(OrganizationName, RevisionId)> {
        let all = self.all().into_iter();
        all.filter_map(|organization| Some((organization.name().clone(), organization.at()?)))
            .collect()
    }

    /// Returns figures about the index.
    pub fn figures(&self) -> IndexFigures {
        let mut figures = IndexFigures {
            bytes_max: self.bytes_max,
            dropped_total: self.frees.load(Ordering::Relaxed),
            ..IndexFigures::default()
        };
        for organization in self.all() {
            let (live, loading, refused) = organization
                .holding(|holding| (holding.is_live(), holding.loading, self.is_refused(holding)));
            figures.organizations += usize::from(live);
            figures.loading += usize::from(loading);
            figures.refused += usize::from(refused);
            figures.bytes += organization.bytes();
        }
        figures
    }
}
