//! Two builds of the server in one run, so that a change can be held against what was there before.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::bench::Bench;
use crate::databases::Engine;
use crate::options::{Compare, ReportOnly};
use crate::pairs::{Spread, alternate, median_interval};
use crate::process::server_program;
use crate::report::shown;
use crate::say::say;
use crate::side::{Asked, Side};

/// A slowdown below this is too small to act on, however certain it is.
const WORSE_BELOW: f64 = 0.97;

/// How the new server's speed compares with the old one's.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Comparison {
    asked: Asked,
    engine: Engine,
    /// The median of new to old, pair by pair.
    ratio: f64,
    /// Its interval.
    interval: (f64, f64),
    pairs: usize,
}

impl Comparison {
    fn new(asked: Asked, engine: Engine, ratios: &[f64]) -> Result<Self> {
        let Some(interval) = median_interval(ratios.iter().copied()) else {
            bail!("{} pairs tell nothing: take at least 6", ratios.len());
        };
        Ok(Self {
            asked,
            engine,
            ratio: Spread::of(ratios.iter().copied()).median,
            interval,
            pairs: ratios.len(),
        })
    }

    /// A slower median counts only where chance does not explain it.
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
            self.asked.name(),
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

/// Compares what was asked for, tells it as it comes, and fails if anything is worse.
pub(crate) async fn run(compare: Compare) -> Result<()> {
    let new = server_program(compare.new.as_deref())?;
    let old = server_program(Some(&compare.old))?;
    let bench = Bench::new(compare.measuring, ReportOnly::default(), old)?;
    let rows = match compare.rows.as_slice() {
        [] => Asked::value_variants(),
        named => named,
    };
    let mut worse = Vec::new();
    for engine in compare.databases.database.engines() {
        for asked in rows {
            let compared = measure(&bench, *engine, *asked, &new).await;
            let compared = compared.with_context(|| format!("row {} failed", asked.name()))?;
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

async fn measure(bench: &Bench, engine: Engine, asked: Asked, new: &Path) -> Result<Comparison> {
    let mut old = Side::start(bench, engine, &bench.server, asked).await?;
    let mut new = Side::start(bench, engine, new, asked).await?;
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
    let compared = Comparison::new(asked, engine, &ratios)?;
    say(compared);
    let speeds = (
        Spread::of(pairs.iter().map(|pair| pair.baseline)).median,
        Spread::of(pairs.iter().map(|pair| pair.measured)).median,
    );
    let unit = match asked {
        Asked::Import => "row",
        Asked::Check | Asked::List | Asked::Associate => "call",
    };
    for (name, speed, side) in [("old", speeds.0, &old), ("new", speeds.1, &new)] {
        say(format_args!(
            "    {name}: {} {unit}s/s, {} µs of processor time a {unit}",
            shown(speed),
            shown(side.costs.each())
        ));
    }
    Ok(compared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(ratios: impl IntoIterator<Item = f64>) -> Comparison {
        let ratios: Vec<f64> = ratios.into_iter().collect();
        Comparison::new(Asked::Check, Engine::Sqlite, &ratios).expect("enough pairs")
    }

    #[test]
    fn worse_is_what_is_clearly_slower_and_by_more_than_three_in_a_hundred() {
        let around = |middle: f64, wide: f64| {
            compared((-15..15).map(|place| middle + wide * (f64::from(place) + 0.5) / 15.0))
        };
        assert!(around(0.96, 0.02).is_worse());
        // Clearly slower, but by little.
        assert!(!around(0.98, 0.02).is_worse());
        // Slower by much in the median, and chance explains it.
        assert!(!around(0.96, 0.5).is_worse());
        assert!(!around(1.5, 0.02).is_worse());
    }

    #[test]
    fn a_comparison_says_its_interval_and_its_verdict() {
        let line = "check (sqlite): 0.900 × [0.900 to 0.900 of 30 pairs] worse";
        assert_eq!(compared([0.9; 30]).to_string(), line);
        assert!(compared([1.0; 30]).to_string().ends_with("] not worse"));
        assert!(Comparison::new(Asked::Check, Engine::Sqlite, &[1.0; 5]).is_err());
    }
}
