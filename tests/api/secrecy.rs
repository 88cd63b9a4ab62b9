//! No output of a server contains a secret or a personal text: neither its log at the most verbose
//! level, nor its metrics, its command line, its configuration, its errors or its change sets.

use std::fs::File;
use std::process::Stdio;

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use roster_api::v1::*;
use tempfile::TempDir;
use tonic::Status;

use crate::importing::messages;
use crate::issuer::{self, SigningKey, claims};
use crate::metrics::scrape;
use crate::raw_call;
use crate::world::{Clients, Database, Engine, Server, answered, command, mask};

/// The password in the URL of the database. The tests' server accepts any.
const PASSWORD: &str = "xq-database-password";

/// Texts about people and companies. Each occurs nowhere else.
const PERSONAL: &[&str] = &[
    "xq-account-name",
    "xq-family-name",
    "xq-given-name",
    "xq-reading",
    "xq-mail",
    "xq-attribute",
    "xq-subject",
    "xq-query",
    "xq-imported",
    "xq-rejected",
    "xq-role",
    "xq-external",
    "xq-wrong-mail",
];

/// A server that logs everything, with the database and a folder for its files.
struct Watched {
    server: Server,
    database: Database,
    url: String,
    folder: TempDir,
    signing: SigningKey,
    /// Everything that a caller was refused with.
    errors: Vec<String>,
}

impl Watched {
    async fn start(engine: Engine) -> Self {
        let database = Database::create(engine);
        let folder = tempfile::tempdir().expect("a folder");
        let signing = SigningKey::new("k1", "EdDSA");
        issuer::write_keys(&issuer::keys_file(folder.path()), &[&signing]);
        let config = issuer::configuration(folder.path(), "organizations = ['acme']");
        let url = database
            .url
            .replace("://roster@", &format!("://roster:{PASSWORD}@"));
        let first_key = folder.path().join("first.key");
        let mut command = command(&[
            "--listen",
            "127.0.0.1:0",
            "--require-credentials",
            "--metrics",
            "127.0.0.1:0",
            "--config",
            &config,
            "--first-key-file",
            first_key.to_str().expect("text"),
        ]);
        let log = File::create(folder.path().join("log")).expect("a file");
        command
            .env("ROSTER_DATABASE", &url)
            .env("RUST_LOG", "trace,h2=trace,hyper=trace,tonic=trace")
            .stderr(Stdio::from(log));
        Self {
            server: Server::spawn(command, true),
            database,
            url,
            folder,
            signing,
            errors: Vec::new(),
        }
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("a file")
    }

    /// Notes an error. It may repeat a text that the same call sent, but no other text.
    fn note<T>(&mut self, sent: &str, ended: Result<T, Status>) {
        let Err(status) = ended else {
            return;
        };
        let details = String::from_utf8_lossy(status.details());
        let mut text = format!("{:?} {} {details}", status.code(), status.message());
        if !sent.is_empty() {
            text = text.replace(sent, "");
        }
        self.errors.push(text);
    }

    /// What `roster-server config` prints with the configuration of this server.
    fn printed_configuration(&self) -> String {
        let config = self.folder.path().join("roster.toml");
        let output = command(&["config", "--config", config.to_str().expect("text")])
            .env("ROSTER_DATABASE", &self.url)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    }
}

/// Records with every kind of text, and reads that name them.
async fn use_it(watched: &mut Watched, caller: &Clients) {
    let account = Account {
        name: "xq-account-name".into(),
        name_reading: "xq-reading".into(),
        external_id: "xq-external".into(),
        attributes: [("note".to_owned(), "xq-attribute".to_owned())].into(),
        ..Default::default()
    };
    let create = CreateAccountRequest {
        account: Some(account),
        ..Default::default()
    };
    answered(caller.accounts.clone().create_account(create.clone()).await);
    // The external ID is taken.
    watched.note(
        "xq-external",
        caller.accounts.clone().create_account(create).await,
    );
    let contact = |mail: &str| CreateContactRequest {
        contact: Some(Contact {
            family_name: "xq-family-name".into(),
            given_name: "xq-given-name".into(),
            emails: vec![mail.into()],
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut contacts = caller.contacts.clone();
    answered(contacts.create_contact(contact("xq-mail@example.jp")).await);
    let taken = contacts.create_contact(contact("xq-mail@example.jp")).await;
    watched.note("xq-mail@example.jp", taken);
    watched.note("", contacts.create_contact(contact("xq-wrong-mail")).await);
    relate(caller).await;
    ask(watched, caller).await;
    import(watched, caller).await;
}

/// An association with a role, and a ticket with a subject.
async fn relate(caller: &Clients) {
    let associate = AssociateContactsRequest {
        account_id: "a1".into(),
        contacts: vec![ContactToAssociate {
            contact_id: "c1".into(),
            role: "xq-role".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    answered(
        caller
            .associations
            .clone()
            .associate_contacts(associate)
            .await,
    );
    let record = RecordTicketsRequest {
        tickets: vec![TicketRecord {
            id: "T1".into(),
            requester_id: "c1".into(),
            subject: Some("xq-subject".into()),
            ..Default::default()
        }],
        ..Default::default()
    };
    answered(caller.tickets.clone().record_tickets(record).await);
}

/// Reads that name people, and requests that are refused.
async fn ask(watched: &mut Watched, caller: &Clients) {
    let mut contacts = caller.contacts.clone();
    let query = "xq-query".to_owned();
    let list = ListContactsRequest {
        query: query.clone(),
        ..Default::default()
    };
    answered(contacts.list_contacts(list).await);
    let wrong = ListContactsRequest {
        query: query.repeat(30),
        ..Default::default()
    };
    watched.note("", contacts.list_contacts(wrong).await);
    let lookup = LookupContactsRequest {
        keys: vec![ContactKey {
            key: Some(contact_key::Key::Email("xq-mail@example.org".into())),
        }],
        ..Default::default()
    };
    answered(contacts.lookup_contacts(lookup).await);
    let explain = ExplainTicketRequest {
        contact_id: "c1".into(),
        ticket_id: "T1".into(),
        ..Default::default()
    };
    answered(caller.visibility.clone().explain_ticket(explain).await);
    let update = UpdateSettingsRequest {
        settings: Some(Settings::default()),
        update_mask: mask(&["xq_query"]),
        ..Default::default()
    };
    watched.note("", caller.settings.clone().update_settings(update).await);
}

async fn import(watched: &mut Watched, caller: &Clients) {
    let config = ImportConfig {
        kind: ImportKind::Contacts.into(),
        ..Default::default()
    };
    let file = "Last Name,Email\nxq-imported,xq-imported@example.jp\nxq-rejected,xq-rejected\n";
    let upload = messages(config, file.as_bytes());
    let mut imports = caller.imports.clone();
    let started = imports.start_import(tokio_stream::iter(upload)).await;
    let id = answered(started).import_job.expect("it").id;
    let watch = WatchImportRequest { id: id.clone() };
    let mut states = answered(imports.watch_import(watch).await);
    while states.message().await.expect("a state").is_some() {}
    let rejects = imports
        .download_rejects(DownloadRejectsRequest { id })
        .await;
    let mut rejects = answered(rejects);
    while rejects.message().await.expect("rows").is_some() {}
    let nonsense = messages(
        ImportConfig {
            kind: ImportKind::Contacts.into(),
            ..Default::default()
        },
        b"xq-imported\n\"xq-rejected",
    );
    watched.note("", imports.start_import(tokio_stream::iter(nonsense)).await);
}

#[derive(QueryableByName)]
struct Payload {
    #[diesel(sql_type = diesel::sql_types::Binary)]
    payload: Vec<u8>,
}

#[derive(QueryableByName)]
struct Event {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// The change sets, and the log of administration.
fn stored_logs(database: &Database) -> String {
    let payloads = "SELECT payload FROM change_set_parts";
    let events = "SELECT credential || ' ' || actor || ' ' || action AS text FROM admin_events";
    let (payloads, events): (Vec<Payload>, Vec<Event>) = match database.url.strip_prefix("sqlite:")
    {
        Some(path) => {
            let mut conn = SqliteConnection::establish(path).expect("the database");
            (
                sql_query(payloads).load(&mut conn).expect("rows"),
                sql_query(events).load(&mut conn).expect("rows"),
            )
        }
        None => {
            let mut conn = PgConnection::establish(&database.url).expect("the database");
            (
                sql_query(payloads).load(&mut conn).expect("rows"),
                sql_query(events).load(&mut conn).expect("rows"),
            )
        }
    };
    assert!(!payloads.is_empty() && !events.is_empty());
    let payloads = payloads
        .iter()
        .map(|of| String::from_utf8_lossy(&of.payload));
    let events = events.iter().map(|of| of.text.as_str().into());
    payloads.chain(events).collect::<Vec<_>>().join("\n")
}

/// The parts of keys and tokens that nobody may see.
fn secret_parts(key: &str) -> Vec<String> {
    let parts = key.rsplit(['_', '.']).take(2);
    parts
        .filter(|part| part.len() > 30)
        .map(str::to_owned)
        .collect()
}

/// Creates an organization and a credential with a key and a subject.
async fn make_credential(admin: &Clients) -> String {
    let organization = Organization {
        name: "acme".into(),
        ..Default::default()
    };
    let create = CreateOrganizationRequest {
        organization: Some(organization),
    };
    answered(admin.admin.clone().create_organization(create).await);
    let create = CreateCredentialRequest {
        credential: Some(Credential {
            name: "billing".into(),
            organization: "acme".into(),
            scopes: vec!["owner".into()],
            subjects: vec![TokenSubject {
                issuer: issuer::ISSUER.into(),
                subject: issuer::SUBJECT.into(),
            }],
            ..Default::default()
        }),
        ..Default::default()
    };
    let created = answered(admin.admin.clone().create_credential(create).await);
    created.key
}

async fn no_output_contains_a_secret_or_a_personal_text(engine: Engine) {
    let mut watched = Watched::start(engine).await;
    let channel = watched.server.channel().await;
    let admin_key = watched.file("first.key").trim().to_owned();
    let admin = Clients::with_key(channel.clone(), &admin_key);
    let key = make_credential(&admin).await;
    let token = watched.signing.token(&claims("accounts:read"));
    let wrong_key = format!("{}0000", &key[..key.len() - 4]);
    let forged = SigningKey::new("k1", "EdDSA").token(&claims("accounts:read"));

    let caller = Clients::with_key(channel.clone(), &key);
    use_it(&mut watched, &caller).await;
    for bearer in [&token, &wrong_key, &forged] {
        let caller = Clients::with_key(channel.clone(), bearer);
        let list = ListAccountsRequest::default();
        watched.note(
            "",
            caller.accounts.clone().list_accounts(list.clone()).await,
        );
        let settings = GetSettingsRequest::default();
        watched.note("", caller.settings.clone().get_settings(settings).await);
    }
    let metadata = [("authorization", format!("Bearer {key}"))];
    let lookup = "/roster.v1.ContactService/LookupContacts";
    let unreadable = [&[0x0a, 0x7f][..], b"xq-mail"].concat();
    let ended = raw_call::first_message(&channel, lookup, &metadata, unreadable).await;
    watched.note("", ended);
    assert!(watched.errors.len() >= 8, "{:#?}", watched.errors);

    let metrics = scrape(&watched.server);
    let pid = watched.server.child.id();
    let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).expect("its command line");
    let configuration = watched.printed_configuration();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    watched.server.kill();
    let log = watched.file("log");
    assert!(
        log.contains("DEBUG") || log.contains("TRACE"),
        "a verbose log"
    );
    let stored = stored_logs(&watched.database);

    let mut secrets = vec![PASSWORD.to_owned()];
    for key in [&admin_key, &key, &token, &wrong_key, &forged] {
        secrets.extend(secret_parts(key));
    }
    let errors = watched.errors.join("\n");
    let outputs = [
        ("log", log.as_str()),
        ("metrics", &metrics),
        ("command line", &String::from_utf8_lossy(&command_line)),
        ("configuration", &configuration),
        ("process status", &status),
        ("errors", &errors),
    ];
    let personal = PERSONAL.iter().map(ToString::to_string);
    let all: Vec<String> = secrets.iter().cloned().chain(personal).collect();
    for (output, text) in outputs {
        for secret in &all {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{output} shows {secret}");
        }
    }
    // Change sets hold the records themselves, but no secret.
    for secret in &secrets {
        assert!(!stored.contains(secret), "a change set shows {secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_output_contains_a_secret_or_a_personal_text_on_sqlite() {
    no_output_contains_a_secret_or_a_personal_text(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_output_contains_a_secret_or_a_personal_text_on_postgres() {
    no_output_contains_a_secret_or_a_personal_text(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_leaves_no_core_dump_and_its_memory_is_its_own() {
    let database = Database::create(Engine::Sqlite);
    let server = Server::start(&database);
    let pid = server.child.id();
    // The memory of such a process belongs to root.
    let owner = std::fs::metadata(format!("/proc/{pid}/mem")).expect("the process");
    use std::os::unix::fs::MetadataExt;
    assert_eq!(owner.uid(), 0);
}
