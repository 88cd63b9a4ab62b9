//! A database of a test's own, on either engine. Mounted by the tests of storage and by those of the
//! API.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// The variable that names the PostgreSQL server of the tests.
const POSTGRES: &str = "ROSTER_TEST_POSTGRES";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A database that lives as long as a test.
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
                // Process ids come again, and databases stay: only chance makes a name new.
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
}
