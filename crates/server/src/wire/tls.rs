//! TLS: its configuration, and the names in the certificates of clients.

mod files;
mod names;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::RwLock;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::file_watch::{SeenFiles, look_again};
use crate::options::TlsFiles;
use files::{FileBytes, Loaded};
use names::names_of;

/// The protocol that a client has to agree to.
const HTTP_2: &[u8] = b"h2";

/// The TLS of new connections.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
    seen: SeenFiles,
    /// When the certificate expires, as Unix time.
    expiry: AtomicI64,
    /// Whether the files are unusable, so that an earlier configuration is used.
    is_broken: AtomicBool,
}

impl Tls {
    /// Reads the files; `None` if there are none.
    pub(crate) fn open(files: &TlsFiles) -> anyhow::Result<Option<Arc<Self>>> {
        if files.tls_cert.is_none() {
            return Ok(None);
        }
        let bytes = FileBytes::read(files)?;
        let Loaded { config, expiry } = bytes.load(files)?;
        Ok(Some(Arc::new(Self {
            files: files.clone(),
            config: RwLock::new(config),
            seen: SeenFiles::of(bytes.hash()),
            expiry: AtomicI64::new(expiry),
            is_broken: AtomicBool::new(false),
        })))
    }

    /// When the certificate expires, as Unix time.
    pub(crate) fn expiry(&self) -> i64 {
        self.expiry.load(Ordering::Relaxed)
    }

    /// Whether the files changed and are unusable.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// Reads the files, if there are any, again and again. New connections use what they contain.
    pub(crate) async fn follow(this: Option<Arc<Self>>) {
        if let Some(this) = this {
            look_again(move || this.look()).await;
        }
    }

    /// Reads the files, and uses them if they changed. A file may be half written, or the
    /// certificate may be newer than its key: then the earlier configuration stays.
    fn look(&self) {
        let read = FileBytes::read(&self.files);
        if !self.seen.changed(&read, FileBytes::hash) {
            return;
        }
        match read.and_then(|bytes| bytes.load(&self.files)) {
            Ok(Loaded { config, expiry }) => {
                *self.config.write() = config;
                self.expiry.store(expiry, Ordering::Relaxed);
                self.is_broken.store(false, Ordering::Relaxed);
                tracing::info!(expiry, "new connections use the changed TLS files");
            }
            Err(error) => {
                self.is_broken.store(true, Ordering::Relaxed);
                let error = format!("{error:#}");
                tracing::warn!(
                    error,
                    "the changed TLS files are unusable: the earlier files stay in use"
                );
            }
        }
    }

    /// Shakes hands with a client. Returns the stream and the names in the client's certificate.
    pub(super) async fn accept<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: T,
    ) -> std::io::Result<(TlsStream<T>, Arc<[String]>)> {
        let config = Arc::clone(&self.config.read());
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let (_, session) = stream.get_ref();
        // A client that negotiates no protocol has not agreed to HTTP/2 either.
        if session.alpn_protocol() != Some(HTTP_2) {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        // rustls has verified the certificate against --client-ca.
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        let names = certificate.map_or_else(Vec::new, |certificate| names_of(certificate));
        Ok((stream, names.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use clap::Parser;
    use http::{HeaderMap, Request, Response};
    use roster_testkit::certificates::Authority;
    use tonic::body::Body;
    use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
    use tower::{Service, service_fn};

    use super::*;
    use crate::options::Options;
    use crate::wire::{Listener, Peer, Wire};

    /// Answers with the peer of the call.
    async fn tell_peer(request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let peer = request.extensions().get::<Peer>().expect("a peer");
        let mut answer = Response::new(Body::empty());
        let address = peer.address.expect("an address").to_string();
        for (name, value) in [("address", address), ("names", peer.names.join(" "))] {
            let value = value.parse().expect("a value");
            answer.headers_mut().insert(name, value);
        }
        Ok(answer)
    }

    async fn ask(address: &str, config: ClientTlsConfig) -> HeaderMap {
        let endpoint = Endpoint::from_shared(format!("https://{address}")).expect("an address");
        let endpoint = endpoint.tls_config(config).expect("TLS");
        let mut channel = endpoint.connect().await.expect("a connection");
        std::future::poll_fn(|cx| channel.poll_ready(cx))
            .await
            .expect("room");
        let request =
            Request::post("https://localhost/a/b").header("content-type", "application/grpc");
        let call = channel.call(request.body(Body::empty()).expect("a request"));
        call.await.expect("an answer").headers().clone()
    }

    #[tokio::test]
    async fn a_call_knows_the_names_of_a_verified_certificate_and_the_address() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::default();
        let server = authority.server();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            Some(path)
        };
        let files = TlsFiles {
            tls_cert: put("cert", &server.certificate),
            tls_key: put("key", &server.key),
            client_ca: put("ca", &authority.certificate()),
            require_client_cert: false,
        };
        let tls = Tls::open(&files).expect("TLS");
        let limits = Options::parse_from(["roster-server"]).wire;
        let wire = Wire::new(limits, Arc::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let listener = Listener::new(listener, &wire, 10, tls);
        tokio::spawn(listener.serve(service_fn(tell_peer), std::future::pending()));

        let trusting = || {
            let authority = Certificate::from_pem(authority.certificate());
            ClientTlsConfig::new().ca_certificate(authority)
        };
        let told = ask(&address, trusting()).await;
        assert_eq!(
            (&told["address"], &told["names"]),
            (&"127.0.0.1".parse().unwrap(), &"".parse().unwrap())
        );
        let client = authority.client(&["spiffe://example/billing"], &["billing.example"]);
        let identity = Identity::from_pem(&client.certificate, &client.key);
        let told = ask(&address, trusting().identity(identity)).await;
        assert_eq!(
            told["names"],
            "URI:spiffe://example/billing DNS:billing.example"
        );
    }
}
