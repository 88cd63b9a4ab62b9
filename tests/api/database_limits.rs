//! The database ends statements by its own limits: callers try again, and imports go on.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use roster_api::v1::*;
use tonic::Code;
use tonic_types::StatusExt;

use crate::importing::counts;
use crate::world::{Database, Engine, Server, World, refused};
use crate::write_lock::WriteLock;

/// How long the lock is held under an import: many of its attempts fail.
const HELD_FOR: Duration = Duration::from_secs(2);

/// A world whose database ends the statements of new sessions by this setting.
async fn limited(setting: &str) -> World {
    let database = Database::create(Engine::Postgres);
    let (_, name) = database.url.rsplit_once('/').unwrap();
    let mut conn = PgConnection::establish(&database.url).unwrap();
    conn.batch_execute(&format!("ALTER DATABASE {name} SET {setting}"))
        .unwrap();
    let server = Server::start(&database);
    let clients = server.connect().await;
    World {
        clients,
        server,
        database,
        engine: Engine::Postgres,
    }
}

async fn calls_are_unavailable_and_an_import_completes(setting: &str) {
    let world = limited(setting).await;
    world.account("A").await;
    let lock = WriteLock::take(Engine::Postgres, &world.database);
    let request = CreateAccountRequest {
        account: Some(Account {
            name: "B".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let created = world.clients.accounts.clone().create_account(request).await;
    let status = refused(created, Code::Unavailable, "UNAVAILABLE");
    let details = status.get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    lock.release();

    let rows: String = (0..20_000)
        .map(|n| format!("p{n}@example.com,人{n}\n"))
        .collect();
    let import = world.half_an_import(&format!("メール,氏名\n{rows}")).await;
    let lock = WriteLock::take(Engine::Postgres, &world.database);
    tokio::time::sleep(HELD_FOR).await;
    lock.release();
    let ended = world.end_of(&import.id).await;
    assert_eq!(ended.state(), ImportState::Completed, "{ended:?}");
    assert_eq!(counts(&ended), [20_000, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_lock_timeout_of_postgresql_ends_is_unavailable_and_an_import_goes_on() {
    calls_are_unavailable_and_an_import_completes("lock_timeout = '20ms'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_statement_timeout_of_postgresql_ends_is_unavailable_and_an_import_goes_on() {
    // Longer than any statement of the import takes on a busy machine, in a debug build.
    calls_are_unavailable_and_an_import_completes("statement_timeout = '1s'").await;
}
