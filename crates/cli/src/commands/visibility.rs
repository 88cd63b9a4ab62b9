//! `roster visible`, `check`, `viewers` and `explain`: who sees which ticket, and why.

use clap::Args;
use roster_client::Refusal;
use roster_client::v1::{
    BatchCheckTicketsRequest, BatchCheckTicketsResponse, ExplainTicketResponse,
    ListTicketViewersRequest, ListVisibleTicketsRequest, TicketStatus, TicketViewer, Visibility,
    VisibleTicket,
};

use crate::app::App;
use crate::failure::{Exit, Failure, reason};
use crate::find;
use crate::output::Rows;
use crate::words::{self, Status};

/// Selects the tickets that a contact sees.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  roster visible tanaka@example.jp\n  roster visible c12 --account a3 --status open"
)]
pub(crate) struct Visible {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// Only tickets of this account.
    #[arg(long)]
    account: Option<String>,
    /// Only tickets with this status.
    #[arg(long)]
    status: Option<Status>,
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The contact and the tickets to check.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  roster check c12 T-1\n  roster check tanaka@example.jp T-1 T-2 && echo 'both are visible'\n\nExit code: 0 if every ticket is visible, 1 if one is hidden or unknown."
)]
pub(crate) struct Check {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// The tickets' ids in your system.
    #[arg(required = true)]
    tickets: Vec<String>,
}

/// Selects the viewers of a ticket.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  roster viewers T-1")]
pub(crate) struct Viewers {
    /// The ticket's id in your system.
    ticket: String,
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The contact and the ticket to explain.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  roster explain tanaka@example.jp T-1")]
pub(crate) struct Explain {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// The ticket's id in your system.
    ticket: String,
}

impl Visible {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let account = find::account_if(&app.roster, self.account.as_ref()).await?;
        let status = self.status.map(TicketStatus::from);
        let request = ListVisibleTicketsRequest {
            contact_id: find::contact(&app.roster, &self.contact).await?,
            account_id: account.unwrap_or_default(),
            status: status.unwrap_or_default().into(),
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let tickets = app.roster.all(request);
        let header = &["ID", "STATUS", "REQUESTER", "ACCOUNT", "SEEN AS", "SUBJECT"];
        app.output.list(tickets, self.limit, header, ticket).await?;
        Ok(Exit::Done)
    }
}

fn ticket(visible: &VisibleTicket) -> Vec<String> {
    let ticket = visible.ticket.clone().unwrap_or_default();
    let status = words::status(ticket.status()).to_owned();
    vec![
        ticket.id,
        status,
        ticket.requester_id,
        ticket.account_id,
        words::grounds(&visible.grounds),
        ticket.subject,
    ]
}

impl Check {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let request = BatchCheckTicketsRequest {
            contact_id: find::contact(&app.roster, &self.contact).await?,
            ticket_ids: self.tickets,
            consistency: None,
        };
        let answer = app.roster.call(request).await?;
        app.output.answer(&answer, verdicts)?;
        let all = answer
            .results
            .iter()
            .all(|result| result.visibility() == Visibility::Visible);
        Ok(if all { Exit::Done } else { Exit::Refused })
    }
}

fn verdicts(answer: &BatchCheckTicketsResponse) -> Rows {
    let mut rows = Rows::with_header(&["TICKET", "VISIBILITY", "SEEN AS"]);
    for result in &answer.results {
        let visibility = match &result.error {
            None => words::visibility(result.visibility()).to_owned(),
            Some(error) => reason(&Refusal::of_item(error)),
        };
        rows.push(vec![
            result.ticket_id.clone(),
            visibility,
            words::grounds(&result.grounds),
        ]);
    }
    rows
}

impl Viewers {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let request = ListTicketViewersRequest {
            ticket_id: self.ticket,
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let viewers = app.roster.all(request);
        let row = |viewer: &TicketViewer| {
            vec![viewer.contact_id.clone(), words::grounds(&viewer.grounds)]
        };
        let header = &["CONTACT", "SEES IT AS"];
        app.output.list(viewers, self.limit, header, row).await?;
        Ok(Exit::Done)
    }
}

impl Explain {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let contact = find::contact(&app.roster, &self.contact).await?;
        let answer = app.roster.explain(&contact, &self.ticket).await?;
        let verdict = verdict(&contact, &self.ticket, &answer);
        app.output
            .answer(&answer, |answer| clauses(answer).titled(verdict))?;
        Ok(Exit::Done)
    }
}

fn verdict(contact: &str, ticket: &str, answer: &ExplainTicketResponse) -> String {
    match (answer.visibility(), answer.blocked) {
        (Visibility::Visible, _) => format!("{contact} sees {ticket}."),
        (_, true) => {
            format!("{contact} does not see {ticket}: it is blocked, so no clause counts.")
        }
        (_, false) => format!("{contact} does not see {ticket}: no clause holds."),
    }
}

fn clauses(answer: &ExplainTicketResponse) -> Rows {
    let mut rows = Rows::with_header(&["CLAUSE", "HOLDS", "WHY"]);
    for clause in &answer.clauses {
        rows.push(vec![
            words::clause(clause.kind(), &clause.account_id),
            words::yes(clause.holds),
            words::why(clause.reason()).to_owned(),
        ]);
    }
    rows
}
