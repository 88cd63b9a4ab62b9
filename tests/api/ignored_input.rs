//! What callers may send and Roster does not look at: white space around texts, output-only fields
//! of updates, and a requirement that is false.

use roster_api::v1::consistency::Requirement;
use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, answered, both_engines, mask, metadata, reason, refused};

both_engines!(
    names_ids_addresses_and_roles_are_trimmed,
    an_update_ignores_output_only_fields,
    a_requirement_that_is_false_is_no_requirement,
    an_organization_that_is_named_twice_is_refused,
);

/// With white space of several kinds around it.
fn padded(text: &str) -> String {
    format!(" \u{3000}{text}\u{a0} ")
}

async fn names_ids_addresses_and_roles_are_trimmed(world: World) {
    let account = Account {
        name: padded("会社 A"),
        external_id: padded("D 1"),
        ..Default::default()
    };
    let a = world.account_of(account).await;
    let contact = Contact {
        family_name: padded("田中"),
        given_name: padded("太郎"),
        emails: vec![padded("t@example.com")],
        external_id: padded("E1"),
        ..Default::default()
    };
    let c = world.contact_of(contact).await;
    let association = world.associated(&a, &c, None, &padded("部長")).await;
    assert_eq!(association.role, "部長");
    let account = &world.all_accounts().await[0];
    assert_eq!(
        (account.name.as_str(), account.external_id.as_str()),
        ("会社 A", "D 1")
    );
    let contact = &world.all_contacts().await[0];
    assert_eq!(
        (contact.family_name.as_str(), contact.given_name.as_str()),
        ("田中", "太郎")
    );
    assert_eq!(
        (contact.emails[0].as_str(), contact.external_id.as_str()),
        ("t@example.com", "E1")
    );
    // White space makes no other key of a key.
    let again = Account {
        name: "B".into(),
        external_id: padded("d 1"),
        ..Default::default()
    };
    let request = CreateAccountRequest {
        account: Some(again),
        ..Default::default()
    };
    let taken = world.clients.accounts.clone().create_account(request).await;
    let status = refused(taken, Code::AlreadyExists, "KEY_TAKEN");
    assert_eq!(metadata(&status, "owner"), a);

    let update = UpdateAccountRequest {
        account: Some(Account {
            id: a,
            name: padded("会社 B"),
            external_id: padded("D2"),
            ..Default::default()
        }),
        update_mask: mask(&["name", "external_id"]),
        ..Default::default()
    };
    let updated = answered(world.clients.accounts.clone().update_account(update).await);
    let account = updated.account.expect("it");
    assert_eq!(
        (account.name.as_str(), account.external_id.as_str()),
        ("会社 B", "D2")
    );
    // A name of nothing else is empty.
    let request = CreateContactRequest {
        contact: Some(Contact {
            family_name: padded(""),
            ..Default::default()
        }),
        ..Default::default()
    };
    let empty = world.clients.contacts.clone().create_contact(request).await;
    refused(empty, Code::InvalidArgument, "FIELD_REQUIRED");
}

async fn an_update_ignores_output_only_fields(world: World) {
    let some_time = Some(prost_types::Timestamp {
        seconds: 1,
        nanos: 1,
    });
    let (a, c) = (world.account("A").await, world.contact("田中").await);
    let before = world.associate(&a, &c).await;

    let stored = world.all_accounts().await.remove(0);
    let update = UpdateAccountRequest {
        account: Some(Account {
            name: "B".into(),
            etag: "r99".into(),
            create_time: some_time,
            update_time: some_time,
            ..stored.clone()
        }),
        update_mask: mask(&["*"]),
        ..Default::default()
    };
    let answer = answered(world.clients.accounts.clone().update_account(update).await);
    let account = answer.account.expect("it");
    assert_eq!(
        (account.name.as_str(), account.create_time),
        ("B", stored.create_time)
    );
    assert!(account.etag != "r99" && account.update_time != some_time);
    update_contact_and_association(&world, &before, some_time).await;
    let settings = Settings {
        multiple_accounts: true,
        etag: "r99".into(),
        ..Default::default()
    };
    let answer = answered(world.try_settings(settings, &["multiple_accounts"]).await);
    let settings = answer.settings.expect("they");
    assert!(settings.multiple_accounts && settings.etag != "r99");
}

/// The same for the only contact and its association.
async fn update_contact_and_association(
    world: &World,
    before: &Association,
    some_time: Option<prost_types::Timestamp>,
) {
    let stored = world.all_contacts().await.remove(0);
    let update = UpdateContactRequest {
        contact: Some(Contact {
            family_name: "鈴木".into(),
            etag: "r99".into(),
            create_time: some_time,
            update_time: some_time,
            ..stored.clone()
        }),
        update_mask: mask(&["*"]),
        ..Default::default()
    };
    let answer = answered(world.clients.contacts.clone().update_contact(update).await);
    let contact = answer.contact.expect("it");
    assert_eq!(
        (contact.family_name.as_str(), contact.create_time),
        ("鈴木", stored.create_time)
    );
    assert!(contact.etag != "r99" && contact.update_time != some_time);

    let update = UpdateAssociationRequest {
        association: Some(Association {
            role: "R".into(),
            primary: false,
            etag: "r99".into(),
            create_time: some_time,
            ..before.clone()
        }),
        update_mask: mask(&["role"]),
        ..Default::default()
    };
    let answer = world
        .clients
        .associations
        .clone()
        .update_association(update)
        .await;
    let association = answered(answer).association.expect("it");
    assert_eq!(
        (association.role.as_str(), association.primary),
        ("R", true)
    );
    assert_eq!(association.create_time, before.create_time);
    assert_ne!(association.etag, "r99");
}

async fn a_requirement_that_is_false_is_no_requirement(world: World) {
    let c = world.contact("田中").await;
    world
        .record(TicketRecord {
            id: "T".into(),
            requester_id: c.clone(),
            ..Default::default()
        })
        .await;
    let mut answers = Vec::new();
    for requirement in [None, Some(Requirement::FullyConsistent(false))] {
        let consistency = Some(Consistency { requirement });
        let request = CheckTicketRequest {
            contact_id: c.clone(),
            ticket_id: "T".into(),
            consistency: consistency.clone(),
        };
        let check = answered(world.clients.visibility.clone().check_ticket(request).await);
        let request = ListContactsRequest {
            consistency,
            ..Default::default()
        };
        let list = answered(world.clients.contacts.clone().list_contacts(request).await);
        answers.push((check, list));
    }
    assert_eq!(answers[0], answers[1]);
}

async fn an_organization_that_is_named_twice_is_refused(world: World) {
    for names in [["acme", "acme"], ["acme", "other"]] {
        let mut list = tonic::Request::new(ListAccountsRequest::default());
        let mut check = tonic::Request::new(CheckTicketRequest {
            contact_id: "c1".into(),
            ticket_id: "T".into(),
            ..Default::default()
        });
        for name in names {
            let name: tonic::metadata::AsciiMetadataValue = name.parse().unwrap();
            list.metadata_mut()
                .append("roster-organization", name.clone());
            check.metadata_mut().append("roster-organization", name);
        }
        let list = world.clients.accounts.clone().list_accounts(list).await;
        let check = world.clients.visibility.clone().check_ticket(check).await;
        for status in [list.unwrap_err(), check.unwrap_err()] {
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(reason(&status), "ORGANIZATION_INVALID");
            assert_eq!(metadata(&status, "key"), "roster-organization");
            assert!(status.message().contains("twice"), "{status:?}");
        }
    }
}
