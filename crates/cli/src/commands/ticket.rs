//! `roster tickets`: facts about tickets that live in another system.

use clap::{Args, Subcommand};
use prost_types::Timestamp;
use roster_client::v1::{
    DeleteTicketsRequest, DeleteTicketsResponse, GetTicketRequest, ListTicketsRequest,
    RecordTicketsRequest, Ticket, TicketRecord, TicketStatus,
};
use roster_client::{Error, Refusal};

use crate::app::App;
use crate::failure::{Exit, Failure, reason};
use crate::find;
use crate::output::Rows;
use crate::words::{self, Status};

/// The commands for tickets.
#[derive(Debug, Subcommand)]
pub(crate) enum TicketCommand {
    /// Record a ticket: create it, or update it if it exists
    #[command(
        after_help = "Examples:\n  roster tickets record T-1 tanaka@example.jp --subject '印刷できない'\n  roster tickets record T-1 c12 --status closed --cc c13\n\nFor an existing ticket, an omitted option changes nothing, except --cc: without it the CC is cleared."
    )]
    Record(Box<Record>),
    /// Show one ticket
    #[command(after_help = "Example:\n  roster tickets show T-1")]
    Show(Named),
    /// List the tickets of an account, a requester or both, newest first
    #[command(
        after_help = "Examples:\n  roster tickets list --account a12 --status open\n  roster tickets list --requester tanaka@example.jp --limit 20"
    )]
    List(List),
    /// Delete tickets permanently
    #[command(after_help = "Example:\n  roster tickets delete T-1 T-2")]
    Delete(Delete),
}

/// The ticket to record.
#[derive(Args, Debug)]
pub(crate) struct Record {
    /// The ticket's id in your system.
    id: String,
    /// The requester: the contact's id (c12), external id or e-mail address.
    requester: String,
    /// The ticket's account, which must be one of the requester's accounts. By default a new ticket
    /// gets the requester's primary account.
    #[arg(long)]
    account: Option<String>,
    /// The ticket has no account.
    #[arg(long, conflicts_with = "account")]
    no_account: bool,
    /// Accept an account that the requester does not belong to.
    #[arg(long)]
    allow_unassociated: bool,
    /// The subject.
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Open or closed; a new ticket is open by default.
    #[arg(long)]
    status: Option<Status>,
    /// Whether only the requester and contacts in CC see the ticket; false by default for a new
    /// ticket.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    private: Option<bool>,
    /// A contact in CC. Repeatable; replaces the whole CC.
    #[arg(long = "cc", value_name = "CONTACT")]
    cc: Vec<String>,
    /// Time of creation in your system, for example 2026-04-01T09:00:00+09:00.
    #[arg(long, value_name = "TIME")]
    created: Option<Timestamp>,
}

/// Names a ticket.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The ticket's id in your system.
    id: String,
}

/// Selects tickets.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only tickets of this account.
    #[arg(long, required_unless_present = "requester")]
    account: Option<String>,
    /// Only tickets that this contact requested.
    #[arg(long, value_name = "CONTACT", required_unless_present = "account")]
    requester: Option<String>,
    /// Only tickets with this status.
    #[arg(long)]
    status: Option<Status>,
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The tickets to delete.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// The tickets' ids in your system.
    #[arg(required = true)]
    ids: Vec<String>,
}

impl TicketCommand {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        match self {
            Self::Record(record) => record.run(app).await?,
            Self::Show(named) => named.show(app).await?,
            Self::List(list) => list.run(app).await?,
            Self::Delete(delete) => return delete.run(app).await,
        }
        Ok(Exit::Done)
    }
}

impl Record {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = RecordTicketsRequest {
            tickets: vec![self.record(app).await?],
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        let result = answer.results.first().cloned().unwrap_or_default();
        if let Some(error) = &result.error {
            return Err(Error::Refused(Box::new(Refusal::of_item(error))).into());
        }
        app.output
            .answer(&answer, |_| shown(result.ticket.as_ref()))?;
        if result.account_filled_in {
            app.output
                .note("account filled in: the requester's primary account")?;
        }
        Ok(())
    }

    async fn record(self, app: &App) -> Result<TicketRecord, Failure> {
        let account = find::account_if(&app.roster, self.account.as_ref()).await?;
        Ok(TicketRecord {
            requester_id: find::contact(&app.roster, &self.requester).await?,
            cc_contact_ids: find::contacts(&app.roster, &self.cc).await?,
            account_id: account.or(self.no_account.then(String::new)),
            allow_unassociated_account: self.allow_unassociated,
            id: self.id,
            subject: self.subject,
            status: self.status.map(|status| TicketStatus::from(status).into()),
            private: self.private,
            create_time: self.created,
        })
    }
}

impl Named {
    async fn show(self, app: &mut App) -> Result<(), Failure> {
        let request = GetTicketRequest {
            id: self.id,
            consistency: None,
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.ticket.as_ref()))
    }
}

impl List {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let account = find::account_if(&app.roster, self.account.as_ref()).await?;
        let requester = match &self.requester {
            Some(contact) => find::contact(&app.roster, contact).await?,
            None => String::new(),
        };
        let status = self.status.map(TicketStatus::from);
        let request = ListTicketsRequest {
            account_id: account.unwrap_or_default(),
            requester_id: requester,
            status: status.unwrap_or_default().into(),
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let tickets = app.roster.all(request);
        let header = &["ID", "STATUS", "REQUESTER", "ACCOUNT", "CREATED", "SUBJECT"];
        let row = |ticket: &Ticket| {
            vec![
                ticket.id.clone(),
                status_of(ticket),
                ticket.requester_id.clone(),
                ticket.account_id.clone(),
                words::time(ticket.create_time.as_ref()),
                ticket.subject.clone(),
            ]
        };
        app.output.list(tickets, self.limit, header, row).await
    }
}

impl Delete {
    async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let request = DeleteTicketsRequest {
            ids: self.ids,
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output.answer(&answer, deleted)?;
        let failed = answer
            .results
            .iter()
            .filter(|result| result.error.is_some());
        Ok(Exit::of_items(failed.count(), answer.results.len()))
    }
}

fn deleted(answer: &DeleteTicketsResponse) -> Rows {
    let mut rows = Rows::with_header(&["TICKET", "OUTCOME"]);
    for result in &answer.results {
        let outcome = match &result.error {
            None => "deleted".to_owned(),
            Some(error) => reason(&Refusal::of_item(error)),
        };
        rows.push(vec![result.id.clone(), outcome]);
    }
    rows
}

fn status_of(ticket: &Ticket) -> String {
    let status = words::status(ticket.status());
    if ticket.private {
        return format!("{status}, private");
    }
    status.to_owned()
}

fn shown(ticket: Option<&Ticket>) -> Rows {
    let ticket = ticket.cloned().unwrap_or_default();
    let status = status_of(&ticket);
    Rows::of_fields(vec![
        ("id", ticket.id),
        ("subject", ticket.subject),
        ("status", status),
        ("requester", ticket.requester_id),
        ("account", ticket.account_id),
        ("CC", ticket.cc_contact_ids.join(", ")),
        ("created", words::time(ticket.create_time.as_ref())),
    ])
}
