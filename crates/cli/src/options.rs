//! The command line: global options and the list of commands.

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::{
    account::AccountCommand,
    association::{Associate, AssociationCommand, SetPrimary},
    contact::ContactCommand,
    credential::CredentialCommand,
    dissociation::{Dissociate, Transfer},
    import::Import,
    key::KeyCommand,
    organization::OrganizationCommand,
    scopes::ScopesTable,
    settings::SettingsCommand,
    ticket::TicketCommand,
    visibility::{Check, Explain, Viewers, Visible},
    visitor::VisitorCommand,
};
use crate::connection::Connection;
use crate::failure::{EXIT_CODES, Exit, Failure, JSON_ERRORS};
use crate::find::NAMING;

/// The help heading of the global options.
pub(crate) const GLOBAL: &str = "Global options";

/// Manage who belongs to which company and who may see which ticket.
///
/// Calls a Roster server. Prints tables on a terminal, tab-separated lines in a pipe, and with
/// --json one JSON object a line, with the field names of the API.
#[derive(Debug, Parser)]
#[command(name = "roster", version, after_long_help = first_steps(), after_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Options {
    /// URL of the server.
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        env = "ROSTER_SERVER",
        default_value = "http://127.0.0.1:7400",
        value_name = "URL"
    )]
    pub(crate) server: String,

    /// Organization to work in; by default the organization named default.
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        env = "ROSTER_ORGANIZATION",
        value_name = "NAME"
    )]
    pub(crate) organization: Option<String>,

    #[command(flatten)]
    pub(crate) connection: Connection,

    /// Print answers and errors as JSON.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Manage companies: list, show, create, update, delete
    #[command(subcommand)]
    Accounts(AccountCommand),
    /// Manage people who send tickets: list, show, create, update, delete
    #[command(subcommand)]
    Contacts(ContactCommand),
    /// Associate contacts with an account
    Associate(Associate),
    /// End an association and decide what becomes of the tickets
    Dissociate(Dissociate),
    /// Make one of a contact's accounts its primary account
    SetPrimary(SetPrimary),
    /// Move a contact from its primary account to another account
    Transfer(Transfer),
    /// Change an association: its role, or whether it sees the account's tickets
    #[command(subcommand)]
    Association(AssociationCommand),
    /// Manage facts about tickets: record, show, list, delete
    #[command(subcommand)]
    Tickets(TicketCommand),
    /// List the tickets that a contact may see
    Visible(Visible),
    /// Check whether a contact may see tickets; the exit code is the answer
    Check(Check),
    /// List the contacts that may see a ticket
    Viewers(Viewers),
    /// Explain why a contact may see a ticket, or why not
    Explain(Explain),
    /// Import a spreadsheet: CSV, XLSX or XLS
    Import(Import),
    /// Manage the settings of the organization: show, set
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Manage the tokens with which contacts call the server themselves: mint, revoke
    #[command(subcommand)]
    Visitor(VisitorCommand),
    /// Manage organizations, as their administrator: create, get, list, update, suspend, resume,
    /// delete, undelete
    #[command(subcommand)]
    Organization(OrganizationCommand),
    /// Manage credentials, the services that may call: create, list, get, update, suspend, resume
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Manage the API keys of credentials: add, roll, revoke
    #[command(subcommand)]
    Key(KeyCommand),
    /// List scopes, sets of scopes, and the methods that need them; calls no server
    Scopes(ScopesTable),
    /// Print a completion script for a shell
    Completions(Completions),
}

/// Arguments of `roster completions`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  roster completions bash > /etc/bash_completion.d/roster")]
pub(crate) struct Completions {
    /// The shell.
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
