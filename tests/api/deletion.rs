//! `deletion`: what becomes of what depended on an account or a contact.

use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, answered, both_engines, field, mask, metadata, refused};

both_engines!(
    the_tickets_of_a_deleted_account_go_to_any_other_and_to_no_wrong_one,
    each_ticket_of_a_deleted_account_goes_to_its_own_requesters_primary_or_to_none,
    the_heir_of_a_primary_is_the_association_that_changed_longest_ago,
    nothing_is_deleted_by_an_outdated_etag,
    a_deleted_contacts_tickets_go_with_it_or_to_another_that_exists,
    a_deleted_account_leaves_its_contacts_the_oldest_that_remains,
);

async fn the_tickets_of_a_deleted_account_go_to_any_other_and_to_no_wrong_one(world: World) {
    let (a, other, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    world.ticket("T1", &c, &a).await;
    let delete = |disposition: TicketDisposition, to: &str| DeleteAccountRequest {
        id: a.clone(),
        dissociate_contacts: true,
        ticket_disposition: disposition.into(),
        move_to_account_id: to.into(),
        ..Default::default()
    };
    let client = &mut world.clients.accounts.clone();
    use TicketDisposition::*;
    let invalid = Code::InvalidArgument;
    for (disposition, to, code, reason) in [
        (Unspecified, "", Code::FailedPrecondition, "STILL_IN_USE"),
        (KeepWithAccount, "", invalid, "DISPOSITION_INVALID"),
        (MoveToAccount, "", invalid, "DISPOSITION_INVALID"),
        (ClearAccount, &*other, invalid, "DISPOSITION_INVALID"),
        (MoveToAccount, &*a, invalid, "TARGET_IS_LEFT"),
        (MoveToAccount, "a99", Code::NotFound, "ACCOUNT_NOT_FOUND"),
        (MoveToAccount, "c1", invalid, "ID_INVALID"),
    ] {
        refused(
            client.delete_account(delete(disposition, to)).await,
            code,
            reason,
        );
    }
    let bare = DeleteAccountRequest {
        dissociate_contacts: false,
        ..delete(ClearAccount, "")
    };
    let status = refused(
        client.delete_account(bare).await,
        Code::FailedPrecondition,
        "STILL_IN_USE",
    );
    assert_eq!(
        (
            metadata(&status, "associations"),
            metadata(&status, "tickets")
        ),
        ("1".into(), "1".into())
    );
    assert_eq!(
        world.get_ticket("T1").await.account_id,
        a,
        "nothing changed"
    );
    let done = client
        .delete_account(delete(MoveToAccount, &other))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((done.contacts_dissociated, done.tickets_changed), (1, 1));
    assert_eq!(world.get_ticket("T1").await.account_id, other);
    assert!(
        world.accounts_of(&c).await.is_empty(),
        "a ticket makes no association"
    );
}

async fn each_ticket_of_a_deleted_account_goes_to_its_own_requesters_primary_or_to_none(
    mut world: World,
) {
    world.allow_several_accounts().await;
    let (a, b) = (world.account("A").await, world.account("B").await);
    let (x, y, z) = (
        world.contact("一").await,
        world.contact("二").await,
        world.contact("三").await,
    );
    world.associate(&a, &x).await;
    world.associate(&b, &y).await;
    world.associate(&a, &z).await;
    world.associate(&b, &z).await;
    world.ticket("X", &x, &a).await;
    world.ticket("Z", &z, &a).await;
    world
        .record(TicketRecord {
            id: "Y".into(),
            requester_id: y.clone(),
            account_id: Some(a.clone()),
            allow_unassociated_account: true,
            status: Some(TicketStatus::Closed.into()),
            ..Default::default()
        })
        .await;
    let delete = DeleteAccountRequest {
        id: a,
        dissociate_contacts: true,
        ticket_disposition: TicketDisposition::MoveToPrimary.into(),
        ..Default::default()
    };
    let done = world
        .clients
        .accounts
        .delete_account(delete)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((done.contacts_dissociated, done.tickets_changed), (2, 3));
    assert_eq!(
        world.get_ticket("X").await.account_id,
        "",
        "it has no account any more"
    );
    assert_eq!(world.get_ticket("Y").await.account_id, b);
    assert_eq!(
        world.get_ticket("Z").await.account_id,
        b,
        "its primary after the deletion"
    );
    assert_eq!(world.primary_of(&z).await, b);
}

async fn the_heir_of_a_primary_is_the_association_that_changed_longest_ago(mut world: World) {
    world.allow_several_accounts().await;
    let c = world.contact("田中").await;
    let mut accounts = Vec::new();
    for name in ["A", "B", "C"] {
        let account = world.account(name).await;
        world.associate(&account, &c).await;
        accounts.push(account);
    }
    let update = UpdateAssociationRequest {
        association: Some(Association {
            account_id: accounts[1].clone(),
            contact_id: c.clone(),
            role: "長".into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["role".into()],
        }),
        ..Default::default()
    };
    world
        .clients
        .associations
        .update_association(update)
        .await
        .unwrap();
    let delete = |id: &str| DeleteAccountRequest {
        id: id.into(),
        dissociate_contacts: true,
        ..Default::default()
    };
    let mut client = world.clients.accounts.clone();
    client.delete_account(delete(&accounts[0])).await.unwrap();
    assert_eq!(world.primary_of(&c).await, accounts[2]);
    client.delete_account(delete(&accounts[1])).await.unwrap();
    assert_eq!(
        world.primary_of(&c).await,
        accounts[2],
        "a secondary that goes moves nothing"
    );
    client.delete_account(delete(&accounts[2])).await.unwrap();
    assert!(world.accounts_of(&c).await.is_empty());
}

async fn nothing_is_deleted_by_an_outdated_etag(mut world: World) {
    let (a, c) = (world.account("A").await, world.contact("田中").await);
    let (accounts, contacts) = (&mut world.clients.accounts, &mut world.clients.contacts);
    let read = GetAccountRequest {
        id: a.clone(),
        ..Default::default()
    };
    let account = answered(accounts.get_account(read).await).account.unwrap();
    let read = GetContactRequest {
        id: c.clone(),
        ..Default::default()
    };
    let contact = answered(contacts.get_contact(read).await).contact.unwrap();
    let renamed = UpdateAccountRequest {
        account: Some(Account {
            name: "B".into(),
            ..account.clone()
        }),
        update_mask: mask(&["name"]),
        ..Default::default()
    };
    accounts.update_account(renamed).await.unwrap();
    let blocked = UpdateContactRequest {
        contact: Some(Contact {
            blocked: true,
            ..contact.clone()
        }),
        update_mask: mask(&["blocked"]),
        ..Default::default()
    };
    let after = answered(contacts.update_contact(blocked).await);
    let stale = DeleteAccountRequest {
        id: a,
        etag: account.etag,
        ..Default::default()
    };
    refused(
        accounts.delete_account(stale).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
    let delete = |etag: String| DeleteContactRequest {
        id: c.clone(),
        etag,
        ..Default::default()
    };
    refused(
        contacts.delete_contact(delete(contact.etag)).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
    let etag = after.contact.unwrap().etag;
    contacts.delete_contact(delete(etag)).await.unwrap();
}

async fn a_deleted_contacts_tickets_go_with_it_or_to_another_that_exists(mut world: World) {
    let a = world.account("A").await;
    let (c, heir) = (world.contact("田中").await, world.contact("林").await);
    world.associate(&a, &c).await;
    world.ticket("T1", &c, &a).await;
    world
        .record(TicketRecord {
            id: "T2".into(),
            requester_id: heir.clone(),
            cc_contact_ids: vec![c.clone(), heir.clone()],
            ..Default::default()
        })
        .await;
    let delete = |tickets: bool, to: &str| DeleteContactRequest {
        id: c.clone(),
        dissociate_accounts: true,
        delete_tickets: tickets,
        new_requester_id: to.into(),
        ..Default::default()
    };
    let client = &mut world.clients.contacts.clone();
    for (tickets, to, code, reason) in [
        (false, "", Code::FailedPrecondition, "STILL_IN_USE"),
        (true, &*heir, Code::InvalidArgument, "DISPOSITION_INVALID"),
        (false, "c99", Code::NotFound, "REQUESTER_NOT_FOUND"),
    ] {
        refused(
            client.delete_contact(delete(tickets, to)).await,
            code,
            reason,
        );
    }
    let own = refused(
        client.delete_contact(delete(false, &c)).await,
        Code::InvalidArgument,
        "TARGET_IS_LEFT",
    );
    assert_eq!(field(&own), "new_requester_id");
    let done = answered(client.delete_contact(delete(true, "")).await);
    assert_eq!(
        (
            done.accounts_dissociated,
            done.tickets_deleted,
            done.tickets_reassigned
        ),
        (1, 1, 0)
    );
    let gone = GetTicketRequest {
        id: "T1".into(),
        ..Default::default()
    };
    let gone = world.clients.tickets.get_ticket(gone).await;
    refused(gone, Code::NotFound, "TICKET_NOT_FOUND");
    assert_eq!(world.get_ticket("T2").await.cc_contact_ids, [heir]);
    for id in ["T1", "T2"] {
        let check = CheckTicketRequest {
            contact_id: c.clone(),
            ticket_id: id.into(),
            ..Default::default()
        };
        refused(
            world.clients.visibility.check_ticket(check).await,
            Code::NotFound,
            "CONTACT_NOT_FOUND",
        );
    }
    assert_ne!(world.contact("次").await, c, "an id is never given again");
}

async fn a_deleted_account_leaves_its_contacts_the_oldest_that_remains(world: World) {
    world.allow_several_accounts().await;
    let c = world.contact("田中").await;
    let mut accounts = Vec::new();
    for name in ["A", "B", "C"] {
        let account = world.account(name).await;
        world.associate(&account, &c).await;
        accounts.push(account);
    }
    world.ticket("T1", &c, &accounts[0]).await;
    let delete = |contacts, disposition: TicketDisposition| DeleteAccountRequest {
        id: accounts[0].clone(),
        dissociate_contacts: contacts,
        ticket_disposition: disposition.into(),
        ..Default::default()
    };
    let client = &mut world.clients.accounts.clone();
    let status = refused(
        client
            .delete_account(delete(true, TicketDisposition::Unspecified))
            .await,
        Code::FailedPrecondition,
        "STILL_IN_USE",
    );
    assert_eq!(
        (
            metadata(&status, "associations"),
            metadata(&status, "tickets")
        ),
        ("1".into(), "1".into())
    );
    let done = client
        .delete_account(delete(true, TicketDisposition::MoveToPrimary))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((done.contacts_dissociated, done.tickets_changed), (1, 1));
    assert_eq!(world.primary_of(&c).await, accounts[1]);
    assert_eq!(world.get_ticket("T1").await.account_id, accounts[1]);
    let gone = client
        .get_account(GetAccountRequest {
            id: accounts[0].clone(),
            ..Default::default()
        })
        .await;
    refused(gone, Code::NotFound, "ACCOUNT_NOT_FOUND");
    assert_ne!(world.account("D").await, accounts[0]);
}
