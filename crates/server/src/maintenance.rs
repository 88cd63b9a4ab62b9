//! `roster-server migrate`, `backup` and `restore`.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use roster_core::count::counted;
use roster_storage::Copy;

use crate::check::{Checked, check_database};
use crate::options::Options;

/// Creates or migrates the tables of the database, and prints from which version to which.
pub async fn migrate(options: &Options, mut out: impl Write) -> anyhow::Result<()> {
    let (database, accepts_loss) = (options.database.clone(), options.start.accept_loss);
    let migrating =
        tokio::task::spawn_blocking(move || roster_storage::migrate(&database, accepts_loss));
    let shown = options.shown_database();
    let migrated = migrating
        .await?
        .with_context(|| format!("cannot migrate the database {shown}"))?;
    match migrated.from {
        None => writeln!(out, "{shown}: created with schema {}", migrated.to)?,
        Some(from) if from == migrated.to => writeln!(out, "{shown}: already at schema {from}")?,
        Some(from) => writeln!(
            out,
            "{shown}: migrated from schema {from} to {}",
            migrated.to
        )?,
    }
    Ok(())
}

/// Copies the database to `file`, also while a server uses it. Returns whether the copy has no
/// fault; otherwise there is no file.
pub async fn back_up(options: &Options, file: &Path, mut out: impl Write) -> anyhow::Result<bool> {
    let (database, to) = (options.database.clone(), file.to_owned());
    let copying = tokio::task::spawn_blocking(move || roster_storage::back_up(&database, &to));
    let copy = copying.await?.with_context(|| {
        let database = options.shown_database();
        format!("cannot back up the database {database}")
    })?;
    let checked = check_copy(&copy, file, &mut out).await?;
    if !checked.well {
        writeln!(
            out,
            "the copy has faults: {} is not created",
            file.display()
        )?;
        return Ok(false);
    }
    let bytes = copy.keep_as(file).context("cannot keep the backup")?;
    let contents = contents(&checked);
    writeln!(
        out,
        "{}: {bytes} bytes, {contents}, no faults",
        file.display()
    )?;
    Ok(true)
}

/// Makes the backup `file` the database. Returns whether the backup has no fault; otherwise nothing
/// has changed.
pub async fn restore(
    options: &Options,
    file: &Path,
    replace: bool,
    mut out: impl Write,
) -> anyhow::Result<bool> {
    let shown = options.shown_database();
    let failed = || format!("cannot restore {} as {shown}", file.display());
    let (database, from) = (options.database.clone(), file.to_owned());
    let copying =
        tokio::task::spawn_blocking(move || roster_storage::prepare_restore(&from, &database));
    let (copy, migrated) = copying.await?.with_context(failed)?;
    let checked = check_copy(&copy, file, &mut out).await?;
    if !checked.well {
        writeln!(out, "{} has faults: nothing is restored", file.display())?;
        return Ok(false);
    }
    let database = options.database.clone();
    let placing = move || roster_storage::put_in_place(copy, &database, replace);
    let replaced = tokio::task::spawn_blocking(placing)
        .await?
        .with_context(failed)?;
    if let Some(replaced) = replaced {
        writeln!(
            out,
            "the database of before is kept as {}",
            replaced.path.display()
        )?;
    }
    writeln!(
        out,
        "{shown}: restored, {}, schema {}",
        contents(&checked),
        migrated.to
    )?;
    writeln!(
        out,
        "Tokens of writes after this backup are refused with TOKEN_LOST: callers discard them, and \
         repeat the writes that they still need"
    )?;
    Ok(true)
}

fn contents(checked: &Checked) -> String {
    let organizations = counted(checked.organizations as u64, "organization");
    format!(
        "{organizations}, {}",
        counted(checked.revisions, "revision")
    )
}

/// Checks a copy as `roster-server check` does. Prints the findings only if there are faults.
async fn check_copy(copy: &Copy, shown: &Path, out: &mut impl Write) -> anyhow::Result<Checked> {
    let url = format!("sqlite:{}", copy.path().display());
    let mut findings = Vec::new();
    let checked = check_database(&url, &shown.display().to_string(), &mut findings).await?;
    if !checked.well {
        out.write_all(&findings)?;
    }
    Ok(checked)
}
