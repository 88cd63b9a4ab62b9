//! Limits of imports: uploads and imports at a time, columns of a mapping, frequency of watch
//! messages, and how long the database can be unreachable.

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
    a_mapping_can_name_200_columns,
    a_watcher_receives_a_state_at_most_every_100_ms,
    rejects_can_be_downloaded_while_the_import_runs,
    a_server_accepts_20_unfinished_imports_and_refuses_the_next,
    a_server_accepts_16_uploads_at_a_time_and_refuses_the_next,
);

/// Returns a file of contacts that needs many batches.
fn long_file(rows: usize) -> String {
    let row = |number: usize| format!("p{number}@example.com,人{number}\n");
    let rows: String = (0..rows).map(row).collect();
    format!("メール,氏名\n{rows}")
}

async fn a_mapping_can_name_200_columns(world: World) {
    // A file can have 200 columns.
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
        let others = (1..).map(|number| ignored(format!("h{number}")));
        let mapping = std::iter::once(name.clone()).chain(others).take(columns);
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

async fn a_watcher_receives_a_state_at_most_every_100_ms(world: World) {
    let import = world.start_import(creating(ImportKind::Contacts), long_file(10_000));
    let id = import.await.id;
    let start = Instant::now();
    let mut stream = watch(&world.clients, &id).await;
    let (mut states, mut last) = (0_u32, start);
    while let Some(answer) = stream.message().await.expect("a state") {
        if states == 0 {
            assert!(
                start.elapsed() < Duration::from_secs(1),
                "the first state did not arrive at once"
            );
        }
        states += 1;
        last = Instant::now();
        drop(answer);
    }
    // Every state except the first is delayed. There is no upper limit: the machine can be slow.
    assert!(states > 3, "{states} states");
    let shortest = Duration::from_millis(100) * (states - 1);
    assert!(
        last - start >= shortest,
        "{states} states in {:?}",
        last - start
    );
}

async fn watch(clients: &Clients, id: &str) -> tonic::Streaming<WatchImportResponse> {
    let request = WatchImportRequest { id: id.into() };
    let stream = clients.imports.clone().watch_import(request).await;
    stream.expect("a stream").into_inner()
}

/// Polls an import until it satisfies the condition.
async fn wait_until(clients: &Clients, id: &str, condition: impl Fn(&Import) -> bool) -> Import {
    loop {
        let request = GetImportRequest { id: id.into() };
        if let Ok(answer) = clients.imports.clone().get_import(request).await {
            let import = answer.into_inner().import_job.expect("an import");
            if condition(&import) {
                return import;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn rejects_can_be_downloaded_while_the_import_runs(world: World) {
    let mut file = String::from("メール,氏名\nnowhere,森\n");
    file.push_str(long_file(10_000).split_once('\n').expect("rows").1);
    file.push_str("nowhere,林\n");
    let import = world
        .start_import(creating(ImportKind::Contacts), file)
        .await;
    let running = wait_until(&world.clients, &import.id, |import| {
        import.rows_rejected > 0
    })
    .await;
    let rejects = world.rejects(&import.id).await;
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
    let end = world.end_of(&import.id).await;
    assert_eq!(counts(&end), [10_000, 0, 0, 2]);
    assert_eq!(world.rejects(&import.id).await.len(), 2);
}

#[track_caller]
fn expect_queue_full<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) {
    let status = refused(answer, Code::ResourceExhausted, "QUEUE_FULL");
    let retry = status.get_error_details().retry_info().cloned();
    assert!(retry.expect("a RetryInfo").retry_delay.is_some());
}

/// Starts imports and holds the write lock while they run, so that none of them ends. Returns the
/// lock, how many of the 20 imports of a server may still start, and how many imports were started.
async fn running_imports(world: &World) -> (WriteLock, usize, usize) {
    // Starts fewer than 20, because a server accepts only 16 uploads at a time.
    const LONG: usize = 10;
    let running = |import: &Import| import.state() == ImportState::Running;
    // A file that is imported before the lock is taken was too short for this machine.
    for (round, rows) in [3_000, 9_000, 27_000].into_iter().enumerate() {
        let file = long_file(rows);
        let long = (0..LONG).map(|_| world.start_import(creating(ImportKind::Contacts), &file));
        let long = futures::future::join_all(long).await;
        let lock = WriteLock::take(world.engine, &world.database);
        let mut free = 20;
        for import in &long {
            free -= usize::from(running(
                &wait_until(&world.clients, &import.id, |_| true).await,
            ));
        }
        if free < 16 {
            return (lock, free, (round + 1) * LONG);
        }
        lock.release();
        for import in long {
            wait_until(&world.clients, &import.id, |import| !running(import)).await;
        }
    }
    panic!("27,000 rows are too few for this machine");
}

async fn a_server_accepts_20_unfinished_imports_and_refuses_the_next(world: World) {
    let (lock, free, started) = running_imports(&world).await;
    let mut starts: FuturesUnordered<_> = (0..=free)
        .map(|number| {
            let file = format!("取引先名\n会社{number}\n");
            world.try_import(of(ImportKind::Accounts), file)
        })
        .collect();
    expect_queue_full(starts.next().await.expect("the 21st"));
    lock.release();
    let answers: Vec<_> = starts.collect().await;
    assert_eq!(answers.len(), free);
    for answer in answers {
        answer.expect("an import");
    }
    // The refused file started no import, and a new import is accepted when another has ended.
    let next = loop {
        let answer = world
            .try_import(of(ImportKind::Accounts), "取引先名\nA\n")
            .await;
        match answer {
            Ok(answer) => break answer.into_inner().import_job.expect("an import"),
            answer => expect_queue_full(answer),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(next.id, format!("i{}", started + free + 1));
}

/// Starts an import whose messages come from a channel.
async fn upload(
    mut clients: Clients,
    parts: mpsc::Receiver<StartImportRequest>,
) -> Result<Response<StartImportResponse>, Status> {
    clients
        .imports
        .start_import(ReceiverStream::new(parts))
        .await
}

async fn a_server_accepts_16_uploads_at_a_time_and_refuses_the_next(world: World) {
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
    // No caller ends its file, so only a refusal ends an upload. Exactly one upload is refused.
    expect_queue_full(uploads.next().await.expect("a refused upload").unwrap());
    let second = tokio::time::timeout(Duration::from_millis(300), uploads.next()).await;
    assert!(second.is_err(), "{second:?}");
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

/// How many seconds the import of the next test waits for its database. The default is a minute.
const PATIENCE_SECONDS: u64 = 2;

/// Starts a server on its own PostgreSQL, and an import of which some rows are committed.
async fn half_an_import(postgres: &Postgres, settings: &[&str]) -> (Server, Clients, Import) {
    let url = postgres.url();
    let arguments = ["--listen", "127.0.0.1:0", "--database", &url];
    let server = Server::start_with(&[&arguments, settings].concat());
    let mut clients = server.connect().await;
    let messages =
        crate::importing::messages(creating(ImportKind::Contacts), long_file(10_000).as_bytes());
    let import = clients
        .imports
        .start_import(tokio_stream::iter(messages))
        .await;
    let id = import
        .expect("an import")
        .into_inner()
        .import_job
        .expect("an import")
        .id;
    let half = wait_until(&clients, &id, |import| import.rows_read > 0).await;
    assert_eq!(half.state(), ImportState::Running, "the file was too short");
    (server, clients, half)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_fails_if_the_database_is_unreachable_for_longer_than_its_patience() {
    let postgres = Postgres::create();
    postgres.start();
    let seconds = PATIENCE_SECONDS.to_string();
    let settings = ["--import-patience", &seconds];
    let (_server, clients, half) = half_an_import(&postgres, &settings).await;
    assert!(postgres.stop("immediate"));
    // The last retry is after the end of the patience and takes up to a second.
    tokio::time::sleep(Duration::from_secs(PATIENCE_SECONDS + 3)).await;
    postgres.start();
    let has_ended = |import: &Import| import.state() != ImportState::Running;
    let failed = wait_until(&clients, &half.id, has_ended).await;
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
        error.message().contains("the database was unreachable"),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_continues_if_the_database_is_unreachable_for_less_than_its_patience() {
    let postgres = Postgres::create();
    postgres.start();
    let (_server, clients, half) = half_an_import(&postgres, &[]).await;
    assert!(postgres.stop("immediate"));
    postgres.start();
    let has_ended = |import: &Import| import.state() != ImportState::Running;
    let end = wait_until(&clients, &half.id, has_ended).await;
    assert_eq!(
        (end.state(), counts(&end)),
        (ImportState::Completed, [10_000, 0, 0, 0])
    );
}
