//! What limits imports: how many at once, how many columns a mapping may name, how often a watcher
//! hears of one, and how long the database may be away.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use roster_api::v1::start_import_request::Part;
use roster_api::v1::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::importing::{counts, creating, of};
use crate::postgres::Postgres;
use crate::world::{Clients, Server, World, both_engines, field, metadata, refused};
use crate::write_lock::WriteLock;

both_engines!(
    a_mapping_names_up_to_200_columns,
    a_watcher_is_sent_a_state_at_most_every_100_ms,
    rejects_can_be_read_while_the_import_runs,
    a_server_takes_20_unfinished_imports_and_refuses_the_next,
    a_server_takes_16_uploads_at_once_and_refuses_the_next,
);

/// A file of contacts that takes many batches.
fn long_file(rows: usize) -> String {
    let row = |number: usize| format!("p{number}@example.com,人{number}\n");
    let rows: String = (0..rows).map(row).collect();
    format!("メール,氏名\n{rows}")
}

async fn a_mapping_names_up_to_200_columns(world: World) {
    // As many columns as a file may have.
    let headers: Vec<String> = (1..200).map(|number| format!("h{number}")).collect();
    let file = format!("取引先名,{}\nA\n", headers.join(","));
    let ignored = |header: String| ImportColumn {
        header,
        field: String::new(),
    };
    let name = ImportColumn {
        header: "取引先名".into(),
        field: "account.name".into(),
    };
    let mapping = |columns: usize| {
        let more = (1..).map(|number| ignored(format!("h{number}")));
        let mapping = std::iter::once(name.clone()).chain(more).take(columns);
        ImportConfig {
            mapping: mapping.collect(),
            ..of(ImportKind::Accounts)
        }
    };
    for columns in [199, 200] {
        let import = world.import(mapping(columns), &file).await;
        assert_eq!(import.state(), ImportState::Completed);
        assert_eq!(import.ignored_headers, headers);
    }
    let status = refused(
        world.try_import(mapping(201), &file).await,
        Code::InvalidArgument,
        "TEXT_TOO_LONG",
    );
    assert_eq!(field(&status), "config.mapping");
    let numbers = ["found", "max", "unit"].map(|key| metadata(&status, key));
    assert_eq!(numbers, ["201", "200", "items"]);
}

async fn a_watcher_is_sent_a_state_at_most_every_100_ms(world: World) {
    let begun = world.start_import(creating(ImportKind::Contacts), long_file(10_000));
    let id = begun.await.id;
    let began = Instant::now();
    let mut stream = watch(&world.clients, &id).await;
    let (mut states, mut last) = (0_u32, began);
    while let Some(answer) = stream.message().await.expect("a state") {
        if states == 0 {
            assert!(
                began.elapsed() < Duration::from_secs(1),
                "the first comes at once"
            );
        }
        states += 1;
        last = Instant::now();
        drop(answer);
    }
    // Each of them but the first waited for its turn, on a machine that may be slower than that.
    assert!(states > 3, "{states} states");
    let shortest = Duration::from_millis(100) * (states - 1);
    assert!(
        last - began >= shortest,
        "{states} states in {:?}",
        last - began
    );
}

async fn watch(clients: &Clients, id: &str) -> tonic::Streaming<WatchImportResponse> {
    let request = WatchImportRequest { id: id.into() };
    let stream = clients.imports.clone().watch_import(request).await;
    stream.expect("a stream").into_inner()
}

/// The import once this is true of it.
async fn until(clients: &Clients, id: &str, is_so: impl Fn(&Import) -> bool) -> Import {
    loop {
        let request = GetImportRequest { id: id.into() };
        if let Ok(answer) = clients.imports.clone().get_import(request).await {
            let import = answer.into_inner().import_job.expect("it");
            if is_so(&import) {
                return import;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn rejects_can_be_read_while_the_import_runs(world: World) {
    let mut file = String::from("メール,氏名\nnowhere,森\n");
    file.push_str(long_file(10_000).split_once('\n').expect("rows").1);
    file.push_str("nowhere,林\n");
    let begun = world
        .start_import(creating(ImportKind::Contacts), file)
        .await;
    let running = until(&world.clients, &begun.id, |import| import.rows_rejected > 0).await;
    let rejects = world.rejects(&begun.id).await;
    assert_eq!(
        running.state(),
        ImportState::Running,
        "the file was too short"
    );
    let first = (
        "2".to_owned(),
        "メール".to_owned(),
        "FIELD_INVALID".to_owned(),
    );
    assert_eq!(rejects, [first]);
    let end = world.end_of(&begun.id).await;
    assert_eq!(counts(&end), [10_000, 0, 0, 2]);
    assert_eq!(world.rejects(&begun.id).await.len(), 2);
}

#[track_caller]
fn full<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) {
    let status = refused(answer, Code::ResourceExhausted, "QUEUE_FULL");
    let retry = status.get_error_details().retry_info().cloned();
    assert!(retry.expect("a RetryInfo").retry_delay.is_some());
}

/// Starts imports and holds the write lock while they run, so that none of them ends. Returns the
/// lock, how many of the 20 imports of a server may still start, and how many imports were started.
async fn running_imports(world: &World) -> (WriteLock, usize, usize) {
    // Not all 20 at once, since fewer uploads than that are taken at a time.
    const LONG: usize = 10;
    let running = |import: &Import| import.state() == ImportState::Running;
    // A file that is imported before the lock is taken was too short for this machine.
    for (round, rows) in [3_000, 9_000, 27_000].into_iter().enumerate() {
        let file = long_file(rows);
        let long = (0..LONG).map(|_| world.start_import(creating(ImportKind::Contacts), &file));
        let long = futures::future::join_all(long).await;
        let lock = WriteLock::take(world.engine, &world.database);
        let mut room = 20;
        for import in &long {
            room -= usize::from(running(&until(&world.clients, &import.id, |_| true).await));
        }
        if room < 16 {
            return (lock, room, (round + 1) * LONG);
        }
        lock.release();
        for import in long {
            until(&world.clients, &import.id, |import| !running(import)).await;
        }
    }
    panic!("27,000 rows are too few for this machine");
}

async fn a_server_takes_20_unfinished_imports_and_refuses_the_next(world: World) {
    let (lock, room, begun_before) = running_imports(&world).await;
    let mut begun: FuturesUnordered<_> = (0..=room)
        .map(|number| {
            let file = format!("取引先名\n会社{number}\n");
            world.try_import(of(ImportKind::Accounts), file)
        })
        .collect();
    full(begun.next().await.expect("the 21st"));
    lock.release();
    let begun: Vec<_> = begun.collect().await;
    assert_eq!(begun.len(), room);
    for answer in begun {
        answer.expect("an import");
    }
    // The refused file began nothing, and there is room once an import has ended.
    let next = loop {
        let answer = world
            .try_import(of(ImportKind::Accounts), "取引先名\nA\n")
            .await;
        match answer {
            Ok(answer) => break answer.into_inner().import_job.expect("it"),
            answer => full(answer),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(next.id, format!("i{}", begun_before + room + 1));
}

/// An upload that goes on: what its caller sends next, and its answer.
async fn upload(
    mut clients: Clients,
    parts: mpsc::Receiver<StartImportRequest>,
) -> Result<Response<StartImportResponse>, Status> {
    clients
        .imports
        .start_import(ReceiverStream::new(parts))
        .await
}

async fn a_server_takes_16_uploads_at_once_and_refuses_the_next(world: World) {
    let mut senders = Vec::new();
    let mut uploads = FuturesUnordered::new();
    for number in 0..17 {
        let (sender, parts) = mpsc::channel(4);
        let config = Part::Config(of(ImportKind::Accounts));
        let chunk = Part::Chunk(format!("取引先名\n会社{number}\n").into());
        for part in [config, chunk] {
            sender
                .send(StartImportRequest { part: Some(part) })
                .await
                .unwrap();
        }
        senders.push(sender);
        uploads.push(tokio::spawn(upload(world.clients.clone(), parts)));
    }
    // None of the 17 ends its file: only a refusal ends one, and it is one.
    full(uploads.next().await.expect("one ends").unwrap());
    let none_more = tokio::time::timeout(Duration::from_millis(300), uploads.next()).await;
    assert!(none_more.is_err(), "{none_more:?}");
    drop(senders);
    while let Some(upload) = uploads.next().await {
        upload.unwrap().expect("an import");
    }
    let next = world
        .import(of(ImportKind::Accounts), "取引先名\nA\n")
        .await;
    assert_eq!(
        (next.id.as_str(), next.state()),
        ("i17", ImportState::Completed)
    );
}

/// For how many seconds the import of the next test waits for its database; without a setting it is
/// a minute.
const PATIENCE_SECONDS: u64 = 2;

/// A server on a PostgreSQL of its own, with an import of which some is in and some is not.
async fn half_an_import(postgres: &Postgres, settings: &[&str]) -> (Server, Clients, Import) {
    let url = postgres.url();
    let arguments = ["--listen", "127.0.0.1:0", "--database", &url];
    let server = Server::start_with(&[&arguments, settings].concat());
    let mut clients = server.connect().await;
    let messages =
        crate::importing::messages(creating(ImportKind::Contacts), long_file(10_000).as_bytes());
    let begun = clients
        .imports
        .start_import(tokio_stream::iter(messages))
        .await;
    let id = begun
        .expect("an import")
        .into_inner()
        .import_job
        .expect("it")
        .id;
    let half = until(&clients, &id, |import| import.rows_read > 0).await;
    assert_eq!(half.state(), ImportState::Running, "the file was too short");
    (server, clients, half)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_fails_once_the_database_was_away_for_longer_than_its_patience() {
    let postgres = Postgres::create();
    postgres.start();
    let seconds = PATIENCE_SECONDS.to_string();
    let settings = ["--import-patience", &seconds];
    let (_server, clients, half) = half_an_import(&postgres, &settings).await;
    assert!(postgres.stop("immediate"));
    // The batch is tried once more after its patience, which takes up to a second.
    tokio::time::sleep(Duration::from_secs(PATIENCE_SECONDS + 3)).await;
    postgres.start();
    let ended = |import: &Import| import.state() != ImportState::Running;
    let failed = until(&clients, &half.id, ended).await;
    assert_eq!(failed.state(), ImportState::Failed);
    assert!(failed.end_time.is_some());
    assert!(half.rows_read <= failed.rows_read && failed.rows_read < failed.rows_total);
    let error = crate::error_shape::of_item(failed.error.as_ref().expect("the cause"));
    refused(
        Err::<Response<()>, _>(error.clone()),
        Code::Unavailable,
        "UNAVAILABLE",
    );
    assert!(
        error
            .message()
            .contains("the database was unreachable for too long"),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_goes_on_after_a_database_that_was_away_for_less_than_its_patience() {
    let postgres = Postgres::create();
    postgres.start();
    let (_server, clients, half) = half_an_import(&postgres, &[]).await;
    assert!(postgres.stop("immediate"));
    postgres.start();
    let ended = |import: &Import| import.state() != ImportState::Running;
    let end = until(&clients, &half.id, ended).await;
    assert_eq!(
        (end.state(), counts(&end)),
        (ImportState::Completed, [10_000, 0, 0, 0])
    );
}
