//! What every call passes through, whatever its service: the tower layers.
//!
//! A call that goes well pays for them with its caller, a place, two looks at the clock and its
//! figures: no future is boxed, and no answer but a refusal or a stream is looked into.

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

use crate::fault::Fault;
use crate::metrics::Metrics;
use bypass_router::BypassRouter;
use deadline::KeepDeadline;
use identify_caller::IdentifyCaller;
use observe::Observe;
use watch::Watch;

pub(crate) use watch::Places;

/// What a call is answered.
type Answer = http::Response<Body>;

/// All layers, the outermost first. The service is the one that is asked the most.
pub(crate) fn layers<S>(
    metrics: &Metrics,
    places: &Places,
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
        // The first: all below ask it who calls, and tonic's own timeout begins after it.
        .layer(IdentifyCaller::new())
        // Outside the watch, so that it counts and logs what the watch refuses or makes of a panic.
        .layer(Observe::new(Arc::clone(&metrics.calls)))
        // Sees what the caller is told, whoever says it, and all that may panic.
        .layer(Watch::new(places.clone()))
        // Around all that takes time: whatever runs below is dropped at the caller's deadline.
        .layer(KeepDeadline)
        // The last, since it leads to the services.
        .layer(BypassRouter::to(service))
        .into_inner()
}

fn answer(fault: Fault) -> Answer {
    fault.status().into_http()
}

/// The status of an answer that is nothing but a refusal.
fn refusal_of(answer: &Answer) -> Option<Status> {
    // An answer that goes well tells its status after its messages.
    answer.headers().get(Status::GRPC_STATUS)?;
    // As it was made, with its cause.
    if let Some(status) = answer.extensions().get::<Status>() {
        return Some(status.clone()).filter(|status| status.code() != Code::Ok);
    }
    Status::from_header_map(answer.headers()).filter(|status| status.code() != Code::Ok)
}
