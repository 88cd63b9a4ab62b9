//! The time from a kill of the server to its first answer.

use std::time::Instant;

use anyhow::Result;
use futures::FutureExt;

use super::Row;
use crate::bench::Bench;
use crate::calls::{Checks, Clients};
use crate::databases::Engine;
use crate::pairs::Spread;
use crate::report::{Bar, Figure};

pub(super) const ROW: Row = Row {
    name: "restart",
    about: "the time from kill -9 after load, with an immediate restart, to the first correct \
            answer from memory: at most 5 s",
    takes: "",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let database = bench.filled(engine, &world).await?;
    let mut server = bench.serve(&database)?;
    let clients = Clients::connect(&server.url()).await?;
    let mut checks = Checks::new(clients, &bench.expected(&world));
    let mut seconds = Vec::new();
    for _ in 0..bench.repetitions().max(3) {
        checks.slice(bench.slice()).await?;
        let killed = Instant::now();
        server.kill()?;
        server = bench.serve(&database)?;
        checks = checks.of(Clients::connect(&server.url()).await?);
        checks.until_in_memory(&server).await?;
        seconds.push(killed.elapsed().as_secs_f64());
    }
    Ok(vec![Figure {
        name: ROW.name,
        engine: Some(engine),
        spread: Spread::of(seconds),
        unit: " s",
        bar: Bar::AtMost(5.0),
        note: String::new(),
    }])
}
