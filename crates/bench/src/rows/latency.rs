//! The latency of a check in a large world against a small world.

use anyhow::Result;
use futures::FutureExt;
use hdrhistogram::Histogram;

use super::Row;
use crate::bench::Bench;
use crate::calls::{Checks, Clients};
use crate::databases::{Database, Engine};
use crate::load::{open, percentiles, warm_up};
use crate::pairs::{Spread, alternate};
use crate::process::Process;
use crate::report::{Bar, Figure};
use crate::world::World;

/// The rate of the open loop: low enough that no calls queue on a small machine.
const CALLS_PER_SECOND: u64 = 1_000;

pub(super) const ROW: Row = Row {
    name: "check-latency",
    about: "CheckTicket at 1,000 calls per second at fixed times, the p99 of latencies with 10M \
            tickets (--large) against 10k (--small): at most 1.2 ×",
    takes: "15 minutes and 6 GB to fill world L",
    per_engine: true,
    only_by_name: true,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

/// A server on one of the two worlds.
struct Side {
    _server: Process,
    /// Removed after the server has ended.
    _database: Database,
    checks: Checks,
    latencies: Histogram<u64>,
}

impl Side {
    async fn new(bench: &Bench, world: World, database: Database) -> Result<Self> {
        let server = bench.serve(&database)?;
        let clients = Clients::connect(&server.url()).await?;
        let checks = Checks::new(clients, &bench.expected(&world));
        checks.until_in_memory(&server).await?;
        warm_up(async || Ok(checks.slice(bench.slice()).await?.per_second())).await?;
        Ok(Self {
            _server: server,
            _database: database,
            checks,
            latencies: Histogram::new(3)?,
        })
    }

    /// Runs a slice and returns its p99.
    async fn slice(&mut self, bench: &Bench) -> Result<f64> {
        let (checks, time) = (self.checks.clone(), bench.slice());
        let call = move |n| checks.clone().call(n);
        let slice = open(CALLS_PER_SECOND, move |due| due < time, call).await?;
        self.latencies.add(&slice.latencies)?;
        Ok(slice.latency(0.99))
    }
}

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let sizes = (bench.only.small, bench.only.large);
    let worlds = (bench.world_of(sizes.0), bench.world_of(sizes.1));
    let large = bench.filled(engine, &worlds.1).await?;
    let small = if sizes.0 == sizes.1 {
        // A world against itself shows how much of the figure is chance.
        bench.copy(engine, &worlds.0).await?
    } else {
        bench.filled(engine, &worlds.0).await?
    };
    let mut small = Side::new(bench, worlds.0, small).await?;
    let mut large = Side::new(bench, worlds.1, large).await?;
    let pairs = alternate(
        bench.slices(),
        async || small.slice(bench).await,
        async || large.slice(bench).await,
    )
    .await?;
    Ok(vec![Figure {
        name: ROW.name,
        engine: Some(engine),
        spread: Spread::of_ratios(&pairs),
        unit: " ×",
        bar: Bar::AtMost(1.2),
        note: format!(
            "world {:?}: {}; world {:?}: {}",
            sizes.1,
            percentiles(&large.latencies),
            sizes.0,
            percentiles(&small.latencies)
        ),
    }])
}
