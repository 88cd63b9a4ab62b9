//! `preview`: what a dissociation will do, and the etag that holds it to that.

use roster_api::v1::*;
use tonic::Code;

use crate::dissociation::set_the_scene;
use crate::world::{World, answered, both_engines, mask, refused};

both_engines!(
    a_new_ticket_after_the_preview_aborts_the_dissociation_that_carries_its_etag,
    an_etag_outlives_what_it_does_not_stand_for_and_nothing_else,
    a_preview_needs_an_association_and_of_a_blocked_contact_nothing_stays_visible,
);

async fn a_new_ticket_after_the_preview_aborts_the_dissociation_that_carries_its_etag(
    world: World,
) {
    let (_, b, c) = set_the_scene(&world).await;
    let with_cc = TicketRecord {
        id: "CC".into(),
        requester_id: world.contact("林").await,
        account_id: Some(b.clone()),
        allow_unassociated_account: true,
        cc_contact_ids: vec![c.clone()],
        ..Default::default()
    };
    world.record(with_cc).await;
    let request = PreviewDissociationRequest {
        account_id: b.clone(),
        contact_id: c.clone(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    let preview = client
        .preview_dissociation(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((preview.tickets_open, preview.tickets_closed), (2, 1));
    assert_eq!(
        (
            preview.still_visible_as_requester,
            preview.still_visible_as_cc
        ),
        (3, 1)
    );

    world.ticket("B4", &c, &b).await;
    let dissociate = |etag: &str| DissociateContactRequest {
        account_id: b.clone(),
        contact_id: c.clone(),
        ticket_disposition: TicketDisposition::ClearAccount.into(),
        etag: etag.into(),
        ..Default::default()
    };
    refused(
        client.dissociate_contact(dissociate(&preview.etag)).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
    let etag = client
        .preview_dissociation(request)
        .await
        .unwrap()
        .into_inner()
        .etag;
    assert_eq!(
        client
            .dissociate_contact(dissociate(&etag))
            .await
            .unwrap()
            .into_inner()
            .tickets_changed,
        4
    );
    assert!(world.sees(&c, "CC").await, "CC still shows it");
}

async fn preview(world: &World, account: &str, contact: &str) -> PreviewDissociationResponse {
    let request = PreviewDissociationRequest {
        account_id: account.into(),
        contact_id: contact.into(),
        ..Default::default()
    };
    let mut client = world.clients.associations.clone();
    let answer = client.preview_dissociation(request).await;
    answer.expect("a preview").into_inner()
}

async fn an_etag_outlives_what_it_does_not_stand_for_and_nothing_else(mut world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    let colleague = world.contact("林").await;
    world.associate(&b, &colleague).await;
    let etag = preview(&world, &b, &c).await.etag;
    // Another account's ticket, a colleague's, the contact itself: none of them counts.
    world.ticket("A2", &c, &a).await;
    world.ticket("Y1", &colleague, &b).await;
    assert_eq!(preview(&world, &b, &c).await.etag, etag);
    // Closing a ticket, moving one away, another flag: each counts.
    let closed = TicketRecord {
        id: "B1".into(),
        requester_id: c.clone(),
        status: Some(TicketStatus::Closed.into()),
        ..Default::default()
    };
    world.record(closed).await;
    let after_closing = preview(&world, &b, &c).await;
    assert_eq!(
        (after_closing.tickets_open, after_closing.tickets_closed),
        (1, 2)
    );
    world.ticket("B1", &c, &a).await;
    let after_moving = preview(&world, &b, &c).await;
    assert_eq!(
        (after_moving.tickets_open, after_moving.tickets_closed),
        (1, 1)
    );
    let association = Association {
        account_id: b.clone(),
        contact_id: c.clone(),
        sees_account_tickets: true,
        ..Default::default()
    };
    let update = UpdateAssociationRequest {
        association: Some(association),
        update_mask: mask(&["sees_account_tickets"]),
        ..Default::default()
    };
    answered(world.clients.associations.update_association(update).await);
    let last = preview(&world, &b, &c).await.etag;
    let of_another = preview(&world, &b, &colleague).await.etag;
    let dissociate = |etag: &str| DissociateContactRequest {
        account_id: b.clone(),
        contact_id: c.clone(),
        ticket_disposition: TicketDisposition::KeepWithAccount.into(),
        etag: etag.into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    for stale in [
        &etag,
        &after_closing.etag,
        &after_moving.etag,
        &of_another,
        "nonsense",
    ] {
        refused(
            client.dissociate_contact(dissociate(stale)).await,
            Code::Aborted,
            "ETAG_MISMATCH",
        );
    }
    world.restart().await;
    let client = &mut world.clients.associations;
    client.dissociate_contact(dissociate(&last)).await.unwrap();
}

async fn a_preview_needs_an_association_and_of_a_blocked_contact_nothing_stays_visible(
    mut world: World,
) {
    let (_, b, c) = set_the_scene(&world).await;
    let stranger = world.contact("林").await;
    let ask = |account: &str, contact: &str| PreviewDissociationRequest {
        account_id: account.into(),
        contact_id: contact.into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    refused(
        client.preview_dissociation(ask(&b, &stranger)).await,
        Code::NotFound,
        "ASSOCIATION_NOT_FOUND",
    );
    refused(
        client.preview_dissociation(ask("a99", &c)).await,
        Code::NotFound,
        "ACCOUNT_NOT_FOUND",
    );
    refused(
        client.preview_dissociation(ask(&b, "c99")).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
    let block = UpdateContactRequest {
        contact: Some(Contact {
            id: c.clone(),
            blocked: true,
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["blocked".into()],
        }),
        ..Default::default()
    };
    world.clients.contacts.update_contact(block).await.unwrap();
    let told = preview(&world, &b, &c).await;
    assert_eq!((told.tickets_open, told.tickets_closed), (2, 1));
    assert_eq!(
        (told.still_visible_as_requester, told.still_visible_as_cc),
        (0, 0)
    );
}
