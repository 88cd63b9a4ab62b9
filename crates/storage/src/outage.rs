//! Which errors of the engines are outages: conditions of the database, its machine or its operators
//! that pass, so that a repeat may succeed.
//!
//! diesel does not expose the SQLSTATE of PostgreSQL or the result code of SQLite, so their messages
//! decide. The messages of SQLite are never translated. PostgreSQL translates its messages into the
//! language of `lc_messages`: each session sets it to `C` if it may, and the store warns at its start
//! if messages come in another language than English.

use diesel::result::DatabaseErrorKind as Kind;

/// Beginnings and parts of PostgreSQL's messages, by their class of SQLSTATE.
const OF_POSTGRES: &[&str] = &[
    // 57014 query_canceled, 55P03 lock_not_available: a time-out, an operator or a recovery
    // cancelled the statement.
    "canceling statement",
    "canceling authentication",
    "could not obtain lock",
    // 57P01 to 57P05, 25P03, 25P04: PostgreSQL or an operator ended the session.
    "terminating connection",
    "terminating background worker",
    // 57P03 cannot_connect_now.
    "the database system is",
    "is not currently accepting connections",
    // 53300 too_many_connections.
    "sorry, too many clients already",
    "remaining connection slots are reserved",
    "too many connections for",
    // 53100 disk_full, 58030 io_error: a file of the database cannot be used.
    "No space left on device",
    "Disk quota exceeded",
    "could not extend file",
    "could not write",
    "could not read",
    "could not open file",
    "could not create file",
    "could not fsync",
    "could not access file",
    "could not seek in file",
    // 53200 out_of_memory.
    "out of memory",
    "out of shared memory",
    "could not resize shared memory segment",
    // 53400 configuration_limit_exceeded.
    "temporary file size exceeds temp_file_limit",
    // 40P01 deadlock_detected, 40001 serialization_failure.
    "deadlock detected",
    "could not serialize access",
    // Class 08, and libpq's own words about a lost connection.
    "server closed the connection",
    "could not receive data from server",
    "could not send data to server",
    "could not connect",
    "connection to server",
    "no connection to the server",
    "connection not open",
    "connection pointer is NULL",
    "lost synchronization with server",
    "timeout expired",
    // pgbouncer's words about the database behind it.
    "query_wait_timeout",
    "server_login_retry",
    "server conn crashed",
    "pgbouncer cannot connect to server",
];

/// SQLite's messages, by their result code.
const OF_SQLITE: &[&str] = &[
    // BUSY and LOCKED: another user of the file.
    "database is locked",
    "database table is locked",
    // PROTOCOL.
    "locking protocol",
    // FULL.
    "database or disk is full",
    // IOERR.
    "disk I/O error",
    // CANTOPEN: out of file descriptors, or a file of the database is gone.
    "unable to open database file",
    // NOMEM.
    "out of memory",
    // READONLY: the file system was mounted read-only after an error.
    "attempt to write a readonly database",
    // INTERRUPT.
    "interrupted",
];

/// Whether an error of this kind and message is an outage.
pub(crate) fn is_outage(kind: &Kind, message: &str) -> bool {
    match kind {
        Kind::ClosedConnection
        | Kind::UnableToSendCommand
        | Kind::SerializationFailure
        | Kind::ReadOnlyTransaction => true,
        Kind::UniqueViolation
        | Kind::ForeignKeyViolation
        | Kind::NotNullViolation
        | Kind::CheckViolation
        | Kind::RestrictViolation
        | Kind::ExclusionViolation => false,
        _ => {
            let mut outages = OF_POSTGRES.iter().chain(OF_SQLITE);
            outages.any(|outage| message.contains(outage))
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::result::Error;

    use super::*;
    use crate::error::StorageError;

    fn error_of(kind: Kind, message: &str) -> StorageError {
        Error::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    /// Whole messages, as PostgreSQL 15 and SQLite 3 write them.
    const MESSAGES: &[&str] = &[
        "canceling statement due to statement timeout",
        "canceling statement due to lock timeout",
        "canceling statement due to user request",
        "canceling statement due to conflict with recovery",
        "could not obtain lock on row in relation \"organizations\"",
        "terminating connection due to administrator command",
        "terminating connection because of crash of another server process",
        "terminating connection due to idle-in-transaction timeout",
        "terminating connection due to idle-session timeout",
        "terminating connection due to transaction timeout",
        "the database system is shutting down",
        "the database system is in recovery mode",
        "database \"roster\" is not currently accepting connections",
        "sorry, too many clients already",
        "remaining connection slots are reserved for non-replication superuser connections",
        "too many connections for role \"roster\"",
        "could not extend file \"base/5/16384\": No space left on device",
        "could not write block 7 of relation base/5/16384: Input/output error",
        "could not read block 7 in file \"base/5/16384\": Input/output error",
        "out of shared memory",
        "deadlock detected",
        "server closed the connection unexpectedly",
        "database is locked",
        "database table is locked",
        "locking protocol",
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "out of memory",
    ];

    #[test]
    fn what_a_repeat_may_mend_is_unreachable_and_what_the_rules_should_have_kept_out_a_defect() {
        for message in MESSAGES {
            let error = error_of(Kind::Unknown, message);
            assert!(matches!(error, StorageError::Unreachable(_)), "{message}");
        }
        for kind in [Kind::UniqueViolation, Kind::CheckViolation] {
            let error = error_of(kind, "the key \"deadlock detected\" exists");
            assert!(matches!(error, StorageError::Defect(_)));
        }
        for message in [
            "column \"nmae\" does not exist",
            "invalid byte sequence for encoding \"UTF8\": 0x00",
            "database disk image is malformed",
        ] {
            let error = error_of(Kind::Unknown, message);
            assert!(matches!(error, StorageError::Defect(_)), "{message}");
        }
    }
}
