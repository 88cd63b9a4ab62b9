//! The rows of the report: each measures one property and can run separately.

pub(crate) mod associate;
mod batch;
mod check;
pub(crate) mod decision;
pub(crate) mod import;
mod latency;
pub(crate) mod list;
mod neighbour;
mod overload;
mod restart;
mod search;
mod secured;

use anyhow::{Result, bail};
use futures::future::LocalBoxFuture;

use crate::bench::Bench;
use crate::databases::Engine;
use crate::output::print_line;
use crate::report::Figure;

/// A row of the report.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What it measures, the baseline, and the bar.
    pub(crate) about: &'static str,
    /// The time and space that it takes besides its slices; empty if little.
    pub(crate) takes: &'static str,
    /// Whether it is measured once per database engine.
    pub(crate) per_engine: bool,
    /// Whether it is measured only if named by --row, because it fills another world.
    pub(crate) only_by_name: bool,
    pub(crate) measure: for<'b> fn(&'b Bench, Engine) -> LocalBoxFuture<'b, Result<Vec<Figure>>>,
}

/// All rows, in the order of the report.
const ROWS: [&Row; 14] = [
    &check::ROW,
    &secured::ROW,
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
    &overload::ROW,
    &neighbour::ROW,
];

/// Returns the rows with these names. Without names, returns all rows except those that are
/// measured only by name.
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Row>> {
    if names.is_empty() {
        let all = ROWS.into_iter().filter(|row| !row.only_by_name);
        return Ok(all.collect());
    }
    let mut found = Vec::new();
    for name in names {
        match ROWS.iter().find(|row| row.name == name) {
            Some(row) => found.push(*row),
            None => bail!("there is no row {name}: `roster-bench list` prints all rows"),
        }
    }
    Ok(found)
}

/// Prints all rows.
pub(crate) fn list() {
    for row in ROWS {
        print_line(format_args!("{}\n    {}", row.name, row.about));
        if !row.takes.is_empty() {
            print_line(format_args!("    takes {}", row.takes));
        }
        if row.only_by_name {
            print_line("    measured only if named by --row");
        }
    }
}
