//! What every row stands on: the worlds, the databases that hold them, the programs that serve.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cache::{Cache, Database, Engine};
use crate::fill::fill;
use crate::options::Measuring;
use crate::process::{Process, server_program};
use crate::say::say;
use crate::world::{Size, World};

/// One run of the bench.
pub(crate) struct Bench {
    pub(crate) cache: Cache,
    pub(crate) measuring: Measuring,
    server: PathBuf,
}

impl Bench {
    pub(crate) fn new(measuring: Measuring) -> Result<Self> {
        Ok(Self {
            cache: Cache::open(measuring.cache.as_deref())?,
            server: server_program(measuring.server.as_deref())?,
            measuring,
        })
    }

    /// The length of a slice.
    pub(crate) fn slice(&self) -> Duration {
        Duration::from_millis(self.measuring.slice_ms)
    }

    /// How many pairs of slices are measured.
    pub(crate) fn slices(&self) -> usize {
        self.measuring.slices.max(1)
    }

    /// How often something is measured that takes minutes: some times at least.
    pub(crate) fn few(&self) -> usize {
        self.slices().div_ceil(10)
    }

    /// The world that rows are measured in.
    pub(crate) fn world(&self) -> World {
        self.world_of(self.measuring.world)
    }

    pub(crate) fn world_of(&self, size: Size) -> World {
        World::new(size, self.measuring.seed)
    }

    /// The world by which answers are expected: the same, unless a test of the bench says another.
    pub(crate) fn expected(&self, world: &World) -> World {
        let seed = self.measuring.expect_seed.unwrap_or(world.seed);
        World::new(world.size, seed)
    }

    /// A world's database, filled if it is not there yet. To be read alone: it is kept.
    pub(crate) async fn filled(&self, engine: Engine, world: &World) -> Result<Database> {
        if let Some(database) = self.cache.filled(engine, world)? {
            return Ok(database);
        }
        let begun = Instant::now();
        say(format_args!(
            "filling {} with world {:?}, which is done once and takes {}",
            engine.name(),
            world.size,
            match world.size {
                Size::Tiny | Size::S => "seconds",
                Size::M => "some minutes",
                Size::L => "a quarter of an hour",
            }
        ));
        let fresh = self.cache.empty(engine)?;
        let server = self.serve_url(&fresh.url)?;
        fill(world, &server.url(), &self.cache.folder).await?;
        server.stop()?;
        self.cache.keep(fresh, engine, world)?;
        let seconds = begun.elapsed().as_secs();
        say(format_args!("  filled all in {seconds} s"));
        let filled = self.cache.filled(engine, world)?;
        filled.context("a database that was kept is gone")
    }

    /// A copy of a world's database, to be written to.
    pub(crate) async fn copy(&self, engine: Engine, world: &World) -> Result<Database> {
        self.filled(engine, world).await?;
        self.cache.copy(engine, world)
    }

    /// The server on a database.
    pub(crate) fn serve(&self, database: &Database) -> Result<Process> {
        self.serve_url(&database.url)
    }

    fn serve_url(&self, url: &str) -> Result<Process> {
        let free = "127.0.0.1:0";
        let arguments = ["--listen", free, "--metrics", free, "--database", url];
        Process::start(&self.server, &arguments, &self.cache.log())
    }

    /// The bare echo.
    pub(crate) fn echo(&self) -> Result<Process> {
        let this = std::env::current_exe()?;
        Process::start(&this, &["echo"], &self.cache.log())
    }
}
