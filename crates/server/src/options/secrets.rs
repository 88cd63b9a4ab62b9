//! The options about the secret keys, and the task `secrets`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The keys that seal secrets.
#[derive(Clone, Debug, Args)]
pub struct SecretOptions {
    /// File with the secret keys, `ID:BASE64` on each line: the first seals, all open. Nobody but
    /// its owner and group may read it. It is read again when it changes. `roster-server secrets
    /// create` makes it. Without it, no visitor tokens can be minted.
    #[arg(long, env = "ROSTER_SECRET_KEY_FILE", value_name = "FILE")]
    pub secret_key_file: Option<PathBuf>,
}

/// Tasks about the file with secret keys.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum SecretsTask {
    /// Create a file with one key.
    Create {
        /// A new file, readable by its owner only. An existing file is never overwritten.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Add a new first key to the file, which seals from now on, and keep the others, which still
    /// open. Servers read the file within seconds: copy it to every server of the database. To end
    /// all visitor tokens at once, delete the other keys. Nothing in the database is sealed yet.
    Rotate {
        /// The file.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
}
