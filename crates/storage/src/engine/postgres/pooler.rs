//! Refuses a pooler that lends a session of PostgreSQL for one transaction only (pgbouncer with
//! `pool_mode` transaction or statement). There, settings of a session reach other sessions, a lock
//! of a session stays behind, and prepared statements are missing.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::{Conn, connect};
use crate::error::{Result, StorageError};

/// How often to compare. A pooler lends the session that was returned last, or all in turn: among
/// this many transactions, two connections then meet in one session.
const ROUNDS: usize = 8;

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    process: i32,
}

/// Returns the process of PostgreSQL that carries out a transaction.
fn process(conn: &mut Conn) -> Result<i32> {
    conn.batch_execute("BEGIN READ ONLY")?;
    let found = diesel::sql_query("SELECT pg_backend_pid() AS process").get_result(conn);
    conn.batch_execute("COMMIT")?;
    Ok(found.map(|Process { process }| process)?)
}

/// Fails if two connections are ever served by one process, or one connection by two.
pub(crate) fn refuse_transaction_mode(url: &str) -> Result<()> {
    let mut connections = [connect(url)?, connect(url)?];
    let mut seen = [None, None];
    for _ in 0..ROUNDS {
        for (conn, seen) in connections.iter_mut().zip(&mut seen) {
            let now = process(conn)?;
            if seen.is_some_and(|before| before != now) {
                return Err(refusal());
            }
            *seen = Some(now);
        }
        if seen[0] == seen[1] {
            return Err(refusal());
        }
    }
    Ok(())
}

fn refusal() -> StorageError {
    StorageError::UnusableAddress(
        "the address leads to a pooler that lends sessions by transaction: set pool_mode = session \
         there (pgbouncer), or connect to PostgreSQL itself"
            .to_owned(),
    )
}
