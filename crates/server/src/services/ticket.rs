//! TicketService, for staff.

use prost::Message;
use roster_api::v1::ticket_service_server::TicketService;
use roster_api::v1::{self, ErrorReason};
use roster_core::id::{AccountId, ContactId};
use roster_core::limit;
use roster_core::refusal::Refusal;
use roster_core::rules::ticket::{DeleteTickets, Record, RecordTickets, Recorded};
use roster_core::text::{Subject, TicketKey};
use roster_storage::{TicketFilter, TicketSource};
use tonic::{Request, Response, Status};

use crate::fault::{Fault, of_refusal};
use crate::handler::Handler;
use crate::limits::ANSWER_BYTES_MAX;
use crate::parse::{self, Parsed};
use crate::render;
use crate::token::Place;

/// See the proto.
pub(crate) struct Tickets(pub(crate) Handler);

fn record(index: usize, given: &v1::TicketRecord) -> Parsed<Record> {
    let at = |field: &str| format!("tickets[{index}].{field}");
    parse::at_most(&at("cc_contact_ids"), &given.cc_contact_ids, limit::CC_MAX)?;
    let contact =
        |(place, id): (usize, &String)| parse::id(&at(&format!("cc_contact_ids[{place}]")), id);
    let account = given.account_id.as_deref();
    let account = account.map(|id| parse::optional_id(&at("account_id"), id));
    let subject = given.subject.as_deref();
    let subject = subject.map(|text| parse::text(&at("subject"), text, Subject::parse));
    let time = given.create_time.as_ref();
    let time = time.map(|time| parse::time(&at("create_time"), time));
    let status = match given.status {
        None => None,
        Some(status) => Some(parse::set_status(&at("status"), status)?),
    };
    Ok(Record {
        key: parse::ticket_key(&at("id"), &given.id)?,
        requester: parse::id(&at("requester_id"), &given.requester_id)?,
        cc: given
            .cc_contact_ids
            .iter()
            .enumerate()
            .map(contact)
            .collect::<Parsed<_>>()?,
        allow_unassociated_account: given.allow_unassociated_account,
        account: account.transpose()?,
        subject: subject.transpose()?,
        status,
        private: given.private,
        create_time: time.transpose()?,
    })
}

fn records(request: v1::RecordTicketsRequest) -> Parsed<RecordTickets> {
    parse::batch("tickets", &request.tickets)?;
    let one = |(index, given)| record(index, given);
    let tickets = request.tickets.iter().enumerate().map(one);
    Ok(RecordTickets {
        tickets: tickets.collect::<Parsed<_>>()?,
    })
}

fn recorded(
    answer: &[Result<Recorded, Refusal>],
    written_token: String,
) -> v1::RecordTicketsResponse {
    let result = |result: &Result<Recorded, Refusal>| match result {
        Ok(recorded) => v1::RecordTicketsResult {
            ticket: Some(render::ticket(&recorded.ticket)),
            account_filled_in: recorded.account_filled_in,
            error: None,
        },
        Err(refusal) => v1::RecordTicketsResult {
            error: Some(of_refusal(refusal).item()),
            ..v1::RecordTicketsResult::default()
        },
    };
    let mut response = v1::RecordTicketsResponse {
        results: answer.iter().map(result).collect(),
        written_token,
    };
    if response.encoded_len() > ANSWER_BYTES_MAX {
        for ticket in response
            .results
            .iter_mut()
            .filter_map(|r| r.ticket.as_mut())
        {
            ticket.cc_contact_ids.clear();
            ticket.subject.clear();
        }
    }
    response
}

fn deletion(request: v1::DeleteTicketsRequest) -> Parsed<DeleteTickets> {
    parse::batch("ids", &request.ids)?;
    let key = |(index, id): (usize, &String)| parse::ticket_key(&format!("ids[{index}]"), id);
    let keys = request.ids.iter().enumerate().map(key);
    Ok(DeleteTickets {
        keys: keys.collect::<Parsed<_>>()?,
    })
}

/// The filter of a list of tickets.
struct Listed {
    account: Option<AccountId>,
    requester: Option<ContactId>,
    source: TicketSource,
    filter: TicketFilter,
}

fn listed(request: &v1::ListTicketsRequest) -> Parsed<Listed> {
    let account = parse::optional_id("account_id", &request.account_id)?;
    let requester = parse::optional_id("requester_id", &request.requester_id)?;
    let source = match (requester, account) {
        (Some(requester), _) => TicketSource::Requester(requester),
        (None, Some(account)) => TicketSource::Account(account),
        (None, None) => {
            return Err(Fault::field(
                "account_id",
                ErrorReason::FieldRequired,
                "and requester_id are empty: set at least one of them",
            ));
        }
    };
    let filter = TicketFilter {
        account,
        requester,
        status: parse::status("status", request.status)?,
    };
    Ok(Listed {
        account,
        requester,
        source,
        filter,
    })
}

#[tonic::async_trait]
impl TicketService for Tickets {
    async fn record_tickets(
        &self,
        request: Request<v1::RecordTicketsRequest>,
    ) -> Result<Response<v1::RecordTicketsResponse>, Status> {
        let render = |answer: &Vec<Result<Recorded, Refusal>>, token| recorded(answer, token);
        self.0.write(request, records, render).await
    }

    async fn get_ticket(
        &self,
        request: Request<v1::GetTicketRequest>,
    ) -> Result<Response<v1::GetTicketResponse>, Status> {
        let key = parse::ticket_key("id", &request.get_ref().id)?;
        let (ticket, read_token) = self
            .0
            .read(&request, move |at| {
                let found = at.ticket(&key)?;
                Ok(found
                    .map(|(_, ticket)| render::ticket(&ticket))
                    .ok_or_else(|| Refusal::TicketNotFound(key).into()))
            })
            .await?;
        Ok(Response::new(v1::GetTicketResponse {
            ticket: Some(ticket),
            read_token,
        }))
    }

    async fn list_tickets(
        &self,
        request: Request<v1::ListTicketsRequest>,
    ) -> Result<Response<v1::ListTicketsResponse>, Status> {
        let page = self.0.page(&request)?;
        let asked = listed(request.get_ref())?;
        let (rows, after) = (page.rows(), page.after.clone().map(Place::ticket));
        let ((rows, examined), read_token) = self
            .0
            .read(&request, move |at| {
                if let Some(id) = asked.account
                    && at.accounts(&[id])?.is_empty()
                {
                    return Ok(Err(Refusal::AccountNotFound(id).into()));
                }
                if let Some(id) = asked.requester
                    && at.contacts(&[id])?.is_empty()
                {
                    return Ok(Err(Refusal::ContactNotFound(id).into()));
                }
                let found = at.ticket_page(&[asked.source], &asked.filter, after.as_ref(), rows)?;
                let numbers: Vec<_> = found.found.iter().map(|row| row.ticket.ticket).collect();
                let mut cc = at.cc(&numbers)?;
                let rows = found.found.into_iter().map(|row| {
                    let cc = cc.remove(&row.ticket.ticket).unwrap_or_default();
                    let place = Place::from(row.ticket.place.clone());
                    (place, render::ticket(&row.ticket.stored(cc)))
                });
                let rows: Vec<_> = rows.collect();
                Ok(Ok((rows, found.examined.map(Place::from))))
            })
            .await?;
        let (tickets, next_page_token) = page.fit_found(rows, examined)?;
        Ok(Response::new(v1::ListTicketsResponse {
            tickets,
            next_page_token,
            read_token,
        }))
    }

    async fn delete_tickets(
        &self,
        request: Request<v1::DeleteTicketsRequest>,
    ) -> Result<Response<v1::DeleteTicketsResponse>, Status> {
        let render = |answer: &Vec<(TicketKey, Result<(), Refusal>)>, written_token| {
            let result = |(key, result): &(TicketKey, Result<(), Refusal>)| {
                let error = result.as_ref().err();
                v1::DeleteTicketsResult {
                    id: key.to_string(),
                    error: error.map(|refusal| of_refusal(refusal).item()),
                }
            };
            v1::DeleteTicketsResponse {
                results: answer.iter().map(result).collect(),
                written_token,
            }
        };
        self.0.write(request, deletion, render).await
    }
}
