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
}
