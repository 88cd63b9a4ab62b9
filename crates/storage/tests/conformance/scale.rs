//! How long it takes to pour an organization of a million contacts. To be run by hand, with
//! optimisation, on the engine that the test is named after:
//! `cargo test --release -p roster-storage --test conformance scale -- --ignored --nocapture`.

#![allow(clippy::print_stdout, reason = "figures are there to be read")]

use std::time::Instant;

use roster_index::Loading;

use crate::tables::damage;
use crate::world::{Engine, World};

const CONTACTS: u64 = 1_000_000;
const ACCOUNTS: u64 = 100_000;
const TICKETS: u64 = 2_000_000;
/// More than it takes.
const ROOM: usize = 1 << 30;

/// The numbers up to one as the rows of `n(i)`.
fn numbers(engine: Engine, count: u64) -> String {
    match engine {
        Engine::Sqlite => format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        ),
        Engine::Postgres => format!("WITH n(i) AS (SELECT * FROM generate_series(1, {count}))"),
    }
}

/// Rows as wide as real ones, written past all rules.
fn fill(world: &World) {
    let false_ = match world.engine {
        Engine::Sqlite => "0",
        Engine::Postgres => "FALSE",
    };
    let bytes = match world.engine {
        Engine::Sqlite => "CAST(i || ' and thirty bytes of a sort key' AS BLOB)",
        Engine::Postgres => "convert_to(i || ' and thirty bytes of a sort key', 'UTF8')",
    };
    let rows = |count: u64, into: &str, select: &str| {
        let numbers = numbers(world.engine, count);
        damage(
            world,
            &format!("INSERT INTO {into} {numbers} SELECT {select} FROM n"),
        );
    };
    damage(
        world,
        "INSERT INTO organizations (name, revision, nonce, derivation) VALUES ('acme', 7, 7, 1)",
    );
    rows(
        ACCOUNTS,
        "accounts",
        &format!(
            "1, i, '株式会社' || i, NULL, 'EXT-' || i, '{{}}', NULL, '[]', 0, 0, 7, 1, {bytes}, \
             'key' || i, '株式会社' || i || ' and its search text'"
        ),
    );
    rows(
        CONTACTS,
        "contacts",
        &format!(
            "1, i, '山田' || i, '太郎', 'ヤマダ', 'タロウ', '[\"taro' || i || '@example.com\"]', \
             'EXT-' || i, '{{}}', {false_}, 0, 0, 7, 1, {bytes}, 'key' || i, \
             '山田太郎 ヤマダタロウ taro' || i || '@example.com EXT-' || i"
        ),
    );
    rows(
        CONTACTS,
        "associations",
        &format!("1, i, 1 + i % {ACCOUNTS}, NOT {false_}, {false_}, '営業', 0, 7"),
    );
    rows(
        TICKETS,
        "tickets",
        &format!(
            "1, i, 'T-' || (9000000000 + i), 1 + i % {CONTACTS}, 1 + i % {ACCOUNTS}, \
             'A subject of the usual length, about a printer', {false_}, {false_}, i, 7"
        ),
    );
}

async fn poured(world: World) {
    fill(&world);
    for kind in ["cold", "warm"] {
        let poured = world.store.read(&world.organization, |snapshot| {
            let settings = snapshot.settings().record.clone();
            let began = Instant::now();
            let mut loading = Loading::new(snapshot.at(), &settings, ROOM);
            snapshot.pour(&mut loading)?.expect("there is room");
            let poured = began.elapsed();
            let facts = loading.finish().expect("there is room");
            Ok((poured, began.elapsed(), facts))
        });
        let (poured, whole, facts) = poured.await.unwrap();
        println!(
            "{:?}, {kind}: poured in {poured:?}, loaded in {whole:?}",
            world.engine
        );
        println!("{:?}", facts.bytes_by_kind());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "figures, to be read with optimisation"]
async fn a_million_contacts_are_poured_by_sqlite() {
    poured(World::open(Engine::Sqlite, roster_storage::Guarding::Off)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "figures, to be read with optimisation"]
async fn a_million_contacts_are_poured_by_postgres() {
    poured(World::open(Engine::Postgres, roster_storage::Guarding::Off)).await;
}
