//! Options of how a start finds its configuration and treats the database.

use std::path::PathBuf;

use clap::Args;

/// See the module.
#[derive(Clone, Debug, Args)]
pub struct StartOptions {
    /// Configuration file in TOML. Its keys are the long names of these options; an option on the
    /// command line or in the environment takes precedence. `roster-server config` prints the
    /// result.
    #[arg(long, env = "ROSTER_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Do not migrate the database at the start: refuse to start if its tables are older. Run
    /// `roster-server migrate` first.
    #[arg(long, env = "ROSTER_NO_MIGRATE")]
    pub no_migrate: bool,

    /// Start although acknowledged writes are missing from a SQLite file, and give them up. For one
    /// start only: the refusal to start says what is missing.
    #[arg(long)]
    pub accept_loss: bool,
}
