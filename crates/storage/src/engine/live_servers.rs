//! Which server processes live, so that the imports of one that died are told from those of one
//! that still works on them.
//!
//! A SQLite file has one server, so whatever runs in it at a start is a dead one's. On PostgreSQL
//! each server holds a session's advisory lock under a random number that its imports carry: who
//! can take that lock knows that the server is gone.

use diesel::Connection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use diesel::{PgConnection, sql_query};
use parking_lot::Mutex;

use crate::clock::now;
use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};

/// See the module.
pub(crate) struct Presence {
    number: i64,
    /// On PostgreSQL: where it is, and the session that holds the lock.
    shared: Option<(String, Mutex<PgConnection>)>,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

impl Presence {
    /// Draws this server's number, shows it, and fails the imports of servers that are gone.
    pub(crate) fn begin(database: &str, connection: &mut dyn Connection) -> Result<Self> {
        let number = getrandom::u64().map_err(|error| StorageError::Defect(Box::new(error)))?;
        let number = number.cast_signed();
        let mut shared = None;
        if !database.starts_with("sqlite:") {
            shared = Some((database.to_owned(), Mutex::new(hold(database, number)?)));
        }
        let presence = Self { number, shared };
        for server in connection.importing_servers()? {
            if presence.is_gone(server)? {
                connection.fail_imports_of(server, now())?;
                presence.release(server)?;
            }
        }
        Ok(presence)
    }

    /// What this server's imports carry.
    pub(crate) fn number(&self) -> i64 {
        self.number
    }

    /// Takes the lock anew where the session that held it was lost.
    pub(crate) fn show(&self) -> Result<()> {
        let Some((database, session)) = &self.shared else {
            return Ok(());
        };
        let mut session = session.lock();
        if sql_query("SELECT 1").execute(&mut *session).is_err() {
            *session = hold(database, self.number)?;
        }
        Ok(())
    }

    fn is_gone(&self, server: i64) -> Result<bool> {
        match &self.shared {
            None => Ok(true),
            Some((_, session)) => try_lock(&mut session.lock(), server),
        }
    }

    fn release(&self, server: i64) -> Result<()> {
        if let Some((_, session)) = &self.shared {
            sql_query("SELECT pg_advisory_unlock($1)")
                .bind::<BigInt, _>(server)
                .execute(&mut *session.lock())?;
        }
        Ok(())
    }
}

fn hold(database: &str, number: i64) -> Result<PgConnection> {
    let mut session = PgConnection::establish(database)
        .map_err(|error| StorageError::Unreachable(Box::new(error)))?;
    if try_lock(&mut session, number)? {
        Ok(session)
    } else {
        // The session that was lost has not ended at the database yet.
        Err(StorageError::Unreachable(
            "the lock of this server is still held".into(),
        ))
    }
}

fn try_lock(session: &mut PgConnection, number: i64) -> Result<bool> {
    let taken: Taken = sql_query("SELECT pg_try_advisory_lock($1) AS taken")
        .bind::<BigInt, _>(number)
        .get_result(session)?;
    Ok(taken.taken)
}
