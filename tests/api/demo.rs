//! The sample data of a first look: whole or not at all, whatever happens to the server on the way.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::search::number_of;
use crate::world::{Database, Engine, Server, World, both_engines, command};

both_engines!(
    a_demo_fills_an_empty_database_and_leaves_a_full_one_as_it_is,
    a_demo_that_was_killed_anywhere_is_finished_by_the_next,
    a_demo_leaves_a_database_alone_in_which_anybody_wrote,
    a_demo_leaves_even_a_half_filled_database_alone_once_anybody_wrote,
);

/// Much longer than it takes.
const FILLS_WITHIN: Duration = Duration::from_secs(30);

/// Records of the sample, as they come in: accounts, contacts, associations, tickets.
const TABLES: [&str; 4] = ["accounts", "contacts", "associations", "tickets"];

fn counts(database: &Database) -> [i64; 4] {
    TABLES.map(|table| number_of(database, &format!("SELECT count(*) AS number FROM {table}")))
}

fn revision(database: &Database) -> i64 {
    let sql = "SELECT coalesce(max(revision), 0) AS number FROM organizations";
    number_of(database, sql)
}

fn arguments(database: &Database) -> [&str; 5] {
    [
        "--demo",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &database.url,
    ]
}

/// Has a server fill the database until it has so many change sets, and kills it there.
fn fill_until(database: &Database, change_sets: i64) {
    let mut child = command(&arguments(database))
        .env("RUST_LOG", "error")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while revision(database) < change_sets {
        assert!(began.elapsed() < FILLS_WITHIN, "it fills the database");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    database.wait_until_forgotten();
}

/// What a server fills an empty database with.
fn whole(world: &World) -> [i64; 4] {
    let database = Database::create(world.engine);
    drop(Server::start_with(&arguments(&database)));
    counts(&database)
}

async fn a_demo_fills_an_empty_database_and_leaves_a_full_one_as_it_is(mut world: World) {
    world.server.kill();
    let mut seen = Vec::new();
    for _ in 0..2 {
        world.server = Server::start_with(&arguments(&world.database));
        seen.push((revision(&world.database), counts(&world.database)));
        world.server.kill();
    }
    assert_eq!(seen[0].1[1], 600);
    assert!(seen[0].1.iter().all(|count| *count > 0));
    assert_eq!(seen[0], seen[1]);
    assert_eq!(
        number_of(&world.database, "SELECT count(*) AS number FROM imports"),
        4
    );
}

async fn a_demo_that_was_killed_anywhere_is_finished_by_the_next(mut world: World) {
    world.server.kill();
    let whole = whole(&world);
    for change_sets in 1..=4 {
        fill_until(&world.database, change_sets);
        let now = counts(&world.database);
        assert!(change_sets > 1 || now != whole, "killed half-way");
    }
    world.server = Server::start_with(&arguments(&world.database));
    assert_eq!(counts(&world.database), whole);
}

async fn a_demo_leaves_a_database_alone_in_which_anybody_wrote(mut world: World) {
    world.account("山田商店").await;
    world.server.kill();
    world.server = Server::start_with(&arguments(&world.database));
    assert_eq!(counts(&world.database), [1, 0, 0, 0]);
}

async fn a_demo_leaves_even_a_half_filled_database_alone_once_anybody_wrote(mut world: World) {
    world.server.kill();
    fill_until(&world.database, 2);
    world.server = Server::start(&world.database);
    world.clients = world.server.connect().await;
    world.account("山田商店").await;
    world.server.kill();
    let before = counts(&world.database);
    world.server = Server::start_with(&arguments(&world.database));
    assert_eq!(counts(&world.database), before);
}

#[test]
fn a_log_in_a_file_has_no_colours() {
    let database = Database::create(Engine::Sqlite);
    let mut child = command(&arguments(&database))
        .env("RUST_LOG", "info")
        .env_remove("NO_COLOR")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = &mut [0];
    child.stdout.take().unwrap().read_exact(first).unwrap();
    child.kill().unwrap();
    let logged = child.wait_with_output().unwrap().stderr;
    let text = String::from_utf8(logged).unwrap();
    assert!(
        text.contains("INFO") && text.contains("sample file loaded"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
}
