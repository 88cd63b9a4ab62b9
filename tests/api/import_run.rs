//! How an import runs: repeated requests, watching, failures and shutdown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::{Connection, RunQueryDsl};
use roster_api::v1::start_import_request::Part;
use roster_api::v1::*;
use tonic::Code;

use crate::importing::{counts, creating, of};
use crate::world::{Engine, Server, World, both_engines, refused};

both_engines!(
    a_repeated_request_returns_the_first_import_and_another_file_is_refused,
    a_watcher_receives_the_first_and_the_last_state_and_then_the_stream_ends,
    an_import_of_a_killed_server_fails_and_sending_the_file_again_completes_it,
    a_second_server_does_not_end_the_imports_of_the_first,
    a_stopping_server_fails_its_imports_at_once_and_sends_the_state_to_watchers,
    an_import_continues_if_its_caller_disconnects_after_the_upload,
    an_aborted_upload_starts_no_import,
    other_writes_continue_while_a_file_is_imported,
    an_import_ends_while_calls_never_pause,
);

const ACCOUNTS: ImportKind = ImportKind::Accounts;
/// A server stops within this time.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Returns a file whose import takes long enough to interrupt it.
fn long_file(rows: usize) -> String {
    let row = |number: usize| {
        format!(
            "p{number}@example.com,人{number},D{},会社{}\n",
            number % 500,
            number % 500
        )
    };
    let rows: String = (0..rows).map(row).collect();
    format!("メール,氏名,取引先コード,会社名\n{rows}")
}

impl World {
    /// Starts an import and waits until some of its rows are committed.
    pub async fn half_an_import(&self, file: &str) -> Import {
        let import = self
            .start_import(creating(ImportKind::Contacts), file)
            .await;
        let request = WatchImportRequest {
            id: import.id.clone(),
        };
        let stream = self.clients.imports.clone().watch_import(request).await;
        let mut stream = stream.expect("a stream").into_inner();
        while let Some(answer) = stream.message().await.expect("a state") {
            let import = answer.import_job.expect("an import");
            assert_eq!(
                import.state(),
                ImportState::Running,
                "the file was too short"
            );
            if import.rows_read > 0 {
                return import;
            }
        }
        panic!("the stream ended");
    }

    pub async fn get_import(&self, id: &str) -> Import {
        let request = GetImportRequest { id: id.into() };
        let answer = self.clients.imports.clone().get_import(request).await;
        answer
            .expect("an import")
            .into_inner()
            .import_job
            .expect("an import")
    }
}

/// Returns the number of contacts, from the counts of the headings.
async fn count_contacts(world: &World) -> i64 {
    let request = ListContactHeadingsRequest::default();
    let answer = world
        .clients
        .contacts
        .clone()
        .list_contact_headings(request)
        .await;
    let headings = answer.expect("headings").into_inner().headings;
    headings.iter().map(|heading| heading.count).sum()
}

async fn a_repeated_request_returns_the_first_import_and_another_file_is_refused(world: World) {
    let config = ImportConfig {
        request_id: "r1".into(),
        ..of(ACCOUNTS)
    };
    let first = world.import(config.clone(), "取引先名\nA\n").await;
    let again = world.start_import(config.clone(), "取引先名\nA\n").await;
    assert_eq!(again, first);
    refused(
        world.try_import(config.clone(), "取引先名\nB\n").await,
        Code::InvalidArgument,
        "REQUEST_ID_REUSED",
    );
    let other = ImportConfig {
        create_missing: true,
        ..config
    };
    refused(
        world.try_import(other, "取引先名\nA\n").await,
        Code::InvalidArgument,
        "REQUEST_ID_REUSED",
    );
    assert_eq!(world.all_accounts().await.len(), 1);
    // The answer to a refused file is not stored.
    let config = ImportConfig {
        request_id: "r2".into(),
        ..of(ACCOUNTS)
    };
    refused(
        world.try_import(config.clone(), "x\n1\n").await,
        Code::InvalidArgument,
        "HEADER_UNUSABLE",
    );
    assert_eq!(world.import(config, "取引先名\nB\n").await.id, "i2");
}

async fn a_watcher_receives_the_first_and_the_last_state_and_then_the_stream_ends(
    mut world: World,
) {
    let import = world
        .start_import(creating(ImportKind::Contacts), long_file(5_000))
        .await;
    assert_eq!(
        (import.state(), import.rows_total),
        (ImportState::Running, 5_000)
    );
    assert!(import.written_token.is_empty());
    let states = world.watch(&import.id).await;
    assert!(
        states
            .windows(2)
            .all(|pair| pair[0].rows_read <= pair[1].rows_read)
    );
    let last = states.last().unwrap();
    assert_eq!(
        (last.state(), last.rows_read),
        (ImportState::Completed, 5_000)
    );
    assert!(last.end_time.is_some());
    let read = GetSettingsRequest {
        consistency: Some(Consistency {
            requirement: Some(consistency::Requirement::AtLeastAsFresh(
                last.written_token.clone(),
            )),
        }),
    };
    world
        .clients
        .settings
        .get_settings(read)
        .await
        .expect("the token belongs to this store");
    // Watching an ended import returns one state.
    assert_eq!(world.watch(&import.id).await, std::slice::from_ref(last));
}

async fn an_import_of_a_killed_server_fails_and_sending_the_file_again_completes_it(
    mut world: World,
) {
    let file = long_file(10_000);
    let half = world.half_an_import(&file).await;
    world.server.child.kill().unwrap();
    world.server.child.wait().unwrap();

    world.server = Server::start(&world.database);
    world.clients = world.server.connect().await;
    // On PostgreSQL, the lease of the killed server must expire first.
    let failed = world.end_of(&half.id).await;
    assert_eq!(failed.state(), ImportState::Failed);
    assert!(failed.rows_read >= half.rows_read && failed.rows_read < 10_000);
    assert!(failed.end_time.is_some());
    assert_eq!(
        failed.error.as_ref().map(|error| error.code),
        Some(Code::Unavailable as i32)
    );
    assert_eq!(count_contacts(&world).await, failed.rows_created);
    assert_eq!(world.watch(&half.id).await, std::slice::from_ref(&failed));

    let rest = world.import(creating(ImportKind::Contacts), &file).await;
    assert_eq!(rest.state(), ImportState::Completed);
    assert_eq!(
        counts(&rest),
        [10_000 - failed.rows_created, 0, failed.rows_created, 0]
    );
    assert_eq!(count_contacts(&world).await, 10_000);
    assert_eq!(world.all_accounts().await.len(), 500);
}

async fn a_second_server_does_not_end_the_imports_of_the_first(world: World) {
    if world.engine == Engine::Sqlite {
        // A SQLite file can have only one server.
        return;
    }
    let half = world.half_an_import(&long_file(10_000)).await;
    let second = Server::start(&world.database);
    let second_world = World {
        clients: second.connect().await,
        server: second,
        database: crate::world::Database::create(Engine::Sqlite),
        engine: world.engine,
    };
    assert_eq!(
        second_world.get_import(&half.id).await.state(),
        ImportState::Running
    );
    // The second server can watch the import, too.
    let end = second_world.end_of(&half.id).await;
    assert_eq!(
        (end.state(), counts(&end)),
        (ImportState::Completed, [10_000, 0, 0, 0])
    );
}

async fn a_stopping_server_fails_its_imports_at_once_and_sends_the_state_to_watchers(
    mut world: World,
) {
    let half = world.half_an_import(&long_file(10_000)).await;
    let mut watcher = world.clients.imports.clone();
    let request = WatchImportRequest {
        id: half.id.clone(),
    };
    let mut stream = watcher.watch_import(request).await.unwrap().into_inner();
    let start = Instant::now();
    let pid = world.server.child.id().to_string();
    std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .unwrap();
    let mut last = None;
    while let Ok(Some(answer)) = stream.message().await {
        last = answer.import_job;
    }
    assert_eq!(last.expect("a last state").state(), ImportState::Failed);
    drop((stream, watcher));
    world.clients = World::nobody();
    world.server.child.wait().unwrap();
    assert!(start.elapsed() < STOP_WITHIN, "{:?}", start.elapsed());

    world.server = Server::start(&world.database);
    world.clients = world.server.connect().await;
    let failed = world.get_import(&half.id).await;
    assert_eq!(failed.state(), ImportState::Failed);
    assert!(failed.error.unwrap().message.contains("stopped"));
    assert_eq!(count_contacts(&world).await, failed.rows_created);
}

async fn an_import_continues_if_its_caller_disconnects_after_the_upload(mut world: World) {
    let half = world.half_an_import(&long_file(10_000)).await;
    world.clients = world.server.connect().await;
    let end = world.end_of(&half.id).await;
    assert_eq!(
        (end.state(), counts(&end)),
        (ImportState::Completed, [10_000, 0, 0, 0])
    );
}

async fn an_aborted_upload_starts_no_import(world: World) {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let mut client = world.clients.imports.clone();
    let upload = tokio::spawn(async move {
        client
            .start_import(tokio_stream::wrappers::ReceiverStream::new(receiver))
            .await
    });
    sender
        .send(StartImportRequest {
            part: Some(Part::Config(of(ACCOUNTS))),
        })
        .await
        .unwrap();
    sender
        .send(StartImportRequest {
            part: Some(Part::Chunk("取引先名\nA\n".into())),
        })
        .await
        .unwrap();
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    // The end of the stream would be the end of the file, so the stream stays open until the server
    // stops reading it.
    sender.closed().await;
    let import = world.import(of(ACCOUNTS), "取引先名\nB\n").await;
    assert_eq!(import.id, "i1");
    assert_eq!(world.all_accounts().await.len(), 1);
}

async fn other_writes_continue_while_a_file_is_imported(world: World) {
    let half = world.half_an_import(&long_file(10_000)).await;
    let account = world.account("手で").await;
    let meanwhile = world.get_import(&half.id).await;
    assert_eq!(meanwhile.state(), ImportState::Running, "{meanwhile:?}");
    let end = world.end_of(&half.id).await;
    assert_eq!(counts(&end), [10_000, 0, 0, 0]);
    assert!(world.all_accounts().await.iter().any(|a| a.id == account));
}

async fn an_import_ends_while_calls_never_pause(world: World) {
    const CALLERS: usize = 8;
    let ended = AtomicBool::new(false);
    let caller = async |caller: usize| {
        let mut calls = 0;
        while !ended.load(Ordering::Relaxed) {
            world.account(&format!("会社{caller}の{calls}")).await;
            calls += 1;
        }
        calls
    };
    let callers = futures::future::join_all((0..CALLERS).map(caller));
    let import = async {
        let import = world.import(creating(ImportKind::Contacts), long_file(2_000));
        let end = tokio::time::timeout(Duration::from_secs(60), import).await;
        ended.store(true, Ordering::Relaxed);
        end
    };
    let (calls, end) = tokio::join!(callers, import);
    assert_eq!(
        counts(&end.expect("the end of the import")),
        [2_000, 0, 0, 0]
    );
    assert!(calls.iter().all(|calls| *calls > 0), "{calls:?}");
}

/// Returns how often ANALYZE was run on the contacts, not counting autovacuum.
fn analyze_count(world: &World) -> i64 {
    let query = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'contacts')",
    ));
    let mut conn = diesel::PgConnection::establish(&world.database.url).expect("PostgreSQL");
    query.get_result(&mut conn).expect("a number")
}

#[tokio::test]
async fn only_a_long_import_runs_analyze_on_postgresql() {
    let world = World::start(Engine::Postgres).await;
    world
        .import(creating(ImportKind::Contacts), long_file(900))
        .await;
    assert_eq!(analyze_count(&world), 0);
    world
        .import(creating(ImportKind::Contacts), long_file(5_000))
        .await;
    assert_eq!(analyze_count(&world), 1);
}
