//! How the bench is started.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::databases::Engine;
use crate::side::Asked;
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
    /// Measure, and print a line a figure: `name: ratio (bar) ok|missed|not applicable`.
    Report(Report),
    /// Compare two builds of the server in one run, and fail if the new one is slower.
    Compare(Compare),
    /// Say which rows there are and what each measures.
    List,
    /// Be the bare server that rows compare with.
    Echo(Echo),
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A row by its name, as `list` says it; may be given several times. Without it, all rows but
    /// those that `list` says are measured only by name.
    #[arg(long = "row", value_name = "NAME")]
    pub(crate) rows: Vec<String>,

    /// Where the table is written, as report.md; nowhere if not said.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,

    /// The server's program; if not said, the one beside this one, built first under `cargo run`.
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) databases: Databases,

    #[command(flatten)]
    pub(crate) measuring: Measuring,

    #[command(flatten)]
    pub(crate) only: ReportOnly,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The server's program before a change. It fills the world.
    #[arg(long, value_name = "PATH")]
    pub(crate) old: PathBuf,

    /// The server's program after it; if not said, the one beside this one, built first under
    /// `cargo run`. It works on a copy of what the old one filled, and migrates that copy.
    #[arg(long, value_name = "PATH")]
    pub(crate) new: Option<PathBuf>,

    /// What is compared; may be given several times. Everything if not said.
    #[arg(long = "row", value_enum, value_name = "NAME")]
    pub(crate) rows: Vec<Asked>,

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

    /// How many pairs of slices make a ratio: with fewer than 30, chance decides.
    #[arg(
        long,
        visible_alias = "pairs",
        default_value_t = 30,
        value_name = "NUMBER"
    )]
    pub(crate) slices: usize,

    /// The length of a slice.
    #[arg(long, default_value_t = 1_000, value_name = "MILLISECONDS")]
    pub(crate) slice_ms: u64,

    /// Where databases are made, in new folders that go when the bench ends. It must be on a disk:
    /// where files lie in memory, a sync costs nothing.
    #[arg(long, default_value = "/var/tmp", value_name = "FOLDER")]
    pub(crate) folder: PathBuf,

    /// Another seed makes another world of the same size.
    #[arg(long, default_value_t = SEED_DEFAULT, value_name = "NUMBER")]
    pub(crate) seed: u64,
}

/// What only a report has: the worlds of `check-latency`, and options for the bench's own tests.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportOnly {
    /// The smaller world of `check-latency`.
    #[arg(long, value_enum, default_value = "S")]
    pub(crate) small: Size,

    /// The larger world that it compares with the smaller.
    #[arg(long, value_enum, default_value = "L")]
    pub(crate) large: Size,

    /// Expects the answers of another world: every row must fail.
    #[arg(long, hide = true)]
    pub(crate) expect_seed: Option<u64>,

    /// As if a world had no more pairs to associate than this.
    #[arg(long, hide = true, default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) new_pairs_max: u64,
}

impl Default for ReportOnly {
    fn default() -> Self {
        Self {
            small: Size::S,
            large: Size::L,
            expect_seed: None,
            new_pairs_max: u64::MAX,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Echo {
    /// Where to listen. Port 0 takes a free one and says which.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
}
