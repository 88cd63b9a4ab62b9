//! `roster-server check`: checks the contents of a database.

use std::io::Write;

use anyhow::Context;
use roster_core::count::counted;
use roster_core::organization::{OrganizationName, RevisionId};
use roster_core::record::Settings;
use roster_index::{Loading, NUMBER_MAX, OrganizationFacts, TooLarge};
use roster_storage::{FOLLOWED_SETS_MAX, Store};

use crate::memory::load;
use crate::options::Options;

/// Maximum number of faults printed for an organization: enough to start repairs.
const PRINTED_MAX: usize = 100;

/// Checks every organization and prints its faults to `out`: violated invariants of stored facts,
/// and facts that differ between the rows and the change log.
///
/// Servers may run meanwhile: the check reads each organization in snapshots and compares the log
/// at the same revision. Returns whether it found no fault.
pub async fn check(options: &Options, out: impl Write) -> anyhow::Result<bool> {
    let checked = check_database(&options.database, &options.shown_database(), out).await?;
    Ok(checked.well)
}

/// The result of a check.
pub(crate) struct Checked {
    /// Whether it found no fault.
    pub(crate) well: bool,
    pub(crate) organizations: usize,
    /// The revisions of all organizations, added.
    pub(crate) revisions: u64,
}

/// As [`check`], for a database that is called `shown`.
pub(crate) async fn check_database(
    database: &str,
    shown: &str,
    mut out: impl Write,
) -> anyhow::Result<Checked> {
    let database = database.to_owned();
    let opening = tokio::task::spawn_blocking(move || {
        let store = Store::inspect(&database)?;
        let organizations = store.organizations()?;
        Ok::<_, roster_storage::StorageError>((store, organizations))
    });
    let (store, organizations) = opening
        .await?
        .with_context(|| format!("the database {shown} cannot be looked at"))?;
    let mut checked = Checked {
        well: true,
        organizations: organizations.len(),
        revisions: 0,
    };
    for organization in &organizations {
        let found = wrong_with(&store, organization).await;
        // Report an unreadable organization and continue with the others.
        let found = found.unwrap_or_else(|error| Found {
            wrong: vec![format!("cannot be read: {error:#}")],
            ..Found::default()
        });
        checked.well &= found.wrong.is_empty();
        checked.revisions += found.at.revision.number();
        print_faults(&mut out, organization, &found)?;
    }
    let count = counted(organizations.len() as u64, "organization");
    writeln!(out, "looked at {count}")?;
    Ok(checked)
}

/// The findings about an organization.
#[derive(Default)]
struct Found {
    at: RevisionId,
    wrong: Vec<String>,
    /// Why rows and log were not compared.
    left_out: Option<String>,
}

fn print_faults(
    out: &mut impl Write,
    organization: &OrganizationName,
    found: &Found,
) -> std::io::Result<()> {
    let (revision, wrong) = (found.at.revision.number(), &found.wrong);
    if wrong.is_empty() {
        writeln!(out, "{organization}: ok at revision {revision}")?;
    } else {
        let faults = counted(wrong.len() as u64, "fault");
        writeln!(out, "{organization}: {faults} at revision {revision}")?;
    }
    for line in wrong.iter().take(PRINTED_MAX) {
        writeln!(out, "  {line}")?;
    }
    if wrong.len() > PRINTED_MAX {
        writeln!(out, "  and {} more", wrong.len() - PRINTED_MAX)?;
    }
    if let Some(left_out) = &found.left_out {
        writeln!(out, "  note: {left_out}")?;
    }
    Ok(())
}

/// Checks an organization.
async fn wrong_with(store: &Store, organization: &OrganizationName) -> anyhow::Result<Found> {
    let violations = store.check(organization).await?;
    let mut found = Found {
        at: store
            .read(organization, |snapshot| Ok(snapshot.at()))
            .await?,
        wrong: violations.iter().map(ToString::to_string).collect(),
        left_out: None,
    };
    let stored = match load(store, organization, usize::MAX).await? {
        Ok(stored) => stored,
        Err(TooLarge) => {
            found.left_out = Some(format!(
                "a number of a record is above {NUMBER_MAX}, the highest that the memory of a server \
                 holds: rows and log were not compared. The database holds such numbers, and servers \
                 answer this organization from it"
            ));
            return Ok(found);
        }
    };
    found.at = stored.at();
    match replayed(store, organization, found.at).await? {
        Replayed::Whole(logged) => {
            let differences = logged.differences(&stored, usize::MAX);
            let told = |what| format!("first by the change log, then by the rows: {what}");
            found.wrong.extend(differences.into_iter().map(told));
        }
        Replayed::Broken(what) => found.wrong.push(what),
        Replayed::BeginsAt(revision) => {
            found.left_out = Some(format!(
                "the change log begins at revision {revision}, so rows and log were not compared"
            ));
        }
    }
    Ok(found)
}

/// The result of replaying the change log.
enum Replayed {
    /// The facts at the end of the log.
    Whole(Box<OrganizationFacts>),
    /// The log does not lead to the organization's revision, with the reason.
    Broken(String),
    /// The beginning of the log is no longer stored.
    BeginsAt(u64),
}

/// Replays the change log up to a revision.
async fn replayed(
    store: &Store,
    organization: &OrganizationName,
    until: RevisionId,
) -> anyhow::Result<Replayed> {
    let mut facts =
        Loading::new(RevisionId::default(), &Settings::default(), usize::MAX).finish()?;
    while facts.at().revision < until.revision {
        let last = facts.at().revision.number();
        let sets = match store
            .changes_after(organization, facts.at(), FOLLOWED_SETS_MAX)
            .await
        {
            Ok(sets) => sets.unwrap_or_default(),
            Err(error) => {
                let why = anyhow::Error::from(error);
                let what = format!("the change log cannot be read after revision {last}: {why:#}");
                return Ok(Replayed::Broken(what));
            }
        };
        let Some(first) = sets.first() else {
            let what = format!("the change log ends at revision {last}");
            return Ok(Replayed::Broken(what));
        };
        let next = first.at.revision.number();
        if next != last + 1 {
            return Ok(match last {
                0 => Replayed::BeginsAt(next),
                _ => Replayed::Broken(format!(
                    "the change log has nothing between revision {last} and {next}"
                )),
            });
        }
        for set in sets
            .iter()
            .take_while(|set| set.at.revision <= until.revision)
        {
            if let Err(not) = facts.apply(set.at, &set.changes) {
                let revision = set.at.revision.number();
                let what = format!("the change set of revision {revision} does not fit: {not}");
                return Ok(Replayed::Broken(what));
            }
        }
    }
    Ok(Replayed::Whole(Box::new(facts)))
}
