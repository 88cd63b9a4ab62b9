//! A store of its own for each test, on either engine.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::PgConnection;
use diesel::connection::{Connection as _, SimpleConnection};
use roster_core::command::Command;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::connection::Result;
use crate::{Done, OrganizationName, Origin, Snapshot, Store};

/// A store, and words for what tests do with it.
pub(crate) struct TestStore {
    pub(crate) store: Arc<Store>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

fn new_postgres() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("ROSTER_TEST_POSTGRES")
        .expect("ROSTER_TEST_POSTGRES is set: tests/run starts PostgreSQL");
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("s{}_{number}", std::process::id());
    let mut conn = PgConnection::establish(&format!("{server}/postgres")).unwrap();
    conn.batch_execute(&format!("CREATE DATABASE {name}"))
        .unwrap();
    format!("{server}/{name}")
}

impl TestStore {
    fn open(url: &str, folder: tempfile::TempDir) -> Self {
        Self {
            store: Arc::new(Store::open(url).unwrap()),
            runtime: Runtime::new().unwrap(),
            _folder: folder,
        }
    }

    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("roster.db").display());
        Self::open(&url, folder)
    }

    pub(crate) fn postgres() -> Self {
        Self::open(&new_postgres(), tempfile::tempdir().unwrap())
    }

    /// Carries out commands together; answers in their order.
    pub(crate) fn all<C: Command>(
        &self,
        organization: &OrganizationName,
        commands: Vec<C>,
    ) -> Vec<C::Answer> {
        self.runtime.block_on(async {
            let mut running = JoinSet::new();
            for (index, command) in commands.into_iter().enumerate() {
                let (store, organization) = (Arc::clone(&self.store), organization.clone());
                running.spawn(async move {
                    let origin = Origin {
                        actor: "test".into(),
                        source: "rpc",
                        job: None,
                        request: None,
                    };
                    let done = store
                        .execute(&organization, command, origin, |_, _| Vec::new())
                        .await;
                    match done.unwrap() {
                        Done::Fresh(answer, _) => (index, answer),
                        Done::Repeated(_) => unreachable!("no request id was given"),
                    }
                });
            }
            let mut answers = running.join_all().await;
            answers.sort_by_key(|(index, _)| *index);
            answers.into_iter().map(|(_, answer)| answer).collect()
        })
    }

    /// Waits for an end.
    pub(crate) fn wait<T>(&self, ending: impl Future<Output = T>) -> T {
        self.runtime.block_on(ending)
    }

    /// Asks one moment.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        organization: &OrganizationName,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        self.runtime
            .block_on(self.store.read(organization, ask))
            .unwrap()
    }
}

/// A sentence that must hold on both engines.
macro_rules! on_both_engines {
    ($name:ident, $holds:path) => {
        mod $name {
            #[test]
            fn sqlite() {
                $holds(&crate::testing::TestStore::sqlite());
            }

            #[test]
            fn postgres() {
                $holds(&crate::testing::TestStore::postgres());
            }
        }
    };
}
pub(crate) use on_both_engines;
