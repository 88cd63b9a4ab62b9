//! Organizations by state, and the rows of removed organizations. No metric names an organization.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use roster_core::organization::OrganizationState;
use roster_storage::OrganizationCounts;

type States = Family<[(&'static str, &'static str); 1], Gauge<u64, AtomicU64>>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct OrganizationMetrics {
    states: States,
    rows: Counter,
}

const STATES: [(OrganizationState, &str); 4] = [
    (OrganizationState::Active, "active"),
    (OrganizationState::Suspended, "suspended"),
    (OrganizationState::Deleted, "deleted"),
    (OrganizationState::Removing, "removing"),
];

impl OrganizationMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "roster_organizations",
            "Organizations of the database by state, counted every ten seconds",
            self.states.clone(),
        );
        registry.register(
            "roster_organization_rows_removed",
            "Rows of deleted organizations that this server removed",
            self.rows.clone(),
        );
    }

    /// Takes how many organizations have each state.
    pub(crate) fn count(&self, counts: &OrganizationCounts) {
        for (state, label) in STATES {
            let found = counts.iter().find(|(of, _)| *of == state);
            let gauge = self.states.get_or_create(&[("state", label)]);
            gauge.set(found.map_or(0, |(_, count)| *count));
        }
    }

    /// Counts removed rows.
    pub(crate) fn removed(&self, rows: u64) {
        self.rows.inc_by(rows);
    }
}
