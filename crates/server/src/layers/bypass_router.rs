//! Bypasses the router for the service that is called on every page view.
//!
//! The router boxes each call's body, answer and future and matches its path as a pattern. For a
//! check this costs more than the answer itself. Calls of other services use the router.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::Either;
use http::Request;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::{Layer, Service};

use super::Answer;

/// Calls this service without the router.
#[derive(Clone)]
pub(super) struct BypassRouter<S>(S);

impl<S> BypassRouter<S> {
    pub(super) fn to(service: S) -> Self {
        Self(service)
    }
}

/// A service, and the router to all others.
#[derive(Clone)]
pub(super) struct Forked<S> {
    service: S,
    routes: Routes,
}

impl<S: Clone> Layer<Routes> for BypassRouter<S> {
    type Service = Forked<S>;

    fn layer(&self, routes: Routes) -> Forked<S> {
        Forked {
            service: self.0.clone(),
            routes,
        }
    }
}

/// Whether a path names a method of a service: `/name/method`.
fn leads_to(path: &str, service: &str) -> bool {
    let method = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(service)?.strip_prefix('/'));
    method.is_some_and(|method| !method.is_empty())
}

impl<S> Service<Request<Body>> for Forked<S>
where
    S: Service<Request<Body>, Response = Answer, Error = Infallible> + NamedService,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Either<S::Future, <Routes as Service<Request<Body>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self.service.poll_ready(cx) {
            Poll::Ready(Ok(())) => Service::<Request<Body>>::poll_ready(&mut self.routes, cx),
            other => other,
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if leads_to(request.uri().path(), S::NAME) {
            Either::Left(self.service.call(request))
        } else {
            Either::Right(self.routes.call(request))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_service_that_it_names_in_full() {
        let service = "roster.v1.VisibilityService";
        assert!(leads_to(
            "/roster.v1.VisibilityService/CheckTicket",
            service
        ));
        for other in [
            "",
            "/",
            "/roster.v1.VisibilityService",
            "/roster.v1.VisibilityService/",
            "/roster.v1.VisibilityServices/CheckTicket",
            "/roster.v1.Visibility/CheckTicket",
            "//roster.v1.VisibilityService/CheckTicket",
            "roster.v1.VisibilityService/CheckTicket",
        ] {
            assert!(!leads_to(other, service), "{other}");
        }
    }
}
