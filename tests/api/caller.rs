//! Who calls: the actor is recorded with what it writes, and is no part of the caller's identity.

use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use roster_api::v1::*;
use tonic::metadata::{AsciiMetadataValue, MetadataValue};
use tonic::{Code, Request};

use crate::world::{Database, Engine, World, metadata, refused};

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = Text)]
    actor: String,
}

/// The actors of all change sets, in the order of their revisions.
fn actors(database: &Database) -> Vec<String> {
    let select = sql_query("SELECT actor FROM change_sets ORDER BY revision");
    let rows: Vec<Recorded> = match database.url.strip_prefix("sqlite:") {
        Some(path) => select.load(&mut SqliteConnection::establish(path).unwrap()),
        None => select.load(&mut PgConnection::establish(&database.url).unwrap()),
    }
    .unwrap();
    rows.into_iter().map(|row| row.actor).collect()
}

fn create(name: &str, request_id: &str) -> Request<CreateAccountRequest> {
    Request::new(CreateAccountRequest {
        account: Some(Account {
            name: name.into(),
            ..Default::default()
        }),
        request_id: request_id.into(),
    })
}

fn by<T>(mut request: Request<T>, actor: &str) -> Request<T> {
    let actor = actor.parse::<AsciiMetadataValue>().unwrap();
    request.metadata_mut().append("roster-actor", actor);
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_actor_of_a_write_is_recorded_and_without_one_it_is_empty() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let mut accounts = world.clients.accounts.clone();
        accounts.create_account(create("A", "")).await.unwrap();
        let named = by(create("B", ""), "sato@example.jp");
        accounts.create_account(named).await.unwrap();
        let mut wide = create("C", "");
        let bytes = MetadataValue::from_bytes("佐藤 花子".as_bytes());
        wide.metadata_mut().append_bin("roster-actor-bin", bytes);
        accounts.create_account(wide).await.unwrap();
        let empty = by(create("D", ""), "");
        accounts.create_account(empty).await.unwrap();
        let recorded = actors(&world.database);
        assert_eq!(recorded, ["", "sato@example.jp", "佐藤 花子", ""]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_records_its_actor_too() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let config = ImportConfig {
            kind: ImportKind::Accounts.into(),
            ..Default::default()
        };
        let parts = [
            start_import_request::Part::Config(config),
            start_import_request::Part::Chunk("Name\nA\n".into()),
        ];
        let parts = parts.map(|part| StartImportRequest { part: Some(part) });
        let request = by(Request::new(tokio_stream::iter(parts)), "importer");
        let mut imports = world.clients.imports.clone();
        let begun = imports.start_import(request).await.unwrap().into_inner();
        let id = begun.import_job.unwrap().id;
        let watched = imports.watch_import(WatchImportRequest { id }).await;
        let mut watched = watched.unwrap().into_inner();
        while watched.message().await.unwrap().is_some() {}
        assert_eq!(actors(&world.database), ["importer"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_by_another_actor_is_the_same_request() {
    for engine in ENGINES {
        let world = World::start(engine).await;
        let mut accounts = world.clients.accounts.clone();
        let first = by(create("A", "r1"), "sato");
        let first = accounts.create_account(first).await.unwrap().into_inner();
        let second = by(create("A", "r1"), "suzuki");
        let second = accounts.create_account(second).await.unwrap().into_inner();
        assert_eq!(first, second);
        assert_eq!(actors(&world.database), ["sato"]);
    }
}

#[tokio::test]
async fn an_actor_has_at_most_200_characters_and_no_control_character() {
    let world = World::start(Engine::Sqlite).await;
    let mut visibility = world.clients.visibility.clone();
    let mut accounts = world.clients.accounts.clone();
    for length in [199, 200] {
        let named = by(create("A", ""), &"a".repeat(length));
        accounts.create_account(named).await.unwrap();
    }
    let long = "a".repeat(201);
    let status = refused(
        accounts.create_account(by(create("A", ""), &long)).await,
        Code::InvalidArgument,
        "ACTOR_INVALID",
    );
    assert_eq!(metadata(&status, "key"), "roster-actor");
    // Past the router too.
    let check = CheckTicketRequest {
        contact_id: "c1".into(),
        ticket_id: "t1".into(),
        ..Default::default()
    };
    let answer = visibility
        .check_ticket(by(Request::new(check), &long))
        .await;
    refused(answer, Code::InvalidArgument, "ACTOR_INVALID");
    let mut wide = create("A", "");
    let bytes = MetadataValue::from_bytes("a\u{85}b".as_bytes());
    wide.metadata_mut().append_bin("roster-actor-bin", bytes);
    let status = refused(
        accounts.create_account(wide).await,
        Code::InvalidArgument,
        "ACTOR_INVALID",
    );
    assert_eq!(metadata(&status, "key"), "roster-actor-bin");
    assert!(status.message().contains("U+0085"), "{status:?}");
    assert_eq!(actors(&world.database).len(), 2, "nothing was written");
}

#[tokio::test]
async fn an_actor_given_twice_is_refused_before_the_request_is_read() {
    let world = World::start(Engine::Sqlite).await;
    let get = GetImportRequest { id: "i1".into() };
    let twice = by(by(Request::new(get), "a"), "b");
    let answer = world.clients.imports.clone().get_import(twice).await;
    refused(answer, Code::InvalidArgument, "ACTOR_INVALID");
    let check = CheckTicketRequest::default();
    let twice = by(by(Request::new(check), "a"), "b");
    let answer = world.clients.visibility.clone().check_ticket(twice).await;
    refused(answer, Code::InvalidArgument, "ACTOR_INVALID");
}
