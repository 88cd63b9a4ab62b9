//! How the server is started.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use roster_intake::Intake;
use roster_storage::{LEASE, Store};

use crate::fault::explain_row;
use crate::log;
use crate::memory::{Memory, Wanted};

/// Memory for facts, in MiB, unless it is said: some twenty million tickets.
const MEMORY_MIB: usize = 1_024;
/// Seconds after which facts that cannot be compared are too old, unless it is said: it
/// outlasts a failover, and a change is seen everywhere within a minute or not answered against.
const STALE_AFTER_SECONDS: u64 = 60;
/// The longest lease: whoever waits for an import of a server that died waits as long.
const SERVER_LEASE_SECONDS_MAX: u64 = 3_600;

/// Who belongs to which company, and who may therefore see what.
#[derive(Clone, Debug, Parser)]
#[command(name = "roster-server", version)]
pub struct Options {
    /// What to do; to serve, unless it is said.
    #[command(subcommand)]
    pub task: Option<Task>,

    /// The database: sqlite:PATH or postgres://USER@HOST/NAME. To serve, a file is made if it is
    /// not there.
    #[arg(
        long,
        env = "ROSTER_DATABASE",
        global = true,
        default_value = "sqlite:roster.db",
        value_name = "URL"
    )]
    pub database: String,

    /// Where to listen. Port 0 takes a free one and says which.
    #[arg(
        long,
        env = "ROSTER_LISTEN",
        default_value = "127.0.0.1:7400",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,

    /// Listen off loopback although callers are not authenticated and nothing is encrypted.
    #[arg(long, env = "ROSTER_INSECURE")]
    pub insecure: bool,

    /// Fill the organization `default` with sample data, unless anything was ever written to it:
    /// 100 accounts, 600 contacts, their associations and 3,000 tickets.
    #[arg(long, env = "ROSTER_DEMO")]
    pub demo: bool,

    /// How many MiB of memory the facts of organizations may take. What does not fit is answered
    /// from the database: right, and slower.
    #[arg(
        long,
        env = "ROSTER_MEMORY_MIB",
        default_value_t = MEMORY_MIB,
        value_name = "NUMBER"
    )]
    pub memory_mib: usize,

    /// For how many seconds checks are answered by facts in memory that cannot be compared with the
    /// database; after them they are refused (UNAVAILABLE).
    #[arg(
        long,
        env = "ROSTER_STALE_AFTER",
        default_value_t = STALE_AFTER_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..),
        value_name = "SECONDS"
    )]
    pub stale_after: u64,

    /// After how many seconds without a sign of life another server takes this one to be dead and
    /// fails its imports (PostgreSQL only). Longer than a machine pauses in the ordinary course.
    #[arg(
        long,
        env = "ROSTER_SERVER_LEASE",
        default_value_t = LEASE.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=SERVER_LEASE_SECONDS_MAX),
        value_name = "SECONDS"
    )]
    pub server_lease: u64,

    /// For how many seconds an import waits while the database is away; after them it ends as failed.
    #[arg(
        long,
        env = "ROSTER_IMPORT_PATIENCE",
        default_value_t = roster_intake::PATIENCE_SECONDS,
        value_name = "SECONDS"
    )]
    pub import_patience: u64,

    /// Where operators find /metrics (for Prometheus), /livez and /readyz, over plain HTTP; nowhere
    /// unless it is said.
    #[arg(long, env = "ROSTER_METRICS", value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,

    /// How many writes may wait for their turn; the next one is refused (RESOURCE_EXHAUSTED).
    #[arg(
        long,
        env = "ROSTER_WRITES_WAITING_MAX",
        default_value_t = roster_storage::CALLS_WAITING_MAX,
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub writes_waiting_max: usize,

    /// What the log tells: error, warn, info, debug or trace, for all or for parts of the server, as
    /// in `warn,roster_server=debug`. With debug every call has a span and a line.
    #[arg(
        long,
        env = "RUST_LOG",
        global = true,
        default_value = log::LEVEL_DEFAULT,
        value_parser = log::directives,
        value_name = "LEVEL"
    )]
    pub log_level: String,

    /// How the lines of the log are written, on the standard error.
    #[arg(
        long,
        env = "ROSTER_LOG_FORMAT",
        global = true,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
}

/// How the lines of the log are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object a line, for a collector of logs.
    Json,
}

/// What else the server's program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Look at a database, beside servers that work on it, and list what is wrong with it: rules
    /// of associations and tickets that stored facts break, and facts on which rows and change log
    /// differ. Exits with 1 if anything is, with 3 if the database cannot be looked at.
    Check,
}

impl Options {
    /// Off loopback anybody could read and write: not without being told.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.insecure || self.listen.ip().is_loopback() {
            return Ok(());
        }
        anyhow::bail!(
            "{} is not a loopback address and callers are not authenticated: listen on 127.0.0.1, \
             or say --insecure where the network itself keeps others out",
            self.listen
        )
    }

    /// An intake of the patience that was asked for.
    pub(crate) fn intake(&self, store: &Arc<Store>) -> Intake {
        let patience = Duration::from_secs(self.import_patience);
        Intake::new(Arc::clone(store), explain_row, patience)
    }

    /// Memory of the size and the patience that were asked for.
    pub(crate) fn memory(&self) -> (Memory, Wanted) {
        let bytes_max = self.memory_mib.saturating_mul(1 << 20);
        Memory::new(bytes_max, Duration::from_secs(self.stale_after))
    }

    /// The database without its password.
    pub fn shown_database(&self) -> String {
        self.hide_password(&self.database)
    }

    /// A text without the database's password, should it have it: what others say of a URL that
    /// they do not understand quotes it.
    pub fn hide_password(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in passwords(&self.database) {
            shown = shown.replace(secret, "***");
        }
        shown
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("is not a number".to_owned()),
    }
}

/// What of a database's URL is secret: what stands between the user and the last `@`, and the
/// parameters that are named so.
fn passwords(database: &str) -> Vec<&str> {
    let (place, parameters) = database.split_once('?').unwrap_or((database, ""));
    let user = place
        .split_once("://")
        .and_then(|(_, rest)| rest.rsplit_once('@'));
    let of_user = user.and_then(|(user, _)| user.split_once(':'));
    let of_parameters = parameters
        .split('&')
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.ends_with("password"));
    of_user
        .into_iter()
        .chain(of_parameters)
        .map(|(_, secret)| secret)
        .filter(|secret| !secret.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown_wherever_it_stands() {
        for (database, shown) in [
            ("sqlite:roster.db", "sqlite:roster.db"),
            ("postgres://u@h/n", "postgres://u@h/n"),
            ("postgres://u:s3cret@h/n", "postgres://u:***@h/n"),
            ("postgres://u:s3@cr:et@h/n", "postgres://u:***@h/n"),
            ("mysql://u:s3cret@h", "mysql://u:***@h"),
            (
                "postgres://h/n?user=u&password=s3cret",
                "postgres://h/n?user=u&password=***",
            ),
        ] {
            let options = Options::parse_from(["roster-server", "--database", database]);
            assert_eq!(options.shown_database(), shown);
            let quoted = options.hide_password(&format!("{database:?} is nothing"));
            assert_eq!(quoted, format!("{shown:?} is nothing"));
        }
    }
}
