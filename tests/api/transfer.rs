//! `transfer`: a contact changes company.

use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, both_engines, metadata, refused};

both_engines!(
    a_transfer_keeps_the_other_accounts_and_the_flag_and_role_of_one_that_was_there,
    a_new_primary_takes_the_flag_of_the_call_or_the_default_and_nothing_of_the_one_that_ended,
    a_transfer_to_the_present_primary_changes_nothing,
    tickets_of_the_old_primary_go_to_one_of_the_accounts_after_the_transfer,
    a_transfer_with_the_etag_of_a_preview_is_aborted_once_a_ticket_changed,
    a_transfer_changes_company_and_asks_what_becomes_of_the_tickets,
);

/// Accounts A, B, C and D; a contact with primary A and secondaries B and C.
async fn set_the_scene(world: &World) -> ([String; 4], String) {
    world.allow_several_accounts().await;
    let mut accounts = Vec::new();
    for name in ["A", "B", "C", "D"] {
        accounts.push(world.account(name).await);
    }
    let contact = world.contact("田中").await;
    world
        .associated(&accounts[0], &contact, Some(true), "旧")
        .await;
    world
        .associated(&accounts[1], &contact, Some(false), "部長")
        .await;
    world
        .associated(&accounts[2], &contact, Some(true), "")
        .await;
    (accounts.try_into().unwrap(), contact)
}

fn transfer(contact: &str, to: &str) -> TransferContactRequest {
    TransferContactRequest {
        contact_id: contact.into(),
        to_account_id: to.into(),
        ..Default::default()
    }
}

async fn association(world: &World, contact: &str, account: &str) -> Option<Association> {
    let all = world.accounts_of(contact).await.into_iter();
    let mut associations = all.filter_map(|of| of.association);
    associations.find(|association| association.account_id == account)
}

async fn a_transfer_keeps_the_other_accounts_and_the_flag_and_role_of_one_that_was_there(
    mut world: World,
) {
    let ([a, b, c, _], contact) = set_the_scene(&world).await;
    let other = association(&world, &contact, &c).await;
    let request = TransferContactRequest {
        sees_account_tickets: Some(true),
        role: "課長".into(),
        ..transfer(&contact, &b)
    };
    let moved = world
        .clients
        .associations
        .transfer_contact(request)
        .await
        .unwrap()
        .into_inner()
        .association
        .unwrap();
    assert!(moved.primary);
    assert_eq!(
        (moved.sees_account_tickets, moved.role.as_str()),
        (false, "部長"),
        "as they were"
    );
    assert_eq!(association(&world, &contact, &b).await, Some(moved));
    assert_eq!(association(&world, &contact, &c).await, other);
    assert_eq!(association(&world, &contact, &a).await, None);
    assert_eq!(world.primary_of(&contact).await, b);
}

async fn a_new_primary_takes_the_flag_of_the_call_or_the_default_and_nothing_of_the_one_that_ended(
    mut world: World,
) {
    let ([_, _, _, d], contact) = set_the_scene(&world).await;
    let moved = world
        .clients
        .associations
        .transfer_contact(transfer(&contact, &d))
        .await
        .unwrap()
        .into_inner()
        .association
        .unwrap();
    assert_eq!(
        (moved.sees_account_tickets, moved.role.as_str()),
        (false, "")
    );
    let sees = Settings {
        new_associations_see_account_tickets: true,
        ..Settings::default()
    };
    world
        .settings(sees, &["new_associations_see_account_tickets"])
        .await;
    let e = world.account("E").await;
    let moved = world
        .clients
        .associations
        .transfer_contact(transfer(&contact, &e))
        .await
        .unwrap()
        .into_inner()
        .association
        .unwrap();
    assert!(moved.sees_account_tickets, "the default");
    let back = TransferContactRequest {
        sees_account_tickets: Some(false),
        ..transfer(&contact, &d)
    };
    let moved = world
        .clients
        .associations
        .transfer_contact(back)
        .await
        .unwrap()
        .into_inner()
        .association
        .unwrap();
    assert!(!moved.sees_account_tickets, "the call");
}

async fn a_transfer_to_the_present_primary_changes_nothing(mut world: World) {
    let ([a, ..], contact) = set_the_scene(&world).await;
    world.ticket("T1", &contact, &a).await;
    let before = world.accounts_of(&contact).await;
    let request = TransferContactRequest {
        sees_account_tickets: Some(false),
        role: "新".into(),
        ..transfer(&contact, &a)
    };
    let answer = world
        .clients
        .associations
        .transfer_contact(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.tickets_changed, 0);
    assert_eq!(world.accounts_of(&contact).await, before);
}

async fn tickets_of_the_old_primary_go_to_one_of_the_accounts_after_the_transfer(world: World) {
    let ([a, b, c, d], contact) = set_the_scene(&world).await;
    let stranger = world.account("Z").await;
    world.ticket("T1", &contact, &a).await;
    world.ticket("T2", &contact, &b).await;
    let to = |target: &str| TransferContactRequest {
        ticket_disposition: TicketDisposition::MoveToAccount.into(),
        move_to_account_id: target.into(),
        ..transfer(&contact, &d)
    };
    let client = &mut world.clients.associations.clone();
    let undecided = refused(
        client.transfer_contact(transfer(&contact, &d)).await,
        Code::FailedPrecondition,
        "DISPOSITION_REQUIRED",
    );
    assert_eq!(metadata(&undecided, "tickets"), "1");
    let (unmet, invalid) = (Code::FailedPrecondition, Code::InvalidArgument);
    for (request, code, reason) in [
        (to(&stranger), unmet, "TARGET_NOT_ASSOCIATED"),
        (to("a99"), unmet, "TARGET_NOT_ASSOCIATED"),
        (to(&a), invalid, "TARGET_IS_LEFT"),
        (to(""), invalid, "DISPOSITION_INVALID"),
        (
            transfer(&contact, "a99"),
            Code::NotFound,
            "ACCOUNT_NOT_FOUND",
        ),
        (transfer("c99", &d), Code::NotFound, "CONTACT_NOT_FOUND"),
    ] {
        refused(client.transfer_contact(request).await, code, reason);
    }
    assert_eq!(world.primary_of(&contact).await, a, "nothing changed");
    assert_eq!(
        client
            .transfer_contact(to(&c))
            .await
            .unwrap()
            .into_inner()
            .tickets_changed,
        1
    );
    assert_eq!(world.get_ticket("T1").await.account_id, c);
    assert_eq!(world.get_ticket("T2").await.account_id, b);
    // The account that it arrives at is one of them, too.
    let again = TransferContactRequest {
        ticket_disposition: TicketDisposition::MoveToAccount.into(),
        move_to_account_id: a.clone(),
        ..transfer(&contact, &a)
    };
    world.ticket("T3", &contact, &d).await;
    assert_eq!(
        client
            .transfer_contact(again)
            .await
            .unwrap()
            .into_inner()
            .tickets_changed,
        1
    );
    assert_eq!(world.get_ticket("T3").await.account_id, a);
}

async fn a_transfer_with_the_etag_of_a_preview_is_aborted_once_a_ticket_changed(world: World) {
    let ([a, _, _, d], contact) = set_the_scene(&world).await;
    world.ticket("T1", &contact, &a).await;
    let client = &mut world.clients.associations.clone();
    let ask = PreviewDissociationRequest {
        account_id: a.clone(),
        contact_id: contact.clone(),
        ..Default::default()
    };
    let seen = client
        .preview_dissociation(ask.clone())
        .await
        .unwrap()
        .into_inner();
    world.ticket("T2", &contact, &a).await;
    let with = |etag: &str| TransferContactRequest {
        ticket_disposition: TicketDisposition::MoveToPrimary.into(),
        etag: etag.into(),
        ..transfer(&contact, &d)
    };
    refused(
        client.transfer_contact(with(&seen.etag)).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
    assert_eq!(world.primary_of(&contact).await, a);
    let seen = client.preview_dissociation(ask).await.unwrap().into_inner();
    assert_eq!(
        client
            .transfer_contact(with(&seen.etag))
            .await
            .unwrap()
            .into_inner()
            .tickets_changed,
        2
    );
    assert_eq!(world.get_ticket("T2").await.account_id, d);
}

async fn a_transfer_changes_company_and_asks_what_becomes_of_the_tickets(world: World) {
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    let transfer = |disposition: TicketDisposition| TransferContactRequest {
        contact_id: c.clone(),
        to_account_id: b.clone(),
        ticket_disposition: disposition.into(),
        role: "部長".into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    let nothing = client
        .transfer_contact(transfer(TicketDisposition::Unspecified))
        .await;
    refused(nothing, Code::FailedPrecondition, "NOTHING_TO_TRANSFER");

    world.associate(&a, &c).await;
    world.ticket("T1", &c, &a).await;
    let undecided = client
        .transfer_contact(transfer(TicketDisposition::Unspecified))
        .await;
    let status = refused(undecided, Code::FailedPrecondition, "DISPOSITION_REQUIRED");
    assert_eq!(metadata(&status, "tickets"), "1");

    let moved = client
        .transfer_contact(transfer(TicketDisposition::MoveToPrimary))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(moved.tickets_changed, 1);
    assert_eq!(moved.association.unwrap().role, "部長");
    assert_eq!(world.primary_of(&c).await, b);
    assert_eq!(world.accounts_of(&c).await.len(), 1);
    assert_eq!(world.get_ticket("T1").await.account_id, b);
}
