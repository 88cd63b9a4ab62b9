//! Removes deleted organizations when their time is over, and counts organizations for the metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use roster_core::organization::OrganizationName;
use roster_storage::{Removal, StorageError, Store};

use crate::metrics::OrganizationMetrics;

/// How often to look for organizations whose removal is due. A removal waited for days.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often to count organizations.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Removes and counts until dropped.
pub(crate) async fn follow(store: Arc<Store>, metrics: Arc<OrganizationMetrics>) {
    let mut turns = tokio::time::interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut counted: Option<Instant> = None;
    // Reported once, not at every look.
    let mut failed = false;
    loop {
        turns.tick().await;
        let is_due = counted.is_none_or(|counted| counted.elapsed() >= COUNT_EVERY);
        let worked = async {
            for name in store.removals_due().await? {
                remove(&store, &name, &metrics).await?;
            }
            if is_due {
                metrics.count(&store.organizations_by_state().await?);
                counted = Some(Instant::now());
            }
            Ok::<(), StorageError>(())
        };
        match worked.await {
            Ok(()) => failed = false,
            // The log follower reports that the database does not answer.
            Err(StorageError::Unreachable(_)) => {}
            Err(error) => {
                if !std::mem::replace(&mut failed, true) {
                    tracing::error!(%error, source = ?std::error::Error::source(&error),
                        "could not remove a deleted organization; trying again");
                }
            }
        }
    }
}

/// Removes an organization, unless another server does.
async fn remove(
    store: &Store,
    name: &OrganizationName,
    metrics: &OrganizationMetrics,
) -> Result<(), StorageError> {
    let (begun, mut rows) = (Instant::now(), 0);
    loop {
        let step = store.remove_some(name).await?;
        rows += step.rows;
        metrics.removed(step.rows);
        match step.then {
            Removal::Continues => {}
            Removal::Elsewhere => return Ok(()),
            Removal::Ended => {
                let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(organization = %name, rows, duration_ms, "organization removed");
                return Ok(());
            }
        }
    }
}
