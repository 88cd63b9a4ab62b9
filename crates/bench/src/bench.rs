//! What every row needs: the worlds, the databases that hold them, the programs that serve.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::databases::{Database, Databases, Engine};
use crate::fill::fill;
use crate::options::{Measuring, ReportOnly};
use crate::process::Process;
use crate::say::say;
use crate::world::{Size, World};

/// One run of the bench.
pub(crate) struct Bench {
    pub(crate) measuring: Measuring,
    pub(crate) only: ReportOnly,
    pub(crate) databases: Databases,
    /// How long the disk of the databases takes for a sync.
    pub(crate) sync: Duration,
    /// The server that fills worlds and that rows measure.
    pub(crate) server: PathBuf,
    /// The worlds that were filled so far.
    filled: RefCell<HashMap<(Engine, Size), Database>>,
}

impl Bench {
    pub(crate) fn new(measuring: Measuring, only: ReportOnly, server: PathBuf) -> Result<Self> {
        let databases = Databases::new(&measuring.folder)?;
        let sync = databases.sync_time()?;
        say(format_args!(
            "a sync takes {:.2} ms in {}",
            sync.as_secs_f64() * 1e3,
            databases.folder().display()
        ));
        Ok(Self {
            measuring,
            only,
            databases,
            sync,
            server,
            filled: RefCell::default(),
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
        let seed = self.only.expect_seed.unwrap_or(world.seed);
        World::new(world.size, seed)
    }

    /// A world's database, filled if this run has not filled it yet. Rows only read it.
    pub(crate) async fn filled(&self, engine: Engine, world: &World) -> Result<Database> {
        let key = (engine, world.size);
        let known = self.filled.borrow().get(&key).cloned();
        if let Some(database) = known {
            return Ok(database);
        }
        let (begun, name) = (Instant::now(), engine.name());
        say(format_args!("filling {name} with world {:?}", world.size));
        let database = self.databases.empty(engine)?;
        let server = self.serve(&database)?;
        fill(world, &server.url(), self.databases.folder()).await?;
        server.stop()?;
        let seconds = begun.elapsed().as_secs();
        say(format_args!("  filled all in {seconds} s"));
        self.filled.borrow_mut().insert(key, database.clone());
        Ok(database)
    }

    /// A copy of a world's database, to be written to.
    pub(crate) async fn copy(&self, engine: Engine, world: &World) -> Result<Database> {
        self.databases.copy(&self.filled(engine, world).await?)
    }

    /// The server on a database.
    pub(crate) fn serve(&self, database: &Database) -> Result<Process> {
        self.serve_by(&self.server, database)
    }

    /// The server of this program on a database.
    pub(crate) fn serve_by(&self, program: &Path, database: &Database) -> Result<Process> {
        let (free, url) = ("127.0.0.1:0", database.url.as_str());
        let arguments = ["--listen", free, "--metrics", free, "--database", url];
        Process::start(program, &arguments, &self.databases.log())
    }

    /// The bare echo.
    pub(crate) fn echo(&self) -> Result<Process> {
        let this = std::env::current_exe()?;
        Process::start(&this, &["echo"], &self.databases.log())
    }
}
