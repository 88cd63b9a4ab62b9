//! A store of its own for each test, on either engine.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and have no public"
)]

use std::sync::Arc;

use roster_core::command::Command;
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::text::Name;
use roster_testkit::database::{Database, Engine};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::error::Result;
use crate::tables::origin::ChangeOrigin;
use crate::write::job::{Done, Origin};
use crate::{OrganizationName, Snapshot, Store};

/// A store, and shortcuts for tests.
pub(crate) struct TestStore {
    pub(crate) store: Arc<Store>,
    runtime: Runtime,
    database: Database,
}

impl TestStore {
    fn open(engine: Engine) -> Self {
        let database = Database::create(engine);
        Self {
            store: Arc::new(Store::open(&database.url).unwrap()),
            // Two workers on any machine, so that one may read inline.
            runtime: Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
            database,
        }
    }

    pub(crate) fn sqlite() -> Self {
        Self::open(Engine::Sqlite)
    }

    pub(crate) fn postgres() -> Self {
        Self::open(Engine::Postgres)
    }

    /// Carries out commands together. Returns their answers in order.
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
                        credential: "test".into(),
                        actor: String::new(),
                        from: ChangeOrigin::CALL,
                        request: None,
                        may_create_organization: true,
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

    /// Creates accounts, numbered from 1 in an empty organization.
    pub(crate) fn make_accounts(&self, organization: &OrganizationName, count: u64) {
        let account = |number: u64| CreateAccount {
            name: Name::parse(&format!("A{number}")).unwrap(),
            fields: AccountPatch::default(),
        };
        self.all(organization, (1..=count).map(account).collect());
    }

    /// Creates contacts, numbered from 1 in an empty organization.
    pub(crate) fn make_contacts(&self, organization: &OrganizationName, count: u64) {
        let contact = |number: u64| CreateContact {
            family_name: Name::parse(&format!("C{number}")).unwrap(),
            fields: ContactPatch::default(),
        };
        self.all(organization, (1..=count).map(contact).collect());
    }

    /// The address of its database.
    pub(crate) fn url(&self) -> &str {
        &self.database.url
    }

    /// Runs a future to its end.
    pub(crate) fn wait<T>(&self, ending: impl Future<Output = T>) -> T {
        self.runtime.block_on(ending)
    }

    /// Reads one revision.
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

/// Runs a test on both engines.
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
