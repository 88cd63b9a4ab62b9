//! A connection, from its preface to its end.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::{Either, Ready, ready};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tonic::body::Body;
use tower::util::Oneshot;
use tower::{Service, ServiceExt};

use super::answer_body::AnswerBody;
use super::call::{self, Calls};
use super::forms::{Form, form_of, not_grpc};
use super::peer::Peer;
use super::places::Places;
use super::request_body::RequestBody;
use super::share::{Pool, Share};
use crate::limits::{
    CALLS_WAITING_MAX, CONNECTION_GRACE, CONNECTION_WINDOW_BYTES, HEADER_BYTES_MAX,
    KEEPALIVE_AFTER, KEEPALIVE_PATIENCE, RESET_CALLS_MAX, RESETS_PENDING_MAX, SEND_BUFFER_BYTES,
    STREAM_WINDOW_BYTES, STREAMS_PER_CONNECTION_MAX,
};
use crate::metrics::WireMetrics;
use crate::options::WireLimits;

/// The answer of the layers.
type Answer = Response<Body>;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(super) limits: WireLimits,
    pub(super) metrics: Arc<WireMetrics>,
    pub(crate) places: Places,
    /// Calls whose message is not there.
    calls_waiting: Arc<Pool>,
    /// Bytes of messages that are not complete, or whose call runs.
    message_bytes: Arc<Pool>,
    /// Bytes of long answers that their callers did not take yet.
    answer_bytes: Arc<Pool>,
}

impl Wire {
    pub(crate) fn new(limits: WireLimits, metrics: Arc<WireMetrics>) -> Arc<Self> {
        let bytes_max = limits.message_mib.saturating_mul(1 << 20);
        let message_bytes = Pool::new(bytes_max);
        let answer_bytes = Pool::new(bytes_max);
        metrics.watch(&message_bytes, &answer_bytes);
        Arc::new(Self {
            places: Places::new(limits.calls_max),
            calls_waiting: Pool::new(CALLS_WAITING_MAX),
            message_bytes,
            answer_bytes,
            limits,
            metrics,
        })
    }
}

/// What the calls of a connection share.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) wire: Arc<Wire>,
    pub(super) calls_waiting: Arc<Share>,
    pub(super) message_bytes: Arc<Share>,
    pub(super) answer_bytes: Arc<Share>,
    peer: Peer,
}

impl Connection {
    pub(super) fn new(wire: &Arc<Wire>, peer: Peer) -> Arc<Self> {
        Arc::new(Self {
            calls_waiting: Share::of(&wire.calls_waiting),
            message_bytes: Share::of(&wire.message_bytes),
            answer_bytes: Share::of(&wire.answer_bytes),
            wire: Arc::clone(wire),
            peer,
        })
    }

    /// The options of HTTP/2. HTTP/2 pings detect dead callers, though they cost a clock for every
    /// frame: the kernel's keepalive does not notice a caller that hangs or leaves during an
    /// answer.
    fn http2(&self) -> Builder<Calls> {
        let mut http2 = Builder::new(Calls {
            answer_patience: self.wire.limits.answer_patience(),
            metrics: Arc::clone(&self.wire.metrics),
        });
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEPALIVE_AFTER)
            .keep_alive_timeout(KEEPALIVE_PATIENCE)
            .max_header_list_size(HEADER_BYTES_MAX)
            .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
            .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
            .max_local_error_reset_streams(RESET_CALLS_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES);
        http2
    }

    /// Serves until the peer leaves, the connection is too old, or the server stops.
    pub(super) async fn serve<T, S>(
        self: Arc<Self>,
        stream: T,
        service: S,
        mut stop: watch::Receiver<()>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Body>, Response = Answer, Error = Infallible, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        let http2 = self.http2();
        let age = jittered(self.wire.limits.connection_age());
        let service = OfConnection {
            service,
            connection: self,
        };
        let mut serving = pin!(http2.serve_connection(TokioIo::new(stream), service));
        let mut end = pin!(sleep(age.unwrap_or(Duration::MAX)));
        let (mut is_ending, mut is_stopping) = (false, false);
        loop {
            tokio::select! {
                // A peer that breaks the protocol or the connection is no fault of the server.
                _ = serving.as_mut() => return,
                () = end.as_mut() => {
                    if is_ending {
                        return;
                    }
                    is_ending = true;
                    serving.as_mut().graceful_shutdown();
                    end.as_mut().reset(Instant::now() + CONNECTION_GRACE);
                }
                _ = stop.changed(), if !is_stopping => {
                    is_stopping = true;
                    serving.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// The age, up to a tenth shorter or longer: connections that began together end apart.
fn jittered(age: Option<Duration>) -> Option<Duration> {
    let random = RandomState::new().hash_one(()) as f64 / u64::MAX as f64;
    age.map(|age| age.mul_f64(0.9 + 0.2 * random))
}

/// The service of one connection.
struct OfConnection<S> {
    service: S,
    connection: Arc<Connection>,
}

impl<S> hyper::service::Service<Request<Incoming>> for OfConnection<S>
where
    S: Service<Request<Body>, Response = Answer, Error = Infallible> + Clone,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering<Either<Oneshot<S, Request<Body>>, Ready<Result<Answer, Infallible>>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let connection = Arc::clone(&self.connection);
        let (parts, body) = request.into_parts();
        let rest = match form_of(&parts) {
            Ok(form) => {
                let request = self.request(parts, body, form);
                Either::Left(self.service.clone().oneshot(request))
            }
            Err(code) => {
                connection.wire.metrics.refused("NOT_GRPC");
                Either::Right(ready(Ok(not_grpc(code))))
            }
        };
        Answering { rest, connection }
    }
}

impl<S> OfConnection<S> {
    fn request(
        &self,
        mut parts: http::request::Parts,
        body: Incoming,
        form: Form,
    ) -> Request<Body> {
        parts.extensions.insert(self.connection.peer.clone());
        let body = RequestBody::new(body, form, Arc::clone(&self.connection));
        Request::from_parts(parts, Body::new(body))
    }
}

pin_project! {
    /// A call until its answer begins.
    struct Answering<F> {
        #[pin]
        rest: F,
        connection: Arc<Connection>,
    }
}

impl<F: Future<Output = Result<Answer, Infallible>>> Future for Answering<F> {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(answer) = ready!(this.rest.poll(cx));
        // The work is done. Streams of answers may last for days.
        call::free_place();
        let connection = &*this.connection;
        Poll::Ready(Ok(answer.map(|body| AnswerBody::new(body, connection))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_at_most_a_tenth() {
        assert_eq!(jittered(None), None);
        let hour = Duration::from_secs(3_600);
        let ages: Vec<_> = (0..100).filter_map(|_| jittered(Some(hour))).collect();
        assert!(
            ages.iter()
                .all(|age| (3_240..=3_960).contains(&age.as_secs()))
        );
        assert!(ages.windows(2).any(|two| two[0] != two[1]));
    }
}
