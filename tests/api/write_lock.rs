//! Holds all writes to an organization, as long as a test wants, by the lock that a writer takes.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::world::{Database, Engine};

/// How long the lock may be held by others.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// While it lives, writes wait. SQLite's writers give up after ten seconds.
pub enum WriteLock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl WriteLock {
    /// The organization must exist already.
    pub fn take(engine: Engine, database: &Database) -> Self {
        match engine {
            Engine::Sqlite => {
                let path = database.url.strip_prefix("sqlite:").expect("a path");
                let mut conn = SqliteConnection::establish(path).expect("the file");
                // SQLite's own waiting looks every 100 ms, and misses the moments between writes.
                let began = Instant::now();
                while let Err(busy) = conn.batch_execute("BEGIN IMMEDIATE") {
                    assert!(began.elapsed() < LOCK_PATIENCE, "{busy}");
                    std::thread::yield_now();
                }
                Self::Sqlite(conn)
            }
            Engine::Postgres => {
                let mut conn = PgConnection::establish(&database.url).expect("PostgreSQL");
                // The database may have a time limit, which is for the server.
                conn.batch_execute(
                    "SET lock_timeout = 0; BEGIN; SELECT 1 FROM organizations FOR UPDATE",
                )
                .expect("the lock");
                Self::Postgres(conn)
            }
        }
    }

    /// Lets the writes go on.
    pub fn release(self) {
        let released = match self {
            Self::Sqlite(mut conn) => conn.batch_execute("ROLLBACK"),
            Self::Postgres(mut conn) => conn.batch_execute("ROLLBACK"),
        };
        released.expect("the end of the lock");
    }
}
