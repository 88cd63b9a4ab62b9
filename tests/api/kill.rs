//! The server is killed in the middle of its work, again and again, and a client that remembers
//! every answer looks for what was lost, half done or done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use futures::future::join_all;
use rand::RngExt;
use rand::rngs::StdRng;
use roster_api::v1::consistency::Requirement;
use roster_api::v1::*;
use roster_testkit::seed;
use tokio::sync::Semaphore;

use crate::remembering_client::{Writer, observe};
use crate::world::{Engine, Server, World, both_engines, rounds};

both_engines!(
    nothing_acknowledged_is_lost_and_nothing_is_done_half_or_twice_when_the_server_is_killed
);

/// How many kills CI has time for.
const KILLS: usize = 50;
/// Concurrent writers.
const WRITERS: usize = 4;
/// A kill comes after a random number of answers, from 0 to this number …
const ANSWERS_BEFORE_MAX: u32 = 24;
/// … and then, for half of the kills, within the duration of a write, at any point of it. The other
/// half come when the next commit is visible.
const KILL_WITHIN: Duration = Duration::from_millis(8);
/// The revision of the only organization.
const REVISION: &str = "SELECT revision FROM organizations";
/// What came of all kills.
#[derive(Debug, Default)]
struct Toll {
    kills: usize,
    /// Kills that met a call.
    in_flight: usize,
    /// Calls without an answer that were done, and that were not.
    done: usize,
    undone: usize,
    answered: usize,
}

/// Waits for the next commit that others see: what it holds is done and, as a rule, not answered.
async fn next_commit(engine: Engine, database: &str) {
    let database = database.to_owned();
    let waiting = tokio::task::spawn_blocking(move || match engine {
        Engine::Sqlite => {
            let path = database.strip_prefix("sqlite:").expect("a path");
            let mut conn = SqliteConnection::establish(path).expect("the file");
            wait_for_change(|| sql::<BigInt>(REVISION).get_result(&mut conn));
        }
        Engine::Postgres => {
            let mut conn = PgConnection::establish(&database).expect("PostgreSQL");
            wait_for_change(|| sql::<BigInt>(REVISION).get_result(&mut conn));
        }
    });
    waiting.await.expect("a commit");
}

fn wait_for_change(mut revision: impl FnMut() -> QueryResult<i64>) {
    let first = revision().expect("the revision");
    while revision().expect("the revision") == first {}
}

/// Lets all writers write, kills the server at a random time and checks the database.
async fn kill_once(
    world: &mut World,
    writers: &mut Vec<Writer>,
    toll: &mut Toll,
    chance: &mut StdRng,
) {
    let in_flight = Arc::new(AtomicUsize::new(0));
    let answers = Arc::new(Semaphore::new(0));
    let mut running = Vec::new();
    for mut writer in writers.drain(..) {
        let clients = world.server.connect().await;
        let (in_flight, answers) = (Arc::clone(&in_flight), Arc::clone(&answers));
        running.push(tokio::spawn(async move {
            writer.write(clients, &in_flight, &answers).await;
            writer
        }));
    }
    let before = answers.acquire_many(chance.random_range(0..=ANSWERS_BEFORE_MAX));
    drop(before.await);
    if chance.random() {
        let delay = chance.random_range(0..KILL_WITHIN.as_micros() as u64);
        tokio::time::sleep(Duration::from_micros(delay)).await;
    } else {
        next_commit(world.engine, &world.database.url).await;
    }
    toll.kills += 1;
    toll.in_flight += usize::from(in_flight.load(Ordering::SeqCst) > 0);
    world.server.kill();
    for writer in join_all(running).await {
        writers.push(writer.expect("a writer that remembers"));
    }
    world.database.wait_until_forgotten();
    world.server = Server::start(&world.database);
    world.clients = world.server.connect().await;

    let clients = &world.clients;
    let looks = join_all(writers.iter().map(|writer| writer.look(clients))).await;
    for (writer, was_done) in writers.iter_mut().zip(looks) {
        if let Some(token) = writer.token.clone() {
            let request = GetSettingsRequest {
                consistency: Some(Consistency {
                    requirement: Some(Requirement::AtLeastAsFresh(token)),
                }),
            };
            let fresh = world.clients.settings.get_settings(request).await;
            fresh.expect("a token that was answered is known after the kill");
        }
        if let Some(was_done) = was_done {
            *(if was_done {
                &mut toll.done
            } else {
                &mut toll.undone
            }) += 1;
            writer.repeat(world, was_done).await;
        }
    }
}

async fn nothing_acknowledged_is_lost_and_nothing_is_done_half_or_twice_when_the_server_is_killed(
    mut world: World,
) {
    world.allow_several_accounts().await;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let a = world.account(&format!("A{number}")).await;
        let b = world.account(&format!("B{number}")).await;
        writers.push(Writer::new(number, [a, b]));
    }
    let mut toll = Toll::default();
    let mut chance = seed::rng();
    for _ in 0..rounds(KILLS) {
        kill_once(&mut world, &mut writers, &mut toll, &mut chance).await;
    }
    for writer in &writers {
        toll.answered += writer.answered();
        let expected = writer.expected();
        for names in expected.keys().cloned().collect::<Vec<_>>().chunks(32) {
            let found = observe(&world.clients, names).await;
            for (name, person) in &found {
                assert_eq!(&expected[name], person, "{name}");
            }
            assert_eq!(found.len(), names.len());
        }
    }
    assert!(toll.in_flight * 10 >= toll.kills * 8, "{toll:?}");
    // Else nothing was tried.
    assert!(toll.done > 0 && toll.undone > 0, "{toll:?}");
}
