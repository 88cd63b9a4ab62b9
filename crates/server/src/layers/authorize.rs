//! Permission: refuses a call before its request is read, counts it against the limits of its
//! credential, and ends a stream whose credential is revoked.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, Ready, ready};
use http::Request;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use roster_api::METHODS;
use roster_api::v1::ErrorReason;
use tokio::time::{Interval, interval};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::{Answer, answer, refusal_of};
use crate::access;
use crate::authentication::{Authenticator, Grant, Permit};
use crate::caller::Caller;
use crate::fault::{self, Fault};

/// How often the credential of an open stream is checked, also if the stream is silent.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Clone)]
pub(super) struct Authorize(Arc<Authenticator>);

impl Authorize {
    pub(super) fn by(authenticator: Arc<Authenticator>) -> Self {
        Self(authenticator)
    }
}

/// A service under that layer.
#[derive(Clone)]
pub(super) struct Authorized<S> {
    rest: S,
    authenticator: Arc<Authenticator>,
}

impl<S> Layer<S> for Authorize {
    type Service = Authorized<S>;

    fn layer(&self, rest: S) -> Authorized<S> {
        Authorized {
            rest,
            authenticator: Arc::clone(&self.0),
        }
    }
}

impl<S, B> Service<Request<B>> for Authorized<S>
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
        match self.admit(&request) {
            Ok(admission) => Either::Left(Call {
                rest: self.rest.call(request),
                admission,
            }),
            Err(fault) => Either::Right(ready(Ok(answer(fault)))),
        }
    }
}

impl<S> Authorized<S> {
    fn admit<B>(&self, request: &Request<B>) -> Result<Admission, Fault> {
        let path = request.uri().path();
        let caller = request.extensions().get::<Arc<Caller>>();
        let caller = caller.ok_or_else(|| fault::internal("a call has no caller"))?;
        access::check(&self.authenticator, caller, path)?;
        let info = caller.method.and_then(|method| METHODS.get(method));
        let by_kind = info.is_some_and(|info| info.access.by_kind);
        let streams = info.is_none_or(|info| info.streams_answers || info.streams_requests);
        let (permit, watched) = match caller.grant() {
            None => (Permit::default(), None),
            Some(grant) => {
                let watched = streams.then(|| {
                    Box::new(Watched {
                        authenticator: Arc::clone(&self.authenticator),
                        grant: Arc::clone(grant),
                        turns: interval(CHECK_EVERY),
                    })
                });
                (grant.take_call()?, watched)
            }
        };
        Ok(Admission {
            permit,
            watched,
            unchecked: by_kind.then(|| Arc::clone(caller)),
        })
    }
}

/// A call that may run.
struct Admission {
    permit: Permit,
    /// The credential of a stream.
    watched: Option<Box<Watched>>,
    /// The caller of a method whose handler must check further scopes.
    unchecked: Option<Arc<Caller>>,
}

/// The credential of a stream.
struct Watched {
    authenticator: Arc<Authenticator>,
    grant: Arc<Grant>,
    turns: Interval,
}

impl Watched {
    /// Whether the credential is revoked. Looks at every message and once a second.
    fn poll_revoked(&mut self, cx: &mut Context<'_>) -> bool {
        while self.turns.poll_tick(cx).is_ready() {}
        !self.authenticator.still_grants(&self.grant)
    }
}

fn revoked() -> Fault {
    Fault::new(
        Code::Unauthenticated,
        ErrorReason::CredentialRevoked,
        "the credential of this stream was revoked or suspended, or it expired",
    )
}

pin_project! {
/// A running call.
    pub(super) struct Call<F> {
        #[pin]
        rest: F,
        admission: Admission,
    }
}

impl<F: Future<Output = Result<Answer, Infallible>>> Future for Call<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let admission = this.admission;
        if let Some(watched) = &mut admission.watched
            && watched.poll_revoked(cx)
        {
            return Poll::Ready(Ok(answer(revoked())));
        }
        let Poll::Ready(Ok(told)) = this.rest.poll(cx) else {
            return Poll::Pending;
        };
        if let Some(caller) = &admission.unchecked
            && caller.lacks_check()
            && refusal_of(&told).is_none()
        {
            return Poll::Ready(Ok(answer(fault::internal(
                "a handler did not check the scopes of the kinds of its request",
            ))));
        }
        let Some(watched) = admission.watched.take() else {
            return Poll::Ready(Ok(told));
        };
        let permit = std::mem::take(&mut admission.permit);
        Poll::Ready(Ok(told.map(|body| {
            Body::new(Stream {
                body,
                watched,
                ended: false,
                _permit: permit,
            })
        })))
    }
}

/// The answer of a stream, which ends with its credential.
struct Stream {
    body: Body,
    watched: Box<Watched>,
    ended: bool,
    _permit: Permit,
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if this.watched.poll_revoked(cx) {
            this.ended = true;
            let status = revoked().status();
            let mut trailers = http::HeaderMap::new();
            return Poll::Ready(Some(match status.add_header(&mut trailers) {
                Ok(()) => Ok(Frame::trailers(trailers)),
                Err(status) => Err(status),
            }));
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
