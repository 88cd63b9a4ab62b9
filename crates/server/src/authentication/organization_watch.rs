//! What the rest of the server learns of organizations before a call can.

use std::sync::Arc;

use roster_core::organization::OrganizationState;
use roster_storage::StoredCredentials;

use crate::memory::Memory;
use crate::released_names::ReleasedNames;

/// See the module.
#[derive(Default)]
pub(crate) struct OrganizationWatch {
    memory: Option<Arc<Memory>>,
    released: Arc<ReleasedNames>,
}

impl OrganizationWatch {
    pub(crate) fn new(memory: Arc<Memory>, released: Arc<ReleasedNames>) -> Self {
        Self {
            memory: Some(memory),
            released,
        }
    }

    /// Forgets the facts of organizations that are deleted or gone. Call it before credentials of
    /// the same version are accepted: the next organization of a name has none of these facts.
    pub(super) fn learn(&self, stored: &StoredCredentials) {
        let released = self.released.learn(&stored.released);
        let Some(memory) = &self.memory else {
            return;
        };
        for name in &released {
            memory.forget(name);
        }
        for status in &stored.organizations {
            if matches!(
                status.state,
                OrganizationState::Deleted | OrganizationState::Removing
            ) {
                memory.forget(&status.name);
            }
        }
    }
}
