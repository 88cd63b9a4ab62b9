//! Connections, refused calls, and bytes of messages.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::wire::{Pool, Tls};

/// Why connections are refused: no room, no room for the address, no complete handshake in time,
/// an invalid handshake.
const CONNECTION_REASONS: [&str; 4] = ["limit", "address_limit", "silent", "handshake"];
/// The most frequent reasons for which calls are refused.
const CALL_REASONS: [&str; 3] = ["QUEUE_FULL", "UNAVAILABLE", "NOT_GRPC"];

type Labels = [(&'static str, &'static str); 1];

/// See the module.
#[derive(Default)]
pub(crate) struct WireMetrics {
    refused_connections: Family<Labels, Counter>,
    refused_calls: Family<Labels, Counter>,
    /// Failures to accept a connection.
    pub(crate) accept_failures: Counter,
    /// Calls that ended because their callers did not take the answers.
    pub(crate) answers_untaken: Counter,
    /// Read at a scrape.
    gauges: OnceLock<Pools>,
    tls: OnceLock<Arc<Tls>>,
    open: OnceLock<Box<dyn Fn() -> usize + Send + Sync>>,
}

#[derive(Debug)]
struct Pools {
    messages: Arc<Pool>,
    answers: Arc<Pool>,
}

impl fmt::Debug for WireMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireMetrics").finish_non_exhaustive()
    }
}

impl WireMetrics {
    pub(super) fn register(self: &Arc<Self>, registry: &mut Registry) {
        // Listed from the start: an alert cannot see a series that is not there.
        for reason in CONNECTION_REASONS {
            self.refused_connections
                .get_or_create_owned(&[("reason", reason)]);
        }
        for reason in CALL_REASONS {
            self.refused_calls
                .get_or_create_owned(&[("reason", reason)]);
        }
        registry.register(
            "roster_connections_refused",
            "Connections that were closed before their first call, by the reason",
            self.refused_connections.clone(),
        );
        registry.register(
            "roster_calls_refused",
            "Calls that were refused because of a limit or an absent database, by their reason",
            self.refused_calls.clone(),
        );
        registry.register(
            "roster_accept_failures",
            "Failures to accept a connection, for lack of files or memory",
            self.accept_failures.clone(),
        );
        registry.register(
            "roster_answers_untaken",
            "Calls that ended because their callers took no byte of the answer for too long",
            self.answers_untaken.clone(),
        );
        registry.register_collector(Box::new(Gauges(Arc::clone(self))));
    }

    /// Counts a connection that is closed before its first call.
    pub(crate) fn connection_refused(&self, reason: &'static str) {
        self.refused_connections
            .get_or_create_owned(&[("reason", reason)])
            .inc();
    }

    /// Counts a call that is refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused_calls
            .get_or_create_owned(&[("reason", reason)])
            .inc();
    }

    /// Reports the bytes that these pools hold.
    pub(crate) fn watch(&self, messages: &Arc<Pool>, answers: &Arc<Pool>) {
        let (messages, answers) = (Arc::clone(messages), Arc::clone(answers));
        // A server has one set of pools; a second set would not be reported.
        let _ = self.gauges.set(Pools { messages, answers });
    }

    /// Reports the certificate, if calls are encrypted.
    pub(crate) fn watch_tls(&self, tls: Option<&Arc<Tls>>) {
        if let Some(tls) = tls {
            let _ = self.tls.set(Arc::clone(tls));
        }
    }

    /// Reports the number of open connections.
    pub(crate) fn count_open(&self, open: impl Fn() -> usize + Send + Sync + 'static) {
        let _ = self.open.set(Box::new(open));
    }
}

/// Metrics that are read at a scrape.
#[derive(Debug)]
struct Gauges(Arc<WireMetrics>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let held =
            |of: fn(&Pools) -> &Arc<Pool>| self.0.gauges.get().map_or(0, |p| of(p).held()) as f64;
        let tls = self.0.tls.get();
        for (name, help, unit, value) in [
            (
                "roster_connections_open",
                "Connections that are open",
                None,
                Some(self.0.open.get().map_or(0, |open| open()) as f64),
            ),
            (
                "roster_message_memory",
                "Memory of messages that are being received or worked on",
                Some(Unit::Bytes),
                Some(held(|pools| &pools.messages)),
            ),
            (
                "roster_answer_memory",
                "Memory of long answers that their callers are taking",
                Some(Unit::Bytes),
                Some(held(|pools| &pools.answers)),
            ),
            (
                "roster_tls_certificate_expiry_timestamp",
                "When the certificate of the server expires, as Unix time",
                Some(Unit::Seconds),
                tls.map(|tls| tls.expiry() as f64),
            ),
            (
                "roster_tls_certificate_broken",
                "1 if the changed TLS files are unusable, so that the earlier files stay in use",
                None,
                tls.map(|tls| f64::from(u8::from(tls.is_broken()))),
            ),
        ] {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(value);
            let metric =
                encoder.encode_descriptor(name, help, unit.as_ref(), gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}
