//! The sample data, so that a server has something to show from its first minute.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use roster_core::rules::settings::UpdateSettings;
use roster_intake::{Config, Intake, Kind};
use roster_storage::{Done, ImportState, OrganizationName, Origin, Store};
use tempfile::NamedTempFile;

use crate::spine::{DEFAULT_ORGANIZATION, LOCAL_CALLER};

/// The files of the sample, in the order in which each finds what it names.
const FILES: [(Kind, &[u8]); 4] = [
    (
        Kind::Accounts,
        include_bytes!("../../../tests/data/accounts.csv"),
    ),
    (
        Kind::Contacts,
        include_bytes!("../../../tests/data/contacts.csv"),
    ),
    (
        Kind::Associations,
        include_bytes!("../../../tests/data/associations.csv"),
    ),
    (
        Kind::Tickets,
        include_bytes!("../../../tests/data/tickets.csv"),
    ),
];

/// How often a file on its way in is looked at.
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// Fills the default organization, unless anything was ever written to it.
pub(crate) async fn fill(store: &Arc<Store>, intake: &Intake) -> anyhow::Result<()> {
    let organization = OrganizationName::parse(DEFAULT_ORGANIZATION)?;
    let revision = store.read(&organization, |at| Ok(at.at().revision)).await?;
    if revision.number() > 0 {
        tracing::info!("the database is not empty: the sample data is left out");
        return Ok(());
    }
    // Some people of the sample belong to several companies.
    let several = UpdateSettings {
        multiple_accounts: Some(true),
        ..UpdateSettings::default()
    };
    let keep = |_: &_, _| Vec::new();
    store
        .execute(&organization, several, origin(), keep)
        .await?;
    let filling = Filling {
        store,
        intake,
        organization,
    };
    for (kind, bytes) in FILES {
        let rows = filling
            .load(kind, bytes)
            .await
            .with_context(|| format!("the sample's {kind:?} cannot be loaded"))?;
        tracing::info!(?kind, rows, "sample data");
    }
    Ok(())
}

fn origin() -> Origin {
    Origin {
        actor: LOCAL_CALLER.to_owned(),
        source: "import",
        job: None,
        request: None,
    }
}

/// What is filled, and how.
struct Filling<'a> {
    store: &'a Arc<Store>,
    intake: &'a Intake,
    organization: OrganizationName,
}

impl Filling<'_> {
    /// Imports a file and waits for its end; answers how many records it made.
    async fn load(&self, kind: Kind, bytes: &[u8]) -> anyhow::Result<u64> {
        let mut file = NamedTempFile::new()?;
        file.write_all(bytes)?;
        let config = Config {
            kind,
            format: None,
            encoding: None,
            mapping: Vec::new(),
            create_missing: false,
        };
        let (organization, file) = (self.organization.clone(), file.into_temp_path());
        let begun = self
            .intake
            .start(organization, file, config, origin(), |_| Vec::new())
            .await?;
        let Done::Fresh(begun, _) = begun else {
            bail!("it was loaded before");
        };
        loop {
            let found = self
                .store
                .read(&self.organization, move |at| at.import(begun.id));
            let import = found.await?.context("its import is gone")?;
            match import.state {
                ImportState::Running => tokio::time::sleep(LOOKS_EVERY).await,
                ImportState::Completed => return Ok(import.counts.created),
                other => bail!("its import ended as {other:?}"),
            }
        }
    }
}
