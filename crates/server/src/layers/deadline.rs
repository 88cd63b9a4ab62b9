//! Enforces the caller's deadline (`grpc-timeout`) with an error that has a reason.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Request;
use pin_project_lite::pin_project;
use roster_api::v1::ErrorReason;
use tokio::time::{Sleep, sleep_until};
use tonic::Code;
use tower::{Layer, Service};

use super::{Answer, answer};
use crate::caller::Caller;
use crate::fault::Fault;

/// Ends a call at its deadline. Starts the timer only when the call has to wait, so a call without
/// a deadline or with an immediate answer costs nothing.
#[derive(Clone, Copy)]
pub(super) struct KeepDeadline;

/// A service under that layer.
#[derive(Clone)]
pub(super) struct Kept<S>(S);

impl<S> Layer<S> for KeepDeadline {
    type Service = Kept<S>;

    fn layer(&self, inner: S) -> Kept<S> {
        Kept(inner)
    }
}

impl<S, B> Service<Request<B>> for Kept<S>
where
    S: Service<Request<B>, Response = Answer>,
{
    type Response = Answer;
    type Error = S::Error;
    type Future = Until<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let caller = request.extensions().get::<Arc<Caller>>();
        let deadline = caller.and_then(|caller| caller.deadline);
        Until {
            rest: self.0.call(request),
            deadline: deadline.map(sleep_until),
        }
    }
}

pin_project! {
    /// The rest of a call, at most until its deadline.
    pub(super) struct Until<F> {
        #[pin]
        rest: F,
        #[pin]
        deadline: Option<Sleep>,
    }
}

impl<F: Future<Output = Result<Answer, E>>, E> Future for Until<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(told) = this.rest.poll(cx) {
            return Poll::Ready(told);
        }
        let Some(deadline) = this.deadline.as_pin_mut() else {
            return Poll::Pending;
        };
        ready!(deadline.poll(cx));
        Poll::Ready(Ok(answer(passed())))
    }
}

fn passed() -> Fault {
    Fault::new(
        Code::DeadlineExceeded,
        ErrorReason::DeadlineExceeded,
        "the call was not answered before its deadline, and a write may have been carried out: \
         repeat it with the same request_id and more time",
    )
}
