//! The binary `roster-server`.

use std::io::Write;

use clap::Parser;
use roster_server::{Options, serve};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let options = Options::parse();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
    };
    let database = options.database.clone();
    serve(&options, |address| greet(&database, address), stop).await
}

/// Says where it listens and what to try next.
fn greet(database: &str, address: std::net::SocketAddr) {
    let database = hide_password(database);
    // Whoever started it may have closed its output: it serves all the same.
    let _ = writeln!(
        std::io::stdout(),
        "roster-server listens on {address} with {database}\n\
         try:  grpcurl -plaintext {address} list\n      \
         grpcurl -plaintext -d '{{\"account\": {{\"name\": \"株式会社山田\"}}}}' {address} \
         roster.v1.AccountService/CreateAccount"
    );
}

fn hide_password(database: &str) -> String {
    match (database.split_once("://"), database.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) if rest.contains(':') => {
            let user = rest.split([':', '@']).next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        _ => database.to_owned(),
    }
}
