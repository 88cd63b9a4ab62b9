//! Databases for single tests, on either engine.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// The variable that names the PostgreSQL server of the tests.
const POSTGRES: &str = "ROSTER_TEST_POSTGRES";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A database that exists as long as its test.
pub struct Database {
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub fn create(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let url = format!("sqlite:{}", folder.path().join("roster.db").display());
                Self {
                    url,
                    _folder: Some(folder),
                }
            }
            Engine::Postgres => {
                let server = std::env::var(POSTGRES).unwrap_or_else(|_| {
                    panic!("{POSTGRES} is not set: run tests/run, which starts PostgreSQL")
                });
                // Process ids repeat and databases remain: only a random name is new.
                let name = format!("t{:016x}", rand::random::<u64>());
                let mut conn =
                    PgConnection::establish(&format!("{server}/postgres")).expect("PostgreSQL");
                conn.batch_execute(&format!("CREATE DATABASE {name}"))
                    .expect("a database of the test's own");
                Self {
                    url: format!("{server}/{name}"),
                    _folder: None,
                }
            }
        }
    }

    /// Waits until PostgreSQL has ended the sessions of a killed server: until then it may still
    /// run the server's last statements.
    pub fn wait_until_forgotten(&self) {
        if self.url.starts_with("sqlite:") {
            return;
        }
        let (server, name) = self.url.rsplit_once('/').expect("a database of a server");
        let mut conn = PgConnection::establish(&format!("{server}/postgres")).expect("PostgreSQL");
        let count = format!(
            "SELECT 1 / (CASE WHEN count(*) = 0 THEN 1 ELSE 0 END) \
             FROM pg_stat_activity WHERE datname = '{name}'"
        );
        // Fails with a division by zero as long as there is a session.
        while conn.batch_execute(&count).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}
