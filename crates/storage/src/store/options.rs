//! The options of a store.

use std::sync::Arc;
use std::time::Duration;

use crate::observer::Observer;
use crate::write::invariants::Guarding;
use crate::write::job::Committed;
use crate::write::queue::CALLS_WAITING_MAX;

/// How long a lease lasts: longer than a machine or a database ordinarily pauses, and short enough
/// that a caller waiting for an import soon learns that its server died.
pub const LEASE: Duration = Duration::from_secs(10);

/// The options of a store; the default is the configuration of a server.
#[derive(Clone)]
pub struct StoreOptions {
    /// How many calls may wait for a writer.
    pub calls_waiting_max: usize,
    /// Whether each batch is checked before it is committed.
    pub guarding: Guarding,
    /// Receives committed change sets.
    pub listener: Option<Arc<dyn Committed>>,
    /// How long a server without renewals counts as running its imports (PostgreSQL only).
    pub lease: Duration,
    /// Measures the store's work.
    pub observer: Option<Arc<dyn Observer>>,
    /// Whether to create and migrate tables. Otherwise a database that is not migrated is refused.
    pub migrates: bool,
    /// Whether to open a SQLite file from which acknowledged writes are missing.
    pub accepts_loss: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            calls_waiting_max: CALLS_WAITING_MAX,
            guarding: Guarding::default(),
            listener: None,
            lease: LEASE,
            observer: None,
            migrates: true,
            accepts_loss: false,
        }
    }
}
