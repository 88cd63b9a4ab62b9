//! Watches each call: refuses it if the server is full, turns a panic into an error, and adds a
//! reason to errors of tonic.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use http::Request;
use http::uri::PathAndQuery;
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use super::explain::explain;
use super::{Answer, answer, refusal_of};
use crate::fault;
use crate::limits::CALLS_IN_FLIGHT_MAX;

/// The permits of running calls.
#[derive(Clone)]
pub(crate) struct Places(Arc<Semaphore>);

impl Places {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(CALLS_IN_FLIGHT_MAX)))
    }

    /// Whether no call runs.
    pub(crate) fn are_free(&self) -> bool {
        self.0.available_permits() == CALLS_IN_FLIGHT_MAX
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct Watch {
    places: Places,
}

impl Watch {
    pub(super) fn new(places: Places) -> Self {
        Self { places }
    }
}

/// A service under watch.
#[derive(Clone)]
pub(super) struct Watched<S> {
    rest: S,
    places: Places,
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, rest: S) -> Watched<S> {
        Watched {
            rest,
            places: self.places.clone(),
        }
    }
}

impl<S, B> Service<Request<B>> for Watched<S>
where
    S: Service<Request<B>, Response = Answer, Error = Infallible>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Either<Call<S::Future>, Ready<Result<Answer, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.rest.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let identity = CallIdentity {
            method: request.uri().path_and_query().cloned(),
        };
        // First, so that a refused call costs nothing.
        match Arc::clone(&self.places.0).try_acquire_owned() {
            Ok(place) => Either::Left(Call {
                rest: self.rest.call(request),
                identity,
                _place: place,
            }),
            Err(_) => Either::Right(ready(Ok(identity.about(answer(fault::busy("calls")))))),
        }
    }
}

pin_project! {
/// A running call.
    pub(super) struct Call<F> {
        #[pin]
        rest: F,
        identity: CallIdentity,
        _place: OwnedSemaphorePermit,
    }
}

impl<F: Future<Output = Result<Answer, Infallible>>> Future for Call<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| this.rest.poll(cx)));
        let answer = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(answer))) => answer,
            Ok(Poll::Ready(Err(never))) => match never {},
            // A defect in one call: answer INTERNAL and keep the connection.
            Err(panic) => answer(fault::internal(words(panic.as_ref()))),
        };
        Poll::Ready(Ok(this.identity.about(answer)))
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
}

/// The identity of a call, for the log of failures.
struct CallIdentity {
    method: Option<PathAndQuery>,
}

impl CallIdentity {
    /// The answer, with a reason if it is a refusal.
    fn about(&self, answer: Answer) -> Answer {
        let Some(status) = refusal_of(&answer) else {
            return answer;
        };
        if !status.details().is_empty() {
            return answer;
        }
        explain(self.path(), &status, answer)
    }

    fn path(&self) -> &str {
        self.method.as_ref().map_or("", PathAndQuery::path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;
    use tonic::body::Body;
    use tonic_types::StatusExt;
    use tower::ServiceExt;
    use tower::service_fn;

    fn watched<F>(
        places: &Places,
        rest: impl Fn() -> F + Clone,
    ) -> impl Service<Request<()>, Response = Answer, Error = Infallible>
    where
        F: Future<Output = Result<Answer, Infallible>>,
    {
        Watch::new(places.clone()).layer(service_fn(move |_| rest()))
    }

    async fn well() -> Result<Answer, Infallible> {
        Ok(http::Response::new(Body::empty()))
    }

    fn refusal(answer: &Answer) -> (Code, String) {
        let status = refusal_of(answer).expect("a refusal");
        let details = status.get_error_details();
        let info = details.error_info().expect("an ErrorInfo");
        (status.code(), info.reason.clone())
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_a_fault_of_ours() {
        let panics = || async { panic!("of the test") };
        let Ok(answer) = watched(&Places::new(), panics)
            .oneshot(Request::new(()))
            .await;
        assert_eq!(refusal(&answer), (Code::Internal, "INTERNAL".to_owned()));
    }

    #[tokio::test]
    async fn the_call_after_the_last_that_fits_is_refused_at_once() {
        let places = Places(Arc::new(Semaphore::new(1)));
        let held = Arc::clone(&places.0).try_acquire_owned().expect("a place");
        let Ok(answer) = watched(&places, well).oneshot(Request::new(())).await;
        assert_eq!(
            refusal(&answer),
            (Code::ResourceExhausted, "QUEUE_FULL".to_owned())
        );
        drop(held);
        let Ok(answer) = watched(&places, well).oneshot(Request::new(())).await;
        assert!(refusal_of(&answer).is_none());
        assert_eq!(places.0.available_permits(), 1, "its place is free again");
    }
}
