//! A server on a copy of the world, asked for one thing, slice after slice.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::ask::{Checks, Clients};
use crate::bench::Bench;
use crate::costs::Costs;
use crate::databases::{Database, Engine};
use crate::load::warm_up;
use crate::process::Process;
use crate::rows::associate::Associations;
use crate::rows::import::Imports;
use crate::rows::list::Pages;

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Asked {
    /// CheckTicket at 64 streams.
    Check,
    /// ListVisibleTickets, first pages of 50, on one stream.
    List,
    /// AssociateContacts of one at 64 streams.
    Associate,
    /// The files of a small world, imported into an organization of their own. Counted in rows.
    Import,
}

impl Asked {
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

/// What is asked of which server.
struct Running {
    work: Work,
    server: Process,
    /// Removed after the server has ended.
    _database: Database,
}

impl Running {
    async fn start(bench: &Bench, engine: Engine, program: &Path, asked: Asked) -> Result<Self> {
        let world = bench.world();
        let database = bench.copy(engine, &world).await?;
        let server = bench.serve_by(program, &database)?;
        let clients = Clients::connect(&server.url()).await?;
        let time = bench.slice();
        let work = match asked {
            Asked::Check => {
                let checks = Checks::new(clients, &bench.expected(&world));
                checks.until_in_memory(&server).await?;
                warm_up(async || Ok(checks.slice(time).await?.per_second())).await?;
                Work::Check(checks)
            }
            Asked::List => {
                let pages = Pages::new(clients, &bench.expected(&world));
                warm_up(async || Ok(pages.slice(time).await?.per_second())).await?;
                Work::List(pages)
            }
            Asked::Associate => {
                let mut associations = Associations::new(clients, bench);
                associations.warm_up(time).await?;
                Work::Associate(associations)
            }
            Asked::Import => {
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

/// One of two sides that are compared.
pub(crate) struct Side<'b> {
    bench: &'b Bench,
    engine: Engine,
    program: &'b Path,
    asked: Asked,
    running: Running,
    pub(crate) costs: Costs,
    /// How many copies of the world were taken so far.
    pub(crate) copies: u32,
}

impl<'b> Side<'b> {
    /// Starts the server of this program on a copy of the world, and warms it up.
    pub(crate) async fn start(
        bench: &'b Bench,
        engine: Engine,
        program: &'b Path,
        asked: Asked,
    ) -> Result<Self> {
        Ok(Self {
            bench,
            engine,
            program,
            asked,
            running: Running::start(bench, engine, program, asked).await?,
            costs: Costs::default(),
            copies: 1,
        })
    }

    /// Answers a second in one slice.
    pub(crate) async fn slice(&mut self) -> Result<f64> {
        if let Work::Associate(associations) = &self.running.work
            && associations.is_short()
        {
            self.running =
                Running::start(self.bench, self.engine, self.program, self.asked).await?;
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
