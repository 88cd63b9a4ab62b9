//! The bench: worlds with known answers, a load generator, bare baselines, and ratios between them.

mod ask;
mod bench;
mod cache;
mod echo;
mod fill;
mod load;
mod options;
mod pairs;
mod plot;
mod postgres;
mod process;
mod report;
mod rows;
mod say;
// One source, two engines, as in storage: compiled twice on purpose.
#[allow(clippy::duplicate_mod)]
mod sql;
mod world;

use anyhow::Result;
use clap::Parser;
use mimalloc::MiMalloc;

use bench::Bench;
use options::{Command, Fill, Options};

/// As the server's: the echo is to be a server of the same make, and the decision one of the same
/// memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> Result<()> {
    match Options::parse().command {
        Command::Report(report) => report::run(report).await,
        Command::List => {
            rows::list();
            Ok(())
        }
        Command::Fill(wanted) => fill_databases(wanted).await,
        Command::Echo(echo) => echo::serve(echo.listen).await,
    }
}

async fn fill_databases(wanted: Fill) -> Result<()> {
    let bench = Bench::new(wanted.measuring)?;
    for engine in wanted.databases.database.engines() {
        bench.filled(*engine, &bench.world()).await?;
    }
    Ok(())
}
