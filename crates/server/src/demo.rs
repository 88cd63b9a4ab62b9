//! The sample data of `--demo`.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use roster_core::id::ImportId;
use roster_core::rules::settings::UpdateSettings;
use roster_intake::{Config, Intake, Kind, Upload};
use roster_storage::{
    ChangeOrigin, Done, ImportState, OrganizationName, Origin, OriginKind, Snapshot, StorageError,
    Store,
};

use crate::caller::{CREDENTIAL_LOCAL, ORGANIZATION_DEFAULT};

/// The kind of rows of a file, and its bytes.
type File = (Kind, &'static [u8]);

/// The files of the sample, each after the files whose records it names.
const FILES: [File; 4] = [
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

/// How often to check the progress of an import.
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// The source of the sample's change sets. No other change set has it, so the log shows whether
/// anybody else ever wrote.
const SOURCE: OriginKind = OriginKind::Demo;

/// Fills the default organization, unless anybody else ever wrote to it. Finishes an interrupted
/// fill: importing a file again does not change rows that are already stored.
pub(crate) async fn fill(store: &Arc<Store>, intake: &Intake) -> anyhow::Result<()> {
    let organization = ORGANIZATION_DEFAULT.clone();
    let files = match store.read(&organization, missing).await? {
        None => {
            tracing::info!("the database is not empty: not loading the sample data");
            return Ok(());
        }
        Some(files) if files.is_empty() => {
            tracing::info!("sample data loaded");
            return Ok(());
        }
        Some(files) => files,
    };
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
    for (kind, bytes) in files {
        let rows = filling
            .load(kind, bytes)
            .await
            .with_context(|| format!("cannot load the sample's {kind:?}"))?;
        tracing::info!(?kind, rows, "sample file loaded");
    }
    Ok(())
}

/// The files that are not loaded yet. `None` if the organization contains other data.
///
/// Invariant: revisions have no gaps, so if the sample has as many change sets as the revision, no
/// other change set ever existed.
fn missing(at: &mut Snapshot<'_>) -> Result<Option<Vec<File>>, StorageError> {
    if at.change_sets_from(SOURCE)? != at.at().revision.number() {
        return Ok(None);
    }
    let mut files = FILES.to_vec();
    let mut number = 1;
    while let Some(import) = at.import(ImportId::new(number))? {
        if import.state == ImportState::Completed {
            files.retain(|(kind, _)| kind.stored() != import.new.kind);
        }
        number += 1;
    }
    Ok(Some(files))
}

fn origin() -> Origin {
    Origin {
        credential: CREDENTIAL_LOCAL.to_owned(),
        actor: String::new(),
        from: ChangeOrigin::of(SOURCE),
        request: None,
        may_create_organization: true,
    }
}

/// The store to fill and the import to fill it with.
struct Filling<'a> {
    store: &'a Arc<Store>,
    intake: &'a Intake,
    organization: OrganizationName,
}

impl Filling<'_> {
    /// Imports a file, waits for its end and returns the number of created records.
    async fn load(&self, kind: Kind, bytes: &[u8]) -> anyhow::Result<u64> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        let config = Config {
            kind,
            format: None,
            encoding: None,
            mapping: Vec::new(),
            create_missing: false,
        };
        let organization = self.organization.clone();
        let upload = Upload {
            file,
            space: Box::new(()),
        };
        let begun = self
            .intake
            .start(organization, upload, config, origin(), |_| Vec::new())
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
