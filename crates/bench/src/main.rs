//! The bench: worlds with known answers, a load generator, bare baselines, and ratios between them.

mod ask;
mod bench;
mod compare;
mod costs;
mod databases;
mod echo;
mod fill;
mod load;
mod options;
mod pairs;
mod postgres;
mod process;
mod report;
mod rows;
mod say;
mod side;
// One source, two engines, as in storage: compiled twice on purpose.
#[allow(clippy::duplicate_mod)]
mod sql;
mod world;

use anyhow::{Result, bail};
use clap::Parser;
use mimalloc::MiMalloc;
use tokio::signal::unix::{SignalKind, signal};

use options::{Command, Options};

/// As the server's: the echo is to be a server of the same make, and the decision one of the same
/// memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> Result<()> {
    let command = Options::parse().command;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // A run that is dropped ends the programs that it has started and removes their databases.
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
        Command::Echo(echo) => echo::serve(echo.listen).await,
    }
}
