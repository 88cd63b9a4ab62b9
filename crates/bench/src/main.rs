//! The bench: measures Roster in worlds with known answers, and prints ratios to bare baselines.

mod bench;
mod calls;
mod compare;
mod costs;
mod databases;
mod echo;
mod fill;
mod load;
mod options;
mod output;
mod pairs;
mod postgres;
mod process;
mod report;
mod rows;
mod secured;
mod side;
// One source is compiled twice on purpose, once per engine, as in storage.
#[allow(clippy::duplicate_mod)]
mod sql;
mod world;

use anyhow::{Result, bail};
use clap::Parser;
use mimalloc::MiMalloc;
use tokio::signal::unix::{SignalKind, signal};

use options::{Command, Options};

/// The allocator of the server, so that the echo and the row `decision` are comparable with it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> Result<()> {
    let command = Options::parse().command;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Dropping a run ends the programs that it started and removes their databases.
    tokio::select! {
        done = run(command) => done,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Report(report) => report::run(report).await,
        Command::Compare(compare) => compare::run(compare).await,
        Command::List => {
            rows::list();
            Ok(())
        }
        Command::Echo(echo) => echo::serve(&echo).await,
    }
}
