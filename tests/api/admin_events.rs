//! The log of administration.

use roster_api::v1::*;
use tonic::{Code, Request, Response, Status};

use crate::secured::{Secured, organization, secured_on_both};
use crate::world::{Clients, answered, refused};

secured_on_both!(
    the_log_of_administration_shows_an_organization_its_own_events_without_its_administrators,
);

async fn listed(
    by: &Clients,
    organization: &str,
) -> Result<Response<ListAdminEventsResponse>, Status> {
    let request = ListAdminEventsRequest {
        organization: organization.into(),
        ..Default::default()
    };
    by.admin.clone().list_admin_events(request).await
}

/// All events, in pages of four.
async fn paged(by: &Clients) -> Vec<AdminEvent> {
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListAdminEventsRequest {
            page_size: 4,
            page_token,
            ..Default::default()
        };
        let page = answered(by.admin.clone().list_admin_events(request).await);
        pages.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    pages
}

async fn the_log_of_administration_shows_an_organization_its_own_events_without_its_administrators(
    world: Secured,
) {
    for name in ["acme", "other"] {
        organization(&world, name).await;
    }
    let (credential, key) = world.credential("acme", &["owner"]).await;
    let (_, other_key) = world.credential("other", &["owner"]).await;
    let own = world.with_key(&key);
    let mut request = Request::new(AddKeyRequest {
        credential_id: credential.id.clone(),
        expire_time: None,
    });
    let actor = "sato".parse().unwrap();
    request.metadata_mut().insert("roster-actor", actor);
    answered(own.admin.clone().add_key(request).await);

    let all = answered(listed(&world.admin, "").await).events;
    let actions: Vec<_> = all.iter().map(|event| event.action.as_str()).collect();
    let expected = [
        "AddKey",
        "CreateCredential",
        "CreateCredential",
        "CreateOrganization",
        "CreateOrganization",
    ];
    // The newest first; the first key is the oldest event.
    assert_eq!(actions[..5], expected);
    assert_eq!(all.len(), 6);
    assert_eq!(
        (all[0].actor.as_str(), all[0].credential_name.as_str()),
        ("sato", "test")
    );
    assert_eq!(
        (&all[0].target, all[0].organization.as_str()),
        (&credential.id, "acme")
    );
    assert!(!all[1].credential_name.is_empty());
    let text = format!("{all:?}");
    for secret in [&key, &other_key, &world.admin_key] {
        let (_, secret) = secret.rsplit_once('_').expect("a key");
        assert!(!text.contains(secret));
    }

    let events = answered(listed(&own, "").await).events;
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        ["AddKey", "CreateCredential", "CreateOrganization"]
    );
    assert!(events.iter().all(|event| event.organization == "acme"));
    assert_eq!(
        (events[0].actor.as_str(), events[0].credential_name.as_str()),
        ("sato", "test")
    );
    assert!(events[1].credential_name.is_empty() && !events[1].credential_id.is_empty());
    assert_eq!(answered(listed(&own, "acme").await).events, events);
    refused(
        listed(&own, "other").await,
        Code::PermissionDenied,
        "ORGANIZATION_DENIED",
    );

    assert_eq!(paged(&world.admin).await, all);
}
