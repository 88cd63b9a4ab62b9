//! SQLite: embedded, one writer, WAL.

use std::time::Duration;

use diesel::Connection as _;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::Result;
use crate::error::StorageError;

#[path = "sql/facts.rs"]
mod facts;
#[path = "sql/imports.rs"]
mod imports;
#[path = "sql/lists.rs"]
mod lists;
#[path = "sql/session.rs"]
mod session;

pub(crate) use session::Session;

type Conn = SqliteConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// A deferred transaction that reads and then writes would be refused at once.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
const BEGIN_READ: &str = "BEGIN DEFERRED";
/// The immediate transaction has locked the whole database.
const FOR_UPDATE: &str = "";

/// Unpacking the JSON of [`crate::bulk`].
mod unpack {
    use crate::bulk::Kind;

    /// The parameter of the organization, by number: names are numbered as they come.
    pub(super) const ORG: &str = "?1";
    /// The rows of the second parameter.
    pub(super) const FROM: &str = "FROM json_each(?2)";
    /// Ends a subquery of rows that is joined. A limit, though it is none, keeps the planner from
    /// unpacking the rows anew for every row of the table that they are joined with.
    pub(super) const ONCE: &str = "LIMIT -1";

    pub(super) fn columns(columns: &[(&str, Kind)]) -> String {
        let one = |(place, (_, kind)): (usize, &(&str, Kind))| {
            let value = format!("json_extract(value, '$[{place}]')");
            match kind {
                Kind::Bytes => format!("unhex({value})"),
                Kind::Int | Kind::Text | Kind::Bool => value,
            }
        };
        columns
            .iter()
            .enumerate()
            .map(one)
            .collect::<Vec<_>>()
            .join(", ")
    }

    pub(super) fn named_columns(given: &[(&str, Kind)]) -> String {
        let one = |(place, (name, _)): (usize, &(&str, Kind))| {
            format!("json_extract(value, '$[{place}]') AS {name}")
        };
        given
            .iter()
            .enumerate()
            .map(one)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

diesel::define_sql_function! {
    /// The place of a text in another, from 1; 0 if it is not there.
    #[sql_name = "instr"]
    fn place_of(text: diesel::sql_types::Text, part: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

/// diesel's statement of many rows on SQLite wants them one by one: prepared once, in one
/// transaction, that is as fast.
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr) => {
        for row in $rows {
            diesel::insert_into($table)
                .values(row.clone())
                .execute(&mut $conn)?;
        }
    };
}
pub(crate) use insert_all;

#[derive(Debug)]
struct Pragmas;

impl CustomizeConnection<Conn, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, conn: &mut Conn) -> std::result::Result<(), diesel::r2d2::Error> {
        conn.batch_execute(
            "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 65536; \
             PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 268435456;",
        )
        .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Opens the file, making and migrating it where needed.
pub(crate) fn open(path: &str, connections: u32) -> Result<Pool<ConnectionManager<Conn>>> {
    let mut conn =
        Conn::establish(path).map_err(|error| StorageError::Unreachable(Box::new(error)))?;
    conn.run_pending_migrations(MIGRATIONS)
        .map_err(StorageError::Unreachable)?;
    crate::store::draw_keys(|id, page, preview| {
        diesel::insert_into(crate::schema::store::table)
            .values((
                crate::schema::store::one.eq(1),
                crate::schema::store::store_id.eq(id),
                crate::schema::store::page_key.eq(page),
                crate::schema::store::preview_key.eq(preview),
            ))
            .on_conflict_do_nothing()
            .execute(&mut conn)
            .map(drop)
            .map_err(Into::into)
    })?;
    drop(conn);
    Ok(Pool::builder()
        .max_size(connections)
        .min_idle(Some(1))
        .connection_timeout(Duration::from_secs(5))
        .connection_customizer(Box::new(Pragmas))
        .build(ConnectionManager::new(path))?)
}

pub(crate) fn session(pool: &Pool<ConnectionManager<Conn>>) -> Result<Session> {
    Ok(Session { conn: pool.get()? })
}
