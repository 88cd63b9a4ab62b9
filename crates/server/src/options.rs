//! How the server is started.

use std::net::SocketAddr;

use clap::Parser;

/// Who belongs to which company, and who may therefore see what.
#[derive(Clone, Debug, Parser)]
#[command(name = "roster-server", version)]
pub struct Options {
    /// The database: sqlite:PATH (made if it is not there) or postgres://USER@HOST/NAME.
    #[arg(
        long,
        env = "ROSTER_DATABASE",
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
}
