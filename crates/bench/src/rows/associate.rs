//! Single writes: many at once, and beside an import.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use futures::FutureExt;

use super::Row;
use super::import::import_pairs;
use crate::ask::Clients;
use crate::bench::Bench;
use crate::cache::{Database, Engine};
use crate::load::{STREAMS, closed, open, percentiles};
use crate::pairs::{Spread, alternate};
use crate::report::{Bar, Figure};
use crate::sql::{self, Bare};
use crate::world::World;

/// Calls a second beside an import.
const CALLS_PER_SECOND: u64 = 200;

pub(super) const ROW: Row = Row {
    name: "associate",
    about: "AssociateContacts of one, durable, 64 clients, against bare SQL that writes the same rows \
            in a transaction each, 64 clients: at least 5 × on SQLite, 3 × on PostgreSQL",
    takes: "two copies of the world's database",
    of_database: true,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

pub(super) const WHILE_IMPORTING: Row = Row {
    name: "associate-while-importing",
    about: "AssociateContacts at 200 calls a second at set times, the p99 of latencies while an \
            association a contact (1M in world M) is imported: at most 500 ms",
    takes: "a copy of the world's database and one import",
    of_database: true,
    measure: |bench, engine| while_importing(bench, engine).boxed_local(),
};

/// Pairs that are no associations yet, each given once.
#[derive(Clone)]
struct NewPairs {
    world: World,
    next: Arc<AtomicU64>,
}

impl NewPairs {
    fn from(world: World, first: u64) -> Self {
        Self {
            world,
            next: Arc::new(AtomicU64::new(first)),
        }
    }

    fn next(&self) -> Result<(u64, u64)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.world.new_pairs() {
            bail!(
                "world {:?} has no new pairs left: take fewer slices",
                self.world.size
            );
        }
        Ok(self.world.new_pair(number))
    }
}

/// The bare clients: 64 threads, and as many connections as gain anything. SQLite has one writer:
/// its clients take turns at one connection, since 64 that poll for its lock would be slower.
struct BareClients {
    connections: Vec<Mutex<Box<dyn Bare>>>,
    pairs: NewPairs,
}

impl BareClients {
    fn open(engine: Engine, database: &Database, pairs: NewPairs) -> Result<Self> {
        let count = match engine {
            Engine::Sqlite => 1,
            Engine::Postgres => STREAMS,
        };
        let open = |_| Ok(Mutex::new(sql::open(database)?));
        Ok(Self {
            connections: (0..count).map(open).collect::<Result<_>>()?,
            pairs,
        })
    }

    /// Transactions a second.
    fn slice(&self, time: Duration) -> Result<f64> {
        let begun = Instant::now();
        let client = |number: usize| {
            let connection = &self.connections[number % self.connections.len()];
            let mut done = 0_u64;
            loop {
                let mut bare = connection
                    .lock()
                    .map_err(|_| anyhow!("a client panicked"))?;
                bare.associate(self.pairs.next()?)?;
                drop(bare);
                done += 1;
                if begun.elapsed() >= time {
                    return anyhow::Ok(done);
                }
            }
        };
        let done = std::thread::scope(|scope| {
            let running: Vec<_> = (0..STREAMS)
                .map(|number| scope.spawn(move || client(number)))
                .collect();
            let mut all = 0;
            for one in running {
                all += one.join().map_err(|_| anyhow!("a client panicked"))??;
            }
            anyhow::Ok(all)
        })?;
        Ok(done as f64 / begun.elapsed().as_secs_f64())
    }
}

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let (called, bare) = (
        bench.copy(engine, &world).await?,
        bench.copy(engine, &world).await?,
    );
    let server = bench.serve(&called)?;
    let clients = Clients::connect(&server.url()).await?;
    let bare = BareClients::open(engine, &bare, NewPairs::from(world, 0))?;
    let pairs = NewPairs::from(world, 0);
    let calls = async || {
        let (clients, pairs) = (clients.clone(), pairs.clone());
        let call = move |number| {
            let (clients, pairs) = (clients.clone(), pairs.clone());
            async move { clients.associate(number, pairs.next()?).await }
        };
        anyhow::Ok(closed(STREAMS, bench.slice(), call).await?.per_second())
    };
    calls().await?;
    let pairs = alternate(
        bench.slices(),
        async || tokio::task::block_in_place(|| bare.slice(bench.slice())),
        calls,
    )
    .await?;
    let baseline = Spread::of(pairs.iter().map(|pair| pair.baseline)).median;
    let measured = Spread::of(pairs.iter().map(|pair| pair.measured)).median;
    Ok(vec![Figure {
        name: ROW.name,
        engine: Some(engine),
        spread: Spread::of_ratios(&pairs),
        unit: " ×",
        bar: Bar::AtLeast(match engine {
            Engine::Sqlite => 5.0,
            Engine::Postgres => 3.0,
        }),
        note: format!("{measured:.0} calls/s, {baseline:.0} bare transactions/s"),
    }])
}

async fn while_importing(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let database = bench.copy(engine, &world).await?;
    let server = bench.serve(&database)?;
    let clients = Clients::connect(&server.url()).await?;
    // The import takes the first round of new pairs.
    let pairs = NewPairs::from(world, world.contacts);
    let running = Arc::new(AtomicBool::new(true));
    let importing = async {
        let imported = import_pairs(bench, &server, &world).await;
        running.store(false, Ordering::Relaxed);
        imported
    };
    let (going, time) = (Arc::clone(&running), bench.slice());
    let calling = open(
        CALLS_PER_SECOND,
        move |due| going.load(Ordering::Relaxed) || due < time,
        move |number| {
            let (clients, pairs) = (clients.clone(), pairs.clone());
            async move { clients.associate(number, pairs.next()?).await }
        },
    );
    let (imported, called) = tokio::join!(importing, calling);
    let (took, called) = (imported?, called?);
    Ok(vec![Figure {
        name: WHILE_IMPORTING.name,
        engine: Some(engine),
        spread: Spread::of([called.latency(0.99) * 1e3]),
        unit: " ms",
        bar: Bar::AtMost(500.0),
        note: format!(
            "{}; the import took {:.1} s",
            percentiles(&called.latencies),
            took.as_secs_f64()
        ),
    }])
}
