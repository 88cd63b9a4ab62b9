//! Observes each call for operators: metrics, a span, and a log line if it fails.
//!
//! A call ends with its answer, with the last message of a stream, or when the caller disconnects.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use roster_api::{METHODS, MethodInfo};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::{Layer, Service};
use tracing::Span;

use super::call_log::{CallLog, Ended};
use super::{Answer, refusal_of};
use crate::caller::{CallId, Caller};
use crate::fault;
use crate::metrics::{CallMetrics, Metrics, WireMetrics, code_name};

/// Measures and logs all calls.
#[derive(Clone)]
pub(super) struct Observe(Arc<Instruments>);

/// The metrics and the log of all calls.
struct Instruments {
    metrics: Arc<CallMetrics>,
    wire: Arc<WireMetrics>,
    log: CallLog,
}

impl Observe {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(Arc::new(Instruments {
            metrics: Arc::clone(&metrics.calls),
            wire: Arc::clone(&metrics.wire),
            log: CallLog::default(),
        }))
    }
}

/// A service under that layer.
#[derive(Clone)]
pub(super) struct Observed<S> {
    rest: S,
    instruments: Arc<Instruments>,
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, rest: S) -> Observed<S> {
        Observed {
            rest,
            instruments: Arc::clone(&self.0),
        }
    }
}

impl<S, B> Service<Request<B>> for Observed<S>
where
    S: Service<Request<B>, Response = Answer, Error = Infallible>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Call<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.rest.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let observation = Observation::begin(Arc::clone(&self.instruments), &request);
        let span = observation.span(request.headers());
        let rest = span.in_scope(|| self.rest.call(request));
        Call {
            rest,
            observation: Some(observation),
            span,
        }
    }
}

pin_project! {
/// A running call.
    pub(super) struct Call<F> {
        #[pin]
        rest: F,
        observation: Option<Observation>,
        span: Span,
    }
}

impl<F: Future<Output = Result<Answer, Infallible>>> Future for Call<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        let Ok(answer) = ready!(this.rest.poll(cx));
        let answer = match this.observation.take() {
            Some(observation) => observation.answered(answer),
            None => answer,
        };
        Poll::Ready(Ok(answer))
    }
}

/// A call from its headers to its end. Dropping it before the end means that it was cancelled.
struct Observation {
    instruments: Arc<Instruments>,
    /// The index in [`METHODS`], if it is a method of Roster.
    method: Option<usize>,
    caller: Option<Arc<Caller>>,
    begun: Instant,
    has_ended: bool,
}

impl Observation {
    fn begin<B>(instruments: Arc<Instruments>, request: &Request<B>) -> Self {
        instruments.metrics.begin();
        let caller = request.extensions().get::<Arc<Caller>>().cloned();
        Self {
            instruments,
            method: caller.as_ref().and_then(|caller| caller.method),
            caller,
            begun: Instant::now(),
            has_ended: false,
        }
    }

    fn method(&self) -> Option<&'static MethodInfo> {
        METHODS.get(self.method?)
    }

    fn path(&self) -> &'static str {
        self.method().map_or("other", |method| method.path)
    }

    /// The span of the call, only if the level DEBUG is enabled.
    fn span(&self, headers: &HeaderMap) -> Span {
        let caller = self.caller.as_deref();
        tracing::debug_span!(
            "call",
            method = self.path(),
            organization = caller.map_or("", |caller| caller.organization().as_str()),
            actor = caller.map_or("", |caller| caller.actor.as_str()),
            call_id = caller.map(|caller| tracing::field::display(caller.call_id)),
            trace_parent = trace_parent(headers),
        )
    }

    /// Wraps the answer, whose end is the end of the call.
    fn answered(mut self, answer: Answer) -> Answer {
        if let Some(status) = refusal_of(&answer) {
            self.end(status.code(), Some(&status));
            return match &self.caller {
                Some(caller) if status.code() == Code::Internal => {
                    naming_the_call(status, caller.call_id)
                }
                _ => answer,
            };
        }
        if !self.method().is_some_and(|method| method.streams_answers) {
            self.end(Code::Ok, None);
            return answer;
        }
        answer.map(|body| {
            Body::new(body.map_frame(move |frame| {
                if let Some(trailers) = frame.trailers_ref() {
                    let status = Status::from_header_map(trailers);
                    let status = status.filter(|status| status.code() != Code::Ok);
                    let code = status.as_ref().map_or(Code::Ok, Status::code);
                    self.end(code, status.as_ref());
                }
                frame
            }))
        })
    }

    fn end(&mut self, code: Code, status: Option<&Status>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let took = self.begun.elapsed();
        self.instruments.metrics.end(self.method, code, took);
        if let Some(status) = status {
            self.log(status, took);
        } else {
            let (code, duration_ms) = (code_name(code), millis(took));
            tracing::debug!(method = self.path(), code, duration_ms, "call ended");
        }
    }

    fn log(&self, status: &Status, took: Duration) {
        let details = status.get_error_details();
        let reason = details.error_info().map_or("", |info| info.reason.as_str());
        if let Code::Unavailable | Code::ResourceExhausted = status.code() {
            self.instruments.wire.refused(fault::known_reason(reason));
        }
        self.instruments.log.refused(&Ended {
            method: self.path(),
            caller: self.caller.as_deref(),
            status,
            reason,
            duration_ms: millis(took),
        });
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.end(Code::Cancelled, None);
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// Adds the call id to an internal error, for finding its log line.
fn naming_the_call(status: Status, call_id: CallId) -> Answer {
    let mut details = status.get_error_details();
    details.set_request_info(call_id.to_string(), "");
    Status::with_error_details(status.code(), status.message(), details).into_http()
}

/// The `traceparent` of the W3C, if a caller sends one: `version-trace-span-flags` in hexadecimal.
fn trace_parent(headers: &HeaderMap) -> Option<&str> {
    /// Its length in version 00.
    const CHARS: usize = 55;
    let text = headers.get("traceparent")?.to_str().ok()?;
    let lengths = text.split('-').map(str::len);
    let is_hex = |b: u8| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == CHARS && lengths.eq([2, 32, 16, 2]) && text.bytes().all(is_hex)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_is_taken_in_its_one_form() {
        let of = |text: &'static str| {
            let value = http::HeaderValue::from_static(text);
            let headers =
                HeaderMap::from_iter([(http::HeaderName::from_static("traceparent"), value)]);
            trace_parent(&headers).map(str::to_owned)
        };
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(of(good).as_deref(), Some(good));
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_error_of_ours_names_its_call() {
        let status = crate::fault::internal("of the test").status();
        let answer = naming_the_call(status, CallId(255));
        let status = refusal_of(&answer).expect("a refusal");
        let details = status.get_error_details();
        let named = &details.request_info().expect("a RequestInfo").request_id;
        assert_eq!(named, "00000000000000ff");
        assert_eq!(
            details.error_info().expect("an ErrorInfo").reason,
            "INTERNAL"
        );
    }
}
