//! The rows of the report: each measures one promise and can run alone.

mod associate;
mod batch;
mod check;
pub(crate) mod decision;
mod import;
mod latency;
mod list;
mod restart;
mod search;

use anyhow::{Result, bail};
use futures::future::LocalBoxFuture;

use crate::bench::Bench;
use crate::cache::Engine;
use crate::report::Figure;
use crate::say::say;

/// A row.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What it measures, against what, and which bar is set.
    pub(crate) about: &'static str,
    /// How long it takes beside its slices; empty where it is no matter.
    pub(crate) takes: &'static str,
    /// Whether it differs from database to database.
    pub(crate) of_database: bool,
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

/// The rows of these names; all for none.
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Row>> {
    if names.is_empty() {
        return Ok(ROWS.to_vec());
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
    }
}
