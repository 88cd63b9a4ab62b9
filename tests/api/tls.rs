//! TLS: what a server presents and requires, and what it does when its files change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use roster_api::v1::*;
use roster_client::Roster;
use roster_testkit::certificates::{Authority, Certified};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::edge::complaint;
use crate::metrics::value;
use crate::process::{Database, Engine, Server};

/// How soon a server notices that its files have changed.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// A server's files, and the server once it is started.
struct Secured {
    folder: tempfile::TempDir,
    authority: Authority,
    database: Database,
}

impl Secured {
    fn new() -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
            authority: Authority::default(),
            database: Database::create(Engine::Sqlite),
        };
        this.put(&this.authority.server());
        std::fs::write(this.path("ca.pem"), this.authority.certificate()).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn put(&self, certified: &Certified) {
        std::fs::write(self.path("cert.pem"), &certified.certificate).unwrap();
        std::fs::write(self.path("key.pem"), &certified.key).unwrap();
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let (cert, key) = (self.text("cert.pem"), self.text("key.pem"));
        let first = [
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
            "--database",
            &self.database.url,
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
        ];
        let all = first.iter().chain(more);
        all.map(ToString::to_string).collect()
    }

    fn start(&self, more: &[&str]) -> Server {
        let arguments = self.arguments(more);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Server::start_with(&arguments)
    }

    /// A client that trusts the authority.
    fn client(&self, server: &Server) -> roster_client::Builder {
        let client = Roster::builder(format!("https://{}", server.address));
        client.attempts(1).ca(self.authority.certificate())
    }

    /// Shakes hands with an offer of protocols.
    async fn shake_hands(
        &self,
        server: &Server,
        protocols: &[&[u8]],
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let authority = self.authority.certificate();
        roots
            .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(&server.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }
}

async fn works(client: roster_client::Builder) -> Result<(), roster_client::Error> {
    let roster = client.connect().await?;
    roster.call(GetSettingsRequest::default()).await.map(drop)
}

#[tokio::test]
async fn calls_are_served_over_tls_to_those_who_trust_the_authority() {
    let secured = Secured::new();
    let server = secured.start(&[]);
    works(secured.client(&server)).await.expect("an answer");
    let other = secured
        .client(&server)
        .ca(Authority::default().certificate());
    let error = works(other)
        .await
        .expect_err("another authority")
        .to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
    let system = Roster::builder(format!("https://{}", server.address)).attempts(1);
    works(system)
        .await
        .expect_err("the system does not know the authority");
    let plain = Roster::builder(format!("http://{}", server.address)).attempts(1);
    works(plain).await.expect_err("not encrypted");
    let expiry = value(&server, "roster_tls_certificate_expiry_timestamp_seconds");
    assert!(expiry.unwrap() > 4_000_000_000.0, "{expiry:?}");
    assert_eq!(value(&server, "roster_tls_certificate_broken"), Some(0.0));
}

#[tokio::test]
async fn a_handshake_has_to_agree_to_http_2_and_to_tls_1_2_or_1_3() {
    use rustls::version::{TLS12, TLS13};
    let secured = Secured::new();
    let server = secured.start(&[]);
    for version in [&TLS12, &TLS13] {
        let agreed = secured
            .shake_hands(&server, &[b"http/1.1", b"h2"], &[version])
            .await;
        let agreed = agreed.expect("a handshake");
        assert_eq!(agreed.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let other = secured
            .shake_hands(&server, &[b"http/1.1"], &[version])
            .await;
        assert!(other.is_err(), "HTTP/1.1");
        // With TLS 1.3 the client is done before the server looks at the protocol.
        if let Ok(mut none) = secured.shake_hands(&server, &[], &[version]).await {
            let mut byte = [0];
            let read = tokio::io::AsyncReadExt::read(&mut none, &mut byte);
            let read = tokio::time::timeout(Duration::from_secs(5), read).await;
            assert!(matches!(read, Ok(Ok(0) | Err(_))), "it is closed: {read:?}");
        }
    }
    works(secured.client(&server)).await.expect("an answer");
}

#[tokio::test]
async fn a_client_certificate_is_required_only_with_the_option() {
    let secured = Secured::new();
    let ca = secured.text("ca.pem");
    let own = secured.authority.client(&["spiffe://example/billing"], &[]);
    let foreign = Authority::default().client(&["spiffe://example/billing"], &[]);
    let own = || (own.certificate.clone(), own.key.clone());
    let optional = secured.start(&["--client-ca", &ca]);
    works(secured.client(&optional))
        .await
        .expect("no certificate");
    let (certificate, key) = own();
    let with = secured.client(&optional).certificate(certificate, key);
    works(with).await.expect("its certificate");
    let with = secured
        .client(&optional)
        .certificate(&*foreign.certificate, &*foreign.key);
    works(with)
        .await
        .expect_err("a certificate of another authority");
    drop(optional);

    let required = secured.start(&["--client-ca", &ca, "--require-client-cert"]);
    works(secured.client(&required))
        .await
        .expect_err("no certificate");
    let (certificate, key) = own();
    let with = secured.client(&required).certificate(certificate, key);
    works(with).await.expect("its certificate");
    // A certificate of a server is none of a client.
    let wrong = secured.authority.server();
    let with = secured
        .client(&required)
        .certificate(&*wrong.certificate, &*wrong.key);
    works(with)
        .await
        .expect_err("a certificate for another purpose");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_files_are_used_for_new_connections_and_broken_ones_are_not() {
    let secured = Secured::new();
    let server = secured.start(&[]);
    let before = secured
        .client(&server)
        .connect()
        .await
        .expect("a connection");
    let broken = || value(&server, "roster_tls_certificate_broken") == Some(1.0);
    let until = async |what: &str, holds: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < NOTICED_WITHIN, "{what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let whole = std::fs::read(secured.path("cert.pem")).unwrap();
    for (what, bytes) in [
        ("half a file", &whole[..whole.len() / 2]),
        ("no certificate", b""),
        (
            "of another key",
            secured.authority.server().certificate.as_bytes(),
        ),
    ] {
        std::fs::write(secured.path("cert.pem"), bytes).unwrap();
        until(what, &broken).await;
        works(secured.client(&server))
            .await
            .expect("the earlier certificate");
        std::fs::write(secured.path("cert.pem"), &whole).unwrap();
        until("the file is whole again", &|| !broken()).await;
    }
    std::fs::remove_file(secured.path("key.pem")).unwrap();
    until("there is no key", &broken).await;

    // A new authority signs a new certificate: its clients get in, others do not.
    let next = Authority::default();
    secured.put(&next.server());
    until("the new files are used", &|| !broken()).await;
    let of_next = secured.client(&server).ca(next.certificate());
    works(of_next).await.expect("the new certificate");
    works(secured.client(&server))
        .await
        .expect_err("the earlier certificate");
    let call = before.call(GetSettingsRequest::default());
    call.await.expect("an open connection goes on");
}

#[tokio::test]
async fn unusable_files_are_named_at_the_start_and_no_key_is_shown() {
    let secured = Secured::new();
    let key = std::fs::read_to_string(secured.path("key.pem")).unwrap();
    let secret = key.lines().nth(1).unwrap().to_owned();
    let other = secured.authority.server();
    let refused = |name: &str, contents: Option<&str>, more: &[&str]| {
        let path = secured.path(name);
        let before = std::fs::read(&path).unwrap();
        match contents {
            Some(contents) => std::fs::write(&path, contents).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let arguments = secured.arguments(more);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let said = complaint(&arguments);
        std::fs::write(&path, before).unwrap();
        assert!(said.contains(path.to_str().unwrap()), "{said}");
        assert!(!said.contains(&secret), "{said}");
        said
    };
    let said = refused("cert.pem", None, &[]);
    assert!(said.contains("cannot read the certificate"), "{said}");
    let said = refused("key.pem", None, &[]);
    assert!(said.contains("cannot read the private key"), "{said}");
    let said = refused("cert.pem", Some(&key), &[]);
    assert!(said.contains("contains no certificate"), "{said}");
    let said = refused("key.pem", Some(&other.certificate), &[]);
    assert!(said.contains("contains no private key"), "{said}");
    let said = refused("key.pem", Some(&key[..key.len() / 2]), &[]);
    assert!(said.contains("is not PEM"), "{said}");
    let said = refused("key.pem", Some(&other.key), &[]);
    assert!(
        said.contains("does not belong to the certificate"),
        "{said}"
    );
    let ca = secured.text("ca.pem");
    let said = refused("ca.pem", Some(""), &["--client-ca", &ca]);
    assert!(said.contains("contains no certificate"), "{said}");
}

#[test]
fn options_of_tls_go_together() {
    let database = Database::create(Engine::Sqlite);
    for (arguments, said) in [
        (
            &["--tls-cert", "a"][..],
            "--tls-cert and --tls-key go together",
        ),
        (&["--tls-key", "a"], "--tls-cert and --tls-key go together"),
        (&["--client-ca", "a"], "--client-ca needs --tls-cert"),
        (
            &["--tls-cert", "a", "--tls-key", "b", "--require-client-cert"],
            "--require-client-cert needs --client-ca",
        ),
    ] {
        let all = [&["--database", &database.url][..], arguments].concat();
        let told = complaint(&all);
        assert!(told.contains(said), "{told}");
    }
}

#[tokio::test]
async fn a_server_with_tls_may_listen_anywhere_but_its_metrics_may_not() {
    let secured = Secured::new();
    let mut arguments = secured.arguments(&[]);
    arguments[1] = "0.0.0.0:0".to_owned();
    let as_text = |arguments: &[String]| -> Vec<String> { arguments.to_vec() };
    let started = as_text(&arguments);
    let started: Vec<_> = started.iter().map(String::as_str).collect();
    drop(Server::start_with(&started));
    arguments[3] = "0.0.0.0:0".to_owned();
    let refused: Vec<_> = arguments.iter().map(String::as_str).collect();
    let said = complaint(&refused);
    assert!(said.contains("metrics address 0.0.0.0:0"), "{said}");
    let told = [&refused[..], &["--insecure"]].concat();
    drop(Server::start_with(&told));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_finish_its_handshake_is_closed_in_time() {
    let secured = Secured::new();
    let server = secured.start(&["--handshake-patience", "2"]);
    let begun = Instant::now();
    let mut silent = TcpStream::connect(&server.address).await.unwrap();
    let after_tls = secured
        .shake_hands(&server, &[b"h2"], &[&rustls::version::TLS13])
        .await;
    let mut after_tls = after_tls.expect("a handshake");
    let mut bytes = Vec::new();
    let closed = tokio::io::AsyncReadExt::read_to_end(&mut silent, &mut bytes);
    let _ = tokio::time::timeout(NOTICED_WITHIN, closed)
        .await
        .expect("it is closed");
    let closed = tokio::io::AsyncReadExt::read_to_end(&mut after_tls, &mut bytes);
    let _ = tokio::time::timeout(NOTICED_WITHIN, closed)
        .await
        .expect("it is closed");
    assert!(begun.elapsed() >= Duration::from_millis(1_900));
    works(secured.client(&server)).await.expect("an answer");
}
