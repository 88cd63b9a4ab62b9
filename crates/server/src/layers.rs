//! What every call passes through, whatever its service: the tower layers.

mod deadline;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::FutureExt;
use futures::future::{BoxFuture, Map};
use http::Uri;
use roster_api::v1::ErrorReason;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::{Layer, Service, ServiceBuilder};

use crate::fault::{self, Fault};
use deadline::KeepDeadline;

/// Calls that are worked on at once: the queue of writes and as many reads. Beyond them a call
/// would only wait, and memory is what it waits in.
const CALLS_IN_FLIGHT_MAX: usize = 16_384;

/// The header that tells which compressions are taken.
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// What a call is answered.
type Answer = http::Response<Body>;
/// The layers below and the handler, not yet begun.
type Rest = BoxFuture<'static, Answer>;

/// The places of the calls that are worked on.
#[derive(Clone)]
pub(crate) struct Places(Arc<Semaphore>);

impl Places {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(CALLS_IN_FLIGHT_MAX)))
    }

    /// Whether no call is worked on.
    pub(crate) fn are_free(&self) -> bool {
        self.0.available_permits() == CALLS_IN_FLIGHT_MAX
    }
}

/// All layers, the outermost first.
pub(crate) fn layers(
    places: &Places,
) -> impl Layer<
    Routes,
    Service: Service<http::Request<Body>, Response = Answer, Error = Infallible, Future: Send>
                 + Clone
                 + Send
                 + 'static,
> + Clone
+ Send
+ 'static {
    let places = Arc::clone(&places.0);
    ServiceBuilder::new()
        // Sees what the caller is told, whichever layer says it.
        .layer(Around(log_failure))
        // Around all that takes time: whatever runs below is dropped at the caller's deadline.
        .layer(KeepDeadline)
        // Above all that may panic, below the log that is to tell of it.
        .layer(Around(catch_panic))
        // Before anything is spent on the call: too many are refused at once.
        .layer(Around(move |uri, rest| {
            admit(Arc::clone(&places), uri, rest)
        }))
        // Next to the services, since it judges what they and tonic's codec refuse.
        .layer(Around(explain))
        .into_inner()
}

/// Logs a call that failed: how loudly, its code says. Its message may hold personal data and
/// stays out.
async fn log_failure(uri: Uri, rest: Rest) -> Answer {
    let begun = Instant::now();
    let answer = rest.await;
    if let Some(status) = refusal_of(&answer) {
        let details = status.get_error_details();
        let reason = details.error_info().map_or("", |info| info.reason.as_str());
        let (method, code) = (uri.path(), status.code());
        let millis = begun.elapsed().as_millis();
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => {
                tracing::error!(method, ?code, reason, millis, "a call failed");
            }
            Code::Unavailable | Code::ResourceExhausted => {
                tracing::warn!(method, ?code, reason, millis, "a call was put off");
            }
            _ => tracing::debug!(method, ?code, reason, millis, "a call was refused"),
        }
    }
    answer
}

/// A panic is a defect of one call: it answers INTERNAL, and its connection lives on.
async fn catch_panic(_: Uri, rest: Rest) -> Answer {
    match AssertUnwindSafe(rest).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            answer(fault::internal(text.unwrap_or("a panic without words")))
        }
    }
}

/// Lets a call pass while fewer than the most are worked on.
async fn admit(places: Arc<Semaphore>, _: Uri, rest: Rest) -> Answer {
    match places.try_acquire() {
        Ok(_place) => rest.await,
        Err(_) => answer(fault::busy("calls")),
    }
}

/// What tonic calls an unknown method: it has no words for it, as it has for all else.
const METHOD_UNKNOWN: &str = "";

/// Gives what tonic refuses before a handler sees it the reason that every error has, and a
/// message that cannot be read the code of a caller's fault.
async fn explain(uri: Uri, rest: Rest) -> Answer {
    let told = rest.await;
    let Some(status) = refusal_of(&told).filter(|status| status.details().is_empty()) else {
        return told;
    };
    match status.code() {
        Code::Internal => match fault::of_unreadable(status.message()) {
            Some(fault) => answer(fault),
            None => answer(fault::internal(status.message())),
        },
        Code::OutOfRange => answer(fault::too_large()),
        Code::Unimplemented if status.message() == METHOD_UNKNOWN => answer(
            Fault::new(
                Code::Unimplemented,
                ErrorReason::MethodUnknown,
                "there is no such method: reflection lists those that there are",
            )
            .with("method", uri.path()),
        ),
        Code::Unimplemented => {
            let mut answer = answer(fault::compressed());
            // By which a client finds out what it may send.
            if let Some(accepted) = told.headers().get(ACCEPT_ENCODING) {
                answer
                    .headers_mut()
                    .insert(ACCEPT_ENCODING, accepted.clone());
            }
            answer
        }
        _ => told,
    }
}

fn answer(fault: Fault) -> Answer {
    fault.status().into_http()
}

/// The status of an answer that is nothing but a refusal.
fn refusal_of(answer: &Answer) -> Option<Status> {
    // An answer that goes well tells its status after its messages.
    answer.headers().get(Status::GRPC_STATUS)?;
    Status::from_header_map(answer.headers()).filter(|status| status.code() != Code::Ok)
}

/// A layer made of one async function around the rest.
#[derive(Clone)]
struct Around<F>(F);

/// A service with a function around it.
#[derive(Clone)]
struct Surrounded<S, F> {
    inner: S,
    around: F,
}

impl<S, F: Clone> Layer<S> for Around<F> {
    type Service = Surrounded<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        Surrounded {
            inner,
            around: self.0.clone(),
        }
    }
}

impl<S, F, Fut> Service<http::Request<Body>> for Surrounded<S, F>
where
    S: Service<http::Request<Body>, Response = Answer, Error = Infallible>,
    S::Future: Send + 'static,
    F: Fn(Uri, Rest) -> Fut,
    Fut: Future<Output = Answer>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Map<Fut, fn(Answer) -> Result<Answer, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let uri = request.uri().clone();
        let rest = self.inner.call(request).map(|told| match told {
            Ok(answer) => answer,
            Err(never) => match never {},
        });
        (self.around)(uri, rest.boxed()).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(wrap: impl Future<Output = Answer>) -> (Code, String) {
        let status = refusal_of(&wrap.await).expect("a refusal");
        let details = status.get_error_details();
        (
            status.code(),
            details.error_info().expect("an ErrorInfo").reason.clone(),
        )
    }

    fn refused(status: Status) -> Rest {
        async move { status.into_http() }.boxed()
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_a_fault_of_ours() {
        let rest = async { panic!("of the test") }.boxed();
        let (code, reason) = told(catch_panic(Uri::default(), rest)).await;
        assert_eq!((code, reason.as_str()), (Code::Internal, "INTERNAL"));
    }

    #[tokio::test]
    async fn the_call_after_the_last_that_fits_is_refused_at_once() {
        let permits = Arc::new(Semaphore::new(1));
        let first = permits.clone().try_acquire_owned().expect("a place");
        let rest = || async { http::Response::new(Body::empty()) }.boxed();
        let (code, reason) = told(admit(permits.clone(), Uri::default(), rest())).await;
        assert_eq!(
            (code, reason.as_str()),
            (Code::ResourceExhausted, "QUEUE_FULL")
        );
        drop(first);
        assert!(refusal_of(&admit(permits, Uri::default(), rest()).await).is_none());
    }

    #[tokio::test]
    async fn what_tonic_refuses_has_a_reason_too() {
        let unreadable = "failed to decode Protobuf message: A.b: invalid varint";
        for (status, code, reason) in [
            (
                Status::internal(unreadable),
                Code::InvalidArgument,
                "MESSAGE_INVALID",
            ),
            (Status::internal("a riddle"), Code::Internal, "INTERNAL"),
            (
                Status::out_of_range("too large"),
                Code::ResourceExhausted,
                "MESSAGE_TOO_LARGE",
            ),
            (
                Status::unimplemented(""),
                Code::Unimplemented,
                "METHOD_UNKNOWN",
            ),
            (
                Status::unimplemented("Content is compressed with `gzip` which isn't supported"),
                Code::Unimplemented,
                "COMPRESSION_UNKNOWN",
            ),
            (
                Status::internal("Unexpected EOF decoding stream."),
                Code::InvalidArgument,
                "MESSAGE_INVALID",
            ),
        ] {
            let found = told(explain(Uri::default(), refused(status))).await;
            assert_eq!(found, (code, reason.to_owned()));
        }
    }
}
