//! `roster dissociate` and `roster transfer`: end an association and dispose of the tickets.
//!
//! Both first send the request as given. If the server refuses it only for lack of a ticket
//! disposition, and a person is at the terminal, the command asks.

use std::io::{self, IsTerminal};

use clap::Args;
use roster_client::v1::{
    DissociateContactRequest, DissociateContactResponse, ErrorReason, PreviewDissociationRequest,
    TicketScope, TransferContactRequest, TransferContactResponse,
};
use roster_client::{Error, Refusal};

use crate::app::App;
use crate::failure::{Exit, Failure, Name};
use crate::find;
use crate::output::Rows;
use crate::question::{self, Choice};
use crate::words;

/// The ticket disposition.
#[derive(Args, Debug)]
pub(crate) struct Tickets {
    /// What becomes of the contact's tickets with the old account: keep (they stay), primary (move
    /// to the primary account), clear (no account) or move:ACCOUNT. By default the command asks on
    /// a terminal if there are tickets.
    #[arg(long, value_name = "CHOICE")]
    tickets: Option<Choice>,
    /// Apply this only to open tickets; closed tickets stay with the account.
    #[arg(long)]
    open_only: bool,
}

/// The association to end.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  roster dissociate a12 c1\n  roster dissociate a12 c1 --tickets primary\n  roster dissociate a12 c1 --tickets move:a7 --open-only"
)]
pub(crate) struct Dissociate {
    /// The account to leave: its id (a12) or external id.
    account: String,
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    #[command(flatten)]
    tickets: Tickets,
}

/// The contact that changes company.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  roster transfer c1 a12\n  roster transfer c1 a12 --tickets keep --role 課長\n\nWith --tickets primary the tickets move to the new account."
)]
pub(crate) struct Transfer {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// The new primary account: its id (a12) or external id.
    account: String,
    #[command(flatten)]
    tickets: Tickets,
    /// For a new association: whether it sees the account's tickets. By default the organization's
    /// setting decides.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sees_tickets: Option<bool>,
    /// For a new association: the contact's role at the account.
    #[arg(long, default_value = "", hide_default_value = true)]
    role: String,
}

/// The choice, with the etag of the preview that it is based on.
struct Chosen {
    choice: Option<Choice>,
    etag: String,
}

impl Tickets {
    fn scope(&self) -> i32 {
        let scope = if self.open_only {
            TicketScope::OpenOnly
        } else {
            TicketScope::Unspecified
        };
        scope.into()
    }

    fn chosen(&self) -> Chosen {
        Chosen {
            choice: self.tickets.clone(),
            etag: String::new(),
        }
    }
}

impl Dissociate {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let request = DissociateContactRequest {
            account_id: find::account(&app.roster, &self.account).await?,
            contact_id: find::contact(&app.roster, &self.contact).await?,
            ticket_scope: self.tickets.scope(),
            ..Default::default()
        };
        let first = self.send(app, &request, self.tickets.chosen()).await;
        let answer = match may_ask(app, first)? {
            Answered::Done(answer) => answer,
            Answered::Ask(refusal) => {
                let chosen = ask(app, &refusal, self.tickets.open_only).await?;
                self.send(app, &request, chosen).await?
            }
        };
        app.output.answer(&answer, |answer| {
            Rows::of_text(format!(
                "{} is dissociated from {}: {} changed",
                request.contact_id,
                request.account_id,
                words::count(answer.tickets_changed, "ticket")
            ))
        })?;
        Ok(Exit::Done)
    }

    async fn send(
        &self,
        app: &App,
        request: &DissociateContactRequest,
        chosen: Chosen,
    ) -> Result<DissociateContactResponse, Failure> {
        let (disposition, target) = super::disposition(app, chosen.choice.as_ref()).await?;
        let request = DissociateContactRequest {
            ticket_disposition: disposition.into(),
            move_to_account_id: target,
            etag: chosen.etag,
            ..request.clone()
        };
        Ok(app.roster.call(request).await?)
    }
}

impl Transfer {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let request = TransferContactRequest {
            contact_id: find::contact(&app.roster, &self.contact).await?,
            to_account_id: find::account(&app.roster, &self.account).await?,
            sees_account_tickets: self.sees_tickets,
            role: self.role.clone(),
            ticket_scope: self.tickets.scope(),
            ..Default::default()
        };
        let first = self.send(app, &request, self.tickets.chosen()).await;
        let answer = match may_ask(app, first)? {
            Answered::Done(answer) => answer,
            Answered::Ask(refusal) => {
                let chosen = ask(app, &refusal, self.tickets.open_only).await?;
                self.send(app, &request, chosen).await?
            }
        };
        app.output.answer(&answer, |answer| {
            let changed = words::count(answer.tickets_changed, "ticket");
            super::association::shown(answer.association.as_ref()).titled(format!(
                "{} is transferred: {changed} changed",
                request.contact_id
            ))
        })?;
        Ok(Exit::Done)
    }

    async fn send(
        &self,
        app: &App,
        request: &TransferContactRequest,
        chosen: Chosen,
    ) -> Result<TransferContactResponse, Failure> {
        let (disposition, target) = super::disposition(app, chosen.choice.as_ref()).await?;
        let request = TransferContactRequest {
            ticket_disposition: disposition.into(),
            move_to_account_id: target,
            etag: chosen.etag,
            ..request.clone()
        };
        Ok(app.roster.call(request).await?)
    }
}

/// An answer, or a refusal that asks for a choice.
enum Answered<T> {
    Done(T),
    Ask(Box<Refusal>),
}

fn may_ask<T>(app: &App, answer: Result<T, Failure>) -> Result<Answered<T>, Failure> {
    // The question goes to stderr, so that stdout can be piped.
    let somebody_is_there =
        !app.output.is_json() && io::stdin().is_terminal() && io::stderr().is_terminal();
    match answer {
        Ok(answer) => Ok(Answered::Done(answer)),
        Err(Failure::Client(Error::Refused(refusal)))
            if refusal.known_reason() == Some(ErrorReason::DispositionRequired)
                && somebody_is_there =>
        {
            Ok(Answered::Ask(refusal))
        }
        Err(failure) => Err(failure),
    }
}

/// Shows the preview and asks. The pair comes from the refusal: a transfer's request does not name
/// the old primary account.
async fn ask(app: &App, refusal: &Refusal, open_only: bool) -> Result<Chosen, Failure> {
    let of = |key: &str| refusal.metadata.get(key).cloned().unwrap_or_default();
    let pair = question::Pair {
        account: of("account_id"),
        contact: of("contact_id"),
        open_only,
    };
    let request = PreviewDissociationRequest {
        account_id: pair.account.clone(),
        contact_id: pair.contact.clone(),
        consistency: None,
    };
    let preview = app.roster.call(request).await?;
    let choice = question::ask(&pair, &preview, &mut io::stdin().lock(), &mut io::stderr())?;
    match choice {
        Some(choice) => Ok(Chosen {
            choice: Some(choice),
            etag: preview.etag,
        }),
        None => {
            let name = Name {
                code: "CANCELLED",
                reason: "",
            };
            Err(Failure::said(name, "nothing was changed", ""))
        }
    }
}
