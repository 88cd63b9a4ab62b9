//! A server on a copy of the world under one kind of load, in slices of time.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::bench::Bench;
use crate::calls::{Checks, Clients};
use crate::costs::Costs;
use crate::databases::{Database, Engine};
use crate::load::warm_up;
use crate::process::Process;
use crate::rows::associate::Associations;
use crate::rows::import::Imports;
use crate::rows::list::Pages;

/// The kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// CheckTicket at 64 streams.
    Check,
    /// ListVisibleTickets, first pages of 50, on one stream.
    List,
    /// AssociateContacts with one contact per call, at 64 streams.
    Associate,
    /// Import of the files of a small world into a new organization. Counted in rows.
    Import,
}

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::List => "list",
            Self::Associate => "associate",
            Self::Import => "import",
        }
    }
}

enum Work {
    Check(Checks),
    List(Pages),
    Associate(Associations),
    Import(Imports),
}

/// A running server and the load on it.
struct Running {
    work: Work,
    server: Process,
    /// Removed after the server has ended.
    _database: Database,
}

impl Running {
    async fn start(
        bench: &Bench,
        engine: Engine,
        program: &Path,
        workload: Workload,
    ) -> Result<Self> {
        let world = bench.world();
        let database = bench.copy(engine, &world).await?;
        let server = bench.serve_with(program, &database, &[])?;
        let clients = Clients::connect(&server.url()).await?;
        let time = bench.slice();
        let work = match workload {
            Workload::Check => {
                let checks = Checks::new(clients, &bench.expected(&world));
                checks.until_in_memory(&server).await?;
                warm_up(async || Ok(checks.slice(time).await?.per_second())).await?;
                Work::Check(checks)
            }
            Workload::List => {
                let pages = Pages::new(clients, &bench.expected(&world));
                warm_up(async || Ok(pages.slice(time).await?.per_second())).await?;
                Work::List(pages)
            }
            Workload::Associate => {
                let mut associations = Associations::new(clients, bench);
                associations.warm_up(time).await?;
                Work::Associate(associations)
            }
            Workload::Import => {
                let mut imports = Imports::new(bench, &server)?;
                imports.slice().await?;
                Work::Import(imports)
            }
        };
        Ok(Self {
            work,
            server,
            _database: database,
        })
    }
}

/// One of the two sides of a comparison.
pub(crate) struct Side<'b> {
    bench: &'b Bench,
    engine: Engine,
    program: &'b Path,
    workload: Workload,
    running: Running,
    pub(crate) costs: Costs,
    /// The number of copies of the world that were used so far.
    pub(crate) copies: u32,
}

impl<'b> Side<'b> {
    /// Starts a server program on a copy of the world and warms it up.
    pub(crate) async fn start(
        bench: &'b Bench,
        engine: Engine,
        program: &'b Path,
        workload: Workload,
    ) -> Result<Self> {
        Ok(Self {
            bench,
            engine,
            program,
            workload,
            running: Running::start(bench, engine, program, workload).await?,
            costs: Costs::default(),
            copies: 1,
        })
    }

    /// Runs one slice and returns the answers per second.
    pub(crate) async fn slice(&mut self) -> Result<f64> {
        if let Work::Associate(associations) = &self.running.work
            && associations.needs_new_copy()
        {
            self.running =
                Running::start(self.bench, self.engine, self.program, self.workload).await?;
            self.copies += 1;
        }
        let Running { work, server, .. } = &mut self.running;
        let time = self.bench.slice();
        let slice = async {
            match work {
                Work::Check(checks) => checks.slice(time).await,
                Work::List(pages) => pages.slice(time).await,
                Work::Associate(associations) => associations.slice(time).await,
                Work::Import(imports) => imports.slice().await,
            }
        };
        Ok(self.costs.of(server, slice).await?.per_second())
    }
}
