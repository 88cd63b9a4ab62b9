//! HistoryService.

use roster_api::Method;
use roster_api::v1::history_service_server::HistoryService;
use roster_api::v1::{self, AccessRecord};
use roster_core::id::{ContactId, CredentialId};
use roster_storage::{AccessFilter, AccessPlace};
use tonic::{Request, Response, Status};

use crate::caller::CREDENTIAL_LOCAL;
use crate::fault::Fault;
use crate::handler::{Handler, caller};
use crate::parse::{self, Parsed};
use crate::render;
use crate::token::Place;

/// See the proto.
pub(crate) struct History(pub(crate) Handler);

fn credential(given: &str) -> Parsed<Option<String>> {
    if given.is_empty() || given == CREDENTIAL_LOCAL {
        return Ok(Some(given.to_owned()).filter(|given| !given.is_empty()));
    }
    let id: CredentialId = parse::id("credential", given)?;
    Ok(Some(id.to_string()))
}

fn filter(given: &v1::ListAccessesRequest) -> Parsed<AccessFilter> {
    let time = |path, given: &Option<_>| given.as_ref().map(|at| parse::time(path, at)).transpose();
    Ok(AccessFilter {
        contact: parse::optional_id("contact_id", &given.contact_id)?,
        credential: credential(&given.credential)?,
        start: time("start_time", &given.start_time)?,
        end: time("end_time", &given.end_time)?,
    })
}

fn rendered(record: roster_storage::AccessRecord) -> AccessRecord {
    let contact: Option<ContactId> = record.contact;
    AccessRecord {
        create_time: render::time(record.time),
        credential: record.credential,
        actor: record.actor,
        rpc: record.rpc,
        contact_id: contact.map(String::from).unwrap_or_default(),
        target: record.target,
    }
}

#[tonic::async_trait]
impl HistoryService for History {
    async fn list_accesses(
        &self,
        request: Request<v1::ListAccessesRequest>,
    ) -> Result<Response<v1::ListAccessesResponse>, Status> {
        let organization = caller(&request)?.organization().clone();
        let mut given = request.into_inner();
        let filter = filter(&given)?;
        let (size, token) = (given.page_size, std::mem::take(&mut given.page_token));
        given.page_size = 0;
        let rpc = v1::ListAccessesRequest::INFO.name;
        let page = self
            .0
            .page_of(organization.as_str(), rpc, (size, &token), &given)?;
        let before = page.after.clone().map(Place::access);
        let found = self
            .0
            .store
            .accesses(organization, filter, before, page.size);
        let found = found.await.map_err(Fault::from)?;
        let row = |(place, record): (AccessPlace, _)| (Place::from(place), rendered(record));
        let rows = found.items.into_iter().map(row).collect();
        let examined = found.examined.map(Place::from);
        let more = examined.is_some();
        let (accesses, next_page_token) = page.fit_until(rows, examined, more)?;
        Ok(Response::new(v1::ListAccessesResponse {
            accesses,
            next_page_token,
        }))
    }
}
