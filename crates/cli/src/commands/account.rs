//! `roster accounts`: manages companies.

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use roster_client::v1::{
    Account, AccountContact, CreateAccountRequest, DeleteAccountRequest, GetAccountRequest,
    Heading, ListAccountContactsRequest, ListAccountHeadingsRequest, ListAccountsRequest,
    SharingMode, UpdateAccountRequest,
};

use super::Mask;
use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::Rows;
use crate::question::Choice;
use crate::words::{self, Mode};

/// The commands for accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// List accounts in the order of a picker, all or only matches
    #[command(
        after_help = "Examples:\n  roster accounts list\n  roster accounts list 山田 --limit 20\n  roster accounts list --heading や"
    )]
    List(List),
    /// Show one account
    #[command(
        after_help = "Examples:\n  roster accounts show a12\n  roster accounts show D0001 --json"
    )]
    Show(Named),
    /// Create an account
    #[command(
        after_help = "Example:\n  roster accounts create '株式会社山田' --reading やまだ --external-id D0001"
    )]
    Create(Create),
    /// Change fields of an account
    #[command(
        after_help = "Examples:\n  roster accounts update a12 --sharing everyone\n  roster accounts update a12 --clear name_reading"
    )]
    Update(Update),
    /// Delete an account permanently
    #[command(
        after_help = "Examples:\n  roster accounts delete a12\n  roster accounts delete a12 --dissociate --tickets primary"
    )]
    Delete(Delete),
    /// List the headings (あ, か, A, …) that have accounts
    #[command(after_help = "Example:\n  roster accounts headings")]
    Headings(Headings),
    /// List the contacts of an account
    #[command(after_help = "Example:\n  roster accounts contacts a12")]
    Contacts(Members),
}

/// Names an account.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The account: its id (a12) or external id.
    account: String,
}

/// Selects accounts.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Part of a name, reading or external id.
    query: Option<String>,
    /// Only accounts under this heading.
    #[arg(long)]
    heading: Option<String>,
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The fields of an account except its name.
#[derive(Args, Clone, Debug)]
struct Fields {
    /// Reading of the name; decides heading and order.
    #[arg(long, value_name = "TEXT")]
    reading: Option<String>,
    /// Its id in another system.
    #[arg(long, value_name = "KEY")]
    external_id: Option<String>,
    /// Which of its contacts see its tickets.
    #[arg(long, value_name = "MODE")]
    sharing: Option<Mode>,
    /// A role that sees its tickets if the mode is roles. Repeatable.
    #[arg(long = "sharing-role", value_name = "ROLE")]
    sharing_roles: Vec<String>,
    /// Its website.
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// A free attribute. Repeatable; replaces all stored attributes.
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = words::key_value)]
    attributes: Vec<(String, String)>,
}

/// A new account.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Its name.
    name: String,
    #[command(flatten)]
    fields: Fields,
}

/// The fields that an update may clear.
pub(super) const CLEARABLE: [&str; 6] = [
    "name_reading",
    "external_id",
    "attributes",
    "sharing_mode",
    "sharing_roles",
    "website",
];

/// A change of an account.
#[derive(Args, Clone, Debug)]
pub(crate) struct Update {
    /// The account: its id (a12) or external id.
    account: String,
    /// Its name.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// Field to clear: name_reading, external_id, attributes, sharing_mode, sharing_roles or
    /// website. Repeatable.
    #[arg(long, value_name = "FIELD", hide_possible_values = true, value_parser = CLEARABLE)]
    clear: Vec<String>,
}

/// How an account is deleted.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// The account: its id (a12) or external id.
    account: String,
    /// End its associations.
    #[arg(long)]
    dissociate: bool,
    /// What becomes of its tickets: primary (each requester's primary account), clear (no account)
    /// or move:ACCOUNT.
    #[arg(long, value_name = "CHOICE")]
    tickets: Option<Choice>,
}

/// Selects headings.
#[derive(Args, Debug)]
pub(crate) struct Headings {
    /// Only headings of accounts that match.
    query: Option<String>,
}

/// Selects the contacts of an account.
#[derive(Args, Debug)]
pub(crate) struct Members {
    /// The account: its id (a12) or external id.
    account: String,
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl AccountCommand {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Update(update) => update.clone().change().map(drop),
            _ => Ok(()),
        }
    }

    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(app).await?,
            Self::Show(named) => named.show(app).await?,
            Self::Create(create) => create.run(app).await?,
            Self::Update(update) => update.run(app).await?,
            Self::Delete(delete) => delete.run(app).await?,
            Self::Headings(headings) => headings.run(app).await?,
            Self::Contacts(members) => members.run(app).await?,
        }
        Ok(Exit::Done)
    }
}

impl List {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = ListAccountsRequest {
            query: self.query.unwrap_or_default(),
            heading: self.heading.unwrap_or_default(),
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let accounts = app.roster.all(request);
        let header = &["ID", "NAME", "READING", "EXTERNAL ID"];
        let row = |account: &Account| {
            vec![
                account.id.clone(),
                account.name.clone(),
                account.name_reading.clone(),
                account.external_id.clone(),
            ]
        };
        app.output.list(accounts, self.limit, header, row).await
    }
}

impl Named {
    async fn show(self, app: &mut App) -> Result<(), Failure> {
        let request = GetAccountRequest {
            id: find::account(&app.roster, &self.account).await?,
            consistency: None,
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.account.as_ref()))
    }
}

impl Create {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let account = self.fields.account(&mut Mask::default());
        let request = CreateAccountRequest {
            account: Some(Account {
                name: self.name,
                ..account
            }),
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.account.as_ref()))
    }
}

impl Update {
    /// The values, with the mask of fields to write.
    fn change(self) -> Result<(Account, FieldMask), Failure> {
        let mut mask = Mask::default();
        let account = Account {
            name: mask.take("name", self.name),
            ..self.fields.account(&mut mask)
        };
        Ok((account, mask.with_cleared(self.clear)?))
    }

    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let id = find::account(&app.roster, &self.account).await?;
        let (account, mask) = self.change()?;
        let request = UpdateAccountRequest {
            update_mask: Some(mask),
            account: Some(Account { id, ..account }),
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.account.as_ref()))
    }
}

impl Fields {
    fn account(self, mask: &mut Mask) -> Account {
        let sharing = self.sharing.map(SharingMode::from);
        let attributes = mask.take_list("attributes", self.attributes);
        Account {
            name_reading: mask.take("name_reading", self.reading),
            external_id: mask.take("external_id", self.external_id),
            sharing_mode: mask.take("sharing_mode", sharing).into(),
            sharing_roles: mask.take_list("sharing_roles", self.sharing_roles),
            website: mask.take("website", self.website),
            attributes: attributes.into_iter().collect(),
            ..Default::default()
        }
    }
}

impl Delete {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let (disposition, target) = super::disposition(app, self.tickets.as_ref()).await?;
        let request = DeleteAccountRequest {
            id: find::account(&app.roster, &self.account).await?,
            dissociate_contacts: self.dissociate,
            ticket_disposition: disposition.into(),
            move_to_account_id: target,
            ..Default::default()
        };
        let id = request.id.clone();
        let answer = app.roster.call(request).await?;
        app.output.answer(&answer, |answer| {
            Rows::of_text(format!(
                "{id} is deleted: {} ended, {} changed",
                words::count(answer.contacts_dissociated, "association"),
                words::count(answer.tickets_changed, "ticket")
            ))
        })
    }
}

impl Headings {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = ListAccountHeadingsRequest {
            query: self.query.unwrap_or_default(),
            consistency: None,
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| headings(&answer.headings))
    }
}

impl Members {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = ListAccountContactsRequest {
            account_id: find::account(&app.roster, &self.account).await?,
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let contacts = app.roster.all(request);
        let header = &["ID", "NAME", "PRIMARY", "SEES TICKETS", "ROLE", "BLOCKED"];
        app.output.list(contacts, self.limit, header, member).await
    }
}

fn member(contact: &AccountContact) -> Vec<String> {
    let of = contact.association.clone().unwrap_or_default();
    vec![
        of.contact_id,
        super::person(&contact.family_name, &contact.given_name),
        words::mark(of.primary, "primary"),
        words::mark(of.sees_account_tickets, "yes"),
        of.role,
        words::mark(contact.blocked, "blocked"),
    ]
}

fn shown(account: Option<&Account>) -> Rows {
    let account = account.cloned().unwrap_or_default();
    let sharing = words::mode(account.sharing_mode()).to_owned();
    Rows::of_fields(vec![
        ("id", account.id),
        ("name", account.name),
        ("reading", account.name_reading),
        ("external id", account.external_id),
        ("website", account.website),
        ("sharing", sharing),
        ("sharing roles", account.sharing_roles.join(", ")),
        ("attributes", super::attributes(&account.attributes)),
        ("created", words::time(account.create_time.as_ref())),
        ("updated", words::time(account.update_time.as_ref())),
    ])
}

pub(super) fn headings(headings: &[Heading]) -> Rows {
    let mut rows = Rows::with_header(&["HEADING", "COUNT"]);
    for heading in headings {
        let more = if heading.at_least { "+" } else { "" };
        rows.push(vec![
            heading.heading.clone(),
            format!("{}{more}", heading.count),
        ]);
    }
    rows
}
