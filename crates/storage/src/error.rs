//! What can go wrong below the rules. No engine text leaves this crate but through `source`.

use roster_core::fact::Unavailable;
use roster_core::refusal::Refusal;

pub(crate) type Result<T, E = StorageError> = std::result::Result<T, E>;

/// The database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It could not be reached, or was lost on the way. A repeat may succeed.
    #[error("the database cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refused what the rules had accepted, or answered what it cannot: a defect of ours.
    #[error("the database refused what the rules accepted")]
    Defect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// More writes wait than the lane holds.
    #[error("too many writes are waiting: repeat a little later")]
    QueueFull,
    /// The same request_id came before with another request.
    #[error("this request_id was used with another request: use a new one")]
    RequestIdReused,
    /// A newer server made what is stored beside names: this one would file them wrongly.
    #[error(
        "a newer roster-server made the derived columns of this database (version {found}; this \
         one knows {known}): start that server or a later one"
    )]
    NewerDerivation {
        /// The version of the database.
        found: i64,
        /// The version of this server's code.
        known: i64,
    },
    /// A newer server took something away that this one needs.
    #[error(
        "the tables of this database are those of a newer roster-server (it asks for schema {floor}; \
         this one knows {known}): start that server or a later one"
    )]
    NewerSchema {
        /// The oldest schema that a server must know.
        floor: i64,
        /// The schema that this server knows.
        known: i64,
    },
    /// An import is no longer running, or stands elsewhere than its batch began.
    #[error("the import is not where this batch begins")]
    ImportMoved,
    /// A read that was to be brief asked for more: it is done again where it may take its time, so
    /// that no caller hears this.
    #[error("a brief read has outgrown its rows")]
    Outgrown,
    /// The address of a database that is none. It may hold a password: it is not told.
    #[error("this is no database that Roster knows: give sqlite:PATH or postgres://USER@HOST/NAME")]
    NotADatabase,
    /// There is no file where it should be.
    #[error("there is no such file: name the file of a database that a roster-server made")]
    NoFile,
    /// The file is something else than a database.
    #[error("the file is not a database of SQLite")]
    NotSqlite,
    /// The file is there and cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its tables are not those of this code.
    #[error("the tables of this database are not those of this version: start its roster-server")]
    NotMigrated,
    /// Another server has the file open.
    #[error(
        "another roster-server has this file open: stop it, or give each a database of its own"
    )]
    InUse,
}

/// A stored value that this version does not understand. The value may be personal data: only its
/// place is named.
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
    /// The stored value that is not understood, where that is the cause.
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
    /// A rule says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database could not.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<diesel::result::Error> for StorageError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match &error {
            Error::DatabaseError(
                Kind::ClosedConnection
                | Kind::UnableToSendCommand
                | Kind::SerializationFailure
                | Kind::ReadOnlyTransaction,
                _,
            )
            | Error::BrokenTransactionManager => Self::Unreachable(error.into()),
            // The engines have no kind for a server that is going away or a file that is locked.
            Error::DatabaseError(_, detail) if is_outage(detail.message()) => {
                Self::Unreachable(error.into())
            }
            _ => Self::Defect(error.into()),
        }
    }
}

fn is_outage(message: &str) -> bool {
    [
        "terminating connection",
        "the database system is",
        "server closed the connection",
        "could not receive data from server",
        "could not connect",
        "connection to server",
        "no connection to the server",
        "database is locked",
        // What others do to the same tables or file at the same time: a repeat comes through.
        "deadlock detected",
        "locking protocol",
        "disk I/O error",
        "database or disk is full",
    ]
    .iter()
    .any(|outage| message.contains(outage))
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

/// A rule could not have its facts: the cause is a [`StorageError`] of this crate, unless a
/// caller's own facts failed.
impl From<Unavailable> for StorageError {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable.0.downcast::<Self>() {
            Ok(error) => *error,
            Err(other) => Self::Defect(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::result::{DatabaseErrorKind as Kind, Error};

    use super::*;

    fn told(kind: Kind, message: &str) -> StorageError {
        Error::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    #[test]
    fn what_a_repeat_may_mend_is_unreachable_and_what_the_rules_should_have_kept_out_a_defect() {
        for message in ["deadlock detected", "locking protocol", "disk I/O error"] {
            let error = told(Kind::Unknown, message);
            assert!(matches!(error, StorageError::Unreachable(_)), "{message}");
        }
        let error = told(Kind::UniqueViolation, "duplicate key");
        assert!(matches!(error, StorageError::Defect(_)));
    }
}
