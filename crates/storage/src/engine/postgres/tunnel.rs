//! Carries the connections of libpq to PostgreSQL over TLS: libpq connects to a socket in a folder
//! that only this user can enter, and each connection continues to a server over TLS.
//!
//! Invariants:
//! - Only this process uses the sockets: a connection of another process is closed.
//! - What libpq sends leaves this machine only after the TLS handshake, unless TLS is optional and
//!   the server said that it has none.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tempfile::TempDir;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional_with_sizes,
};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsConnector;

use super::route::{HAS_NO_TLS, HAS_TLS, TLS_REQUEST};
use super::startup_messages::{Refusal, first_answers, first_message};
use super::tls::Untrusted;
use crate::error::{Result, StorageError};

/// How the folders of tunnels are called; the rest is random.
const FOLDER: &str = "roster-postgres-";
/// Connecting and both handshakes, as libpq is given: see `NETWORK_LIMITS`.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// When the kernel probes a silent connection, and how often: see `NETWORK_LIMITS`.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(5);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);
/// Bytes that a connection carries at a time in each direction: a page of rows, and a batch.
const BUFFER_BYTES: usize = 64 << 10;

/// A server at the other end.
pub(super) struct Target {
    /// The name that its certificate must be for.
    pub(super) name: String,
    /// The name or address to connect to.
    pub(super) connected: String,
    pub(super) port: u16,
    /// Whether a server without TLS is refused.
    pub(super) requires_tls: bool,
}

/// See the module. Its connections close when it is dropped.
pub(super) struct Tunnel {
    folder: TempDir,
    /// Each change closes the connections of before.
    closing: watch::Sender<u64>,
    _stop: oneshot::Sender<()>,
}

impl Tunnel {
    /// Listens on one socket a target, in their order.
    pub(super) fn start(targets: Vec<Target>, config: ClientConfig) -> Result<Self> {
        let unusable = |error: io::Error| {
            StorageError::UnusableAddress(format!(
                "the tunnel for TLS needs a folder for its socket, with a short path, in {}: {error}",
                std::env::temp_dir().display()
            ))
        };
        remove_left_folders(&std::env::temp_dir());
        let folder = tempfile::Builder::new()
            .prefix(FOLDER)
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(unusable)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(unusable)?;
        let closing = watch::Sender::new(0);
        let connector = TlsConnector::from(Arc::new(config));
        for (number, target) in targets.into_iter().enumerate() {
            let socket = folder
                .path()
                .join(format!(".s.PGSQL.{}", Self::port(number)));
            let listener = {
                let _entered = runtime.enter();
                UnixListener::bind(socket).map_err(unusable)?
            };
            let carrier = Arc::new(Carrier {
                target,
                connector: connector.clone(),
                warned: AtomicBool::new(false),
            });
            runtime.spawn(accept(listener, carrier, closing.subscribe()));
        }
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("tunnel".to_owned())
            .spawn(move || {
                // Ends when the sender is dropped.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })
            .map_err(unusable)?;
        Ok(Self {
            folder,
            closing,
            _stop: stop,
        })
    }

    /// The folder of the sockets.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The port that the socket of a target's name ends with.
    pub(super) fn port(number: usize) -> usize {
        number + 1
    }

    /// Closes all present connections.
    pub(super) fn close_connections(&self) {
        self.closing.send_modify(|times| *times += 1);
    }
}

/// Removes the folders of processes that were killed: nobody listens on their sockets.
fn remove_left_folders(within: &Path) {
    let Ok(entries) = std::fs::read_dir(within) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(FOLDER);
        let socket = entry.path().join(format!(".s.PGSQL.{}", Tunnel::port(0)));
        let left = || {
            let tried = StdUnixStream::connect(&socket);
            tried.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        };
        if is_ours && left() {
            // Another user's folder stays.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

async fn accept(listener: UnixListener, carrier: Arc<Carrier>, closing: watch::Receiver<u64>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let (carrier, mut closing) = (Arc::clone(&carrier), closing.clone());
                closing.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        () = carrier.carry(client) => {}
                        _ = closing.changed() => {}
                    }
                });
            }
            Err(error) => {
                tracing::error!(%error, "the tunnel to PostgreSQL cannot accept a connection");
                // Out of file descriptors, as a rule.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A connection to a server, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Carries the connections of one target.
struct Carrier {
    target: Target,
    connector: TlsConnector,
    /// Whether the warning about a server without TLS was logged.
    warned: AtomicBool,
}

impl Carrier {
    async fn carry(&self, mut client: UnixStream) {
        let of = client.peer_cred().ok().and_then(|peer| peer.pid());
        if of.is_some_and(|pid| u32::try_from(pid) != Ok(std::process::id())) {
            tracing::warn!(
                pid = of,
                "refused another process on the tunnel to PostgreSQL"
            );
            return;
        }
        let Ok(first) = first_message(&mut client).await else {
            return;
        };
        let mut server = match self.connect_in_time().await {
            Ok(server) => server,
            Err(refusal) => return refusal.send(&mut client).await,
        };
        let begun = match server.write_all(&first).await {
            Ok(()) => first_answers(&mut server).await,
            Err(error) => Err(error),
        };
        match begun {
            Ok(answers) if client.write_all(&answers).await.is_err() => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return,
            // As a rule, a client certificate that the server did not accept.
            Err(error) => return self.untrusted(&error).send(&mut client).await,
        }
        // Either end may close at any time; libpq reports that.
        let _ = copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER_BYTES, BUFFER_BYTES)
            .await;
    }

    async fn connect_in_time(&self) -> Result<Box<dyn Stream>, Refusal> {
        let (name, seconds) = (&self.target.name, CONNECT_PATIENCE.as_secs());
        let late =
            |_| Refusal::unreachable(format!("{name} did not answer within {seconds} seconds"));
        tokio::time::timeout(CONNECT_PATIENCE, self.connect())
            .await
            .map_err(late)?
    }

    fn untrusted(&self, error: &io::Error) -> Refusal {
        let host = &self.target.name;
        Refusal::unsuitable(Untrusted { host, error }.to_string())
    }

    /// Connects to the server and shakes hands.
    async fn connect(&self) -> Result<Box<dyn Stream>, Refusal> {
        let Target {
            name,
            connected,
            port,
            ..
        } = &self.target;
        let unreached = |error: io::Error| {
            Refusal::unreachable(format!("{name} cannot be reached on port {port}: {error}"))
        };
        let mut stream = TcpStream::connect((connected.as_str(), *port))
            .await
            .map_err(unreached)?;
        limit(&stream).map_err(unreached)?;
        stream.write_all(&TLS_REQUEST).await.map_err(unreached)?;
        // Not a byte more: what follows the answer must be encrypted.
        match stream.read_u8().await.map_err(unreached)? {
            HAS_TLS => {}
            HAS_NO_TLS if !self.target.requires_tls => {
                if !self.warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(host = name, "PostgreSQL has no TLS: not encrypting");
                }
                return Ok(Box::new(stream));
            }
            HAS_NO_TLS => {
                return Err(Refusal::unsuitable(format!(
                    "{name} has no TLS: turn ssl on there, or set sslmode=disable if the network \
                     itself keeps others out"
                )));
            }
            _ => {
                let what = format!("{name} does not answer as PostgreSQL does");
                return Err(Refusal::unsuitable(what));
            }
        }
        let server_name = ServerName::try_from(name.clone());
        let server_name = server_name.map_err(|_| {
            Refusal::unsuitable(format!(
                "{name} is not a name that a certificate can be for"
            ))
        })?;
        let encrypted = self.connector.connect(server_name, stream).await;
        Ok(Box::new(encrypted.map_err(|error| self.untrusted(&error))?))
    }
}

/// Sets the limits of the network, which libpq would set.
fn limit(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    Ok(())
}
