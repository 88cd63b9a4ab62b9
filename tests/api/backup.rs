//! `roster-server backup`, `restore`, `migrate` and `health`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use roster_api::v1::consistency::Requirement;
use roster_api::v1::*;
use tonic::Code;

use crate::check::check;
use crate::memory::behind_the_back;
use crate::world::{Database, Engine, Server, World, both_engines, command, refused};

both_engines!(
    a_migration_says_from_which_schema_to_which_and_a_server_need_not_migrate,
    health_is_asked_from_the_command_line,
);

/// The exit code and the output of a task.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(arguments).output().expect("the server's program");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

fn back_up(world: &World, file: &Path) -> (Option<i32>, String) {
    let file = file.to_str().unwrap();
    run(&["backup", file, "--database", &world.database.url])
}

fn restore(file: &Path, url: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut arguments = vec!["restore", file.to_str().unwrap(), "--database", url];
    arguments.extend(more);
    run(&arguments)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn account_names(world: &World) -> Vec<String> {
    let mut accounts = world.clients.accounts.clone();
    let request = ListAccountsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let listed = accounts.list_accounts(request).await.unwrap().into_inner();
    listed.accounts.into_iter().map(|of| of.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_server_that_writes_has_everything_that_was_acknowledged_before_it() {
    let world = Arc::new(World::start(Engine::Sqlite).await);
    let folder = tempfile::tempdir().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (world, done) = (Arc::clone(&world), Arc::clone(&done));
            tokio::spawn(async move {
                let mut number = 0;
                while !done.load(Ordering::Relaxed) {
                    world.account(&format!("w{writer} {number}")).await;
                    number += 1;
                }
            })
        })
        .collect();
    for round in 0..3 {
        let marker = format!("before {round}");
        world.account(&marker).await;
        let file = folder.path().join(format!("backup-{round}.db"));
        let (code, text) = {
            let (world, file) = (Arc::clone(&world), file.clone());
            let backing_up = tokio::task::spawn_blocking(move || back_up(&world, &file));
            backing_up.await.unwrap()
        };
        assert_eq!(code, Some(0), "{text}");
        assert!(
            text.contains(" bytes, 1 organization, ") && text.contains(" revisions, no faults"),
            "{text}"
        );
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (code, text) = check(&format!("sqlite:{}", file.display()));
        assert_eq!(code, Some(0), "{text}");
        let copy = folder.path().join(format!("copy-{round}.db"));
        std::fs::copy(&file, &copy).unwrap();
        let url = format!("sqlite:{}", copy.display());
        let server = Server::start_with(&["--listen", "127.0.0.1:0", "--database", &url]);
        let mut accounts = server.connect().await.accounts;
        let request = ListAccountsRequest {
            query: marker.clone(),
            ..Default::default()
        };
        let found = accounts.list_accounts(request).await.unwrap().into_inner();
        assert!(found.accounts.iter().any(|account| account.name == marker));
    }
    done.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let left = names(folder.path());
    assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_not_right_is_not_made() {
    let world = World::start(Engine::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let (account, contact) = (world.account("A").await, world.contact("佐藤").await);
    world.associate(&account, &contact).await;
    let file = folder.path().join("backup.db");
    std::fs::write(&file, "precious").unwrap();
    let (code, text) = back_up(&world, &file);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("exists"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    let (code, text) = back_up(&world, &folder.path().join("missing").join("backup.db"));
    assert_eq!(code, Some(3), "{text}");
    let (code, text) = run(&[
        "backup",
        folder.path().join("x.db").to_str().unwrap(),
        "--database",
        &format!("sqlite:{}", folder.path().join("none.db").display()),
    ]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("there is no such file"), "{text}");
    behind_the_back(&world.database, "DELETE FROM accounts");
    let (code, text) = back_up(&world, &folder.path().join("faulty.db"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the copy has faults"), "{text}");
    assert_eq!(names(folder.path()), ["backup.db"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_keeps_what_it_replaces_and_refuses_a_file_that_a_server_has_open() {
    let mut world = World::start(Engine::Sqlite).await;
    let path = world
        .database
        .url
        .strip_prefix("sqlite:")
        .unwrap()
        .to_owned();
    let folder = Path::new(&path).parent().unwrap().to_owned();
    world.account("A").await;
    let file = folder.join("backup.db");
    assert_eq!(back_up(&world, &file).0, Some(0));
    world.account("B").await;
    let token = world.read_token().await;
    for more in [&[][..], &["--replace"]] {
        let (code, text) = restore(&file, &world.database.url, more);
        assert_eq!(code, Some(3), "{text}");
        let why = if more.is_empty() {
            "--replace"
        } else {
            "another roster-server has"
        };
        assert!(text.contains(why), "{text}");
    }
    assert_eq!(account_names(&world).await, ["A", "B"]);
    // The log of the killed server must not meet the restored file.
    world.server.kill();
    let (code, text) = restore(&file, &world.database.url, &["--replace"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("restored, 1 organization, 1 revision, schema "),
        "{text}"
    );
    assert!(text.contains("TOKEN_LOST"), "{text}");
    let replaced = text
        .split_whitespace()
        .find(|word| word.contains(".replaced-"));
    let replaced = Path::new(replaced.expect("a name")).to_owned();
    assert!(!Path::new(&format!("{path}-wal")).exists());
    world.server = Server::start(&world.database);
    world.clients = world.server.connect().await;
    assert_eq!(account_names(&world).await, ["A"]);
    let request = ListAccountsRequest {
        consistency: Some(Consistency {
            requirement: Some(Requirement::AtLeastAsFresh(token)),
        }),
        ..Default::default()
    };
    let mut accounts = world.clients.accounts.clone();
    let answer = accounts.list_accounts(request).await;
    refused(answer, Code::FailedPrecondition, "TOKEN_LOST");
    // What was replaced has its log.
    let url = format!("sqlite:{}", replaced.display());
    let server = Server::start_with(&["--listen", "127.0.0.1:0", "--database", &url]);
    let mut accounts = server.connect().await.accounts;
    let listed = accounts.list_accounts(ListAccountsRequest::default()).await;
    assert_eq!(listed.unwrap().into_inner().accounts.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_checks_the_backup_first() {
    let mut world = World::start(Engine::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let target = format!("sqlite:{}", folder.path().join("new.db").display());
    world.account("A").await;
    let file = folder.path().join("backup.db");
    assert_eq!(back_up(&world, &file).0, Some(0));
    world.server.kill();
    let mut faulty = Database::create(Engine::Sqlite);
    faulty.url = format!("sqlite:{}", file.display());
    behind_the_back(&faulty, "DELETE FROM accounts");
    let (code, text) = restore(&file, &target, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("nothing is restored"), "{text}");
    std::fs::write(
        &file,
        "no database at all, but long enough for a header".repeat(9),
    )
    .unwrap();
    let (code, text) = restore(&file, &target, &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("is not a database of SQLite"), "{text}");
    assert_eq!(names(folder.path()), ["backup.db"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_backup_and_restore_name_the_programs_that_do_it() {
    let world = World::start(Engine::Postgres).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.db");
    for (code, text) in [
        back_up(&world, &file),
        restore(&file, &world.database.url, &[]),
    ] {
        assert_eq!(code, Some(3), "{text}");
        assert!(text.contains("pg_dump --format=custom"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    assert!(names(folder.path()).is_empty());
}

async fn a_migration_says_from_which_schema_to_which_and_a_server_need_not_migrate(world: World) {
    let database = Database::create(world.engine);
    let url = database.url.as_str();
    let serving = ["--no-migrate", "--listen", "127.0.0.1:0", "--database", url];
    let (code, text) = run(&serving);
    assert_eq!(code, Some(1), "{text}");
    let why = match world.engine {
        Engine::Sqlite => "there is no such file",
        Engine::Postgres => "run `roster-server migrate`",
    };
    assert!(text.contains(why), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let (code, text) = run(&["migrate", "--database", url]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(": created with schema "), "{text}");
    let newest: i64 = text.trim().rsplit(' ').next().unwrap().parse().unwrap();
    let (code, text) = run(&["migrate", "--database", url]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.ends_with(&format!(": already at schema {newest}\n")),
        "{text}"
    );
    let server = Server::start_with(&serving);
    server.connect().await;
    drop(server);
    // As if the last migration were of this version.
    behind_the_back(
        &database,
        &format!("DELETE FROM __diesel_schema_migrations WHERE version = '{newest:014}'"),
    );
    let (code, text) = run(&serving);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("run `roster-server migrate`"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_role_migrates_and_serves_a_schema_of_its_own_on_postgresql() {
    let database = Database::create(Engine::Postgres);
    let role = format!("r{:016x}", rand::random::<u64>());
    behind_the_back(
        &database,
        &format!("CREATE ROLE {role} LOGIN; CREATE SCHEMA own AUTHORIZATION {role}"),
    );
    let (_, place) = database.url.split_once('@').unwrap();
    let url = format!("postgres://{role}@{place}?options=-csearch_path%3Down");
    let (code, text) = run(&["migrate", "--database", &url]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(": created with schema "), "{text}");
    // Fails unless all tables are there and none elsewhere.
    behind_the_back(
        &database,
        "DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public') = 0; \
         ASSERT (SELECT count(*) FROM pg_tables WHERE schemaname = 'own') > 10; END $$",
    );
    let serving = [
        "--no-migrate",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &url,
    ];
    let mut server = Server::start_with(&serving);
    let clients = server.connect().await;
    let request = || CreateAccountRequest {
        account: Some(Account {
            name: "A".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    clients
        .accounts
        .clone()
        .create_account(request())
        .await
        .unwrap();
    server.kill();
    // Without --no-migrate there is nothing left to create.
    server = Server::start_with(&serving[1..]);
    let clients = server.connect().await;
    clients
        .accounts
        .clone()
        .create_account(request())
        .await
        .unwrap();
    let (code, text) = check(&url);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("default: ok at revision 2"), "{text}");
    server.kill();
}

async fn health_is_asked_from_the_command_line(mut world: World) {
    let address = world.server.address.clone();
    let (code, text) = run(&["health", "--address", &address]);
    assert_eq!((code, text), (Some(0), format!("{address}: SERVING\n")));
    let (code, text) = run(&["--listen", &address, "health"]);
    assert_eq!((code, text), (Some(0), format!("{address}: SERVING\n")));
    world.server.kill();
    let (code, text) = run(&["health", "--address", &address]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with(&address), "{text}");
    // The port for operators is asked first: it is never encrypted.
    let serving = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let serving = [&serving[..], &["--database", &world.database.url]].concat();
    world.server = Server::start_with(&serving);
    let operators = world.server.metrics.clone().unwrap();
    for tls in [&[][..], &["--tls-cert", "x", "--tls-key", "y"]] {
        let arguments = [&["--metrics", &operators][..], tls, &["health"]].concat();
        let (code, text) = run(&arguments);
        assert_eq!((code, text), (Some(0), format!("{operators}: SERVING\n")));
    }
    let (code, text) = run(&["--metrics", &world.server.address, "health"]);
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = run(&["--tls-cert", "x", "--tls-key", "y", "health"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("set --metrics"), "{text}");
}
