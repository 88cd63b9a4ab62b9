//! `roster contacts`: manages people who send tickets.

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use roster_client::v1::{
    Contact, ContactAccount, CreateContactRequest, DeleteContactRequest, GetContactRequest,
    ListContactAccountsRequest, ListContactHeadingsRequest, ListContactsRequest,
    UpdateContactRequest,
};

use super::Mask;
use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::Rows;
use crate::words;

/// The commands for contacts.
#[derive(Debug, Subcommand)]
pub(crate) enum ContactCommand {
    /// List contacts in the order of a picker, all or only matches
    #[command(
        after_help = "Examples:\n  roster contacts list\n  roster contacts list たなか --not-in a12\n  roster contacts list --heading た --limit 20"
    )]
    List(List),
    /// Show one contact
    #[command(
        after_help = "Examples:\n  roster contacts show c12\n  roster contacts show tanaka@example.jp --json"
    )]
    Show(Named),
    /// Create a contact without an account
    #[command(
        after_help = "Example:\n  roster contacts create 田中 --given 太郎 --reading たなか --email tanaka@example.jp"
    )]
    Create(Create),
    /// Change fields of a contact
    #[command(
        after_help = "Examples:\n  roster contacts update c12 --blocked true\n  roster contacts update c12 --email a@example.jp --email b@example.jp\n  roster contacts update c12 --clear given_name"
    )]
    Update(Update),
    /// Delete a contact permanently
    #[command(
        after_help = "Examples:\n  roster contacts delete c12\n  roster contacts delete c12 --dissociate --new-requester c13"
    )]
    Delete(Delete),
    /// List the headings (あ, か, A, …) that have contacts
    #[command(after_help = "Example:\n  roster contacts headings --not-in a12")]
    Headings(Headings),
    /// List the accounts of a contact, the primary account first
    #[command(after_help = "Example:\n  roster contacts accounts tanaka@example.jp")]
    Accounts(Memberships),
}

/// Names a contact.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
}

/// Selects contacts.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Part of a name, reading, address or external id.
    query: Option<String>,
    /// Only contacts under this heading.
    #[arg(long)]
    heading: Option<String>,
    /// Only contacts that can still be associated with this account.
    #[arg(long, value_name = "ACCOUNT")]
    not_in: Option<String>,
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The fields of a contact except its family name.
#[derive(Args, Clone, Debug)]
struct Fields {
    /// The given name.
    #[arg(long, value_name = "NAME")]
    given: Option<String>,
    /// Reading of the family name; decides heading and order.
    #[arg(long, value_name = "TEXT")]
    reading: Option<String>,
    /// Reading of the given name.
    #[arg(long, value_name = "TEXT")]
    given_reading: Option<String>,
    /// An e-mail address. Repeatable; replaces all stored addresses.
    #[arg(long = "email", value_name = "ADDRESS")]
    emails: Vec<String>,
    /// Its id in another system.
    #[arg(long, value_name = "KEY")]
    external_id: Option<String>,
    /// Whether the contact is blocked: it sees no ticket.
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    blocked: Option<bool>,
    /// The telephone number.
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// A free attribute. Repeatable; replaces all stored attributes.
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = words::key_value)]
    attributes: Vec<(String, String)>,
}

/// A new contact.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// The family name.
    family_name: String,
    #[command(flatten)]
    fields: Fields,
}

/// The fields that an update may clear.
pub(super) const CLEARABLE: [&str; 7] = [
    "given_name",
    "family_name_reading",
    "given_name_reading",
    "emails",
    "external_id",
    "attributes",
    "phone",
];

/// A change of a contact.
#[derive(Args, Clone, Debug)]
pub(crate) struct Update {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// The family name.
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// Field to clear: given_name, family_name_reading, given_name_reading, emails, external_id,
    /// attributes or phone. Repeatable.
    #[arg(long, value_name = "FIELD", hide_possible_values = true, value_parser = CLEARABLE)]
    clear: Vec<String>,
}

/// How a contact is deleted.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// End its associations, including the primary one.
    #[arg(long)]
    dissociate: bool,
    /// Delete the tickets that it requested.
    #[arg(long, conflicts_with = "new_requester")]
    delete_tickets: bool,
    /// The contact that becomes the requester of its tickets.
    #[arg(long, value_name = "CONTACT")]
    new_requester: Option<String>,
}

/// Selects headings.
#[derive(Args, Debug)]
pub(crate) struct Headings {
    /// Only headings of contacts that match.
    query: Option<String>,
    /// Only of those who may still be associated with this account.
    #[arg(long, value_name = "ACCOUNT")]
    not_in: Option<String>,
}

/// Selects the accounts of a contact.
#[derive(Args, Debug)]
pub(crate) struct Memberships {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl ContactCommand {
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
            Self::Accounts(memberships) => memberships.run(app).await?,
        }
        Ok(Exit::Done)
    }
}

impl List {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let not_in = find::account_if(&app.roster, self.not_in.as_ref()).await?;
        let request = ListContactsRequest {
            query: self.query.unwrap_or_default(),
            heading: self.heading.unwrap_or_default(),
            not_in_account_id: not_in.unwrap_or_default(),
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let contacts = app.roster.all(request);
        let header = &["ID", "NAME", "READING", "E-MAIL", "EXTERNAL ID", "BLOCKED"];
        let row = |contact: &Contact| {
            vec![
                contact.id.clone(),
                super::person(&contact.family_name, &contact.given_name),
                super::person(&contact.family_name_reading, &contact.given_name_reading),
                contact.emails.join(", "),
                contact.external_id.clone(),
                words::mark(contact.blocked, "blocked"),
            ]
        };
        app.output.list(contacts, self.limit, header, row).await
    }
}

impl Named {
    async fn show(self, app: &mut App) -> Result<(), Failure> {
        let request = GetContactRequest {
            id: find::contact(&app.roster, &self.contact).await?,
            consistency: None,
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.contact.as_ref()))
    }
}

impl Create {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let contact = self.fields.contact(&mut Mask::default());
        let request = CreateContactRequest {
            contact: Some(Contact {
                family_name: self.family_name,
                ..contact
            }),
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.contact.as_ref()))
    }
}

impl Update {
    /// The values, with the mask of fields to write.
    fn change(self) -> Result<(Contact, FieldMask), Failure> {
        let mut mask = Mask::default();
        let contact = Contact {
            family_name: mask.take("family_name", self.family),
            ..self.fields.contact(&mut mask)
        };
        Ok((contact, mask.with_cleared(self.clear)?))
    }

    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let id = find::contact(&app.roster, &self.contact).await?;
        let (contact, mask) = self.change()?;
        let request = UpdateContactRequest {
            update_mask: Some(mask),
            contact: Some(Contact { id, ..contact }),
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.contact.as_ref()))
    }
}

impl Fields {
    fn contact(self, mask: &mut Mask) -> Contact {
        let attributes = mask.take_list("attributes", self.attributes);
        Contact {
            given_name: mask.take("given_name", self.given),
            family_name_reading: mask.take("family_name_reading", self.reading),
            given_name_reading: mask.take("given_name_reading", self.given_reading),
            emails: mask.take_list("emails", self.emails),
            external_id: mask.take("external_id", self.external_id),
            phone: mask.take("phone", self.phone),
            blocked: mask.take("blocked", self.blocked),
            attributes: attributes.into_iter().collect(),
            ..Default::default()
        }
    }
}

impl Delete {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let new_requester = match &self.new_requester {
            Some(contact) => find::contact(&app.roster, contact).await?,
            None => String::new(),
        };
        let request = DeleteContactRequest {
            id: find::contact(&app.roster, &self.contact).await?,
            dissociate_accounts: self.dissociate,
            delete_tickets: self.delete_tickets,
            new_requester_id: new_requester,
            ..Default::default()
        };
        let id = request.id.clone();
        let answer = app.roster.call(request).await?;
        app.output.answer(&answer, |answer| {
            Rows::of_text(format!(
                "{id} is deleted: {} ended, {} deleted, {} moved to the new requester",
                words::count(answer.accounts_dissociated, "association"),
                words::count(answer.tickets_deleted, "ticket"),
                words::count(answer.tickets_reassigned, "ticket")
            ))
        })
    }
}

impl Headings {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let not_in = find::account_if(&app.roster, self.not_in.as_ref()).await?;
        let request = ListContactHeadingsRequest {
            query: self.query.unwrap_or_default(),
            not_in_account_id: not_in.unwrap_or_default(),
            consistency: None,
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| super::account::headings(&answer.headings))
    }
}

impl Memberships {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = ListContactAccountsRequest {
            contact_id: find::contact(&app.roster, &self.contact).await?,
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let accounts = app.roster.all(request);
        let header = &["ID", "NAME", "PRIMARY", "SEES TICKETS", "ROLE"];
        app.output
            .list(accounts, self.limit, header, membership)
            .await
    }
}

fn membership(account: &ContactAccount) -> Vec<String> {
    let of = account.association.clone().unwrap_or_default();
    vec![
        of.account_id,
        account.account_name.clone(),
        words::mark(of.primary, "primary"),
        words::mark(of.sees_account_tickets, "yes"),
        of.role,
    ]
}

fn shown(contact: Option<&Contact>) -> Rows {
    let contact = contact.cloned().unwrap_or_default();
    Rows::of_fields(vec![
        ("id", contact.id),
        (
            "name",
            super::person(&contact.family_name, &contact.given_name),
        ),
        (
            "reading",
            super::person(&contact.family_name_reading, &contact.given_name_reading),
        ),
        ("e-mail", contact.emails.join(", ")),
        ("phone", contact.phone),
        ("external id", contact.external_id),
        (
            "blocked",
            words::mark(contact.blocked, "yes: it sees no ticket"),
        ),
        ("attributes", super::attributes(&contact.attributes)),
        ("created", words::time(contact.create_time.as_ref())),
        ("updated", words::time(contact.update_time.as_ref())),
    ])
}
