//! The log: the same fields in every line, a line an entry, no flood, no personal data.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use roster_api::v1::*;
use serde_json::Value;
use tonic::{Code, Request};

use crate::importing::{counts, of};
use crate::memory::question;
use crate::postgres::Postgres;
use crate::world::{Database, Engine, Server, World, command, refused};
use crate::write_lock::WriteLock;

/// A world whose server's log is read at its end.
async fn logged(arguments: &[&str], level: &str) -> World {
    let database = Database::create(Engine::Sqlite);
    let all = [&["--database", &database.url], arguments].concat();
    let server = start(&all, level);
    World {
        clients: server.connect().await,
        server,
        database,
        engine: Engine::Sqlite,
    }
}

fn start(arguments: &[&str], level: &str) -> Server {
    let mut command = command(&[&["--listen", "127.0.0.1:0"], arguments].concat());
    command.env_remove("RUST_LOG");
    if !level.is_empty() {
        command.env("RUST_LOG", level);
    }
    command.stderr(Stdio::piped());
    Server::spawn(command, false)
}

/// Ends the server; its log. What it wrote must fit a pipe, 64 KiB.
fn end(mut server: Server) -> String {
    let mut stderr = server.child.stderr.take().unwrap();
    server.kill();
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    text
}

/// The entries of a log in JSON.
fn entries(log: &str) -> Vec<Value> {
    let entry = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("JSON: {line}"));
    log.lines().map(entry).collect()
}

fn entries_with(entries: &[Value], message: &str) -> Vec<Value> {
    entries
        .iter()
        .filter(|entry| entry["message"] == message)
        .cloned()
        .collect()
}

fn create(name: &str) -> CreateAccountRequest {
    let account = Some(Account {
        name: name.into(),
        ..Default::default()
    });
    CreateAccountRequest {
        account,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_being_asked_the_log_has_no_line_for_a_call_that_goes_well_or_is_refused() {
    let world = logged(&["--log-format", "json"], "").await;
    let mut clients = world.clients.clone();
    clients.accounts.create_account(create("A")).await.unwrap();
    refused(
        clients.visibility.check_ticket(question("c1", "t1")).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
    let log = end(world.server);
    assert!(!log.contains("call"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_debug_each_call_has_a_line_with_the_same_fields_and_a_span() {
    let world = logged(
        &["--log-format", "json", "--log-level", "roster_server=debug"],
        "",
    )
    .await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut asked = Request::new(question("c1", "t1"));
    let metadata = asked.metadata_mut();
    metadata.insert("roster-organization", "acme".parse().unwrap());
    metadata.insert("roster-actor", "u-17".parse().unwrap());
    metadata.insert("traceparent", trace.parse().unwrap());
    let mut clients = world.clients.clone();
    refused(
        clients.visibility.check_ticket(asked).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
    clients.accounts.create_account(create("A")).await.unwrap();
    let entries = entries(&end(world.server));
    let [refused] = &entries_with(&entries, "call refused")[..] else {
        panic!("one line: {entries:?}");
    };
    let path = "/roster.v1.VisibilityService/CheckTicket";
    assert_eq!(refused["level"], "DEBUG");
    assert_eq!(refused["method"], path);
    assert_eq!(refused["code"], "NOT_FOUND");
    assert_eq!(refused["reason"], "CONTACT_NOT_FOUND");
    assert_eq!(refused["organization"], "acme");
    assert_eq!(refused["actor"], "u-17");
    assert!(refused["duration_ms"].is_u64());
    let id = refused["call_id"].as_str().expect("a number of the call");
    assert!(
        id.len() == 16 && u64::from_str_radix(id, 16).is_ok(),
        "{id}"
    );
    let span = &refused["span"];
    assert_eq!(
        (&span["name"], &span["method"]),
        (&"call".into(), &path.into())
    );
    assert_eq!(
        (&span["trace_parent"], &span["call_id"]),
        (&trace.into(), &refused["call_id"])
    );
    let [ended] = &entries_with(&entries, "call ended")[..] else {
        panic!("one line: {entries:?}");
    };
    assert_eq!(ended["code"], "OK");
    assert_eq!(ended["span"]["organization"], "default");
    assert_ne!(ended["span"]["call_id"], refused["call_id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_is_a_line_a_second_with_the_number_of_those_without_one() {
    let arguments = ["--log-format", "json", "--writes-waiting-max", "1"];
    let world = logged(&arguments, "").await;
    let mut clients = world.clients.clone();
    clients
        .accounts
        .create_account(create("the organization"))
        .await
        .unwrap();
    let lock = WriteLock::take(Engine::Sqlite, &world.database);
    let begun = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..300 {
        let mut accounts = clients.accounts.clone();
        calls.spawn(async move { accounts.create_account(create(&number.to_string())).await });
    }
    // One is carried out, perhaps with one that waits beside it; none ends before the hold does.
    let mut refusals = 0;
    while refusals < 290 {
        let answer = calls.join_next().await.unwrap().unwrap();
        refused(answer, Code::ResourceExhausted, "QUEUE_FULL");
        refusals += 1;
    }
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let last = clients.accounts.create_account(create("last")).await;
    refused(last, Code::ResourceExhausted, "QUEUE_FULL");
    let seconds = begun.elapsed().as_secs();
    lock.release();
    while calls.join_next().await.is_some() {}
    let lines = entries_with(&entries(&end(world.server)), "call refused");
    assert!(
        (2..=seconds as usize + 2).contains(&lines.len()),
        "{lines:?}"
    );
    for line in &lines {
        assert_eq!(
            (&line["level"], &line["reason"]),
            (&"WARN".into(), &"QUEUE_FULL".into())
        );
        assert_eq!(line["method"], "/roster.v1.AccountService/CreateAccount");
    }
    let suppressed: u64 = lines
        .iter()
        .map(|line| line["suppressed"].as_u64().unwrap())
        .sum();
    assert!(suppressed as usize + lines.len() > refusals, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_each_entry_is_one_line_and_calls_tell_the_cause() {
    let postgres = Postgres::create();
    postgres.start();
    let url = postgres.url();
    // Enables the pool's own entries, which have several lines each.
    let server = start(&["--database", &url], "info,r2d2=error");
    let mut clients = server.connect().await;
    clients.accounts.create_account(create("A")).await.unwrap();
    assert!(postgres.stop("immediate"));
    for _ in 0..3 {
        let answer = clients
            .accounts
            .list_accounts(ListAccountsRequest::default())
            .await;
        refused(answer, Code::Unavailable, "UNAVAILABLE");
    }
    let log = end(server);
    let begins = |line: &str| line.starts_with("20") && line.as_bytes().get(10) == Some(&b'T');
    for line in log.lines() {
        assert!(begins(line), "no line without a time: {line:?}");
    }
    assert!(log.contains("r2d2"), "{log}");
    let line = log
        .lines()
        .find(|line| line.contains("call refused"))
        .expect("a line");
    assert!(
        line.contains(" WARN ") && line.contains(" error="),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_has_a_line_at_its_begin_and_one_at_its_end() {
    let world = logged(&["--log-format", "json"], "").await;
    let file = "Last Name,Email\nA,a@b.jp\nB,b\n";
    let import = world.import(of(ImportKind::Contacts), file).await;
    assert_eq!(counts(&import), [1, 0, 0, 1]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let entries = entries(&end(world.server));
    let [begun] = &entries_with(&entries, "import started")[..] else {
        panic!("one line: {entries:?}");
    };
    assert_eq!(
        (&begun["level"], &begun["import"]),
        (&"INFO".into(), &import.id.clone().into())
    );
    assert_eq!(
        (&begun["organization"], &begun["rows"]),
        (&"default".into(), &2.into())
    );
    let [ended] = &entries_with(&entries, "import ended")[..] else {
        panic!("one line: {entries:?}");
    };
    assert_eq!((&ended["rows"], &ended["rejected"]), (&2.into(), &1.into()));
    assert!(ended["duration_ms"].is_u64());
}

/// Calls and an import with personal data whose every word begins with X.
async fn speak_of_people(world: &World) {
    let account = world.account("Xaccount").await;
    let contact = world
        .contact_of(Contact {
            family_name: "Xfamily".into(),
            emails: vec!["xaddress@example.jp".into()],
            ..Default::default()
        })
        .await;
    world.associate(&account, &contact).await;
    world
        .record(TicketRecord {
            id: "t1".into(),
            requester_id: contact.clone(),
            subject: Some("Xsubject".into()),
            ..Default::default()
        })
        .await;
    let mut contacts = world.clients.contacts.clone();
    let twice = contacts.create_contact(CreateContactRequest {
        contact: Some(Contact {
            family_name: "Xsecond".into(),
            emails: vec!["xaddress@example.jp".into()],
            ..Default::default()
        }),
        ..Default::default()
    });
    twice.await.expect_err("the address has an owner");
    let list = ListContactsRequest {
        query: "Xquery".into(),
        ..Default::default()
    };
    world
        .clients
        .contacts
        .clone()
        .list_contacts(list)
        .await
        .unwrap();
    let list = ListContactsRequest {
        query: "Xquery\0".into(),
        ..Default::default()
    };
    world
        .clients
        .contacts
        .clone()
        .list_contacts(list)
        .await
        .expect_err("a NUL");
    let file = "Last Name,Email\nXimported,ximported@example.jp\nXrejected,xrejected\n";
    world.import(of(ImportKind::Contacts), file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_address_subject_or_query_is_in_the_log_at_its_most_talkative() {
    let level = "roster_server=trace,roster_storage=trace,roster_intake=trace";
    let world = logged(&[], level).await;
    speak_of_people(&world).await;
    let log = end(world.server);
    assert!(
        log.contains("call refused") && log.contains("import started"),
        "{log}"
    );
    let log = log.to_lowercase();
    for secret in [
        "xaccount",
        "xfamily",
        "xaddress",
        "xsubject",
        "xsecond",
        "xquery",
        "ximported",
        "xrejected",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_level_or_a_format_that_there_is_not_is_refused_at_the_start() {
    for arguments in [
        ["--log-level", "roster_server=loud"],
        ["--log-format", "xml"],
    ] {
        let output = command(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
