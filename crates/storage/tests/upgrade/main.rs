//! Databases of former releases open, answer as before, and can be written while the old release
//! still writes.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "tests fail by panicking, and a test binary has no public"
)]

use std::sync::LazyLock;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use roster_core::id::{AccountId, ContactId, Revision};
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::visibility::check_ticket;
use roster_core::text::{Name, TicketKey};
use roster_storage::{
    ChangeOrigin, CommittedSet, Done, OrganizationName, Origin, RevisionId, Store,
};
use roster_testkit::database::{Database, Engine};

const SQLITE_0_1_0: &[u8] = include_bytes!("0.1.0/sqlite.db.zst");
const POSTGRES_0_1_0: &str = include_str!("0.1.0/postgres.sql");
const STATEMENTS_0_1_0: &str = include_str!("0.1.0/postgres_statements.sql");

/// The revision of the dump, and the revision after the recorded statements.
const DUMPED: u64 = 15;
const WRITTEN: u64 = 26;

fn sqlite_0_1_0() -> Database {
    let database = Database::create(Engine::Sqlite);
    let path = database.url.strip_prefix("sqlite:").unwrap();
    std::fs::write(path, zstd::stream::decode_all(SQLITE_0_1_0).unwrap()).unwrap();
    database
}

fn postgres_0_1_0() -> Database {
    let database = Database::create(Engine::Postgres);
    let mut conn = PgConnection::establish(&database.url).unwrap();
    conn.batch_execute(POSTGRES_0_1_0).unwrap();
    database
}

static ORGANIZATION: LazyLock<OrganizationName> =
    LazyLock::new(|| OrganizationName::parse("default").unwrap());

async fn log_of(store: &Store, after: RevisionId) -> Vec<CommittedSet> {
    let sets = store.changes_after(&ORGANIZATION, after, 1_000).await;
    sets.unwrap().expect("the log has that revision")
}

/// Returns whether a contact sees tickets.
async fn sees(store: &Store, contact: u64, keys: &[&str]) -> Vec<bool> {
    let keys: Vec<TicketKey> = keys.iter().map(|k| TicketKey::parse(k).unwrap()).collect();
    let read = store.read(&ORGANIZATION, move |at| {
        let contact = ContactId::new(contact);
        let facts = at.visibility_facts(contact, &keys)?;
        let seen = |key| check_ticket(&facts, contact, key).is_ok_and(|v| v.visible());
        Ok(keys.iter().map(seen).collect())
    });
    read.await.unwrap()
}

async fn name_of(store: &Store, account: u64) -> String {
    let read = store.read(&ORGANIZATION, move |at| {
        at.accounts(&[AccountId::new(account)])
    });
    read.await.unwrap()[0].1.record.name.to_string()
}

/// Writes one account. Returns its revision.
async fn write(store: &Store) -> Revision {
    let command = CreateAccount {
        name: Name::parse("新しい").unwrap(),
        fields: AccountPatch::default(),
    };
    let origin = Origin {
        credential: "test".into(),
        actor: String::new(),
        from: ChangeOrigin::CALL,
        request: None,
        may_create_organization: true,
    };
    let done = store.execute(&ORGANIZATION, command, origin, |_, _| Vec::new());
    match done.await.unwrap() {
        Done::Fresh(_, at) => at.revision,
        Done::Repeated(_) => panic!("no request id was given"),
    }
}

/// Asserts that the content of the dump is complete and correct, and that writes continue after it.
async fn holds_what_0_1_0_wrote(store: &Store) {
    assert_eq!(store.check(&ORGANIZATION).await.unwrap(), []);
    assert_eq!(name_of(store, 1).await, "株式会社山田");
    assert_eq!(
        sees(store, 1, &["T-1", "T-2", "T-4"]).await,
        [true, false, true]
    );
    assert_eq!(
        sees(store, 3, &["T-1", "T-2", "T-4"]).await,
        [true, true, true]
    );
    assert_eq!(
        sees(store, 2, &["T-3"]).await,
        [false],
        "the contact is blocked"
    );
    let sets = log_of(store, RevisionId::default()).await;
    assert_eq!(sets.len() as u64, DUMPED);
    assert!(sets.iter().all(|set| !set.changes.is_empty()));
    assert_eq!(write(store).await, Revision::new(DUMPED + 1));
    assert_eq!(log_of(store, sets[sets.len() - 1].at).await.len(), 1);
    assert_eq!(store.check(&ORGANIZATION).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_0_1_0_opens_and_goes_on() {
    let database = sqlite_0_1_0();
    let store = Store::open(&database.url).unwrap();
    holds_what_0_1_0_wrote(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_0_1_0_is_migrated_when_it_is_restored() {
    let (backup, database) = (sqlite_0_1_0(), Database::create(Engine::Sqlite));
    let path = std::path::Path::new(backup.url.strip_prefix("sqlite:").unwrap());
    let before = std::fs::read(path).unwrap();
    let (copy, migrated) = roster_storage::prepare_restore(path, &database.url).unwrap();
    assert_eq!(migrated.from, Some(1));
    assert!(migrated.to > 1);
    assert_eq!(
        roster_storage::put_in_place(copy, &database.url, false).unwrap(),
        None
    );
    assert_eq!(std::fs::read(path).unwrap(), before);
    holds_what_0_1_0_wrote(&Store::open(&database.url).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_0_1_0_opens_and_goes_on() {
    let database = postgres_0_1_0();
    let store = Store::open(&database.url).unwrap();
    holds_what_0_1_0_wrote(&store).await;
}

/// A server of 0.1.0 continues to write after a newer one has migrated the database. The newer one
/// reads on, from its place in the log and from the rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_0_1_0_writes_beside_a_newer_server_is_read_on() {
    let database = postgres_0_1_0();
    let store = Store::open(&database.url).unwrap();
    let dumped = log_of(&store, RevisionId::default())
        .await
        .pop()
        .unwrap()
        .at;
    let mut conn = PgConnection::establish(&database.url).unwrap();
    for statement in STATEMENTS_0_1_0
        .lines()
        .filter(|line| !line.starts_with("--"))
    {
        if let Err(error) = conn.batch_execute(statement) {
            panic!("{error}: {statement}");
        }
    }
    assert_eq!(store.check(&ORGANIZATION).await.unwrap(), []);
    let sets = log_of(&store, dumped).await;
    assert_eq!(sets.len() as u64, WRITTEN - DUMPED);
    assert_eq!(name_of(&store, 6).await, "後から");
    assert_eq!(sees(&store, 1, &["T-5", "T-2"]).await, [true, false]);
    assert_eq!(write(&store).await, Revision::new(WRITTEN + 1));
    assert_eq!(store.check(&ORGANIZATION).await.unwrap(), []);
}

/// A server below the floor of a store refuses it, and a running server notices a raised floor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_below_the_schema_floor_refuses_to_start_and_one_at_work_is_superseded() {
    let database = postgres_0_1_0();
    let store = Store::open(&database.url).unwrap();
    assert!(!store.is_superseded());
    let mut conn = PgConnection::establish(&database.url).unwrap();
    conn.batch_execute("UPDATE store SET schema_floor = 1000")
        .unwrap();
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !store.is_superseded() {
        assert!(
            std::time::Instant::now() < patience,
            "the server did not notice the floor"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let refused = Store::open(&database.url).err().expect("refused");
    assert!(
        refused.to_string().contains("newer roster-server"),
        "{refused}"
    );

    let file = sqlite_0_1_0();
    drop(Store::open(&file.url).unwrap());
    let path = file.url.strip_prefix("sqlite:").unwrap();
    let mut conn = diesel::SqliteConnection::establish(path).unwrap();
    conn.batch_execute("UPDATE store SET schema_floor = 1000")
        .unwrap();
    assert!(Store::open(&file.url).is_err());
}
