//! `roster-server check`: whether what a database holds is what it should be.

use std::io::Write;

use anyhow::Context;
use roster_core::organization::{At, OrganizationName};
use roster_core::record::Settings;
use roster_index::{Loading, OrganizationFacts};
use roster_storage::Store;

use crate::memory::load;
use crate::options::Options;

/// How many lines are told of an organization: whoever has more to mend begins with these.
const TOLD_MAX: usize = 100;
/// Change sets that are read at once, at most.
const SETS_MAX: usize = 1_000;

/// Looks at every organization and tells `out` of each what is wrong with it: invariants of stored
/// facts that do not hold, and facts that differ between the rows and the change log.
///
/// Servers may be at work meanwhile: each organization is looked at in snapshots, and what the
/// log brings is compared at the same revision. Answers whether all is well.
pub async fn check(options: &Options, mut out: impl Write) -> anyhow::Result<bool> {
    let database = options.database.clone();
    let opening = tokio::task::spawn_blocking(move || {
        let store = Store::inspect(&database)?;
        let organizations = store.organizations()?;
        Ok::<_, roster_storage::StorageError>((store, organizations))
    });
    let (store, organizations) = opening.await?.with_context(|| {
        let database = options.shown_database();
        format!("the database {database} cannot be looked at")
    })?;
    let mut well = true;
    for organization in &organizations {
        let (at, wrong) = wrong_with(&store, organization).await?;
        let revision = at.revision.number();
        if wrong.is_empty() {
            writeln!(out, "{organization}: ok at revision {revision}")?;
            continue;
        }
        well = false;
        writeln!(
            out,
            "{organization}: {} faults at revision {revision}",
            wrong.len()
        )?;
        for line in wrong.iter().take(TOLD_MAX) {
            writeln!(out, "  {line}")?;
        }
        if wrong.len() > TOLD_MAX {
            writeln!(out, "  and {} more", wrong.len() - TOLD_MAX)?;
        }
    }
    writeln!(out, "{} organizations were looked at", organizations.len())?;
    Ok(well)
}

/// What is wrong with an organization.
async fn wrong_with(
    store: &Store,
    organization: &OrganizationName,
) -> anyhow::Result<(At, Vec<String>)> {
    let violations = store.check(organization).await?;
    let mut wrong: Vec<String> = violations.iter().map(ToString::to_string).collect();
    let stored = load(store, organization, usize::MAX).await??;
    let at = stored.at();
    let replayed = replayed(store, organization, at).await?;
    match replayed {
        Ok(Some(replayed)) => wrong.extend(replayed.differences(&stored, usize::MAX)),
        // The log begins later: it alone does not tell what there is.
        Ok(None) => {}
        Err(contradiction) => wrong.push(format!(
            "the change log contradicts itself: {contradiction}"
        )),
    }
    Ok((at, wrong))
}

/// The same facts from the change log alone, up to a moment; none where the log begins later.
async fn replayed(
    store: &Store,
    organization: &OrganizationName,
    until: At,
) -> anyhow::Result<Result<Option<OrganizationFacts>, String>> {
    let mut facts = Loading::new(At::default(), &Settings::default(), usize::MAX).finish()?;
    while facts.at().revision < until.revision {
        let sets = store
            .changes_after(organization, facts.at(), SETS_MAX)
            .await?;
        let sets = sets.unwrap_or_default();
        let Some(first) = sets.first() else {
            return Ok(Ok(None));
        };
        if first.at.revision != facts.at().revision.next() {
            return Ok(Ok(None));
        }
        for set in sets
            .iter()
            .take_while(|set| set.at.revision <= until.revision)
        {
            if let Err(not) = facts.apply(set.at, &set.changes) {
                return Ok(Err(not.to_string()));
            }
        }
    }
    Ok(Ok(Some(facts)))
}
