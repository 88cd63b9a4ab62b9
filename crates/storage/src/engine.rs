//! The engine behind a store, and how many connections a server opens to it.

use std::sync::Arc;
use std::time::Duration;

use diesel::SqliteConnection;
use diesel::r2d2::{ConnectionManager, Pool};

use crate::engine::file_lock::FileLock;
use crate::engine::interface::Connection;
use crate::engine::remote::Remote;
use crate::engine::sqlite::keeper::Keeper;
use crate::error::{Result, StorageError};

pub(crate) mod file_lock;
pub(crate) mod interface;
pub(crate) mod live_servers;
pub(crate) mod postgres;
pub(crate) mod remote;
pub(crate) mod silence;
pub(crate) mod sqlite;
pub(crate) mod statement;
pub(crate) mod statement_count;
mod store_keys;
pub(crate) mod transaction;

/// Readers of one server. Reads are short, so a few connections serve many calls.
pub(crate) const READERS: u32 = 8;
/// Organizations that are written at the same time on PostgreSQL.
const POSTGRES_WRITERS: usize = 4;
/// SQLite allows one writer.
const SQLITE_WRITERS: usize = 1;
/// The connections of the log follower, apart from readers and writers. The follower must not wait
/// for readers, and it detects whether the database answers.
pub(crate) const FOLLOWERS: u32 = 1;
/// How long to wait for a connection. Readers queue before they take one and writers have their
/// own, so the pool is empty only while the database is away. The call must then fail within a
/// second.
pub(crate) const CONNECTION_PATIENCE: Duration = Duration::from_millis(800);

/// The address of a database.
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

/// How a server opens its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serving {
    /// Whether it creates and migrates tables, or refuses a database that is not migrated.
    pub(crate) migrates: bool,
    /// Whether it opens a file from which acknowledged writes are missing.
    pub(crate) accepts_loss: bool,
}

/// Why a database is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    Serving(Serving),
    /// To inspect it beside running servers: creates, locks and writes nothing.
    Looking,
}

#[derive(Clone)]
pub(crate) enum Engine {
    /// A file has one server. The lock is dropped after the connections; a store that only looks has
    /// `None`.
    Sqlite {
        pool: Pool<ConnectionManager<SqliteConnection>>,
        keeping: sqlite::Keeping,
        _lock: Option<Arc<FileLock>>,
    },
    Postgres(Arc<Remote>),
}

impl Engine {
    /// Opens the engine of an address: creates and migrates the database, or only inspects it.
    pub(crate) fn open(address: &Address<'_>, how: Opening) -> Result<Self> {
        // Each writer may need a second connection when the response to a COMMIT is lost.
        let connections = READERS + FOLLOWERS + 2 * address.writers() as u32;
        let path = match address {
            Address::Sqlite(path) => path,
            Address::Postgres(url) => {
                return Ok(Self::Postgres(Remote::open(url, connections, how)?));
            }
        };
        match how {
            Opening::Serving(serving) => {
                let lock = Some(Arc::new(sqlite::take(path, serving)?));
                if serving.migrates {
                    sqlite::migrate(path)?;
                } else {
                    sqlite::check_migrated(path)?;
                }
                let pool = sqlite::pool(path, connections)?;
                Ok(Self::Sqlite {
                    pool,
                    keeping: Some(Keeper::start(path)?),
                    _lock: lock,
                })
            }
            Opening::Looking => {
                let pool = sqlite::pool_to_look(path, connections)?;
                Ok(Self::Sqlite {
                    pool,
                    keeping: None,
                    _lock: None,
                })
            }
        }
    }

    /// The database, if it is behind a network.
    pub(crate) fn remote(&self) -> Option<&Arc<Remote>> {
        match self {
            Self::Sqlite { .. } => None,
            Self::Postgres(remote) => Some(remote),
        }
    }

    /// Returns an idle local connection, or `None`. Never blocks.
    pub(crate) fn connection_here(&self) -> Option<Box<dyn Connection>> {
        match self {
            Self::Sqlite { pool, keeping, .. } => {
                Some(Box::new(sqlite::idle_session(pool, keeping)?))
            }
            Self::Postgres(_) => None,
        }
    }

    pub(crate) fn connect(&self) -> Result<Box<dyn Connection>> {
        match self {
            Self::Sqlite { pool, keeping, .. } => Ok(Box::new(sqlite::session(pool, keeping)?)),
            Self::Postgres(remote) => remote.connect(),
        }
    }

    /// The keeper of the files, if there are files and a server uses them.
    fn keeper(&self) -> Option<&Keeper> {
        match self {
            Self::Sqlite { keeping, .. } => keeping.as_deref(),
            Self::Postgres(_) => None,
        }
    }

    /// Whether a file of the database was moved, replaced or deleted.
    pub(crate) fn is_displaced(&self) -> bool {
        self.keeper().is_some_and(Keeper::is_displaced)
    }

    /// Completes the files of the database after the last write.
    pub(crate) fn close(&self) {
        if let Some(keeper) = self.keeper() {
            keeper.close();
        }
    }
}
