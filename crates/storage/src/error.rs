//! The errors of storage. The text of an engine's error leaves this crate only as a `source`.

use roster_core::fact::Unavailable;
use roster_core::organization::OrganizationState;
use roster_core::refusal::Refusal;

use crate::outage::is_outage;

pub(crate) type Result<T, E = StorageError> = std::result::Result<T, E>;

/// An error of the database, or of a command that it was asked to carry out.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database could not be reached, or the connection was lost. A repeat may succeed.
    #[error("the database cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused rows that the rules had accepted, or returned an impossible answer: a
    /// defect of the server.
    #[error("the database refused what the rules accepted")]
    Defect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The lane holds as many waiting writes as it may.
    #[error("too many writes are waiting: repeat a little later")]
    QueueFull,
    /// The same request_id was used before with another request.
    #[error("this request_id was used with another request: use a new one")]
    RequestIdReused,
    /// A newer version derived columns from names: this version would derive others.
    #[error(
        "a newer roster-server made the derived columns of this database (version {found}; this \
         one knows {known}): start that server or a later one"
    )]
    NewerDerivation {
        /// The version in the database.
        found: i64,
        /// The version of this server's code.
        known: i64,
    },
    /// A newer server removed something from the schema that this version needs.
    #[error(
        "the tables of this database belong to a newer roster-server (it requires schema {floor}; \
         this one knows {known}): start that server or a later one"
    )]
    NewerSchema {
        /// The oldest schema that a server must know.
        floor: i64,
        /// The schema that this server knows.
        known: i64,
    },
    /// An import is no longer running, or is not where its batch begins.
    #[error("the import is not where this batch begins")]
    ImportMoved,
    /// The organization takes no writes: it is suspended or deleted, or it does not exist and the
    /// caller may not create it.
    #[error("the organization is suspended or deleted")]
    NotServed(OrganizationState),
    /// An inline read requested too many rows. It is repeated on another thread, so no caller
    /// receives this.
    #[error("an inline read requested too many rows")]
    Outgrown,
    /// Not the address of a database. It may contain a password, so the error omits it.
    #[error("unknown database address: use sqlite:PATH or postgres://USER@HOST/NAME")]
    NotADatabase,
    /// The address of the database, or what it leads to, cannot be used.
    #[error("{0}")]
    UnusableAddress(String),
    /// The file of the database does not exist.
    #[error("there is no such file: name a file that a roster-server created")]
    NoFile,
    /// The file is not a database of SQLite.
    #[error("the file is not a database of SQLite")]
    NotSqlite,
    /// The file exists but cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The schema does not match this version.
    #[error(
        "the tables of this database are not those of this version: start its roster-server, or run \
         `roster-server migrate` if the database is older"
    )]
    NotMigrated,
    /// The files of a SQLite database contain less than a server had acknowledged.
    #[error(
        "acknowledged writes are missing: {0}. Put the missing file back, restore a backup, or start \
         once with --accept-loss to continue without these writes"
    )]
    Lost(String),
    /// A file of a SQLite database was moved, replaced or deleted while the store has it open.
    #[error("a file of the database was moved, replaced or deleted")]
    Displaced,
    /// A copy of a database could not be made or put in its place.
    #[error("{0}")]
    NoCopy(String),
    /// Only files are copied.
    #[error(
        "the database is on PostgreSQL: back it up with `pg_dump --format=custom --file=FILE URL`, \
         and restore it with `pg_restore --clean --if-exists --dbname=URL FILE` while no server runs"
    )]
    NotAFile,
    /// Another server has the file open.
    #[error(
        "another roster-server has this file open: stop it, or give each a database of its own"
    )]
    InUse,
}

/// A stored value that this version does not understand. The value may be personal data, so the
/// error names only its place.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{table}.{column} of the row {key:?} holds a value that this version does not understand")]
pub(crate) struct NotUnderstood {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) key: Vec<i64>,
}

impl From<NotUnderstood> for StorageError {
    fn from(value: NotUnderstood) -> Self {
        Self::Defect(Box::new(value))
    }
}

impl StorageError {
    /// Returns the stored value that is not understood, if that is the cause.
    pub(crate) fn not_understood(&self) -> Option<&NotUnderstood> {
        match self {
            Self::Defect(cause) => cause.downcast_ref(),
            _ => None,
        }
    }
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// A rule refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<diesel::result::Error> for StorageError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::Error;
        match &error {
            Error::BrokenTransactionManager => Self::Unreachable(error.into()),
            Error::DatabaseError(kind, detail) if is_outage(kind, detail.message()) => {
                Self::Unreachable(error.into())
            }
            _ => Self::Defect(error.into()),
        }
    }
}

impl From<diesel::r2d2::PoolError> for StorageError {
    fn from(error: diesel::r2d2::PoolError) -> Self {
        Self::Unreachable(error.into())
    }
}

impl From<StorageError> for Unavailable {
    fn from(error: StorageError) -> Self {
        Self(Box::new(error))
    }
}

/// A rule could not load its facts. The cause is a [`StorageError`] of this crate, unless a
/// caller's own facts failed.
impl From<Unavailable> for StorageError {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable.0.downcast::<Self>() {
            Ok(error) => *error,
            Err(other) => Self::Defect(other),
        }
    }
}
