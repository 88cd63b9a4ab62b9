//! Names of organizations that were free again after a removal, so that a token of the organization
//! of before is no token of the next one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use roster_core::organization::OrganizationName;
use roster_storage::ReleasedName;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct ReleasedNames {
    /// Whether there is any name: most servers never remove an organization.
    any: AtomicBool,
    times: RwLock<HashMap<OrganizationName, u64>>,
}

impl ReleasedNames {
    /// Returns how often a name was free again.
    pub(crate) fn times(&self, name: &str) -> u64 {
        if !self.any.load(Ordering::Relaxed) {
            return 0;
        }
        self.times.read().get(name).copied().unwrap_or_default()
    }

    /// Takes the stored names. Returns the names that were released since. A number never decreases.
    pub(crate) fn learn(&self, stored: &[ReleasedName]) -> Vec<OrganizationName> {
        let is_new = |of: &&ReleasedName| of.released > self.times(of.name.as_str());
        let new: Vec<_> = stored.iter().filter(is_new).collect();
        if new.is_empty() {
            return Vec::new();
        }
        let mut times = self.times.write();
        for of in &new {
            times.insert(of.name.clone(), of.released);
        }
        self.any.store(true, Ordering::Relaxed);
        new.into_iter().map(|of| of.name.clone()).collect()
    }
}
