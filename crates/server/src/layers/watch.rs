//! Watches each call: turns a panic into an error, and adds a reason to errors of tonic.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Request;
use http::uri::PathAndQuery;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::explain::explain;
use super::{Answer, answer, refusal_of};
use crate::fault;

/// See the module.
#[derive(Clone, Copy)]
pub(super) struct Watch;

/// A service under watch.
#[derive(Clone)]
pub(super) struct Watched<S>(S);

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, rest: S) -> Watched<S> {
        Watched(rest)
    }
}

impl<S, B> Service<Request<B>> for Watched<S>
where
    S: Service<Request<B>, Response = Answer, Error = Infallible>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Call<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Call {
            identity: CallIdentity {
                method: request.uri().path_and_query().cloned(),
            },
            rest: self.0.call(request),
        }
    }
}

pin_project! {
/// A running call.
    pub(super) struct Call<F> {
        #[pin]
        rest: F,
        identity: CallIdentity,
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
    use tonic_types::StatusExt;
    use tower::ServiceExt;
    use tower::service_fn;

    fn refusal(answer: &Answer) -> (Code, String) {
        let status = refusal_of(answer).expect("a refusal");
        let details = status.get_error_details();
        let info = details.error_info().expect("an ErrorInfo");
        (status.code(), info.reason.clone())
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_a_fault_of_ours() {
        let panics = || async { panic!("of the test") };
        let Ok(answer) = Watch
            .layer(service_fn(move |_| panics()))
            .oneshot(Request::new(()))
            .await;
        assert_eq!(refusal(&answer), (Code::Internal, "INTERNAL".to_owned()));
    }
}
