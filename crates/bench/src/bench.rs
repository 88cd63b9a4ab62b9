//! The state of a run that all rows share: the worlds, their databases, and the servers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::databases::{Database, Databases, Engine};
use crate::fill::fill;
use crate::options::{Measuring, ReportOnly};
use crate::output::print_line;
use crate::process::Process;
use crate::world::{Size, World};

/// One run of the bench.
pub(crate) struct Bench {
    pub(crate) measuring: Measuring,
    pub(crate) only: ReportOnly,
    pub(crate) databases: Databases,
    /// The time of a sync on the disk of the databases.
    pub(crate) sync: Duration,
    /// The program of the server that fills worlds and that rows measure.
    pub(crate) server: PathBuf,
    /// The databases of the worlds that were filled so far.
    filled: RefCell<HashMap<(Engine, Size), Database>>,
}

impl Bench {
    pub(crate) fn new(measuring: Measuring, only: ReportOnly, server: PathBuf) -> Result<Self> {
        let databases = Databases::new(&measuring.folder)?;
        let sync = databases.sync_time()?;
        print_line(format_args!(
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

    /// The number of pairs of slices.
    pub(crate) fn slices(&self) -> usize {
        self.measuring.slices.max(1)
    }

    /// The number of repetitions of a measurement that takes minutes.
    pub(crate) fn repetitions(&self) -> usize {
        self.slices().div_ceil(10)
    }

    /// The world that rows are measured in.
    pub(crate) fn world(&self) -> World {
        self.world_of(self.measuring.world)
    }

    pub(crate) fn world_of(&self, size: Size) -> World {
        World::new(size, self.measuring.seed)
    }

    /// The world that expected answers come from: the same world, except in tests of the bench.
    pub(crate) fn expected(&self, world: &World) -> World {
        let seed = self.only.expect_seed.unwrap_or(world.seed);
        World::new(world.size, seed)
    }

    /// The database of a world, filled at the first call. Rows must not write to it.
    pub(crate) async fn filled(&self, engine: Engine, world: &World) -> Result<Database> {
        let key = (engine, world.size);
        let known = self.filled.borrow().get(&key).cloned();
        if let Some(database) = known {
            return Ok(database);
        }
        let (started, name) = (Instant::now(), engine.name());
        print_line(format_args!("filling {name} with world {:?}", world.size));
        let database = self.databases.empty(engine)?;
        let server = self.serve(&database)?;
        fill(world, &server.url(), self.databases.folder()).await?;
        server.stop()?;
        let seconds = started.elapsed().as_secs();
        print_line(format_args!("  filled all in {seconds} s"));
        self.filled.borrow_mut().insert(key, database.clone());
        Ok(database)
    }

    /// A copy of a world's database, which rows may write to.
    pub(crate) async fn copy(&self, engine: Engine, world: &World) -> Result<Database> {
        self.databases.copy(&self.filled(engine, world).await?)
    }

    /// Starts the server on a database.
    pub(crate) fn serve(&self, database: &Database) -> Result<Process> {
        self.serve_with(&self.server, database, &[])
    }

    /// Starts a given server program on a database with further arguments.
    pub(crate) fn serve_with(
        &self,
        program: &Path,
        database: &Database,
        more: &[&str],
    ) -> Result<Process> {
        let (free, url) = ("127.0.0.1:0", database.url.as_str());
        let arguments = ["--listen", free, "--metrics", free, "--database", url];
        let arguments = [&arguments[..], more].concat();
        Process::start(program, &arguments, &self.databases.log())
    }

    /// Starts the echo with further arguments.
    pub(crate) fn echo_with(&self, more: &[&str]) -> Result<Process> {
        let this = std::env::current_exe()?;
        Process::start(&this, &[&["echo"], more].concat(), &self.databases.log())
    }

    /// Starts the echo.
    pub(crate) fn echo(&self) -> Result<Process> {
        self.echo_with(&[])
    }
}
