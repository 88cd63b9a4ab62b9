//! What operators watch: figures of memory and of the following, as Prometheus reads them.

use std::fmt::Error;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;

use crate::memory::Memory;

/// What a scrape is answered in.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Memory, as it is at the moment of a scrape.
struct Watched(Arc<Memory>);

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

impl Collector for Watched {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let memory = &self.0;
        let figures = memory.figures();
        for (name, help, value) in [
            (
                "roster_answers_from_memory",
                "Questions of sight that were answered from memory",
                memory.answers().memory(),
            ),
            (
                "roster_answers_from_database",
                "Questions of sight that were answered from a snapshot of the database",
                memory.answers().database(),
            ),
        ] {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        for (name, help, unit, value) in [
            (
                "roster_organizations_in_memory",
                "Organizations whose facts are in memory",
                None,
                figures.organizations as f64,
            ),
            (
                "roster_organizations_refused",
                "Organizations that did not fit into memory lately",
                None,
                figures.refused as f64,
            ),
            (
                "roster_memory",
                "Memory that the facts take",
                Some(Unit::Bytes),
                figures.bytes as f64,
            ),
            (
                "roster_memory_max",
                "Memory that the facts may take",
                Some(Unit::Bytes),
                figures.bytes_max as f64,
            ),
            (
                "roster_memory_age",
                "How old facts in memory may be: the time since they were level with the database",
                Some(Unit::Seconds),
                memory.age().as_secs_f64(),
            ),
        ] {
            let gauge = ConstGauge::new(value);
            let metric =
                encoder.encode_descriptor(name, help, unit.as_ref(), gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

/// Answers scrapes of `/metrics` where there is a place to, until it is dropped.
pub(crate) async fn serve_metrics(listener: Option<TcpListener>, memory: Arc<Memory>) {
    let Some(listener) = listener else {
        return;
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Watched(memory)));
    let registry = Arc::new(registry);
    let scrape = move || {
        let registry = Arc::clone(&registry);
        async move {
            let mut text = String::new();
            match prometheus_client::encoding::text::encode(&mut text, &registry) {
                Ok(()) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
                Err(Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
    };
    let served = axum::serve(listener, Router::new().route("/metrics", get(scrape))).await;
    if let Err(error) = served {
        tracing::error!(%error, "metrics are no longer served");
    }
}
