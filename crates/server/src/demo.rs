//! The sample data, so that a server has something to show from its first minute.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use roster_core::id::ImportId;
use roster_core::rules::settings::UpdateSettings;
use roster_intake::{Config, Intake, Kind};
use roster_storage::{
    ChangeOrigin, Done, ImportState, OrganizationName, Origin, OriginKind, Snapshot, StorageError,
    Store,
};
use tempfile::NamedTempFile;

use crate::caller::{CREDENTIAL_LOCAL, ORGANIZATION_DEFAULT};

/// What the rows of a file are, and its bytes.
type File = (Kind, &'static [u8]);

/// The files of the sample, in the order in which each finds what it names.
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

/// How often a file on its way in is looked at.
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// By what way the sample comes in: no other change set has this source, and so the log tells
/// whether anybody else ever wrote.
const SOURCE: OriginKind = OriginKind::Demo;

/// Fills the default organization, unless anybody else ever wrote to it. A filling that was ended
/// half-way is finished: a file that is sent again changes nothing that is in already.
pub(crate) async fn fill(store: &Arc<Store>, intake: &Intake) -> anyhow::Result<()> {
    let organization = ORGANIZATION_DEFAULT.clone();
    let files = match store.read(&organization, missing).await? {
        None => {
            tracing::info!("the database is not empty: the sample data is left out");
            return Ok(());
        }
        Some(files) if files.is_empty() => {
            tracing::info!("the sample data is in");
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
            .with_context(|| format!("the sample's {kind:?} cannot be loaded"))?;
        tracing::info!(?kind, rows, "sample data");
    }
    Ok(())
}

/// The files that are not in yet; none where anything is there that is not the sample's.
///
/// Invariant: revisions have no gaps, so as many change sets of the sample as the revision says are
/// all there ever were.
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
