//! Compares two builds of the server in one run, to measure the effect of a change.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::bench::Bench;
use crate::databases::Engine;
use crate::options::{Compare, ReportOnly};
use crate::output::print_line;
use crate::pairs::{Spread, alternate, median_interval};
use crate::process::server_program;
use crate::report::format_number;
use crate::side::{Side, Workload};

/// A ratio above this is not worse, even if the slowdown is certain: it is too small to act on.
const WORSE_BELOW: f64 = 0.97;

/// The speed of the new server in relation to the old server.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Comparison {
    workload: Workload,
    engine: Engine,
    /// The median of the ratios of new to old, one per pair.
    ratio: f64,
    /// The 95 % interval of the median.
    interval: (f64, f64),
    pairs: usize,
}

impl Comparison {
    fn new(workload: Workload, engine: Engine, ratios: &[f64]) -> Result<Self> {
        let Some(interval) = median_interval(ratios.iter().copied()) else {
            bail!(
                "{} pairs are too few for an interval: use at least 6",
                ratios.len()
            );
        };
        Ok(Self {
            workload,
            engine,
            ratio: Spread::of(ratios.iter().copied()).median,
            interval,
            pairs: ratios.len(),
        })
    }

    /// Whether the new server is slower. A slower median counts only if chance does not explain it.
    fn is_worse(&self) -> bool {
        let (lower, upper) = self.interval;
        let by_chance = lower <= 1.0 && 1.0 <= upper;
        !by_chance && self.ratio < WORSE_BELOW
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lower, upper) = self.interval;
        write!(
            f,
            "{} ({}): {:.3} × [{lower:.3} to {upper:.3} of {} pairs] {}",
            self.workload.name(),
            self.engine.name(),
            self.ratio,
            self.pairs,
            if self.is_worse() {
                "worse"
            } else {
                "not worse"
            }
        )
    }
}

/// Runs the selected comparisons, prints each result, and fails if any of them is worse.
pub(crate) async fn run(compare: Compare) -> Result<()> {
    let new = server_program(compare.new.as_deref())?;
    let old = server_program(Some(&compare.old))?;
    let bench = Bench::new(compare.measuring, ReportOnly::default(), old)?;
    let rows = match compare.rows.as_slice() {
        [] => Workload::value_variants(),
        named => named,
    };
    let mut worse = Vec::new();
    for engine in compare.databases.database.engines() {
        for workload in rows {
            let compared = measure(&bench, *engine, *workload, &new).await;
            let compared = compared.with_context(|| format!("row {} failed", workload.name()))?;
            if compared.is_worse() {
                worse.push(compared.to_string());
            }
        }
    }
    if !worse.is_empty() {
        bail!("the new server is slower: {}", worse.join(", "));
    }
    Ok(())
}

async fn measure(
    bench: &Bench,
    engine: Engine,
    workload: Workload,
    new: &Path,
) -> Result<Comparison> {
    let mut old = Side::start(bench, engine, &bench.server, workload).await?;
    let mut new = Side::start(bench, engine, new, workload).await?;
    let pairs = alternate(
        bench.slices(),
        async || old.slice().await,
        async || new.slice().await,
    )
    .await?;
    let ratios: Vec<f64> = pairs
        .iter()
        .map(|pair| pair.measured / pair.baseline)
        .collect();
    let compared = Comparison::new(workload, engine, &ratios)?;
    print_line(compared);
    let speeds = (
        Spread::of(pairs.iter().map(|pair| pair.baseline)).median,
        Spread::of(pairs.iter().map(|pair| pair.measured)).median,
    );
    let unit = match workload {
        Workload::Import => "row",
        Workload::Check | Workload::List | Workload::Associate => "call",
    };
    for (name, speed, side) in [("old", speeds.0, &old), ("new", speeds.1, &new)] {
        print_line(format_args!(
            "    {name}: {} {unit}s/s, {} µs of processor time per {unit}",
            format_number(speed),
            format_number(side.costs.per_answer())
        ));
    }
    Ok(compared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(ratios: impl IntoIterator<Item = f64>) -> Comparison {
        let ratios: Vec<f64> = ratios.into_iter().collect();
        Comparison::new(Workload::Check, Engine::Sqlite, &ratios).expect("enough pairs")
    }

    #[test]
    fn worse_means_certainly_slower_and_by_more_than_3_percent() {
        let around = |middle: f64, wide: f64| {
            compared((-15..15).map(|place| middle + wide * (f64::from(place) + 0.5) / 15.0))
        };
        assert!(around(0.96, 0.02).is_worse());
        // Certainly slower, but by less than 3 %.
        assert!(!around(0.98, 0.02).is_worse());
        // The median is slower by 4 %, but chance explains it.
        assert!(!around(0.96, 0.5).is_worse());
        assert!(!around(1.5, 0.02).is_worse());
    }

    #[test]
    fn a_comparison_prints_its_interval_and_its_verdict() {
        let line = "check (sqlite): 0.900 × [0.900 to 0.900 of 30 pairs] worse";
        assert_eq!(compared([0.9; 30]).to_string(), line);
        assert!(compared([1.0; 30]).to_string().ends_with("] not worse"));
        assert!(Comparison::new(Workload::Check, Engine::Sqlite, &[1.0; 5]).is_err());
    }
}
