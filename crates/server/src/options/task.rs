//! The tasks of the program other than serving.

use std::path::PathBuf;

use clap::Subcommand;

use super::{KeyTask, SecretsTask};

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
    /// Create or migrate the tables of the database, and exit. SQLite: only while no server has the
    /// file open.
    Migrate,
    /// Copy a SQLite database to a new file, also while a server uses it. The copy is checked as by
    /// `check`. Exits with 1 if the check finds a fault, with 3 if there is no copy for another
    /// reason; then nothing is created.
    Backup {
        /// The file to create. It holds the keys of the store: keep it as safe as the database.
        file: PathBuf,
    },
    /// Restore a SQLite database from a backup, while no server has the file open. The backup is
    /// checked, and migrated if an older version made it. Exits with 1 if the check finds a fault,
    /// with 3 if nothing is restored for another reason; then nothing is changed.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Replace an existing database. It is kept beside, under its name and the time.
        #[arg(long)]
        replace: bool,
    },
    /// Ask a running server whether it serves. Exits with 0 if it does, otherwise with 1.
    Health {
        /// Ask this address by gRPC without TLS. By default ask /readyz at the address of
        /// `--metrics`, or without `--metrics` the address of `--listen`.
        #[arg(long, value_name = "ADDRESS")]
        address: Option<String>,
    },
    /// Manage the file with the secret keys (`--secret-key-file`).
    #[command(subcommand)]
    Secrets(SecretsTask),
}
