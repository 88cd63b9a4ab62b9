//! PostgreSQL: shared by several servers.

use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::engine::interface::Reading;
use crate::error::{Result, StorageError};
use crate::tables::migrated::Migrated;
use crate::tables::organization::Organization;

mod branches;
mod grams;
pub(crate) mod pooler;
pub(crate) mod route;
mod removal;
mod session_settings;
#[path = "shared/mod.rs"]
mod shared;
mod startup_messages;
mod tls;
mod tunnel;
mod url;
mod write_rows;

use session_settings::{NO_TIME_LIMITS, OnConnect, long_statement};
use shared::opening;
pub(crate) use shared::opening::{check_migrated, pool};
pub(crate) use shared::session::Session;

type Conn = PgConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Plans every statement for its own keys. A cached plan made while a table was small, or for ten
/// keys, scans the whole table for thousands of keys.
const BEGIN_WRITE: &str = concat!(
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL plan_cache_mode = force_custom_plan; ",
    long_statement!()
);

const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL plan_cache_mode = force_custom_plan";

/// Planning a page takes longer than reading it, so its plans are cached for a while. A page needs
/// nothing but indexes in their own order.
const BEGIN_PAGE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL plan_cache_mode = force_generic_plan; \
     SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; \
     SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
/// How long plans are cached. A plan made while a table was small may use the wrong index; a table
/// that was empty this long ago is still small.
const PLANS_KEPT_FOR: Duration = Duration::from_secs(1);

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = diesel::sql_types::Text)]
    mark: String,
}

/// What a session sees now: two sessions with the same text see the same rows.
fn mark(conn: &mut PooledConnection<ConnectionManager<Conn>>) -> Result<String> {
    let found: Mark =
        diesel::sql_query("SELECT pg_current_snapshot()::text AS mark").get_result(conn)?;
    Ok(found.mark)
}

/// Several servers may use one database.
const SHARED: bool = true;

/// The current time in microseconds since 1970, also within a transaction.
const CLOCK: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

#[derive(QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    taken: bool,
}

/// Whether a server of a version without leases is running: it holds an advisory lock under its
/// number.
fn is_locked(conn: &mut Conn, server: i64) -> Result<bool> {
    let row: TakenRow = diesel::sql_query("SELECT pg_try_advisory_xact_lock($1) AS taken")
        .bind::<diesel::sql_types::BigInt, _>(server)
        .get_result(conn)?;
    Ok(!row.taken)
}

/// The tables with several indexes to choose from.
const REFRESH_STATISTICS: &str = concat!(
    long_statement!(),
    "; ANALYZE accounts, contacts, unique_keys, associations, tickets, ticket_copies"
);

/// Since when a connection has cached the plans of its pages.
struct PlansKeptSince(Instant);

fn begin_read(
    conn: &mut PooledConnection<ConnectionManager<Conn>>,
    reading: Reading,
) -> Result<()> {
    let begin = match reading {
        Reading::Facts => BEGIN_READ,
        Reading::Page => BEGIN_PAGE,
    };
    AnsiTransactionManager::begin_transaction_sql(&mut **conn, begin)?;
    let since = PooledConnection::extensions(conn).get::<PlansKeptSince>();
    let kept = since.is_some_and(|PlansKeptSince(since)| since.elapsed() < PLANS_KEPT_FOR);
    if reading == Reading::Page && !kept {
        conn.batch_execute("DISCARD PLANS")?;
        PooledConnection::extensions_mut(conn).insert(PlansKeptSince(Instant::now()));
    }
    Ok(())
}

/// One writer per organization.
const FOR_UPDATE: &str = " FOR UPDATE";

/// SQL that unpacks the JSON of [`Rows::json`](crate::tables::cell::Rows::json).
mod unpack {
    use crate::tables::cell::ColumnType;

    /// The parameter of the organization.
    pub(super) const ORG: &str = "$1::bigint";
    /// The rows of the second parameter.
    pub(super) const FROM: &str = "FROM json_array_elements($2::json) AS row";
    /// The numbers of the fourth parameter, as rows.
    pub(super) const NUMBERS: &str = "SELECT value::bigint FROM json_array_elements_text($4::json)";
    /// Ends a joined subquery of rows. The planner needs no hint here.
    pub(super) const ONCE: &str = "";

    /// The cell of an unpacked row at this place.
    pub(super) fn column(place: usize, kind: ColumnType) -> String {
        match kind {
            ColumnType::Int => format!("(row ->> {place})::bigint"),
            ColumnType::Text => format!("row ->> {place}"),
            ColumnType::Bool => format!("(row ->> {place})::boolean"),
            ColumnType::Bytes => format!("decode(row ->> {place}, 'hex')"),
        }
    }

    pub(super) fn columns(columns: &[(&str, ColumnType)]) -> String {
        let one = |(place, (_, kind)): (usize, &(&str, ColumnType))| column(place, *kind);
        columns
            .iter()
            .enumerate()
            .map(one)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Joins to each wanted row the lowest records that meet a condition, at most the third
    /// parameter. They are sorted by an expression, so that the planner does not scan the whole
    /// table by number in the hope of meeting them soon.
    pub(super) fn lowest(table: &str, id: &str, condition: &str) -> String {
        format!(
            "CROSS JOIN LATERAL (SELECT {id} FROM {table} WHERE org = $1::bigint AND {condition} \
             ORDER BY {id} + 0 LIMIT $3::bigint) AS found"
        )
    }
}

/// Tests a connection before it is lent: the server may have gone meanwhile.
const TRIED: bool = true;

/// Reads the sort keys of records from their index only. The planner chooses it without a hint.
fn by_keys(_table: &str) -> String {
    String::new()
}

/// Reads rows in the order of an index. The planner chooses it without a hint.
fn by_index(_name: &str) -> String {
    String::new()
}

/// The position of a text in another, from 1; 0 if it is absent.
const PLACE_OF: &str = "strpos";

/// Whether migrations were ever carried out.
const HAS_MIGRATIONS: &str =
    "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS known";

/// What a session keeps of its store: nothing, because PostgreSQL keeps its own files.
pub(crate) type Keeping = ();

fn before_write(_: &mut Conn, (): &Keeping) -> Result<()> {
    Ok(())
}

fn acknowledge((): &Keeping, _: &str, _: &Organization) -> Result<()> {
    Ok(())
}

fn acknowledge_administration((): &Keeping, _: i64) -> Result<()> {
    Ok(())
}

/// Creates and migrates the tables as needed.
pub(crate) fn migrate(path: &str) -> Result<Migrated> {
    let mut conn = connect(path)?;
    session_settings::warn_of_language(&mut conn)?;
    conn.batch_execute(NO_TIME_LIMITS)?;
    // Several servers may start at the same time: one migrates, the others wait for it.
    conn.batch_execute("SELECT pg_advisory_lock(7237138321)")?;
    opening::migrate_tables(&mut conn)
}

fn connect(path: &str) -> Result<Conn> {
    Conn::establish(path).map_err(|error| StorageError::Unreachable(Box::new(error)))
}

/// As [`pool`], without waiting for the first connection.
pub(crate) fn new_pool(url: &str, connections: u32) -> Pool<ConnectionManager<Conn>> {
    opening::builder(connections, Box::new(OnConnect)).build_unchecked(ConnectionManager::new(url))
}

/// Asks the database for an answer over a new connection.
pub(crate) fn probe(url: &str) -> Result<()> {
    Ok(session_settings::set_up(&mut connect(url)?)?)
}

pub(crate) fn session(pool: &Pool<ConnectionManager<Conn>>) -> Result<Session> {
    Ok(Session {
        conn: pool.get()?,
        keeping: (),
    })
}

#[cfg(test)]
mod tests;
