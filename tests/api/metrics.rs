//! The port of the operators: the metrics of a server that has served calls, and its probes.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use prost_reflect::DescriptorPool;
use roster_api::v1::start_import_request::Part;
use roster_api::v1::*;
use roster_api::{METHODS, Method, method_of_path};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::importing::{counts, of};
use crate::lint::{families, lint};
use crate::memory::{another, question};
use crate::postgres::Postgres;
use crate::raw_call;
use crate::world::{Engine, Server, World, refused};
use crate::write_lock::WriteLock;

/// How long a figure may take to come, on a machine that is busy with other tests.
const COMES_WITHIN: Duration = Duration::from_secs(20);

/// The code and the body of an answer of the operators' port.
fn http(server: &Server, method: &str, path: &str) -> (u16, String) {
    let address = server.metrics.as_deref().expect("a server with metrics");
    let mut stream = TcpStream::connect(address).expect("the port is served");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let code = head.split(' ').nth(1).expect("a code").parse().unwrap();
    (code, body.to_owned())
}

pub fn scrape(server: &Server) -> String {
    let (code, text) = http(server, "GET", "/metrics");
    assert_eq!(code, 200);
    text
}

/// The value of a series; none if it is not listed.
pub fn value(server: &Server, series: &str) -> Option<f64> {
    let text = scrape(server);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{series} ")));
    line.map(|value| value.parse().expect("a number"))
}

fn requests(server: &Server, service: &str, method: &str, code: &str) -> Option<f64> {
    let service = if service == "other" {
        service.to_owned()
    } else {
        format!("roster.v1.{service}")
    };
    let labels = format!("service=\"{service}\",method=\"{method}\",code=\"{code}\"");
    value(server, &format!("roster_grpc_requests_total{{{labels}}}"))
}

fn duration(server: &Server, service: &str, method: &str, what: &str) -> Option<f64> {
    let labels = format!("service=\"roster.v1.{service}\",method=\"{method}\"");
    value(
        server,
        &format!("roster_grpc_request_duration_seconds_{what}{{{labels}}}"),
    )
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < COMES_WITHIN, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A world whose server serves metrics.
async fn measured(engine: Engine) -> World {
    let mut world = World::start(engine).await;
    world.server.kill();
    world.server = another(&world.database, &[]);
    world.clients = world.server.connect().await;
    world
}

/// Calls of every kind: writes, reads, refusals, a check, an import with a reject, streams.
async fn use_it(world: &World) {
    let account = world.account("A").await;
    let contact = world.contact("C").await;
    world.associate(&account, &contact).await;
    world.ticket("t1", &contact, &account).await;
    assert!(world.sees(&contact, "t1").await);
    let unknown = world
        .clients
        .visibility
        .clone()
        .check_ticket(question("c99", "t1"))
        .await;
    refused(unknown, Code::NotFound, "CONTACT_NOT_FOUND");
    let import = world
        .import(of(ImportKind::Contacts), "Last Name,Email\nA,a@b.jp\nB,b\n")
        .await;
    assert_eq!(counts(&import), [1, 0, 0, 1]);
    let rejects = DownloadRejectsRequest { id: import.id };
    let mut rejects = world
        .clients
        .imports
        .clone()
        .download_rejects(rejects)
        .await
        .unwrap()
        .into_inner();
    while rejects.message().await.unwrap().is_some() {}
    let nonsense = "/roster.v1.AccountService/Nonsense";
    raw_call::call(&world.server.channel().await, nonsense, vec![])
        .await
        .unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_of_a_server_in_use_pass_the_linter_and_are_all_in_the_page_for_operators() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = measured(engine).await;
        use_it(&world).await;
        let text = scrape(&world.server);
        assert_eq!(lint(&text), Vec::<String>::new(), "{text}");
        let page = include_str!("../../crates/server/docs/operating.md");
        let names = page
            .split('`')
            .filter(|word| word.starts_with("roster_") || word.starts_with("process_"));
        let listed: BTreeSet<&str> = names
            .map(|name| name.split('{').next().unwrap())
            .map(|name| name.trim_end_matches("_total").trim_end_matches("_info"))
            .collect();
        // Only with TLS: `tls` looks at these.
        let with_tls = |name: &&str| name.starts_with("roster_tls_");
        let listed: BTreeSet<&str> = listed.into_iter().filter(|n| !with_tls(n)).collect();
        let families = families(&text);
        let served: BTreeSet<&str> = families.keys().map(String::as_str).collect();
        assert_eq!(listed, served);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_counted_by_method_and_code_whichever_way_they_take() {
    let world = measured(Engine::Sqlite).await;
    use_it(&world).await;
    let s = &world.server;
    assert_eq!(
        requests(s, "AccountService", "CreateAccount", "OK"),
        Some(1.0)
    );
    assert_eq!(
        requests(s, "VisibilityService", "CheckTicket", "OK"),
        Some(1.0)
    );
    assert_eq!(
        requests(s, "VisibilityService", "CheckTicket", "NOT_FOUND"),
        Some(1.0)
    );
    assert_eq!(
        requests(s, "AccountService", "CreateAccount", "NOT_FOUND"),
        None
    );
    assert_eq!(
        requests(s, "ImportService", "DownloadRejects", "OK"),
        Some(1.0)
    );
    assert_eq!(requests(s, "other", "other", "UNIMPLEMENTED"), Some(1.0));
    assert_eq!(
        duration(s, "VisibilityService", "CheckTicket", "count"),
        Some(2.0)
    );
    let sum = duration(s, "VisibilityService", "CheckTicket", "sum").unwrap();
    assert!(sum > 0.0 && sum < 10.0, "{sum}");
    // Calls of the health service count as `other`.
    let mut health = HealthClient::new(s.channel().await);
    health.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(requests(s, "other", "other", "OK"), Some(1.0));
    assert_eq!(value(s, "roster_grpc_requests_in_flight"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_answers_is_in_flight_until_its_end_and_its_duration_is_that_of_the_stream() {
    let world = measured(Engine::Sqlite).await;
    let s = &world.server;
    let rows: String = (0..30_000).map(|number| format!("A{number}\n")).collect();
    let begun = world
        .start_import(of(ImportKind::Accounts), format!("Name\n{rows}"))
        .await;
    let lock = WriteLock::take(world.engine, &world.database);
    let watch = WatchImportRequest {
        id: begun.id.clone(),
    };
    let mut imports = world.clients.imports.clone();
    let mut watched = imports
        .watch_import(watch.clone())
        .await
        .unwrap()
        .into_inner();
    watched.message().await.unwrap().expect("how it stands");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(duration(s, "ImportService", "WatchImport", "count"), None);
    assert_eq!(value(s, "roster_grpc_requests_in_flight"), Some(1.0));
    // Whoever goes before the end has cancelled the call.
    let mut gone = imports.watch_import(watch).await.unwrap().into_inner();
    gone.message().await.unwrap().expect("how it stands");
    drop(gone);
    until("a caller who goes is counted", || {
        requests(s, "ImportService", "WatchImport", "CANCELLED") == Some(1.0)
    })
    .await;
    lock.release();
    while watched.message().await.unwrap().is_some() {}
    until("the stream is counted", || {
        requests(s, "ImportService", "WatchImport", "OK") == Some(1.0)
    })
    .await;
    assert!(duration(s, "ImportService", "WatchImport", "sum").unwrap() >= 0.3);
    assert_eq!(value(s, "roster_grpc_requests_in_flight"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_duration_of_an_upload_is_that_of_the_whole_file() {
    let world = measured(Engine::Sqlite).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut client = world.clients.imports.clone();
    let upload = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let started = tokio::spawn(async move { client.start_import(upload).await });
    for part in [
        Part::Config(of(ImportKind::Accounts)),
        Part::Chunk("Name\nA\n".into()),
    ] {
        sender
            .send(StartImportRequest { part: Some(part) })
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    drop(sender);
    started.await.unwrap().unwrap();
    assert!(duration(&world.server, "ImportService", "StartImport", "sum").unwrap() >= 0.3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_are_counted_and_so_are_batches_transactions_and_waits_for_connections() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = measured(engine).await;
        let s = &world.server;
        world.account("the organization").await;
        let of_calls =
            |name: &str, what: &str| value(s, &format!("{name}_{what}{{lane=\"calls\"}}")).unwrap();
        // A batch is counted after its callers have their answers.
        until("the first batch is counted", || {
            of_calls("roster_write_batch_commands", "sum") == 1.0
        })
        .await;
        assert_eq!(of_calls("roster_write_batch_commands", "count"), 1.0);
        let lock = WriteLock::take(world.engine, &world.database);
        let write = |number: usize| {
            let mut accounts = world.clients.accounts.clone();
            let request = CreateAccountRequest {
                account: Some(Account {
                    name: format!("A{number}"),
                    ..Default::default()
                }),
                ..Default::default()
            };
            tokio::spawn(async move { accounts.create_account(request).await })
        };
        // The writer takes the first, which does not wait in the queue any more, and is held.
        let mut writes = vec![write(0)];
        until("the first is in the server", || {
            value(s, "roster_grpc_requests_in_flight") == Some(1.0)
        })
        .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        writes.extend((1..20).map(write));
        let waiting = "roster_writes_waiting{lane=\"calls\"}";
        until("all others wait", || value(s, waiting) == Some(19.0)).await;
        lock.release();
        for write in writes {
            write.await.unwrap().unwrap();
        }
        assert_eq!(value(s, waiting), Some(0.0));
        assert_eq!(value(s, "roster_writes_waiting{lane=\"jobs\"}"), Some(0.0));
        until("all batches are counted", || {
            of_calls("roster_write_batch_commands", "sum") == 21.0
        })
        .await;
        let batches = of_calls("roster_write_batch_commands", "count");
        assert_eq!(batches, 3.0, "the 19 are one batch");
        let longest = of_calls("roster_write_transaction_duration_seconds", "sum");
        assert!(longest >= 0.2, "the held batch: {longest}");
        assert!(value(s, "roster_database_connection_wait_seconds_count").unwrap() > 2.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_imports_are_counted_by_what_became_of_them_and_rejects_by_reason() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = measured(engine).await;
        let s = &world.server;
        let file = "Last Name,Email\nA,a@b.jp\nB,b\nC,c\n,d@b.jp\n";
        let import = world.import(of(ImportKind::Contacts), file).await;
        assert_eq!(counts(&import), [1, 0, 0, 3]);
        let import = world
            .import(of(ImportKind::Contacts), "Last Name,Email\nA,a@b.jp\n")
            .await;
        assert_eq!(counts(&import), [0, 0, 1, 0]);
        let rows = |outcome| {
            value(
                s,
                &format!("roster_import_rows_total{{outcome=\"{outcome}\"}}"),
            )
        };
        assert_eq!(
            ["created", "updated", "unchanged", "rejected"].map(rows),
            [1.0, 0.0, 1.0, 3.0].map(Some)
        );
        let rejects = |reason| {
            value(
                s,
                &format!("roster_import_rejects_total{{reason=\"{reason}\"}}"),
            )
        };
        assert_eq!(rejects("FIELD_INVALID"), Some(2.0));
        assert_eq!(rejects("FIELD_REQUIRED"), Some(1.0));
    }
}

#[tokio::test]
async fn the_process_and_its_version_are_reported() {
    let world = measured(Engine::Sqlite).await;
    let s = &world.server;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        value(s, &format!("roster_build_info{{version=\"{version}\"}}")),
        Some(1.0)
    );
    assert!(value(s, "process_cpu_seconds_total").unwrap() >= 0.0);
    assert!(value(s, "process_resident_memory_bytes").unwrap() > 1e6);
    assert!(value(s, "process_open_fds").unwrap() > 3.0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let age = now.as_secs_f64() - value(s, "process_start_time_seconds").unwrap();
    assert!((0.0..60.0).contains(&age), "{age}");
}

#[tokio::test]
async fn the_port_of_the_operators_answers_three_paths_and_nothing_else() {
    let world = measured(Engine::Sqlite).await;
    let s = &world.server;
    assert_eq!(http(s, "GET", "/livez"), (200, "ok\n".to_owned()));
    assert_eq!(http(s, "GET", "/readyz"), (200, "ok\n".to_owned()));
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/metrics/"),
        ("GET", "/healthz"),
        ("POST", "/metrics"),
        ("DELETE", "/livez"),
    ] {
        assert_eq!(http(s, method, path).0, 404, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_lost_its_database_lives_and_is_not_ready_until_it_is_back() {
    let postgres = Postgres::create();
    postgres.start();
    let url = postgres.url();
    let server = Server::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--database",
        &url,
    ]);
    until("it is ready", || http(&server, "GET", "/readyz").0 == 200).await;
    assert!(postgres.stop("immediate"));
    until("it is not ready", || {
        http(&server, "GET", "/readyz").0 == 503
    })
    .await;
    assert_eq!(http(&server, "GET", "/livez").0, 200);
    postgres.start();
    until("it is ready again", || {
        http(&server, "GET", "/readyz").0 == 200
    })
    .await;
}

#[test]
fn the_table_of_methods_is_that_of_the_descriptor_set() {
    let pool = DescriptorPool::decode(roster_api::FILE_DESCRIPTOR_SET).unwrap();
    let described: BTreeSet<(String, bool)> = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            (path, method.is_server_streaming())
        })
        .collect();
    let table = METHODS
        .iter()
        .map(|of| (of.path.to_owned(), of.streams_answers));
    assert_eq!(table.collect::<BTreeSet<_>>(), described);
    assert_eq!(METHODS.len(), described.len(), "each is there once");
    for (index, method) in METHODS.iter().enumerate() {
        assert_eq!(method.path, format!("/{}/{}", method.service, method.name));
        assert_eq!(method_of_path(method.path), Some(index));
    }
    assert_eq!(method_of_path("/roster.v1.AccountService/Nonsense"), None);
    let check = CheckTicketRequest::INFO;
    assert_eq!(
        (check.service, check.name),
        ("roster.v1.VisibilityService", "CheckTicket")
    );
    assert_eq!(METHODS[StartImportRequest::INDEX], StartImportRequest::INFO);
}
