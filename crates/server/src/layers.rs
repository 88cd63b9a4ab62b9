//! The tower layers that every call passes through.
//!
//! They cost a successful call its caller, two clock readings and its metrics. They box
//! no future and inspect no answer except refusals and streams.

mod authorize;
mod bypass_router;
mod call_log;
mod deadline;
mod explain;
mod identify_caller;
mod observe;
mod watch;

use std::convert::Infallible;
use std::sync::Arc;

use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::{Layer, Service, ServiceBuilder};

use crate::authentication::Authenticator;
use crate::fault::Fault;
use crate::metrics::Metrics;
use authorize::Authorize;
use bypass_router::BypassRouter;
use deadline::KeepDeadline;
use identify_caller::IdentifyCaller;
use observe::Observe;
use watch::Watch;

/// The answer to a call.
type Answer = http::Response<Body>;

/// All layers, the outermost first. The service is the most frequently called one.
pub(crate) fn layers<S>(
    metrics: &Metrics,
    authenticator: &Arc<Authenticator>,
    service: S,
) -> impl Layer<
    Routes,
    Service: Service<http::Request<Body>, Response = Answer, Error = Infallible, Future: Send>
                 + Clone
                 + Send
                 + 'static,
> + Clone
+ Send
+ 'static
where
    S: Service<http::Request<Body>, Response = Answer, Error = Infallible, Future: Send>
        + NamedService
        + Clone
        + Send
        + 'static,
{
    ServiceBuilder::new()
        // First: all other layers need the caller.
        .layer(IdentifyCaller::by(Arc::clone(authenticator)))
        // Outside the watch, to count and log panics that the watch catches.
        .layer(Observe::new(metrics))
        // Before a handler reads the request.
        .layer(Authorize::by(Arc::clone(authenticator)))
        // Sees every answer of a service and everything that may panic.
        .layer(Watch)
        // Around everything that takes time: drops the inner call at the caller's deadline.
        .layer(KeepDeadline)
        // Last, since it calls the services.
        .layer(BypassRouter::to(service))
        .into_inner()
}

fn answer(fault: Fault) -> Answer {
    fault.status().into_http()
}

/// The status of an answer that is only a refusal.
fn refusal_of(answer: &Answer) -> Option<Status> {
    // A successful answer sends its status after its messages.
    answer.headers().get(Status::GRPC_STATUS)?;
    // The original status, with its cause.
    if let Some(status) = answer.extensions().get::<Status>() {
        return Some(status.clone()).filter(|status| status.code() != Code::Ok);
    }
    Status::from_header_map(answer.headers()).filter(|status| status.code() != Code::Ok)
}
