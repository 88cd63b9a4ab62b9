//! How the bench is started.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cache::Engine;
use crate::world::{SEED_DEFAULT, Size};

/// Measures Roster against bare baselines and says what ratio each figure has, and which it should.
#[derive(Debug, Parser)]
#[command(name = "roster-bench", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure, and print a line a figure: `name: ratio (bar) ok|missed`.
    Report(Report),
    /// Say which rows there are and what each measures.
    List,
    /// Fill the databases of a world, so that a report need not.
    Fill(Fill),
    /// Be the bare server that rows compare with.
    Echo(Echo),
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A row by its name, as `list` says it; may be given several times. All where none is given.
    #[arg(long = "row", value_name = "NAME")]
    pub(crate) rows: Vec<String>,

    /// Where the table (report.md) and the plot (report.svg) are written; nowhere if not said.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) databases: Databases,

    #[command(flatten)]
    pub(crate) measuring: Measuring,
}

#[derive(Debug, Args)]
pub(crate) struct Fill {
    #[command(flatten)]
    pub(crate) databases: Databases,

    #[command(flatten)]
    pub(crate) measuring: Measuring,
}

#[derive(Debug, Args)]
pub(crate) struct Databases {
    /// Which databases. PostgreSQL is started for the bench alone, from the programs of this
    /// machine.
    #[arg(long, value_enum, default_value = "both")]
    pub(crate) database: Which,
}

/// Which databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    Sqlite,
    Postgres,
    Both,
}

impl Which {
    pub(crate) fn engines(self) -> &'static [Engine] {
        match self {
            Self::Sqlite => &[Engine::Sqlite],
            Self::Postgres => &[Engine::Postgres],
            Self::Both => &[Engine::Sqlite, Engine::Postgres],
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Measuring {
    /// The world that is measured in. The bars are those of M.
    #[arg(long, value_enum, default_value = "M")]
    pub(crate) world: Size,

    /// The smaller world of `check-latency`.
    #[arg(long, value_enum, default_value = "S")]
    pub(crate) small: Size,

    /// The larger world that it compares with the smaller.
    #[arg(long, value_enum, default_value = "L")]
    pub(crate) large: Size,

    /// How many pairs of slices make a ratio.
    #[arg(long, default_value_t = 30, value_name = "NUMBER")]
    pub(crate) slices: usize,

    /// The length of a slice.
    #[arg(long, default_value_t = 1_000, value_name = "MILLISECONDS")]
    pub(crate) slice_ms: u64,

    /// Where filled databases are kept; `~/.cache/roster-bench` if not said.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,

    /// The server's program; if not said, the one beside this one, built first under `cargo run`.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,

    /// Another seed makes another world of the same size.
    #[arg(long, default_value_t = SEED_DEFAULT, value_name = "NUMBER")]
    pub(crate) seed: u64,

    /// Expects the answers of another world: every row must fail. For the bench's own tests.
    #[arg(long, hide = true)]
    pub(crate) expect_seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Echo {
    /// Where to listen. Port 0 takes a free one and says which.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
}
