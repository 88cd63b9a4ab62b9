//! Accepts connections, and opens each in a task of its own.

use std::convert::Infallible;
use std::io::{ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tonic::body::Body;
use tower::Service;

use super::connection::{Connection, Wire};
use super::peer::Peer;
use super::preface::{Replayed, read_preface};
use super::sockets::{Full, Socket, Sockets};
use super::tls::Tls;
use crate::limits::KEEPALIVE_AFTER;

/// The pause after the system could not accept a connection, for lack of files or memory. Without
/// it the loop would use a whole core until there are files again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Minimum time between log lines about it.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Accepts connections.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    wire: Arc<Wire>,
    sockets: Arc<Sockets>,
    tls: Option<Arc<Tls>>,
    last_line: Option<Instant>,
}

impl Listener {
    /// For up to `connections_max` connections, over TLS or plain.
    pub(crate) fn new(
        listener: TcpListener,
        wire: &Arc<Wire>,
        connections_max: usize,
        tls: Option<Arc<Tls>>,
    ) -> Self {
        let per_address_max = wire.limits.per_address_max(connections_max);
        let sockets = Sockets::new(connections_max, per_address_max);
        let counted = Arc::clone(&sockets);
        wire.metrics.count_open(move || counted.open());
        Self {
            listener,
            wire: Arc::clone(wire),
            sockets,
            tls,
            last_line: None,
        }
    }

    /// Serves until `stop` completes, and then until all connections have ended.
    pub(crate) async fn serve<S>(mut self, service: S, stop: impl Future<Output = ()>)
    where
        S: Service<
                Request<Body>,
                Response = http::Response<Body>,
                Error = Infallible,
                Future: Send,
            > + Clone
            + Send
            + 'static,
    {
        let (stopping, stopped) = watch::channel(());
        {
            let mut stop = std::pin::pin!(stop);
            loop {
                let accepted = tokio::select! {
                    () = stop.as_mut() => break,
                    accepted = self.listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, from)) => self.open(stream, from, service.clone(), &stopped),
                    Err(error) => {
                        let pause = self.pause_after(&error);
                        tokio::select! {
                            () = stop.as_mut() => break,
                            () = sleep(pause) => {}
                        }
                    }
                }
            }
        }
        drop((self.listener, stopped));
        // Fails harmlessly if no connection is open.
        let _ = stopping.send(());
        stopping.closed().await;
    }

    /// How long to wait after an error. An error of one connection needs no pause.
    fn pause_after(&mut self, error: &std::io::Error) -> Duration {
        if matches!(
            error.kind(),
            ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionRefused
                | ErrorKind::Interrupted
        ) {
            return Duration::ZERO;
        }
        self.wire.metrics.accept_failures.inc();
        let is_due = self.last_line.is_none_or(|at| at.elapsed() >= LINE_EVERY);
        if is_due {
            self.last_line = Some(Instant::now());
            tracing::warn!(%error, "cannot accept connections: the server tries again and again");
        }
        ACCEPT_PAUSE
    }

    /// Opens a connection in a task of its own, or closes it at once.
    fn open<S>(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        service: S,
        stopped: &watch::Receiver<()>,
    ) where
        S: Service<
                Request<Body>,
                Response = http::Response<Body>,
                Error = Infallible,
                Future: Send,
            > + Clone
            + Send
            + 'static,
    {
        let metrics = &self.wire.metrics;
        let socket = match self.sockets.admit(from.ip()) {
            Ok((socket, made_room)) => {
                if made_room {
                    metrics.connection_refused("silent");
                }
                socket
            }
            Err(Full::All) => return metrics.connection_refused("limit"),
            Err(Full::Address) => return metrics.connection_refused("address_limit"),
        };
        let opening = Opening {
            wire: Arc::clone(&self.wire),
            from,
            service,
            stopped: stopped.clone(),
            socket,
        };
        let handshake = match &self.tls {
            Some(tls) => {
                let tls = Arc::clone(tls);
                tokio::spawn(opening.open(async move {
                    prepare(&stream)?;
                    let (stream, names) = tls.accept(stream).await?;
                    Ok((read_preface(stream).await?, names))
                }))
            }
            None => tokio::spawn(opening.open(async move {
                prepare(&stream)?;
                Ok((read_preface(stream).await?, Arc::default()))
            })),
        };
        self.sockets.begun(from.ip(), handshake.abort_handle());
    }
}

/// A connection that is being opened.
struct Opening<S> {
    wire: Arc<Wire>,
    from: SocketAddr,
    service: S,
    stopped: watch::Receiver<()>,
    socket: Socket,
}

impl<S> Opening<S>
where
    S: Service<Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    /// Shakes hands within the time limit. Then another task serves the connection, so that a task
    /// that has not ended is a handshake.
    async fn open<T>(self, shake_hands: impl Future<Output = Result<(Replayed<T>, Arc<[String]>)>>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let patience = self.wire.limits.handshake_patience();
        match timeout(patience, shake_hands).await {
            Ok(Ok((stream, names))) => {
                let connection = Connection::new(&self.wire, Peer::of(self.from, names));
                let (service, stopped, socket) = (self.service, self.stopped, self.socket);
                tokio::spawn(async move {
                    connection.serve(stream, service, stopped).await;
                    drop(socket);
                });
            }
            Ok(Err(_)) => self.wire.metrics.connection_refused("handshake"),
            Err(_) => self.wire.metrics.connection_refused("silent"),
        }
    }
}

/// Sets the options of a socket.
fn prepare(stream: &TcpStream) -> Result<()> {
    // Without nodelay every answer of some kilobytes waits 40 ms for an acknowledgement that the
    // caller's kernel delays.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
