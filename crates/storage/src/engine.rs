//! The engine behind a store, and how many connections to it a server has.

use std::sync::Arc;
use std::time::Duration;

use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{PgConnection, SqliteConnection};

use crate::engine::file_lock::FileLock;
use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};

pub(crate) mod file_lock;
pub(crate) mod interface;
pub(crate) mod live_servers;
mod postgres;
mod sqlite;
pub(crate) mod statement;
mod store_keys;

/// Readers of one server; a read is short, so few serve many.
pub(crate) const READERS: u32 = 8;
/// Organizations that are written at once on PostgreSQL.
const POSTGRES_WRITERS: usize = 4;
/// SQLite has one writer by nature.
const SQLITE_WRITERS: usize = 1;
/// NameIndex readers and writers: whoever follows the log, who must not wait for readers, and by whom it
/// is known whether the database answers.
pub(crate) const FOLLOWERS: u32 = 1;
/// How long a connection is waited for. Readers wait for their turn before they ask for one and
/// writers have their own, so there is always one unless the database is away: then a call is to
/// hear so within a second.
pub(crate) const CONNECTION_PATIENCE: Duration = Duration::from_millis(800);

/// A database, as it is told.
pub(crate) enum Address<'a> {
    /// The path of a file.
    Sqlite(&'a str),
    /// A URL.
    Postgres(&'a str),
}

impl<'a> Address<'a> {
    pub(crate) fn parse(database: &'a str) -> Result<Self> {
        if let Some(path) = database.strip_prefix("sqlite:").filter(|p| !p.is_empty()) {
            return Ok(Self::Sqlite(path));
        }
        if database.starts_with("postgres://") || database.starts_with("postgresql://") {
            return Ok(Self::Postgres(database));
        }
        Err(StorageError::NotADatabase)
    }

    pub(crate) fn writers(&self) -> usize {
        match self {
            Self::Sqlite(_) => SQLITE_WRITERS,
            Self::Postgres(_) => POSTGRES_WRITERS,
        }
    }
}

/// For what a database is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    Serving,
    /// NameIndex servers at work: nothing is made, locked or written.
    Looking,
}

#[derive(Clone)]
pub(crate) enum Engine {
    /// A file has one server. The lock is dropped after the connections; a store that only looks has
    /// `None`.
    Sqlite {
        pool: Pool<ConnectionManager<SqliteConnection>>,
        _lock: Option<Arc<FileLock>>,
    },
    Postgres(Pool<ConnectionManager<PgConnection>>),
}

impl Engine {
    /// The engine of an address, made and migrated, or only looked at.
    pub(crate) fn open(address: &Address<'_>, how: Opening) -> Result<Self> {
        // Each writer may ask for a second connection when an answer is lost.
        let connections = READERS + FOLLOWERS + 2 * address.writers() as u32;
        match (how, address) {
            (Opening::Serving, Address::Sqlite(path)) => {
                let lock = Some(Arc::new(FileLock::take(path)?));
                sqlite::migrate(path)?;
                let pool = sqlite::pool(path, connections)?;
                Ok(Self::Sqlite { pool, _lock: lock })
            }
            (Opening::Serving, Address::Postgres(url)) => {
                postgres::migrate(url)?;
                Ok(Self::Postgres(postgres::pool(url, connections)?))
            }
            (Opening::Looking, Address::Sqlite(path)) => {
                let pool = sqlite::pool_to_look(path, connections)?;
                Ok(Self::Sqlite { pool, _lock: None })
            }
            (Opening::Looking, Address::Postgres(url)) => {
                postgres::check_migrated(url)?;
                Ok(Self::Postgres(postgres::pool(url, connections)?))
            }
        }
    }

    /// A connection that waits for nobody, and to ask which does not wait for the network; none if
    /// there is none now.
    pub(crate) fn connection_here(&self) -> Option<Box<dyn Connection>> {
        match self {
            Self::Sqlite { pool, .. } => Some(Box::new(sqlite::idle_session(pool)?)),
            Self::Postgres(_) => None,
        }
    }

    pub(crate) fn connect(&self) -> Result<Box<dyn Connection>> {
        Ok(match self {
            Self::Sqlite { pool, .. } => Box::new(sqlite::session(pool)?),
            Self::Postgres(pool) => Box::new(postgres::session(pool)?),
        })
    }
}
