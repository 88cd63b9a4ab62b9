//! The rows of the report: each measures one promise and can run alone.

pub(crate) mod associate;
mod batch;
mod check;
pub(crate) mod decision;
pub(crate) mod import;
mod latency;
pub(crate) mod list;
mod restart;
mod search;

use anyhow::{Result, bail};
use futures::future::LocalBoxFuture;

use crate::bench::Bench;
use crate::databases::Engine;
use crate::report::Figure;
use crate::say::say;

/// A row.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What it measures, against what, and which bar is set.
    pub(crate) about: &'static str,
    /// What it takes beside its slices; empty where that is little.
    pub(crate) takes: &'static str,
    /// Whether it differs from database to database.
    pub(crate) of_database: bool,
    /// Whether it is measured only where it is named: it fills a world of its own.
    pub(crate) only_by_name: bool,
    pub(crate) measure: for<'b> fn(&'b Bench, Engine) -> LocalBoxFuture<'b, Result<Vec<Figure>>>,
}

/// All rows, in the order of the design.
const ROWS: [&Row; 11] = [
    &check::ROW,
    &decision::ROW,
    &batch::ROW,
    &list::ROW,
    &latency::ROW,
    &associate::ROW,
    &associate::WHILE_IMPORTING,
    &import::ROW,
    &import::MEMORY,
    &search::ROW,
    &restart::ROW,
];

/// The rows of these names. Without names, all rows but those that are measured only by name.
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Row>> {
    if names.is_empty() {
        let all = ROWS.into_iter().filter(|row| !row.only_by_name);
        return Ok(all.collect());
    }
    let mut found = Vec::new();
    for name in names {
        match ROWS.iter().find(|row| row.name == name) {
            Some(row) => found.push(*row),
            None => bail!("there is no row {name}: roster-bench list says which there are"),
        }
    }
    Ok(found)
}

/// Says what there is.
pub(crate) fn list() {
    for row in ROWS {
        say(format_args!("{}\n    {}", row.name, row.about));
        if !row.takes.is_empty() {
            say(format_args!("    takes {}", row.takes));
        }
        if row.only_by_name {
            say("    is measured only by name");
        }
    }
}
