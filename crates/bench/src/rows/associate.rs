//! Single writes: many concurrently, and during an import.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use futures::FutureExt;
use parking_lot::Mutex;

use super::Row;
use super::import::import_pairs;
use crate::bench::Bench;
use crate::calls::Clients;
use crate::databases::{Database, Engine};
use crate::load::{STREAMS, Slice, closed_up_to, open, percentiles};
use crate::pairs::{Spread, alternate};
use crate::report::{Bar, Figure};
use crate::side::{Side, Workload};
use crate::sql::{self, Bare};
use crate::world::World;

/// Calls per second during an import.
const CALLS_PER_SECOND: u64 = 200;
/// The bar of the ratio applies if a sync takes at least this long, because writes then wait for
/// the disk. With a faster disk, the processors limit both sides, and the ratio means little.
const SLOW_SYNC: Duration = Duration::from_micros(500);

pub(super) const ROW: Row = Row {
    name: "associate",
    about: "AssociateContacts of one contact, durable, 64 clients, against bare SQL that writes \
            the same rows in one transaction per association, 64 clients: at least 5 × on SQLite \
            (if a sync takes 0.5 ms or more), 3 × on PostgreSQL; and the server's processor time \
            per call: at most 60 µs on SQLite",
    takes: "two copies of the world's database, and more copies when a small world has no new \
            pairs left",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

pub(super) const WHILE_IMPORTING: Row = Row {
    name: "associate-while-importing",
    about: "AssociateContacts at 200 calls per second at fixed times, the p99 of latencies during \
            an import of one association per contact (1M in world M): at most 500 ms",
    takes: "a copy of the world's database and one import",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| while_importing(bench, engine).boxed_local(),
};

/// The new pairs of a database. Each is used once.
struct NewPairs {
    world: World,
    count: u64,
    used: u64,
    /// The number of pairs that the largest slice so far used.
    largest: u64,
}

impl NewPairs {
    fn new(bench: &Bench) -> Self {
        let world = bench.world();
        Self {
            world,
            count: world.new_pairs().min(bench.only.new_pairs_max),
            used: 0,
            largest: 0,
        }
    }

    fn left(&self) -> u64 {
        self.count - self.used
    }

    /// Returns a function from a number, counted from 0, to an unused pair.
    fn numbered(&self) -> impl Fn(u64) -> (u64, u64) + Copy + Send + Sync + use<> {
        let (world, used) = (self.world, self.used);
        move |number| world.new_pair(used + number)
    }

    fn use_up(&mut self, pairs: u64) {
        self.used += pairs;
        self.largest = self.largest.max(pairs);
    }

    /// Whether the next slice needs a new copy of the database. A slice that runs out of pairs ends
    /// early and is too short to measure.
    fn needs_new_copy(&self) -> bool {
        self.left() == 0 || self.left() < self.largest * 3 / 2
    }
}

/// Calls of AssociateContacts, with one contact each, on all streams.
pub(crate) struct Associations {
    clients: Clients,
    pairs: NewPairs,
}

impl Associations {
    pub(crate) fn new(clients: Clients, bench: &Bench) -> Self {
        let pairs = NewPairs::new(bench);
        Self { clients, pairs }
    }

    /// Whether the next slice needs a new copy of the database.
    pub(crate) fn needs_new_copy(&self) -> bool {
        self.pairs.needs_new_copy()
    }

    /// Associates for a part of a slice's time, and leaves most pairs for the slices.
    pub(crate) async fn warm_up(&mut self, slice: Duration) -> Result<()> {
        self.associate(slice / 4, self.pairs.left() / 4).await?;
        Ok(())
    }

    /// Associates for this time, or until no new pair is left.
    pub(crate) async fn slice(&mut self, time: Duration) -> Result<Slice> {
        self.associate(time, self.pairs.left()).await
    }

    async fn associate(&mut self, time: Duration, calls_max: u64) -> Result<Slice> {
        let (clients, pair) = (self.clients.clone(), self.pairs.numbered());
        let call = move |number| {
            let clients = clients.clone();
            async move { clients.associate(number, pair(number)).await }
        };
        let slice = closed_up_to(calls_max, STREAMS, time, call).await?;
        self.pairs.use_up(slice.answers);
        Ok(slice)
    }
}

/// The bare clients: 64 threads. On PostgreSQL each has a connection. SQLite has one writer at a
/// time, so its clients share one connection: 64 connections that poll for the lock are slower.
struct BareClients {
    connections: Vec<Mutex<Box<dyn Bare>>>,
    pairs: NewPairs,
    /// Removed after the connections are closed.
    _database: Database,
}

impl BareClients {
    async fn on_a_copy(bench: &Bench, engine: Engine) -> Result<Self> {
        let database = bench.copy(engine, &bench.world()).await?;
        let count = match engine {
            Engine::Sqlite => 1,
            Engine::Postgres => STREAMS,
        };
        let open = |_| Ok(Mutex::new(sql::open(&database)?));
        Ok(Self {
            connections: (0..count).map(open).collect::<Result<_>>()?,
            pairs: NewPairs::new(bench),
            _database: database,
        })
    }

    /// Runs a slice and returns the transactions per second.
    fn slice(&mut self, time: Duration) -> Result<f64> {
        let started = Instant::now();
        let numbers = AtomicU64::new(0);
        let (connections, numbers) = (&self.connections, &numbers);
        let (left, pair) = (self.pairs.left(), self.pairs.numbered());
        let client = |place: usize| {
            let connection = &connections[place % connections.len()];
            let mut done = 0_u64;
            while done == 0 || started.elapsed() < time {
                let mut bare = connection.lock();
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= left {
                    break;
                }
                bare.associate(pair(number))?;
                drop(bare);
                done += 1;
            }
            anyhow::Ok(done)
        };
        let done = std::thread::scope(|scope| {
            let running: Vec<_> = (0..STREAMS)
                .map(|place| scope.spawn(move || client(place)))
                .collect();
            let mut all = 0;
            for client in running {
                all += client.join().map_err(|_| anyhow!("a client panicked"))??;
            }
            anyhow::Ok(all)
        })?;
        let per_second = done as f64 / started.elapsed().as_secs_f64();
        self.pairs.use_up(done);
        Ok(per_second)
    }
}

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let mut called = Side::start(bench, engine, &bench.server, Workload::Associate).await?;
    let mut bare = BareClients::on_a_copy(bench, engine).await?;
    let mut copies = 1;
    let pairs = alternate(
        bench.slices(),
        async || {
            if bare.pairs.needs_new_copy() {
                bare = BareClients::on_a_copy(bench, engine).await?;
                copies += 1;
            }
            tokio::task::block_in_place(|| bare.slice(bench.slice()))
        },
        async || called.slice().await,
    )
    .await?;
    let baseline = Spread::of(pairs.iter().map(|pair| pair.baseline)).median;
    let measured = Spread::of(pairs.iter().map(|pair| pair.measured)).median;
    let (sync, micros) = (bench.sync.as_secs_f64() * 1e3, called.costs.per_answer());
    let ratio = Figure {
        name: ROW.name,
        engine: Some(engine),
        spread: Spread::of_ratios(&pairs),
        unit: " ×",
        bar: match engine {
            Engine::Sqlite if bench.sync < SLOW_SYNC => Bar::NotApplicable(5.0),
            Engine::Sqlite => Bar::AtLeast(5.0),
            Engine::Postgres => Bar::AtLeast(3.0),
        },
        note: format!(
            "{measured:.0} calls/s, {micros:.1} µs of the server's processor time per call, \
             {baseline:.0} bare transactions/s, a sync takes {sync:.2} ms, on {} copies of the \
             database",
            copies + called.copies
        ),
    };
    let processor = Figure {
        name: "associate-processor",
        spread: called.costs.spread(),
        unit: " µs",
        bar: Bar::AtMost(60.0),
        note: String::new(),
        ..ratio.clone()
    };
    Ok(match engine {
        Engine::Sqlite => vec![ratio, processor],
        // The processes of PostgreSQL do most of the work.
        Engine::Postgres => vec![ratio],
    })
}

async fn while_importing(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let database = bench.copy(engine, &world).await?;
    let server = bench.serve(&database)?;
    let clients = Clients::connect(&server.url()).await?;
    // The import uses the first new pairs, one per contact.
    let first = world.contacts;
    let pair = move |number| world.new_pair(first + number);
    // A small world may have no new pair left before its import ends.
    let pairs_left = world
        .new_pairs()
        .min(bench.only.new_pairs_max)
        .saturating_sub(first);
    let last_due = Duration::from_secs(pairs_left) / CALLS_PER_SECOND as u32;
    let running = Arc::new(AtomicBool::new(true));
    let importing = async {
        let imported = import_pairs(bench, &server, &world).await;
        running.store(false, Ordering::Relaxed);
        imported
    };
    let (going, time) = (Arc::clone(&running), bench.slice());
    let calling = open(
        CALLS_PER_SECOND,
        move |due| due < last_due && (going.load(Ordering::Relaxed) || due < time),
        move |number| {
            let clients = clients.clone();
            async move { clients.associate(number, pair(number)).await }
        },
    );
    let (imported, called) = tokio::join!(importing, calling);
    let (took, called) = (imported?, called?);
    let ran_out = if called.answers == pairs_left {
        ", and the world ran out of new pairs"
    } else {
        ""
    };
    Ok(vec![Figure {
        name: WHILE_IMPORTING.name,
        engine: Some(engine),
        spread: Spread::of([called.latency(0.99) * 1e3]),
        unit: " ms",
        bar: Bar::AtMost(500.0),
        note: format!(
            "{}; the import took {:.1} s{ran_out}",
            percentiles(&called.latencies),
            took.as_secs_f64()
        ),
    }])
}
