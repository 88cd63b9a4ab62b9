//! The commands, one file for each family. Each resolves names, calls, and prints the answer.

pub(crate) mod account;
pub(crate) mod association;
pub(crate) mod contact;
pub(crate) mod credential;
pub(crate) mod dissociation;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod organization;
pub(crate) mod scopes;
pub(crate) mod settings;
pub(crate) mod ticket;
pub(crate) mod visibility;
pub(crate) mod visitor;

use std::collections::BTreeMap;

use prost_types::FieldMask;
use roster_client::v1::TicketDisposition;

use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::options::Command;
use crate::question::Choice;

pub(crate) async fn run(command: Command, app: &mut App) -> Result<Exit, Failure> {
    match command {
        Command::Accounts(command) => command.run(app).await,
        Command::Contacts(command) => command.run(app).await,
        Command::Associate(command) => command.run(app).await,
        Command::Dissociate(command) => command.run(app).await,
        Command::SetPrimary(command) => command.run(app).await,
        Command::Transfer(command) => command.run(app).await,
        Command::Association(command) => command.run(app).await,
        Command::Tickets(command) => command.run(app).await,
        Command::Visible(command) => command.run(app).await,
        Command::Check(command) => command.run(app).await,
        Command::Viewers(command) => command.run(app).await,
        Command::Explain(command) => command.run(app).await,
        Command::Import(command) => command.run(app).await,
        Command::Settings(command) => command.run(app).await,
        Command::Visitor(command) => command.run(app).await,
        Command::Organization(command) => command.run(app).await,
        Command::Credential(command) => command.run(app).await,
        Command::Key(command) => command.run(app).await,
        Command::Scopes(table) => table.run(app.output.is_json()),
        Command::Completions(command) => command.run(),
    }
}

/// Finds errors in a command before it calls a server.
pub(crate) fn check(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Accounts(command) => command.check(),
        Command::Contacts(command) => command.check(),
        Command::Association(command) => command.check(),
        Command::Organization(command) => command.check(),
        Command::Credential(command) => command.check(),
        _ => Ok(()),
    }
}

/// The fields that an update names: fields with a value and fields to clear.
#[derive(Default)]
struct Mask(Vec<String>);

impl Mask {
    /// Adds `path` if a value was given, and returns the value.
    fn take<T: Default>(&mut self, path: &str, given: Option<T>) -> T {
        if given.is_some() {
            self.0.push(path.to_owned());
        }
        given.unwrap_or_default()
    }

    /// Adds `path` if the list is not empty, and returns the list.
    fn take_list<T>(&mut self, path: &str, given: Vec<T>) -> Vec<T> {
        if !given.is_empty() {
            self.0.push(path.to_owned());
        }
        given
    }

    fn with_cleared(mut self, cleared: Vec<String>) -> Result<FieldMask, Failure> {
        if let Some(twice) = cleared.iter().find(|path| self.0.contains(path)) {
            return Err(Failure::usage(
                format!("cannot set and clear {twice} at once"),
                "remove one of the two options",
            ));
        }
        self.0.extend(cleared);
        if self.0.is_empty() {
            return Err(Failure::usage(
                "nothing to change",
                "set at least one field; --help lists them",
            ));
        }
        Ok(FieldMask { paths: self.0 })
    }
}

/// The page size for a limit: never more items than the limit.
fn page_size(limit: Option<usize>) -> i32 {
    /// The largest page of the API.
    const PAGE_ITEMS_MAX: usize = 1_000;
    let wanted = limit.map_or(0, |limit| limit.clamp(1, PAGE_ITEMS_MAX));
    i32::try_from(wanted).unwrap_or_default()
}

/// The ticket disposition, with the account that the tickets move to.
async fn disposition(
    app: &App,
    choice: Option<&Choice>,
) -> Result<(TicketDisposition, String), Failure> {
    Ok(match choice {
        None => (TicketDisposition::Unspecified, String::new()),
        Some(Choice::Keep) => (TicketDisposition::KeepWithAccount, String::new()),
        Some(Choice::Primary) => (TicketDisposition::MoveToPrimary, String::new()),
        Some(Choice::Clear) => (TicketDisposition::ClearAccount, String::new()),
        Some(Choice::Move(account)) => (
            TicketDisposition::MoveToAccount,
            find::account(&app.roster, account).await?,
        ),
    })
}

fn person(family_name: &str, given_name: &str) -> String {
    format!("{family_name} {given_name}").trim_end().to_owned()
}

fn attributes(attributes: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = attributes
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DescriptorPool;

    /// An operator can write a field only if a flag exists for it.
    #[test]
    fn every_field_of_an_account_and_a_contact_has_a_flag() {
        let pool = DescriptorPool::decode(roster_api::FILE_DESCRIPTOR_SET).expect("the API");
        let fields_of = |message: &str| -> BTreeSet<String> {
            let message = pool.get_message_by_name(message).expect("a message");
            message
                .fields()
                .map(|field| field.name().to_owned())
                .collect()
        };
        let known = |clearable: &[&str], others: &[&str]| -> BTreeSet<String> {
            let output = ["id", "etag", "create_time", "update_time"];
            let all = clearable.iter().chain(others).chain(&output);
            all.map(ToString::to_string).collect()
        };
        assert_eq!(
            fields_of("roster.v1.Account"),
            known(&super::account::CLEARABLE, &["name"])
        );
        assert_eq!(
            fields_of("roster.v1.Contact"),
            known(&super::contact::CLEARABLE, &["family_name", "blocked"])
        );
    }
}
