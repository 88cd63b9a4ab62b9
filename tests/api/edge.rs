//! The edges of the server: how it starts or refuses to, what its port bears, what tools ask it.

use std::io::Write;
use std::net::TcpStream;
use std::process::Output;

use prost::Message;
use rand::RngExt;
use roster_api::v1::*;
use roster_testkit::seed;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::raw_call;
use crate::world::{
    Database, Engine, Server, World, both_engines, command, field, metadata, refused,
};

both_engines!(
    bytes_that_are_no_message_are_refused_saying_where,
    a_message_of_16_mib_is_read_and_a_longer_one_is_not,
);

/// Starts a server that refuses to: what it leaves.
fn refusing(arguments: &[&str]) -> Output {
    let mut child = command(arguments)
        .env("RUST_LOG", "error")
        .env("RUST_BACKTRACE", "1")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("a process");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while child.try_wait().expect("its state").is_none() {
        assert!(
            std::time::Instant::now() < until,
            "it serves: {arguments:?}"
        );
        std::thread::yield_now();
    }
    child.wait_with_output().expect("its end")
}

/// The one line that it says, ending with exit code 1.
pub fn complaint(arguments: &[&str]) -> String {
    let output = refusing(arguments);
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(output.stdout, b"");
    let line = said.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n'), "one line: {said}");
    let line = line.strip_prefix("roster-server: ");
    line.unwrap_or_else(|| panic!("who says it: {said}"))
        .to_owned()
}

#[test]
fn off_loopback_it_listens_only_with_tls_or_insecure() {
    let database = Database::create(Engine::Sqlite);
    let arguments = ["--listen", "0.0.0.0:0", "--database", &database.url];
    let said = complaint(&arguments);
    assert!(
        said.contains("0.0.0.0:0 is not a loopback address"),
        "{said}"
    );
    assert!(said.contains("--insecure"), "{said}");
    let told = [&arguments[..], &["--insecure"]].concat();
    assert!(Server::start_with(&told).address.starts_with("0.0.0.0:"));
}

#[test]
fn a_database_that_cannot_be_opened_is_reported_in_one_line_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:{}/missing/roster.db", folder.path().display());
    let directory = format!("sqlite:{}", folder.path().display());
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, vec![b'x'; 10_000]).unwrap();
    let garbage = format!("sqlite:{}", garbage.display());
    let postgres = std::env::var("ROSTER_TEST_POSTGRES").expect("tests/run sets it");
    let no_such = format!("{postgres}/there_is_no_such");
    for (database, expected) in [
        (
            "mysql://roster:s3cret@h/n",
            "sqlite:PATH or postgres://USER@HOST/NAME",
        ),
        ("sqlite:", "sqlite:PATH or postgres://USER@HOST/NAME"),
        ("", "sqlite:PATH or postgres://USER@HOST/NAME"),
        (&missing, "missing/roster.db"),
        (&directory, "cannot be"),
        (&garbage, "not a database"),
        ("postgres://roster:s3cret@127.0.0.1:1/n", "127.0.0.1"),
        (
            "postgres://roster:s3cret@127.0.0.1:s3cret/n",
            "is not a port",
        ),
        (
            "postgres://roster:s3cret@127.0.0.1/n?nonsense=s3cret&password=s3cret",
            "cannot be",
        ),
        (&no_such, "there_is_no_such"),
    ] {
        let said = complaint(&["--listen", "127.0.0.1:0", "--database", database]);
        assert!(said.contains(expected), "{database}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn an_occupied_port_is_reported() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let database = Database::create(Engine::Sqlite);
    let said = complaint(&["--listen", &address, "--database", &database.url]);
    assert!(
        said.contains(&format!("cannot listen on {address}")),
        "{said}"
    );
}

#[tokio::test]
async fn a_second_server_on_one_sqlite_file_is_refused_until_the_first_ends_however_it_ends() {
    let mut world = World::start(Engine::Sqlite).await;
    let account = world.account("A").await;
    let said = complaint(&["--listen", "127.0.0.1:0", "--database", &world.database.url]);
    assert!(
        said.contains("another roster-server has this file open"),
        "{said}"
    );
    world.account("B").await;
    world.restart().await;
    let request = GetAccountRequest {
        id: account,
        ..Default::default()
    };
    world.clients.accounts.get_account(request).await.unwrap();
}

#[tokio::test]
async fn a_second_server_on_one_postgresql_database_serves_too() {
    let world = World::start(Engine::Postgres).await;
    let second = Server::start(&world.database);
    let mut clients = second.connect().await;
    let (first, next) = (world.account("A").await, "B");
    let request = CreateAccountRequest {
        account: Some(Account {
            name: next.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    clients.accounts.create_account(request).await.unwrap();
    let request = GetAccountRequest {
        id: first,
        ..Default::default()
    };
    clients.accounts.get_account(request).await.unwrap();
    assert_eq!(world.account("C").await, "a3");
}

#[tokio::test]
async fn random_bytes_and_half_open_connections_do_no_harm() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut world = World::start(Engine::Sqlite).await;
    let mut chance = seed::rng();
    let mut open = Vec::new();
    for round in 0..200 {
        let mut stream = TcpStream::connect(&world.server.address).unwrap();
        let mut noise = vec![0; chance.random_range(0..4_096)];
        chance.fill(&mut noise[..]);
        match round % 5 {
            // Nothing at all, then a part of the preface, then noise before, after and within it.
            0 => {}
            1 => stream
                .write_all(&PREFACE[..chance.random_range(1..PREFACE.len())])
                .unwrap(),
            // The server may have hung up already.
            2 => drop(stream.write_all(&noise)),
            3 => drop(stream.write_all(&[PREFACE, &noise].concat())),
            _ => {
                // A settings frame, and then a frame of every kind with noise in it.
                let mut frames = vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
                noise.truncate(64);
                for kind in 0..10 {
                    frames.extend_from_slice(&[0, 0, noise.len() as u8, kind, 4, 0, 0, 0, 1]);
                    frames.extend_from_slice(&noise);
                }
                drop(stream.write_all(&[PREFACE, &frames].concat()));
            }
        }
        open.push(stream);
    }
    world.account("A").await;
    assert!(world.server.child.try_wait().unwrap().is_none());
    drop(open);
    world.account("B").await;
}

async fn bytes_that_are_no_message_are_refused_saying_where(world: World) {
    let before = world.read_token().await;
    let channel = world.server.channel().await;
    let method = "/roster.v1.AccountService/CreateAccount";
    let account = |name: &[u8]| {
        let field = [&[0x0a, name.len() as u8 + 2, 0x12, name.len() as u8], name].concat();
        field.to_vec()
    };
    let good = CreateAccountRequest {
        account: Some(Account {
            name: "A".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(account(b"A"), good.encode_to_vec());
    let name = raw_call::call(&channel, method, account(&[b'A', 0xff, 0xfe])).await;
    let name = refused(name, Code::InvalidArgument, "MESSAGE_INVALID");
    assert_eq!(field(&name), "account.name");
    let short = raw_call::call(&channel, method, vec![0x0a, 0x7f, 0x12]).await;
    refused(short, Code::InvalidArgument, "MESSAGE_INVALID");
    let noise = raw_call::call(&channel, method, vec![0xff; 20]).await;
    refused(noise, Code::InvalidArgument, "MESSAGE_INVALID");
    assert_eq!(world.read_token().await, before);
}

async fn a_message_of_16_mib_is_read_and_a_longer_one_is_not(world: World) {
    let before = world.read_token().await;
    let channel = world.server.channel().await;
    let method = "/roster.v1.AccountService/CreateAccount";
    // The name is the rest of the message, behind its tags and lengths.
    let of_length = |bytes: usize| {
        let account = Account {
            name: "x".repeat(bytes - 10),
            ..Default::default()
        };
        let request = CreateAccountRequest {
            account: Some(account),
            ..Default::default()
        };
        assert_eq!(request.encoded_len(), bytes);
        request.encode_to_vec()
    };
    let longest = raw_call::call(&channel, method, of_length(16 << 20)).await;
    refused(longest, Code::InvalidArgument, "TEXT_TOO_LONG");
    let longer = raw_call::call(&channel, method, of_length((16 << 20) + 1)).await;
    let longer = refused(longer, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    assert_eq!(metadata(&longer, "max_bytes"), "16777216");
    assert_eq!(world.read_token().await, before);
}

#[tokio::test]
async fn an_unknown_method_or_service_is_unimplemented() {
    let world = World::start(Engine::Sqlite).await;
    let channel = world.server.channel().await;
    for method in [
        "/roster.v1.AccountService/Nonsense",
        "/roster.v1.VisibilityService/Nonsense",
        "/roster.v1.VisibilityService/",
        "/roster.v1.Nonsense/Get",
        "/x/y",
    ] {
        let status = raw_call::call(&channel, method, vec![]).await;
        let status = refused(status, Code::Unimplemented, "METHOD_UNKNOWN");
        assert_eq!(metadata(&status, "method"), method);
    }
}

/// The full names of the services of the API.
fn services() -> Vec<String> {
    let set = prost_types::FileDescriptorSet::decode(roster_api::FILE_DESCRIPTOR_SET).unwrap();
    let named = set.file.iter().flat_map(|file| {
        file.service
            .iter()
            .map(|service| format!("{}.{}", file.package(), service.name()))
    });
    named.collect()
}

#[tokio::test]
async fn health_is_reported_for_the_server_and_for_each_service() {
    let world = World::start(Engine::Sqlite).await;
    let mut health = HealthClient::new(world.server.channel().await);
    for service in services().into_iter().chain([String::new()]) {
        let request = HealthCheckRequest { service };
        let answer = health.check(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving);
        let mut watched = health.watch(request).await.unwrap().into_inner();
        let first = watched.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving);
    }
}

#[tokio::test]
async fn reflection_lists_every_service() {
    let world = World::start(Engine::Sqlite).await;
    let mut reflection = ServerReflectionClient::new(world.server.channel().await);
    let ask = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let answers = reflection
        .server_reflection_info(tokio_stream::iter([ask]))
        .await;
    let answer = answers
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let listed: Vec<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    assert_eq!(services().len(), 10);
    for service in services()
        .into_iter()
        .chain(["grpc.health.v1.Health".into()])
    {
        assert!(listed.contains(&service), "{service} in {listed:?}");
    }
}
