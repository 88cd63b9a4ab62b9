//! For how long the answer to a `request_id` is kept.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use roster_api::v1::*;

use crate::importing::of;
use crate::world::{Engine, World, both_engines};

both_engines!(
    an_answer_is_kept_for_a_day_and_then_forgotten,
    the_answer_of_an_import_is_kept_for_a_day_and_then_forgotten,
);

/// What is promised, in the microseconds that databases store.
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

fn sqlite(world: &World) -> SqliteConnection {
    let path = world.database.url.strip_prefix("sqlite:").expect("a path");
    let mut conn = SqliteConnection::establish(path).expect("the file");
    conn.batch_execute("PRAGMA busy_timeout = 10000")
        .expect("it");
    conn
}

/// Lets this much time pass for the answers that are kept.
fn pass(world: &World, micros: i64) {
    let earlier = format!("UPDATE request_answers SET expire_time = expire_time - {micros}");
    let moved = match world.engine {
        Engine::Sqlite => sqlite(world).batch_execute(&earlier),
        Engine::Postgres => PgConnection::establish(&world.database.url)
            .expect("PostgreSQL")
            .batch_execute(&earlier),
    };
    moved.expect("an update");
}

/// How many answers the database has.
fn kept(world: &World) -> i64 {
    let count = || diesel::select(sql::<BigInt>("(SELECT count(*) FROM request_answers)"));
    let counted = match world.engine {
        Engine::Sqlite => count().get_result(&mut sqlite(world)),
        Engine::Postgres => {
            let mut conn = PgConnection::establish(&world.database.url).expect("PostgreSQL");
            count().get_result(&mut conn)
        }
    };
    counted.expect("a number")
}

/// Creates an account with a `request_id`: its ID.
async fn create(world: &World, request_id: &str) -> String {
    let account = Account {
        name: "A".into(),
        ..Default::default()
    };
    let request = CreateAccountRequest {
        account: Some(account),
        request_id: request_id.into(),
    };
    let answer = world.clients.accounts.clone().create_account(request).await;
    answer
        .expect("an account")
        .into_inner()
        .account
        .expect("it")
        .id
}

async fn an_answer_is_kept_for_a_day_and_then_forgotten(world: World) {
    let first = create(&world, "once").await;
    pass(&world, DAY_MICROS);
    // A write with a request_id is what removes expired answers.
    create(&world, "another").await;
    assert_eq!(kept(&world), 2);
    assert_eq!(create(&world, "once").await, first);
    pass(&world, DAY_MICROS);
    create(&world, "a third").await;
    // The first is gone; the other was kept a day less.
    assert_eq!(kept(&world), 2);
    let second = create(&world, "once").await;
    assert_ne!(second, first);
    assert_eq!(create(&world, "once").await, second);
}

async fn the_answer_of_an_import_is_kept_for_a_day_and_then_forgotten(world: World) {
    let config = ImportConfig {
        request_id: "once".into(),
        ..of(ImportKind::Accounts)
    };
    let file = "取引先名\nA\n";
    let first = world.import(config.clone(), file).await.id;
    pass(&world, DAY_MICROS);
    create(&world, "another").await;
    assert_eq!(world.import(config.clone(), file).await.id, first);
    pass(&world, DAY_MICROS);
    create(&world, "a third").await;
    assert_ne!(world.import(config, file).await.id, first);
}
