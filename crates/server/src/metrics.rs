//! The metrics of a server. Only this module registers metrics of `/metrics`.
//!
//! Names follow the rules of Prometheus: `roster_` or `process_` first, the base unit last,
//! `_total` for counters. `crates/server/docs/operating.md` lists all metrics.

mod authentication;
mod calls;
mod organizations;
mod process;
mod snapshot;
mod store;
mod wire;

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use process::Process;

pub(crate) use authentication::AuthenticationMetrics;
pub(crate) use calls::{CallMetrics, code_name};
pub(crate) use organizations::OrganizationMetrics;
pub(crate) use snapshot::Snapshot;
pub(crate) use store::StoreMetrics;
pub(crate) use wire::WireMetrics;

/// Metrics that are updated as events happen. A scrape reads the others.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    pub(crate) calls: Arc<CallMetrics>,
    pub(crate) store: Arc<StoreMetrics>,
    pub(crate) wire: Arc<WireMetrics>,
    pub(crate) authentication: Arc<AuthenticationMetrics>,
    pub(crate) organizations: Arc<OrganizationMetrics>,
}

/// All metrics of a server, ready to be scraped.
#[derive(Debug)]
pub(crate) struct Scraped(Registry);

impl Scraped {
    pub(crate) fn new(metrics: &Metrics, snapshot: Snapshot) -> Self {
        let mut registry = Registry::default();
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("roster_build", "The version of the server", version);
        metrics.calls.register(&mut registry);
        metrics.store.register(&mut registry);
        metrics.wire.register(&mut registry);
        metrics.authentication.register(&mut registry);
        metrics.organizations.register(&mut registry);
        registry.register_collector(Box::new(snapshot));
        registry.register_collector(Box::new(Process::default()));
        Self(registry)
    }

    /// The text of a scrape.
    pub(crate) fn text(&self) -> Result<String, Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.0)?;
        Ok(text)
    }
}
