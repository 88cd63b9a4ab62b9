//! The tasks of the program other than serving.

use clap::Subcommand;

use super::KeyTask;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Check a database, also while servers use it. Lists stored facts that break the rules of
    /// associations and tickets, and facts on which rows and change log differ. Exits with 1 if it
    /// finds a fault, with 3 if it cannot read the database.
    Check,
    /// Print every option that holds, with its value and its source, as a configuration file.
    /// Secrets are hidden.
    Config,
    /// Manage API keys directly in the database.
    #[command(subcommand)]
    Key(KeyTask),
}
