//! Writes at more than the capacity of the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::FutureExt;
use parking_lot::Mutex;
use tonic::Code;

use super::Row;
use crate::bench::Bench;
use crate::calls::Clients;
use crate::databases::Engine;
use crate::load::closed;
use crate::pairs::Spread;
use crate::process::pin;
use crate::report::{Bar, Figure};

/// Concurrent writers at the peak.
const PEAK_STREAMS: usize = 2_048;
/// Concurrent writers over the capacity: with the delay before a retry, they ask for at least twice
/// what the server can do.
const OVER_STREAMS: usize = 19_200;
/// How long a refused writer waits, as the server asks.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// How often peak and overload are measured. The figure is the median.
const ROUNDS: usize = 5;
/// The time of a round, long enough for the queue to fill.
const ROUND: Duration = Duration::from_secs(4);

pub(super) const ROW: Row = Row {
    name: "overload",
    about: "CreateAccount by 19,200 writers that wait as the server asks when it refuses them: \
            writes/s against the peak with 2,048 writers, at least 0.90; the p99 of the time to a \
            refusal, at most 10 ms; and the growth of the server's memory from the second to the \
            last round, at most 32 MB. The generator and the server have a processor each",
    takes: "an empty database and a minute",
    per_engine: true,
    only_by_name: true,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

/// What writers were answered.
#[derive(Clone, Default)]
struct Answers {
    done: Arc<AtomicU64>,
    /// The times to refusals, in seconds.
    refused: Arc<Mutex<Vec<f64>>>,
}

async fn write(clients: Clients, answers: Answers, number: u64) -> Result<()> {
    let sent = Instant::now();
    match clients.create_account(number).await {
        Ok(()) => {
            answers.done.fetch_add(1, Ordering::Relaxed);
        }
        Err(status) if matches!(status.code(), Code::ResourceExhausted | Code::Unavailable) => {
            answers.refused.lock().push(sent.elapsed().as_secs_f64());
            tokio::time::sleep(RETRY_AFTER).await;
        }
        Err(status) => bail!("a write over the capacity was answered by {status}"),
    }
    Ok(())
}

/// Writes per second.
async fn round(clients: &Clients, answers: &Answers, streams: usize) -> Result<f64> {
    let (clients, of) = (clients.clone(), answers.clone());
    let before = answers.done.load(Ordering::Relaxed);
    let slice = closed(streams, ROUND, move |number| {
        write(clients.clone(), of.clone(), number)
    });
    let elapsed = slice.await?.elapsed;
    let done = answers.done.load(Ordering::Relaxed) - before;
    Ok(done as f64 / elapsed.as_secs_f64())
}

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let database = bench.databases.empty(engine)?;
    let server = bench.serve(&database)?;
    server.pin_to(0)?;
    pin(std::process::id(), 1)?;
    let clients = Clients::connect(&server.url()).await?;
    let (at_peak, over) = (Answers::default(), Answers::default());
    round(&clients, &at_peak, PEAK_STREAMS).await?;
    let (mut ratios, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let peak = round(&clients, &at_peak, PEAK_STREAMS).await?;
        server.reset_peak_memory()?;
        ratios.push(round(&clients, &over, OVER_STREAMS).await? / peak);
        memory.push(server.peak_memory()? as f64 / f64::from(1 << 20));
    }
    let mut refused = over.refused.lock().clone();
    refused.sort_by(f64::total_cmp);
    let p99 = refused
        .get(refused.len() * 99 / 100)
        .copied()
        .unwrap_or_default();
    let growth = memory[ROUNDS - 1] - memory[1];
    let figure = |name, spread, unit, bar, note| Figure {
        name,
        engine: Some(engine),
        spread,
        unit,
        bar,
        note,
    };
    Ok(vec![
        figure(
            ROW.name,
            Spread::of(ratios),
            " ×",
            Bar::AtLeast(0.9),
            format!("{} writes were refused", refused.len()),
        ),
        figure(
            "overload-refusal",
            Spread::of([p99 * 1e3]),
            " ms",
            Bar::AtMost(10.0),
            "p99 of the time to a refusal, with the generator's own delay".to_owned(),
        ),
        figure(
            "overload-memory",
            Spread::of([growth]),
            " MB",
            Bar::AtMost(32.0),
            format!("peaks of the rounds: {memory:.0?} MB"),
        ),
    ])
}
