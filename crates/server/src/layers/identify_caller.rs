//! The caller of each call, made once from its metadata and carried in the call's extensions.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

use crate::authentication::Authenticator;
use crate::caller::{CallId, Caller};

/// Puts an `Arc<Caller>` into the extensions of each call.
#[derive(Clone)]
pub(super) struct IdentifyCaller {
    authenticator: Arc<Authenticator>,
    next: Arc<AtomicU64>,
}

impl IdentifyCaller {
    /// Numbers calls from a random start, so that calls of two servers, or before and after a
    /// restart, have different numbers.
    pub(super) fn by(authenticator: Arc<Authenticator>) -> Self {
        let first = RandomState::new().hash_one(());
        Self {
            authenticator,
            next: Arc::new(AtomicU64::new(first)),
        }
    }
}

/// A service under that layer.
#[derive(Clone)]
pub(super) struct Identified<S> {
    rest: S,
    authenticator: Arc<Authenticator>,
    next: Arc<AtomicU64>,
}

impl<S> Layer<S> for IdentifyCaller {
    type Service = Identified<S>;

    fn layer(&self, rest: S) -> Identified<S> {
        Identified {
            rest,
            authenticator: Arc::clone(&self.authenticator),
            next: Arc::clone(&self.next),
        }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Identified<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.rest.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let call_id = CallId(self.next.fetch_add(1, Ordering::Relaxed));
        let caller = Caller::of(&request, &self.authenticator, call_id);
        request.extensions_mut().insert(Arc::new(caller));
        self.rest.call(request)
    }
}
