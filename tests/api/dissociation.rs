//! `primary-stays`, `disposition-required`, `preview`, and repeats by request_id.

use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, both_engines, metadata, refused};

both_engines!(
    a_primary_account_is_not_dissociated,
    tickets_need_a_disposition_and_the_error_counts_them,
    without_tickets_no_disposition_is_needed,
    kept_tickets_stay_with_the_account,
    tickets_move_to_the_primary,
    tickets_move_to_another_account_of_the_contact_and_to_no_other,
    clearing_open_tickets_only_leaves_the_closed_ones,
    a_colleagues_tickets_are_left_alone,
    what_was_cleared_does_not_come_back_with_the_association,
    a_repeat_with_the_same_request_id_gets_the_first_answer,
    all_100_000_tickets_of_a_contact_move_at_once_while_reads_go_on,
    open_tickets_alone_can_be_moved_and_closed_ones_still_need_a_disposition,
    a_refused_target_changes_nothing_even_without_tickets,
    an_answer_is_repeated_after_a_restart_and_a_refusal_is_not_kept,
);

/// A contact with primary A and secondary B, three tickets of B (one closed) and one of A.
pub async fn set_the_scene(world: &World) -> (String, String, String) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    world.associate(&b, &c).await;
    world.ticket("A1", &c, &a).await;
    for id in ["B1", "B2"] {
        world.ticket(id, &c, &b).await;
    }
    world
        .record(TicketRecord {
            id: "B3".into(),
            requester_id: c.clone(),
            account_id: Some(b.clone()),
            status: Some(TicketStatus::Closed.into()),
            ..Default::default()
        })
        .await;
    (a, b, c)
}

async fn accounts_of_tickets(world: &World) -> Vec<String> {
    let mut accounts = Vec::new();
    for id in ["A1", "B1", "B2", "B3"] {
        accounts.push(world.get_ticket(id).await.account_id);
    }
    accounts
}

async fn a_primary_account_is_not_dissociated(world: World) {
    let (a, _, c) = set_the_scene(&world).await;
    let status = refused(
        world
            .dissociate(&a, &c, TicketDisposition::KeepWithAccount)
            .await,
        Code::FailedPrecondition,
        "PRIMARY_STAYS",
    );
    assert!(
        status.message().contains("transfer"),
        "it says what to do instead"
    );
    assert_eq!(world.accounts_of(&c).await.len(), 2);
}

async fn tickets_need_a_disposition_and_the_error_counts_them(world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    let status = refused(
        world
            .dissociate(&b, &c, TicketDisposition::Unspecified)
            .await,
        Code::FailedPrecondition,
        "DISPOSITION_REQUIRED",
    );
    assert_eq!(metadata(&status, "tickets"), "3");
    assert_eq!(
        accounts_of_tickets(&world).await,
        [&a, &b, &b, &b].map(String::clone)
    );
    assert_eq!(world.accounts_of(&c).await.len(), 2);
}

async fn without_tickets_no_disposition_is_needed(world: World) {
    let (_, _, c) = set_the_scene(&world).await;
    let d = world.account("D").await;
    world.associate(&d, &c).await;
    let done = world
        .dissociate(&d, &c, TicketDisposition::Unspecified)
        .await
        .unwrap();
    assert_eq!(done.into_inner().tickets_changed, 0);
    refused(
        world
            .dissociate(&d, &c, TicketDisposition::Unspecified)
            .await,
        Code::NotFound,
        "ASSOCIATION_NOT_FOUND",
    );
}

async fn kept_tickets_stay_with_the_account(world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    let done = world
        .dissociate(&b, &c, TicketDisposition::KeepWithAccount)
        .await
        .unwrap();
    assert_eq!(done.into_inner().tickets_changed, 0);
    assert_eq!(
        accounts_of_tickets(&world).await,
        [&a, &b, &b, &b].map(String::clone)
    );
    assert_eq!(world.accounts_of(&c).await.len(), 1);
}

async fn tickets_move_to_the_primary(world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    let done = world
        .dissociate(&b, &c, TicketDisposition::MoveToPrimary)
        .await
        .unwrap();
    assert_eq!(done.into_inner().tickets_changed, 3);
    assert_eq!(
        accounts_of_tickets(&world).await,
        [&a, &a, &a, &a].map(String::clone)
    );
}

async fn tickets_move_to_another_account_of_the_contact_and_to_no_other(world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    let stranger = world.account("Z").await;
    let request = |to: &str| DissociateContactRequest {
        account_id: b.clone(),
        contact_id: c.clone(),
        ticket_disposition: TicketDisposition::MoveToAccount.into(),
        move_to_account_id: to.into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    refused(
        client.dissociate_contact(request(&stranger)).await,
        Code::FailedPrecondition,
        "TARGET_NOT_ASSOCIATED",
    );
    refused(
        client.dissociate_contact(request(&b)).await,
        Code::InvalidArgument,
        "TARGET_IS_LEFT",
    );
    refused(
        client.dissociate_contact(request("")).await,
        Code::InvalidArgument,
        "DISPOSITION_INVALID",
    );
    let unasked = DissociateContactRequest {
        ticket_disposition: TicketDisposition::ClearAccount.into(),
        ..request(&a)
    };
    refused(
        client.dissociate_contact(unasked).await,
        Code::InvalidArgument,
        "DISPOSITION_INVALID",
    );
    assert_eq!(
        client
            .dissociate_contact(request(&a))
            .await
            .unwrap()
            .into_inner()
            .tickets_changed,
        3
    );
}

async fn clearing_open_tickets_only_leaves_the_closed_ones(mut world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    let request = DissociateContactRequest {
        account_id: b.clone(),
        contact_id: c,
        ticket_disposition: TicketDisposition::ClearAccount.into(),
        ticket_scope: TicketScope::OpenOnly.into(),
        ..Default::default()
    };
    let done = world
        .clients
        .associations
        .dissociate_contact(request)
        .await
        .unwrap();
    assert_eq!(done.into_inner().tickets_changed, 2);
    assert_eq!(
        accounts_of_tickets(&world).await,
        [a, String::new(), String::new(), b]
    );
}

async fn a_colleagues_tickets_are_left_alone(world: World) {
    let (_, b, c) = set_the_scene(&world).await;
    let colleague = world.contact("林").await;
    world.associate(&b, &colleague).await;
    world.ticket("Y1", &colleague, &b).await;
    world
        .dissociate(&b, &c, TicketDisposition::ClearAccount)
        .await
        .unwrap();
    assert_eq!(world.get_ticket("Y1").await.account_id, b);
    assert_eq!(
        world.get_ticket("A1").await.account_id,
        world.primary_of(&c).await
    );
}

async fn what_was_cleared_does_not_come_back_with_the_association(world: World) {
    let (_, b, c) = set_the_scene(&world).await;
    world
        .dissociate(&b, &c, TicketDisposition::ClearAccount)
        .await
        .unwrap();
    let again = world.associated(&b, &c, Some(false), "").await;
    assert!(!again.sees_account_tickets && !again.primary);
    assert_eq!(world.get_ticket("B1").await.account_id, "");
}

async fn a_repeat_with_the_same_request_id_gets_the_first_answer(world: World) {
    let (_, b, c) = set_the_scene(&world).await;
    let request = DissociateContactRequest {
        account_id: b,
        contact_id: c.clone(),
        ticket_disposition: TicketDisposition::ClearAccount.into(),
        request_id: "one".into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    let first = client
        .dissociate_contact(request.clone())
        .await
        .unwrap()
        .into_inner();
    let second = client
        .dissociate_contact(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, second);
    assert_eq!(first.tickets_changed, 3);
    let other = DissociateContactRequest {
        ticket_disposition: TicketDisposition::KeepWithAccount.into(),
        ..request
    };
    refused(
        client.dissociate_contact(other).await,
        Code::InvalidArgument,
        "REQUEST_ID_REUSED",
    );
}

async fn all_100_000_tickets_of_a_contact_move_at_once_while_reads_go_on(mut world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    for batch in 0..100 {
        let tickets = (0..1_000).map(|n| TicketRecord {
            id: format!("M{batch}-{n}"),
            requester_id: c.clone(),
            account_id: Some(b.clone()),
            ..Default::default()
        });
        let request = RecordTicketsRequest {
            tickets: tickets.collect(),
            ..Default::default()
        };
        world.clients.tickets.record_tickets(request).await.unwrap();
    }
    let reading = {
        let (clients, contact) = (world.clients.clone(), c.clone());
        tokio::spawn(async move {
            for _ in 0..20 {
                let request = CheckTicketRequest {
                    contact_id: contact.clone(),
                    ticket_id: "M0-0".into(),
                    ..Default::default()
                };
                clients
                    .visibility
                    .clone()
                    .check_ticket(request)
                    .await
                    .unwrap();
            }
        })
    };
    let done = world
        .dissociate(&b, &c, TicketDisposition::MoveToPrimary)
        .await
        .unwrap();
    assert_eq!(done.into_inner().tickets_changed, 100_003);
    reading.await.unwrap();
    assert_eq!(world.get_ticket("M99-999").await.account_id, a);
}

async fn open_tickets_alone_can_be_moved_and_closed_ones_still_need_a_disposition(world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    let request = |disposition: TicketDisposition, to: &str| DissociateContactRequest {
        account_id: b.clone(),
        contact_id: c.clone(),
        ticket_disposition: disposition.into(),
        move_to_account_id: to.into(),
        ticket_scope: TicketScope::OpenOnly.into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    let status = refused(
        client
            .dissociate_contact(request(TicketDisposition::Unspecified, ""))
            .await,
        Code::FailedPrecondition,
        "DISPOSITION_REQUIRED",
    );
    assert_eq!(metadata(&status, "tickets"), "3", "closed ones count too");
    let done = client
        .dissociate_contact(request(TicketDisposition::MoveToAccount, &a))
        .await
        .unwrap();
    assert_eq!(done.into_inner().tickets_changed, 2);
    assert_eq!(
        accounts_of_tickets(&world).await,
        [&a, &a, &a, &b].map(String::clone)
    );
    // Closed tickets that were left behind do not come along when they are recorded again.
    let again = TicketRecord {
        id: "B3".into(),
        requester_id: c,
        ..Default::default()
    };
    assert_eq!(world.record(again).await.account_id, b);
}

async fn a_refused_target_changes_nothing_even_without_tickets(world: World) {
    let (a, b, c) = set_the_scene(&world).await;
    let d = world.account("D").await;
    world.associate(&d, &c).await;
    let stranger = world.account("Z").await;
    let request = |to: &str, disposition: TicketDisposition| DissociateContactRequest {
        account_id: d.clone(),
        contact_id: c.clone(),
        ticket_disposition: disposition.into(),
        move_to_account_id: to.into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    use TicketDisposition::*;
    refused(
        client
            .dissociate_contact(request(&stranger, MoveToAccount))
            .await,
        Code::FailedPrecondition,
        "TARGET_NOT_ASSOCIATED",
    );
    refused(
        client
            .dissociate_contact(request("a99", MoveToAccount))
            .await,
        Code::FailedPrecondition,
        "TARGET_NOT_ASSOCIATED",
    );
    refused(
        client
            .dissociate_contact(request("c1", MoveToAccount))
            .await,
        Code::InvalidArgument,
        "ID_INVALID",
    );
    refused(
        client.dissociate_contact(request(&d, MoveToAccount)).await,
        Code::InvalidArgument,
        "TARGET_IS_LEFT",
    );
    refused(
        client.dissociate_contact(request(&a, Unspecified)).await,
        Code::InvalidArgument,
        "DISPOSITION_INVALID",
    );
    refused(
        client
            .dissociate_contact(request(&a, KeepWithAccount))
            .await,
        Code::InvalidArgument,
        "DISPOSITION_INVALID",
    );
    assert_eq!(world.accounts_of(&c).await.len(), 3);
    // A disposition without tickets is accepted.
    assert_eq!(
        client
            .dissociate_contact(request(&b, MoveToAccount))
            .await
            .unwrap()
            .into_inner()
            .tickets_changed,
        0
    );
}

async fn an_answer_is_repeated_after_a_restart_and_a_refusal_is_not_kept(mut world: World) {
    let (_, b, c) = set_the_scene(&world).await;
    let request = |disposition: TicketDisposition| DissociateContactRequest {
        account_id: b.clone(),
        contact_id: c.clone(),
        ticket_disposition: disposition.into(),
        request_id: "one".into(),
        ..Default::default()
    };
    let mut client = world.clients.associations.clone();
    refused(
        client
            .dissociate_contact(request(TicketDisposition::Unspecified))
            .await,
        Code::FailedPrecondition,
        "DISPOSITION_REQUIRED",
    );
    let first = client
        .dissociate_contact(request(TicketDisposition::ClearAccount))
        .await
        .unwrap()
        .into_inner();
    world.restart().await;
    let second = world
        .clients
        .associations
        .dissociate_contact(request(TicketDisposition::ClearAccount))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, second);
    assert_eq!(world.accounts_of(&c).await.len(), 1);
}
