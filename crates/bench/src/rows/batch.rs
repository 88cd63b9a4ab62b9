//! BatchCheckTickets against single checks.

use anyhow::Result;
use futures::FutureExt;

use super::Row;
use crate::bench::Bench;
use crate::calls::{Batches, Checks, Clients};
use crate::databases::Engine;
use crate::load::{STREAMS, closed, warm_up};
use crate::pairs::{Spread, alternate};
use crate::report::{Bar, Figure};

/// Tickets per batch.
const BATCH: usize = 100;

pub(super) const ROW: Row = Row {
    name: "batch",
    about: "BatchCheckTickets of 100, checks/s at 64 streams, against single checks: at least 20 ×",
    takes: "",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let database = bench.filled(engine, &world).await?;
    let server = bench.serve(&database)?;
    let clients = Clients::connect(&server.url()).await?;
    let expected = bench.expected(&world);
    let checks = Checks::new(clients.clone(), &expected);
    let batches = Batches::new(clients, &expected, BATCH);
    let single = async || {
        let slice = checks.slice(bench.slice());
        Ok(slice.await?.per_second())
    };
    let batch = async || {
        let batches = batches.clone();
        let slice = closed(STREAMS, bench.slice(), move |n| batches.clone().call(n));
        Ok(slice.await?.per_second() * BATCH as f64)
    };
    checks.until_in_memory(&server).await?;
    warm_up(single).await?;
    warm_up(batch).await?;
    let pairs = alternate(bench.slices(), single, batch).await?;
    let median = Spread::of(pairs.iter().map(|pair| pair.measured)).median;
    Ok(vec![Figure {
        name: ROW.name,
        engine: Some(engine),
        spread: Spread::of_ratios(&pairs),
        unit: " ×",
        bar: Bar::AtLeast(20.0),
        note: format!("{median:.0} checks/s in batches"),
    }])
}
