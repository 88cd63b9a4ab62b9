//! PostgreSQL that is reached only over TLS: what each sslmode accepts and refuses.

use std::process::Output;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use roster_api::v1::*;
use roster_testkit::certificates::{Authority, Certified};

use crate::postgres::Postgres;
use crate::process::{Server, command};

/// A server that cannot reach its database ends within this.
const ENDS_WITHIN: Duration = Duration::from_secs(30);
/// The password of the role `secret`.
const PASSWORD: &str = "s3cret-of-this-test";

/// A PostgreSQL with a certificate, its authority, and the files for those who connect to it.
struct Encrypted {
    postgres: Postgres,
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Encrypted {
    fn start(certified: impl Fn(&Authority) -> Certified) -> Self {
        let (postgres, authority) = (Postgres::create(), Authority::default());
        let Certified { certificate, key } = certified(&authority);
        postgres.put("server.crt", &certificate);
        postgres.put("server.key", &key);
        postgres.put("root.crt", &authority.certificate());
        // By the socket without TLS, for the test itself.
        postgres.put(
            "data/pg_hba.conf",
            "local all all trust\n\
             hostssl all certified all cert\n\
             hostssl all secret all scram-sha-256\n\
             hostssl all all all trust\n",
        );
        let in_folder = |name: &str| postgres.path(name).display().to_string();
        postgres.start_with(&format!(
            "-c ssl=on -c ssl_cert_file={} -c ssl_key_file={} -c ssl_ca_file={}",
            in_folder("server.crt"),
            in_folder("server.key"),
            in_folder("root.crt"),
        ));
        let socket = format!(
            "postgres://roster@/postgres?host={}&port={}",
            postgres.path("").display(),
            postgres.port
        );
        let roles = format!(
            "CREATE ROLE certified LOGIN; CREATE ROLE secret LOGIN PASSWORD '{PASSWORD}'; \
             GRANT ALL ON SCHEMA public TO certified, secret; \
             CREATE DATABASE certified OWNER certified; CREATE DATABASE secret OWNER secret"
        );
        for statement in roles.split("; ") {
            let mut conn = PgConnection::establish(&socket).unwrap();
            conn.batch_execute(statement).unwrap();
        }
        Self {
            postgres,
            folder: tempfile::tempdir().unwrap(),
            authority,
        }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn root(&self) -> String {
        self.file("root.pem", &self.authority.certificate())
    }

    fn url(&self, user: &str, host: &str, query: &str) -> String {
        let database = if user == "roster" {
            "postgres"
        } else {
            user.split(':').next().unwrap()
        };
        format!(
            "postgres://{user}@{host}:{}/{database}?{query}",
            self.postgres.port
        )
    }
}

/// That a server works on this database.
async fn works(url: &str) {
    let server = Server::start_with(&["--listen", "127.0.0.1:0", "--database", url]);
    let mut accounts = server.connect().await.accounts;
    let account = Some(Account {
        name: "A".into(),
        ..Default::default()
    });
    let request = CreateAccountRequest {
        account,
        ..Default::default()
    };
    accounts.create_account(request).await.unwrap();
    let listed = accounts.list_accounts(ListAccountsRequest::default()).await;
    assert!(!listed.unwrap().into_inner().accounts.is_empty());
}

/// The output of a server that refuses this database.
fn output(url: &str) -> Output {
    let mut child = command(&["--listen", "127.0.0.1:0", "--database", url])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > ENDS_WITHIN {
            child.kill().unwrap();
            panic!("the server did not refuse {url}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

/// That a server refuses this database with this sentence.
#[track_caller]
fn is_refused(url: &str, said: &str) {
    let output = output(url);
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(said), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sslmode_reaches_a_postgresql_that_requires_tls_and_checks_what_it_promises() {
    let encrypted = Encrypted::start(Authority::server);
    let root = encrypted.root();
    let stranger = encrypted.file("stranger.pem", &Authority::default().certificate());
    let url = |host: &str, query: &str| encrypted.url("roster", host, query);

    is_refused(&url("localhost", "sslmode=disable"), "no encryption");
    is_refused(&url("localhost", ""), "no encryption");
    for mode in ["allow", "prefer", "require"] {
        works(&url("localhost", &format!("sslmode={mode}"))).await;
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        works(&url(
            "127.0.0.1",
            &format!("sslmode={mode}&sslrootcert={root}"),
        ))
        .await;
        is_refused(
            &url(
                "127.0.0.1",
                &format!("sslmode={mode}&sslrootcert={stranger}"),
            ),
            "the certificate of 127.0.0.1 is of no authority that this server trusts",
        );
    }
    is_refused(
        &url("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem"),
        "sslrootcert=/nowhere.pem cannot be read",
    );
    is_refused(
        &url("localhost", "sslmode=require&channel_binding=require"),
        "channel_binding=require cannot be used",
    );
    // The first host of two does not listen.
    let hosts = format!("localhost:1,localhost:{}", encrypted.postgres.port);
    works(&format!(
        "postgres://roster@{hosts}/postgres?sslmode=verify-full&sslrootcert={root}"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_full_refuses_the_certificate_of_another_host_and_verify_ca_does_not() {
    let encrypted = Encrypted::start(|authority| authority.server_called("db.example.com"));
    let root = encrypted.root();
    let url = |query: &str| encrypted.url("roster", "localhost", query);
    is_refused(
        &url(&format!("sslmode=verify-full&sslrootcert={root}")),
        "the certificate of localhost is for another host",
    );
    works(&url(&format!("sslmode=verify-ca&sslrootcert={root}"))).await;
    // The address of a host, and the name that its certificate is for.
    let port = encrypted.postgres.port;
    works(&format!(
        "postgres://roster@db.example.com:{port}/postgres?hostaddr=127.0.0.1&sslmode=verify-full\
         &sslrootcert={root}"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_is_known_by_its_client_certificate_or_by_its_password() {
    let encrypted = Encrypted::start(Authority::server);
    let root = encrypted.root();
    let query = format!("sslmode=verify-full&sslrootcert={root}");
    let Certified { certificate, key } = encrypted.authority.user("certified");
    let certificate = encrypted.file("user.pem", &certificate);
    let key = encrypted.file("user.key", &key);
    let with_both = format!("{query}&sslcert={certificate}&sslkey={key}");
    works(&encrypted.url("certified", "localhost", &with_both)).await;
    is_refused(
        &encrypted.url("certified", "localhost", &query),
        "connection requires a valid client certificate",
    );
    is_refused(
        &encrypted.url(
            "certified",
            "localhost",
            &format!("{query}&sslcert={certificate}"),
        ),
        "sslcert and sslkey belong together",
    );
    let secret = format!("secret:{PASSWORD}");
    works(&encrypted.url(&secret, "localhost", &query)).await;
    is_refused(
        &encrypted.url("secret:wrong", "localhost", &query),
        "password authentication failed",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_without_tls_is_refused_by_require_and_used_with_a_warning_by_prefer() {
    let postgres = Postgres::create();
    postgres.start();
    let url = |mode: &str| format!("{}?sslmode={mode}", postgres.url());
    is_refused(&url("require"), "127.0.0.1 has no TLS: turn ssl on there");
    works(&url("prefer")).await;
    let mut server = command(&["--listen", "127.0.0.1:0", "--database", &url("prefer")])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    server.kill().unwrap();
    let output = server.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.matches("PostgreSQL has no TLS").count(), 1, "{text}");
}

#[test]
fn a_pooler_that_lends_sessions_by_transaction_is_refused() {
    if std::process::Command::new("pgbouncer")
        .arg("--version")
        .output()
        .is_err()
    {
        println!("left out: pgbouncer is not installed");
        return;
    }
    let postgres = Postgres::create();
    postgres.start();
    let pooler = |mode| postgres.pooler(mode);
    let transaction = pooler("transaction");
    is_refused(
        &transaction.url(),
        "a pooler that lends sessions by transaction",
    );
    drop(transaction);
    let session = pooler("session");
    drop(Server::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--database",
        &session.url(),
    ]));
}
