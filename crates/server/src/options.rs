//! The command line of the server.

mod credentials;
mod organizations;
mod secrets;
mod spool;
mod start;
mod task;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use roster_intake::Intake;
use roster_storage::{LEASE, Store};

use crate::fault::explain_row;
use crate::log;
use crate::memory::{Memory, Wanted};

pub use credentials::{CreateKey, CredentialOptions, KeyTask};
pub use organizations::OrganizationOptions;
pub use secrets::{SecretOptions, SecretsTask};
pub use spool::SpoolOptions;
pub use start::StartOptions;
pub use task::Task;
pub use tls::TlsFiles;
pub use wire::WireLimits;

/// Default memory for facts, in MiB: about twenty million tickets.
const MEMORY_MIB: usize = 1_024;
/// Default seconds after which facts that cannot be compared with the database are too old. It
/// outlasts a failover, and bounds to a minute how long an answer can miss a change.
const STALE_AFTER_SECONDS: u64 = 60;
/// The longest lease: a caller that waits for an import of a dead server waits this long.
const SERVER_LEASE_SECONDS_MAX: u64 = 3_600;

/// Serves who belongs to which company and who may see which ticket.
#[derive(Clone, Debug, Parser)]
#[command(name = "roster-server", version)]
pub struct Options {
    /// The task; without a task the program serves.
    #[command(subcommand)]
    pub task: Option<Task>,

    /// How a start finds its configuration and treats the database.
    #[command(flatten)]
    pub start: StartOptions,

    /// Database: sqlite:PATH or postgres://USER@HOST/NAME. A serving server creates a missing file.
    #[arg(
        long,
        env = "ROSTER_DATABASE",
        global = true,
        default_value = "sqlite:roster.db",
        value_name = "URL"
    )]
    pub database: String,

    /// Address to listen on. Port 0 chooses a free port and prints it.
    #[arg(
        long,
        env = "ROSTER_LISTEN",
        default_value = "127.0.0.1:7400",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,

    /// Allow non-loopback addresses without TLS, and metrics on a non-loopback address, which are
    /// never encrypted.
    #[arg(long, env = "ROSTER_INSECURE")]
    pub insecure: bool,

    /// Who may call.
    #[command(flatten)]
    pub credentials: CredentialOptions,

    /// The keys that seal secrets.
    #[command(flatten)]
    pub secrets: SecretOptions,
    /// How organizations end.
    #[command(flatten)]
    pub organizations: OrganizationOptions,

    /// Fill the organization `default` with sample data, unless it was ever written to:
    /// 100 accounts, 600 contacts, their associations and 3,000 tickets.
    #[arg(long, env = "ROSTER_DEMO")]
    pub demo: bool,

    /// Memory for the facts of organizations, in MiB. The database answers for organizations that
    /// do not fit: correct, but slower.
    #[arg(
        long,
        env = "ROSTER_MEMORY_MIB",
        default_value_t = MEMORY_MIB,
        value_name = "NUMBER"
    )]
    pub memory_mib: usize,

    /// Seconds for which checks use facts in memory that cannot be compared with the database;
    /// afterwards checks are refused (UNAVAILABLE).
    #[arg(
        long,
        env = "ROSTER_STALE_AFTER",
        default_value_t = STALE_AFTER_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..),
        value_name = "SECONDS"
    )]
    pub stale_after: u64,

    /// Seconds without a sign of life after which another server considers this server dead and
    /// fails its imports (PostgreSQL only). Choose more than an ordinary pause of the machine.
    #[arg(
        long,
        env = "ROSTER_SERVER_LEASE",
        default_value_t = LEASE.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=SERVER_LEASE_SECONDS_MAX),
        value_name = "SECONDS"
    )]
    pub server_lease: u64,

    /// Seconds that an import waits for an absent database before it fails.
    #[arg(
        long,
        env = "ROSTER_IMPORT_PATIENCE",
        default_value_t = roster_intake::PATIENCE_SECONDS,
        value_name = "SECONDS"
    )]
    pub import_patience: u64,

    /// Address for /metrics (Prometheus), /livez and /readyz, over plain HTTP; off by default.
    #[arg(long, env = "ROSTER_METRICS", value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,

    /// Maximum number of waiting writes; further writes are refused (RESOURCE_EXHAUSTED).
    #[arg(
        long,
        env = "ROSTER_WRITES_WAITING_MAX",
        default_value_t = roster_storage::CALLS_WAITING_MAX,
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub writes_waiting_max: usize,

    /// The files of imports.
    #[command(flatten)]
    pub spool: SpoolOptions,

    /// The files of TLS.
    #[command(flatten)]
    pub tls: TlsFiles,

    /// Limits of connections and messages.
    #[command(flatten)]
    pub wire: WireLimits,

    /// Log level: error, warn, info, debug or trace, for all or for parts of the server, as in
    /// `warn,roster_server=debug`. With debug every call has a span and a line. Libraries never log
    /// below info, since they may log keys and personal data.
    #[arg(
        long,
        env = "RUST_LOG",
        global = true,
        default_value = log::LEVEL_DEFAULT,
        value_parser = log::directives,
        value_name = "LEVEL"
    )]
    pub log_level: String,

    /// Format of the log on stderr.
    #[arg(
        long,
        env = "ROSTER_LOG_FORMAT",
        global = true,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for a log collector.
    Json,
}

impl Options {
    /// Requires protection, or `--insecure`, for addresses that are not loopback.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.tls.check()?;
        self.check_demo()?;
        if self.insecure {
            return Ok(());
        }
        self.check_calls()?;
        self.check_metrics()
    }

    /// With credentials, no organization comes into being but by CreateOrganization.
    fn check_demo(&self) -> anyhow::Result<()> {
        if self.demo && self.requires_credentials() {
            anyhow::bail!(
                "--demo fills an organization that nobody created, and this server requires \
                 credentials: start without --demo, create an organization and import your own files"
            );
        }
        Ok(())
    }

    /// Off loopback, anybody could read and change calls on their way.
    fn check_calls(&self) -> anyhow::Result<()> {
        if self.listen.ip().is_loopback() || self.tls.tls_cert.is_some() {
            return Ok(());
        }
        anyhow::bail!(
            "{} is not a loopback address and nothing is encrypted: set --tls-cert and --tls-key, \
             listen on 127.0.0.1, or set --insecure if the network itself keeps others out",
            self.listen
        )
    }

    /// Whether a call needs a credential.
    pub(crate) fn requires_credentials(&self) -> bool {
        let is_open = self.insecure || self.listen.ip().is_loopback();
        self.credentials.require_credentials || !is_open
    }

    fn check_metrics(&self) -> anyhow::Result<()> {
        match self.metrics {
            Some(address) if !address.ip().is_loopback() => anyhow::bail!(
                "the metrics address {address} is not a loopback address and metrics are not \
                 encrypted: use 127.0.0.1, or set --insecure if the network itself keeps others out"
            ),
            _ => Ok(()),
        }
    }

    /// The intake, with the patience of the options.
    pub(crate) fn intake(&self, store: &Arc<Store>) -> Intake {
        let patience = Duration::from_secs(self.import_patience);
        Intake::new(Arc::clone(store), explain_row, patience)
    }

    /// Memory with the size and the maximum age of the options.
    pub(crate) fn memory(&self) -> (Memory, Wanted) {
        let bytes_max = self.memory_mib.saturating_mul(1 << 20);
        Memory::new(bytes_max, Duration::from_secs(self.stale_after))
    }

    /// The database without its password.
    pub fn shown_database(&self) -> String {
        self.hide_password(&self.database)
    }

    /// `text` without the database's password: errors about a malformed URL quote the URL.
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

/// The secrets of a database's URL: the text between the user and the last `@`, and parameters
/// whose names end with `password`.
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
