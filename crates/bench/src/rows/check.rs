//! CheckTicket against a bare echo of the same sizes.

use futures::FutureExt;

use anyhow::Result;

use super::Row;
use crate::bench::Bench;
use crate::calls::{Checks, Clients};
use crate::costs::Costs;
use crate::databases::Engine;
use crate::load::{STREAMS, closed, warm_up};
use crate::pairs::{Spread, alternate};
use crate::process::Process;
use crate::report::{Bar, Figure};

pub(super) const ROW: Row = Row {
    name: "check",
    about: "CheckTicket, requests/s at 64 streams, against a bare tonic echo of the same sizes: at \
            least 0.90; and its processor time over the echo's: at most 2 µs",
    takes: "",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let database = bench.filled(engine, &world).await?;
    let (server, echo) = (bench.serve(&database)?, bench.echo()?);
    let clients = Clients::connect(&server.url()).await?;
    let checks = Checks::new(clients, &bench.expected(&world));
    let echoes = checks.of(Clients::connect(&echo.url()).await?);
    let names = [ROW.name, "check-processor"];
    compared(bench, engine, (&server, checks), (&echo, echoes), names).await
}

/// Compares checks with the echo: the ratio of the rates, and the processor time over the echo's.
pub(super) async fn compared(
    bench: &Bench,
    engine: Engine,
    (server, checks): (&Process, Checks),
    (echo, echoes): (&Process, Checks),
    [ratio, processor]: [&'static str; 2],
) -> Result<Vec<Figure>> {
    let check = || checks.slice(bench.slice());
    let bare = || {
        let echoes = echoes.clone();
        closed(STREAMS, bench.slice(), move |n| echoes.clone().echo(n))
    };
    checks.until_in_memory(server).await?;
    warm_up(async || Ok(check().await?.per_second())).await?;
    warm_up(async || Ok(bare().await?.per_second())).await?;

    let (mut of_echo, mut of_check) = (Costs::default(), Costs::default());
    let pairs = alternate(
        bench.slices(),
        async || Ok(of_echo.of(echo, bare()).await?.per_second()),
        async || Ok(of_check.of(server, check()).await?.per_second()),
    )
    .await?;
    let baseline = Spread::of(pairs.iter().map(|pair| pair.baseline)).median;
    let measured = Spread::of(pairs.iter().map(|pair| pair.measured)).median;
    let over = of_check.slices.iter().zip(&of_echo.slices);
    let over = Spread {
        // The kernel counts in steps of 10 ms, so the total is more exact than the median of slices.
        median: of_check.per_answer() - of_echo.per_answer(),
        ..Spread::of(over.map(|(check, echo)| check - echo))
    };
    Ok(vec![
        Figure {
            name: ratio,
            engine: Some(engine),
            spread: Spread::of_ratios(&pairs),
            unit: " ×",
            bar: Bar::AtLeast(0.9),
            note: format!("{measured:.0} checks/s, echo {baseline:.0}/s"),
        },
        Figure {
            name: processor,
            engine: Some(engine),
            spread: over,
            unit: " µs",
            bar: Bar::AtMost(2.0),
            note: format!(
                "{:.1} µs per check, {:.1} µs per echo",
                of_check.per_answer(),
                of_echo.per_answer()
            ),
        },
    ])
}
