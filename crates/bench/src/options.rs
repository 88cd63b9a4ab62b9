//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::databases::Engine;
use crate::side::Workload;
use crate::world::{SEED_DEFAULT, Size};

/// Measures Roster against bare baselines, and prints each ratio with the bar that it should reach.
#[derive(Debug, Parser)]
#[command(name = "roster-bench", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure, and print one line per figure: `name: ratio (bar) ok|missed|not applicable`.
    Report(Report),
    /// Compare two builds of the server in one run, and fail if the new one is slower.
    Compare(Compare),
    /// Print all rows and what each measures.
    List,
    /// Run the bare server that rows use as a baseline.
    Echo(Echo),
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The name of a row, as `list` prints it; can be repeated. By default, all rows except those
    /// that `list` marks as measured only if named.
    #[arg(long = "row", value_name = "NAME")]
    pub(crate) rows: Vec<String>,

    /// The folder to write the table to, as report.md. By default, no table is written.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,

    /// The program of the server. By default, roster-server in the folder of this program; under
    /// `cargo run`, it is built first.
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
    /// The program of the server before a change. It fills the world.
    #[arg(long, value_name = "PATH")]
    pub(crate) old: PathBuf,

    /// The program of the server after the change. By default, roster-server in the folder of this
    /// program; under `cargo run`, it is built first. It uses a migrated copy of the database that
    /// the old server filled.
    #[arg(long, value_name = "PATH")]
    pub(crate) new: Option<PathBuf>,

    /// What to compare; can be repeated. By default, everything.
    #[arg(long = "row", value_enum, value_name = "NAME")]
    pub(crate) rows: Vec<Workload>,

    #[command(flatten)]
    pub(crate) databases: Databases,

    #[command(flatten)]
    pub(crate) measuring: Measuring,
}

#[derive(Debug, Args)]
pub(crate) struct Databases {
    /// The databases to measure. For PostgreSQL, the bench starts a server of its own from the
    /// programs on this machine.
    #[arg(long, value_enum, default_value = "both")]
    pub(crate) database: Which,
}

/// The databases to measure.
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
    /// The world to measure in. The bars apply to M.
    #[arg(long, value_enum, default_value = "M")]
    pub(crate) world: Size,

    /// The number of pairs of slices per ratio. With fewer than 30, the result depends on chance.
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

    /// The folder for databases. They are in new folders that are removed when the bench ends. It
    /// must be on a disk: in memory, a sync costs nothing.
    #[arg(long, default_value = "/var/tmp", value_name = "FOLDER")]
    pub(crate) folder: PathBuf,

    /// The seed of the world. Another seed generates another world of the same size.
    #[arg(long, default_value_t = SEED_DEFAULT, value_name = "NUMBER")]
    pub(crate) seed: u64,
}

/// Options of `report` only: the worlds of `check-latency`, and options for tests of the bench.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportOnly {
    /// The smaller world of `check-latency`.
    #[arg(long, value_enum, default_value = "S")]
    pub(crate) small: Size,

    /// The larger world of `check-latency`.
    #[arg(long, value_enum, default_value = "L")]
    pub(crate) large: Size,

    /// Expect the answers of a world with this seed: then every row must fail.
    #[arg(long, hide = true)]
    pub(crate) expect_seed: Option<u64>,

    /// Use at most this many new pairs of a world.
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
    /// The address to listen on. With port 0, a free port is used and printed.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,

    /// The file of the certificate; without it, the echo does not encrypt.
    #[arg(long, requires = "tls_key", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The file of the certificate's key.
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
}
