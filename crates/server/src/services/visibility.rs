//! VisibilityService, for visitors: five calls of one rule.

use std::convert::Infallible;

use roster_api::ReadRequest;
use roster_api::v1;
use roster_api::v1::visibility_service_server::VisibilityService;
use roster_core::id::ContactId;
use roster_core::refusal::Refusal;
use roster_core::rules::visibility::{Unseen, Verdict, VisibilityFacts};
use roster_core::rules::visitor::{Viewer, check_ticket_of};
use roster_core::text::TicketKey;
use roster_storage::TicketFilter;
use tonic::{Request, Response, Status};

use crate::fault::{self, Fault};
use crate::handler::{Access, Handler, caller};
use crate::parse;
use crate::render;
use crate::token::Place;

/// See the proto.
pub(crate) struct Visibilities(pub(crate) Handler);

/// The contact that a request is about. A visitor asks about itself and may leave it out.
fn viewer<Q>(request: &Request<Q>, contact_id: &str) -> Result<Viewer, Fault> {
    let Some(token) = caller(request)?.visitor() else {
        let contact: ContactId = parse::id("contact_id", contact_id)?;
        return Ok(contact.into());
    };
    if !contact_id.is_empty() && *contact_id != token.contact.to_string() {
        return Err(fault::contact_denied());
    }
    Ok(Viewer {
        contact: token.contact,
        visitor: Some(token.visitor),
    })
}

fn contact_unknown(viewer: &Viewer) -> Fault {
    match viewer.visitor {
        Some(_) => fault::visitor_gone(),
        None => Refusal::ContactNotFound(viewer.contact).into(),
    }
}

fn of_unseen(unseen: &Unseen<Infallible>, viewer: &Viewer, key: &TicketKey) -> Fault {
    match unseen {
        Unseen::UnknownContact => contact_unknown(viewer),
        Unseen::UnknownTicket => Refusal::TicketNotFound(key.clone()).into(),
        Unseen::Facts(never) => match *never {},
    }
}

impl Visibilities {
    /// Decides visibility for one viewer and one ticket.
    async fn check<Q: ReadRequest>(
        &self,
        request: &Request<Q>,
        viewer: Viewer,
        key: TicketKey,
    ) -> Result<(Verdict, String), Fault> {
        let check = move |facts: &dyn VisibilityFacts<Error = Infallible>, keys: &[TicketKey]| {
            let key = &keys[0];
            check_ticket_of(facts, &viewer, key).map_err(|unseen| of_unseen(&unseen, &viewer, key))
        };
        let (verdict, read_token) = self
            .0
            .ask_visibility(request, viewer.contact, [key], check)
            .await?;
        Ok((verdict?, read_token))
    }
}

/// An item of a batch's answer. An unknown contact fails the call, an unknown ticket only its item.
fn batch_result(
    viewer: &Viewer,
    key: &TicketKey,
    seen: Result<Verdict, Unseen<Infallible>>,
) -> Result<v1::BatchCheckTicketsResult, Fault> {
    let ticket_id = key.to_string();
    match seen {
        Ok(verdict) => Ok(v1::BatchCheckTicketsResult {
            ticket_id,
            visibility: render::visibility(&verdict),
            grounds: render::grounds(&verdict),
            error: None,
        }),
        Err(unseen @ Unseen::UnknownTicket) => Ok(v1::BatchCheckTicketsResult {
            ticket_id,
            error: Some(of_unseen(&unseen, viewer, key).item()),
            ..v1::BatchCheckTicketsResult::default()
        }),
        Err(unseen) => Err(of_unseen(&unseen, viewer, key)),
    }
}

#[tonic::async_trait]
impl VisibilityService for Visibilities {
    async fn check_ticket(
        &self,
        mut request: Request<v1::CheckTicketRequest>,
    ) -> Result<Response<v1::CheckTicketResponse>, Status> {
        let viewer = viewer(&request, &request.get_ref().contact_id)?;
        let asked = request.get_mut();
        let key = parse::taken_ticket_key("ticket_id", std::mem::take(&mut asked.ticket_id))?;
        let (verdict, read_token) = self.check(&request, viewer, key).await?;
        Ok(Response::new(v1::CheckTicketResponse {
            visibility: render::visibility(&verdict),
            grounds: render::grounds(&verdict),
            read_token,
        }))
    }

    async fn batch_check_tickets(
        &self,
        request: Request<v1::BatchCheckTicketsRequest>,
    ) -> Result<Response<v1::BatchCheckTicketsResponse>, Status> {
        let viewer = viewer(&request, &request.get_ref().contact_id)?;
        let ids = &request.get_ref().ticket_ids;
        parse::batch("ticket_ids", ids)?;
        let key =
            |(index, id): (usize, &String)| parse::ticket_key(&format!("ticket_ids[{index}]"), id);
        let keys: Vec<TicketKey> = ids.iter().enumerate().map(key).collect::<Result<_, _>>()?;
        let check = move |facts: &dyn VisibilityFacts<Error = Infallible>, keys: &[TicketKey]| {
            let results = keys.iter().map(|key| {
                let seen = check_ticket_of(facts, &viewer, key);
                batch_result(&viewer, key, seen)
            });
            results.collect::<Result<Vec<_>, Fault>>()
        };
        let (results, read_token) = self
            .0
            .ask_visibility(&request, viewer.contact, keys, check)
            .await?;
        let results = results?;
        Ok(Response::new(v1::BatchCheckTicketsResponse {
            results,
            read_token,
        }))
    }

    async fn list_visible_tickets(
        &self,
        mut request: Request<v1::ListVisibleTicketsRequest>,
    ) -> Result<Response<v1::ListVisibleTicketsResponse>, Status> {
        let viewer = viewer(&request, &request.get_ref().contact_id)?;
        // A page token belongs to its contact, also if a visitor left the contact out.
        request.get_mut().contact_id = viewer.contact.to_string();
        let asked = request.get_ref();
        let filter = TicketFilter {
            account: parse::optional_id("account_id", &asked.account_id)?,
            requester: None,
            status: parse::status("status", asked.status)?,
        };
        let page = self.0.page(&request)?;
        let (size, after) = (page.size, page.after.clone().map(Place::ticket));
        let (found, read_token) = self
            .0
            .read_page(&request, move |at, contact_facts| {
                // A visitor is not told which accounts exist.
                if viewer.visitor.is_none()
                    && let Some(id) = filter.account
                    && at.accounts(&[id])?.is_empty()
                {
                    return Ok(Err(Refusal::AccountNotFound(id).into()));
                }
                let found = at.visible_tickets(
                    &viewer,
                    |now| contact_facts(viewer.contact, now),
                    &filter,
                    after.clone(),
                    size,
                )?;
                Ok(found.ok_or_else(|| contact_unknown(&viewer)))
            })
            .await?;
        let rows = found.items.into_iter().map(|visible| {
            let place = Place::from(visible.ticket.place.clone());
            let shown = v1::VisibleTicket {
                grounds: render::grounds(&visible.verdict),
                ticket: Some(render::ticket_summary(visible.ticket)),
            };
            (place, shown)
        });
        let examined = found.examined.map(Place::from);
        let more = examined.is_some();
        let (tickets, next_page_token) = page.fit_until(rows.collect(), examined, more)?;
        Ok(Response::new(v1::ListVisibleTicketsResponse {
            tickets,
            next_page_token,
            read_token,
        }))
    }

    async fn list_ticket_viewers(
        &self,
        request: Request<v1::ListTicketViewersRequest>,
    ) -> Result<Response<v1::ListTicketViewersResponse>, Status> {
        let asked = request.get_ref();
        let key = parse::ticket_key("ticket_id", &asked.ticket_id)?;
        let page = self.0.page(&request)?;
        let (size, after) = (page.size, page.after.as_ref().map_or(0, |p| p.number));
        let (found, read_token) = self
            .0
            .read(&request, move |at| {
                let found = at.viewers(&key, after, size)?;
                Ok(found.ok_or_else(|| Refusal::TicketNotFound(key).into()))
            })
            .await?;
        let access = Access::of::<v1::ListTicketViewersRequest>(None, &asked.ticket_id);
        self.0.record_access(&request, access).await?;
        let rows = found.items.into_iter().map(|(contact, verdict)| {
            let shown = v1::TicketViewer {
                contact_id: contact.to_string(),
                grounds: render::grounds(&verdict),
            };
            (Place::of_number(contact.number()), shown)
        });
        let examined = found.examined.map(Place::of_number);
        let more = examined.is_some();
        let (viewers, next_page_token) = page.fit_until(rows.collect(), examined, more)?;
        Ok(Response::new(v1::ListTicketViewersResponse {
            viewers,
            next_page_token,
            read_token,
        }))
    }

    async fn explain_ticket(
        &self,
        request: Request<v1::ExplainTicketRequest>,
    ) -> Result<Response<v1::ExplainTicketResponse>, Status> {
        let contact: ContactId = parse::id("contact_id", &request.get_ref().contact_id)?;
        let key = parse::ticket_key("ticket_id", &request.get_ref().ticket_id)?;
        let (verdict, read_token) = self.check(&request, contact.into(), key.clone()).await?;
        let access = Access::of::<v1::ExplainTicketRequest>(Some(contact), key.as_str());
        self.0.record_access(&request, access).await?;
        Ok(Response::new(v1::ExplainTicketResponse {
            visibility: render::visibility(&verdict),
            blocked: verdict.blocked,
            clauses: render::clauses(&verdict),
            read_token,
        }))
    }
}
