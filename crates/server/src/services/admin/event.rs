//! The log of administration.

use roster_api::Method;
use roster_api::v1;
use roster_core::organization::OrganizationName;
use roster_storage::LoggedAdminEvent;
use tonic::Request;

use super::{Admin, manager, organization};
use crate::fault::{self, Fault};
use crate::handler::caller;
use crate::render;
use crate::token::Place;

/// An event as a caller may see it: an organization does not learn who its administrators are.
fn rendered(event: LoggedAdminEvent, for_administrator: bool) -> v1::AdminEvent {
    let shows_person = for_administrator || event.is_of_organization;
    let person = |text: String| if shows_person { text } else { String::new() };
    let organization = event.organization.as_ref();
    v1::AdminEvent {
        create_time: render::time(event.time),
        credential_id: event.credential,
        credential_name: person(event.credential_name.unwrap_or_default()),
        actor: person(event.actor),
        action: event.action,
        target: event.target,
        organization: organization.map(ToString::to_string).unwrap_or_default(),
    }
}

impl Admin {
    pub(super) async fn list_events(
        &self,
        request: Request<v1::ListAdminEventsRequest>,
    ) -> Result<v1::ListAdminEventsResponse, Fault> {
        let caller = caller(&request)?;
        let given = request.get_ref();
        let own = manager(caller).organization;
        let named = organization::of_list(own.as_ref(), &given.organization)?;
        let filter = v1::ListAdminEventsRequest {
            organization: given.organization.clone(),
            ..Default::default()
        };
        let binding = own.as_ref().map_or("", OrganizationName::as_str);
        let rpc = v1::ListAdminEventsRequest::INFO.name;
        let page = (given.page_size, given.page_token.as_str());
        let page = self.handler.page_of(binding, rpc, page, &filter)?;
        let before = page.after.as_ref().map(|place| place.number);
        let for_administrator = own.is_none();
        let of = named.or(own);
        let store = &self.handler.store;
        if let Some(name) = &of
            && store.organization_profile(name.clone()).await?.is_none()
        {
            return Err(fault::organization_not_found(name));
        }
        let found = store.admin_events_before(of, before, page.rows()).await?;
        let row = |event: LoggedAdminEvent| {
            let place = Place::of_number(event.number);
            (place, rendered(event, for_administrator))
        };
        let (events, next_page_token) = page.fit(found.into_iter().map(row).collect())?;
        Ok(v1::ListAdminEventsResponse {
            events,
            next_page_token,
        })
    }
}
