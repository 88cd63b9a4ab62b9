//! Calls: how many, how long, how many at once.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use roster_api::METHODS;
use tonic::Code;

/// The buckets of durations, in seconds: a check from memory takes less than the first, and no call
/// with a sensible deadline more than the last.
const SECONDS: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];
/// The label of calls of other methods: health, reflection and unknown paths. A fixed label
/// prevents callers from creating series.
const OTHER: &str = "other";
/// The codes of gRPC, 0 to 16.
const CODES: usize = 17;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// See the module. A call finds its metrics by the index of its method, without a lookup of labels.
#[derive(Debug)]
pub(crate) struct CallMetrics {
    requests: Family<Labels<3>, Counter>,
    durations: Family<Labels<2>, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    /// One for each method in the order of [`METHODS`], and one for all other calls.
    methods: Box<[MethodMetrics]>,
}

/// The metrics of a method, listed after its first call.
#[derive(Debug, Default)]
struct MethodMetrics {
    duration: OnceLock<Histogram>,
    by_code: [OnceLock<Counter>; CODES],
}

impl Default for CallMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            in_flight: Gauge::default(),
            methods: (0..=METHODS.len())
                .map(|_| MethodMetrics::default())
                .collect(),
        }
    }
}

impl CallMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "roster_grpc_requests",
            "Calls that ended, by their code",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "roster_grpc_request_duration",
            "Time from the headers of a call to its answer, or to the end of a stream of answers",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "roster_grpc_requests_in_flight",
            "Calls that have not ended",
            self.in_flight.clone(),
        );
    }

    /// Records the begin of a call.
    pub(crate) fn begin(&self) {
        self.in_flight.inc();
    }

    /// Records the end of a call; `None` is a method of no service of Roster.
    pub(crate) fn end(&self, method: Option<usize>, code: Code, took: Duration) {
        self.in_flight.dec();
        let index = method.unwrap_or(METHODS.len());
        let Some(metrics) = self.methods.get(index) else {
            return;
        };
        let names = || {
            METHODS
                .get(index)
                .map_or((OTHER, OTHER), |m| (m.service, m.name))
        };
        if let Some(counter) = metrics.by_code.get(code as usize) {
            counter
                .get_or_init(|| {
                    let (service, method) = names();
                    let code = ("code", code_name(code));
                    let labels = [("service", service), ("method", method), code];
                    self.requests.get_or_create_owned(&labels)
                })
                .inc();
        }
        metrics
            .duration
            .get_or_init(|| {
                let (service, method) = names();
                let labels = [("service", service), ("method", method)];
                self.durations.get_or_create_owned(&labels)
            })
            .observe(took.as_secs_f64());
    }
}

/// A code as the gRPC specification writes it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_place_and_calls_of_no_method_are_one_series() {
        let metrics = CallMetrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        for code in 0..i32::try_from(CODES).unwrap() {
            metrics.begin();
            metrics.end(None, Code::from_i32(code), Duration::from_micros(60));
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert_eq!(text.matches("roster_grpc_requests_total{").count(), CODES);
        assert!(
            text.contains("roster_grpc_requests_in_flight 0\n"),
            "{text}"
        );
        let bucket = "roster_grpc_request_duration_seconds_bucket\
                      {le=\"0.0001\",service=\"other\",method=\"other\"} 17";
        assert!(text.contains(bucket), "{text}");
    }
}
