//! From a kill to answers.

use std::time::Instant;

use anyhow::Result;
use futures::FutureExt;

use super::Row;
use crate::ask::{Checks, Clients};
use crate::bench::Bench;
use crate::databases::Engine;
use crate::pairs::Spread;
use crate::report::{Bar, Figure};

pub(super) const ROW: Row = Row {
    name: "restart",
    about: "from kill -9 under load to the first right answer from memory by the server that is \
            started at once: at most 5 s",
    takes: "",
    of_database: true,
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
    for _ in 0..bench.few().max(3) {
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
