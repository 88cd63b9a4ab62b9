//! The command line: what every command has in common, and which commands there are.

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::{
    account::AccountCommand,
    association::{Associate, AssociationCommand, SetPrimary},
    contact::ContactCommand,
    dissociation::{Dissociate, Transfer},
    import::Import,
    settings::SettingsCommand,
    ticket::TicketCommand,
    visibility::{Check, Explain, Viewers, Visible},
};
use crate::failure::{EXIT_CODES, Exit, Failure, JSON_ERRORS};
use crate::find::NAMING;

/// The heading of the options that every command takes.
const GLOBAL: &str = "Options of every command";

/// Who belongs to which company, and who may therefore see what.
///
/// Speaks to a server of Roster. Answers are tables on a terminal and tab-separated lines in a
/// pipe; with --json they are JSON, one object a line, with the field names of the API.
#[derive(Debug, Parser)]
#[command(name = "roster", version, after_long_help = first_steps(), after_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Options {
    /// Where the server listens.
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        env = "ROSTER_SERVER",
        default_value = "http://127.0.0.1:7400",
        value_name = "URL"
    )]
    pub(crate) server: String,

    /// The organization that is spoken of, where the server keeps several.
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        env = "ROSTER_ORGANIZATION",
        value_name = "NAME"
    )]
    pub(crate) organization: Option<String>,

    /// Answer as JSON, errors too.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A family of calls each.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Companies that are served: list, show, create, update, delete
    #[command(subcommand)]
    Accounts(AccountCommand),
    /// People who send tickets: list, show, create, update, delete
    #[command(subcommand)]
    Contacts(ContactCommand),
    /// Associate contacts with an account
    Associate(Associate),
    /// End an association, saying what becomes of the tickets
    Dissociate(Dissociate),
    /// Make one of a contact's accounts its primary one
    SetPrimary(SetPrimary),
    /// Move a contact from its primary account to another one
    Transfer(Transfer),
    /// Change an association: its role, or whether it sees the account's tickets
    #[command(subcommand)]
    Association(AssociationCommand),
    /// Facts about tickets: record, show, list, delete
    #[command(subcommand)]
    Tickets(TicketCommand),
    /// List the tickets that a contact may see
    Visible(Visible),
    /// Ask whether a contact may see tickets; the exit code answers
    Check(Check),
    /// List the contacts that may see a ticket
    Viewers(Viewers),
    /// Say why a contact may see a ticket, or why not
    Explain(Explain),
    /// Load a spreadsheet: CSV, XLSX or XLS
    Import(Import),
    /// What the organization decides for all: show, set
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Print what a shell needs to complete the commands
    Completions(Completions),
}

/// Arguments of `roster completions`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  roster completions bash > /etc/bash_completion.d/roster")]
pub(crate) struct Completions {
    /// For which shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Options::command(), "roster", &mut script);
        std::io::Write::write_all(&mut std::io::stdout(), &script)?;
        Ok(Exit::Done)
    }
}

fn first_steps() -> String {
    format!(
        "\
First steps:
  roster accounts create '株式会社山田' --reading やまだ
  roster contacts create 田中 --given 太郎 --email tanaka@example.jp
  roster associate a1 tanaka@example.jp --sees-tickets
  roster tickets record T-1 tanaka@example.jp --subject '印刷できない'
  roster explain tanaka@example.jp T-1

Names:
{NAMING}

{JSON_ERRORS}

{EXIT_CODES}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_in_its_help() {
        fn look(command: &mut clap::Command, path: &str) {
            let mut leaf = true;
            for subcommand in command.get_subcommands_mut() {
                let path = format!("{path} {}", subcommand.get_name());
                look(subcommand, &path);
                leaf = false;
            }
            if leaf {
                for help in [command.render_help(), command.render_long_help()] {
                    let help = help.to_string();
                    assert!(help.contains(&format!("\n  {path}")), "{path}: {help}");
                }
            }
        }
        look(&mut Options::command(), "roster");
    }
}
