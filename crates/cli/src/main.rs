//! The command `roster`, for operators.

mod app;
mod commands;
mod connection;
mod failure;
mod find;
mod json;
mod options;
mod output;
mod question;
mod words;

use std::process::ExitCode;

use clap::Parser;

use app::App;
use failure::{Exit, Failure};
use options::Options;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return failure::of_command_line(&error).into(),
    };
    let json = options.json;
    match run(options).await {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(json).into(),
    }
}

async fn run(options: Options) -> Result<Exit, Failure> {
    if let options::Command::Completions(completions) = options.command {
        return completions.run();
    }
    if let options::Command::Scopes(table) = options.command {
        return table.run(options.json);
    }
    commands::check(&options.command)?;
    let mut app = App::connect(&options).await?;
    let exit = commands::run(options.command, &mut app).await?;
    app.output.finish()?;
    Ok(exit)
}
