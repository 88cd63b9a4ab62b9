//! SQLite: embedded, one writer, WAL.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::engine::Serving;
use crate::engine::file_lock::FileLock;
use crate::engine::interface::Reading;
use crate::engine::statement_count::CountStatements;
use crate::error::{Result, StorageError};
use crate::tables::migrated::Migrated;
use crate::tables::organization::Organization;

mod acknowledged;
pub(crate) mod backup;
mod branches;
mod generation;
mod grams;
pub(crate) mod keeper;
mod look;
mod loss;
mod presence;
mod removal;
#[path = "shared/mod.rs"]
mod shared;
mod write_rows;

use keeper::Keeper;
pub(crate) use look::pool_to_look;
#[cfg(test)]
pub(crate) use removal::statements as removal_statements;
use shared::opening;
pub(crate) use shared::opening::{check_migrated, pool};
pub(crate) use shared::session::Session;

type Conn = SqliteConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Immediate, because SQLite would refuse the first write of a deferred transaction that had read
/// before another's write.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// The immediate transaction has locked the whole database.
const FOR_UPDATE: &str = "";

/// The number of a connection in this process.
struct ConnectionNumber(u64);

#[derive(QueryableByName)]
struct ChangesOfOthers {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    data_version: i64,
}

#[derive(QueryableByName)]
struct OwnChanges {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

/// SQLite counts for each connection the changes by others and its own. So the mark names the
/// connection; a server at rest lends the one that was returned last.
fn mark(conn: &mut PooledConnection<ConnectionManager<Conn>>) -> Result<String> {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
    let ChangesOfOthers { data_version } =
        diesel::sql_query("PRAGMA data_version").get_result(&mut **conn)?;
    let OwnChanges { rows } =
        diesel::sql_query("SELECT total_changes() AS rows").get_result(&mut **conn)?;
    let numbered = PooledConnection::extensions(conn).get::<ConnectionNumber>();
    let number = numbered.map(|ConnectionNumber(number)| *number);
    let number = number.unwrap_or_else(|| {
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        PooledConnection::extensions_mut(conn).insert(ConnectionNumber(number));
        number
    });
    Ok(format!("{number}:{data_version}:{rows}"))
}

/// A file has one server.
const SHARED: bool = false;

/// The current time in microseconds since 1970.
const CLOCK: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

/// Whether a server of a version without leases is running. Never: it would hold the file.
fn is_locked(_: &mut Conn, _: i64) -> Result<bool> {
    Ok(false)
}

/// SQLite plans without statistics here.
const REFRESH_STATISTICS: &str = "";

/// Plans depend only on the tables here, for any kind of reading.
fn begin_read(conn: &mut PooledConnection<ConnectionManager<Conn>>, _: Reading) -> Result<()> {
    Ok(AnsiTransactionManager::begin_transaction_sql(
        &mut **conn,
        "BEGIN DEFERRED",
    )?)
}

/// SQL that unpacks JSON: many keys travel as one parameter.
mod unpack {
    use crate::tables::cell::ColumnType;

    /// The parameter of the organization.
    pub(super) const ORG: &str = "?1";
    /// The rows of the second parameter.
    pub(super) const FROM: &str = "FROM json_each(?2)";
    /// The numbers of the fourth parameter, as rows.
    pub(super) const NUMBERS: &str = "SELECT value FROM json_each($4)";
    /// Ends a joined subquery of rows. `LIMIT -1` limits nothing, but keeps the planner from
    /// unpacking the rows again for every row of the joined table.
    pub(super) const ONCE: &str = "LIMIT -1";

    /// The cell of an unpacked row at this place.
    pub(super) fn column(place: usize, kind: ColumnType) -> String {
        let value = format!("json_extract(value, '$[{place}]')");
        match kind {
            ColumnType::Bytes => format!("unhex({value})"),
            ColumnType::Int | ColumnType::Text | ColumnType::Bool => value,
        }
    }

    /// Joins to each wanted row the lowest records that meet a condition, at most the third
    /// parameter.
    pub(super) fn lowest(table: &str, id: &str, condition: &str) -> String {
        format!(
            "CROSS JOIN {table} AS found ON found.org = ?1 AND found.{id} IN \
             (SELECT {id} FROM {table} WHERE org = ?1 AND {condition} ORDER BY {id} LIMIT ?3)"
        )
    }
}

/// Does not test a connection before it is lent: a file does not go away, and a read of an
/// unreadable file fails by itself.
const TRIED: bool = false;

/// Reads the sort keys of records from their index only. The planner knows no table sizes and would
/// read the rows.
fn by_keys(table: &str) -> String {
    format!("INDEXED BY {table}_keys")
}

/// Reads rows in the order of an index. The planner does not know how few are wanted and might sort
/// them all.
fn by_index(name: &str) -> String {
    format!("INDEXED BY {name}")
}

/// The position of a text in another, from 1; 0 if it is absent.
const PLACE_OF: &str = "instr";

/// Whether migrations were ever run.
const HAS_MIGRATIONS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema \
     WHERE name = '__diesel_schema_migrations') AS known";

/// How long to wait for a lock of another process or of another connection of this server.
const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 10000";

#[derive(Debug)]
struct OnConnect;

impl CustomizeConnection<Conn, diesel::r2d2::Error> for OnConnect {
    fn on_acquire(&self, conn: &mut Conn) -> std::result::Result<(), diesel::r2d2::Error> {
        conn.set_instrumentation(CountStatements::new());
        conn.batch_execute(BUSY_TIMEOUT)
            .and_then(|()| {
                conn.batch_execute(
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 65536; \
                     PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 268435456;",
                )
            })
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// What a session keeps of its store: the keeper of the files, unless the store only looks.
pub(crate) type Keeping = Option<Arc<Keeper>>;

fn before_write(conn: &mut Conn, keeping: &Keeping) -> Result<()> {
    keeping
        .as_ref()
        .map_or(Ok(()), |keeper| keeper.before_write(conn))
}

fn acknowledge(keeping: &Keeping, name: &str, organization: &Organization) -> Result<()> {
    keeping
        .as_ref()
        .map_or(Ok(()), |keeper| keeper.acknowledge(name, organization))
}

fn acknowledge_administration(keeping: &Keeping, version: i64) -> Result<()> {
    keeping
        .as_ref()
        .map_or(Ok(()), |keeper| keeper.acknowledge_administration(version))
}

/// Locks the file for a server, creating it if the server may. Fails if acknowledged writes are
/// missing from it, unless the server gives them up.
pub(crate) fn take(path: &str, serving: Serving) -> Result<FileLock> {
    let database = Path::new(path);
    let check = |lock: Option<&FileLock>| match loss::check(database, lock) {
        Err(StorageError::Lost(missing)) if serving.accepts_loss => {
            tracing::warn!(%missing, "acknowledged writes are given up");
            loss::accept(database, lock)
        }
        checked => checked,
    };
    if std::fs::metadata(database).map_or(0, |file| file.len()) == 0 {
        // Before the lock creates the file.
        check(None)?;
        if !serving.migrates {
            return Err(StorageError::NoFile);
        }
    }
    let lock = FileLock::take(path)?;
    check(Some(&lock))?;
    Ok(lock)
}

/// Creates the file and its tables as needed.
pub(crate) fn migrate(path: &str) -> Result<Migrated> {
    opening::migrate_tables(&mut connect(path)?)
}

fn connect(path: &str) -> Result<Conn> {
    let mut conn =
        Conn::establish(path).map_err(|error| StorageError::Unreachable(Box::new(error)))?;
    // Tools may be reading the file: wait for their locks.
    conn.batch_execute(BUSY_TIMEOUT)?;
    Ok(conn)
}

pub(crate) fn session(pool: &Pool<ConnectionManager<Conn>>, keeping: &Keeping) -> Result<Session> {
    Ok(Session {
        conn: pool.get()?,
        keeping: keeping.clone(),
    })
}

/// Returns an idle session, if the pool has one.
pub(crate) fn idle_session(
    pool: &Pool<ConnectionManager<Conn>>,
    keeping: &Keeping,
) -> Option<Session> {
    Some(Session {
        conn: pool.try_get()?,
        keeping: keeping.clone(),
    })
}
