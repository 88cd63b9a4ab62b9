//! Bad input gets a precise error and changes nothing; tokens and organizations.

use roster_api::v1::consistency::Requirement;
use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, both_engines, field, refused};

both_engines!(
    texts_at_their_limit_pass_and_beyond_it_are_refused_naming_the_field,
    a_batch_has_1_to_1_000_items,
    ids_of_another_kind_and_unknown_enum_values_are_refused,
    an_update_names_its_fields_and_its_etag_must_be_the_present_one,
    a_token_is_of_its_organization_and_store_and_of_no_lost_future,
    organizations_share_nothing_and_a_bad_name_is_refused,
    what_was_written_is_there_after_a_restart,
);

fn create(name: &str) -> CreateAccountRequest {
    CreateAccountRequest {
        account: Some(Account {
            name: name.into(),
            ..Account::default()
        }),
        ..Default::default()
    }
}

async fn texts_at_their_limit_pass_and_beyond_it_are_refused_naming_the_field(world: World) {
    let client = &mut world.clients.accounts.clone();
    client
        .create_account(create(&"あ".repeat(199)))
        .await
        .unwrap();
    client
        .create_account(create(&"あ".repeat(200)))
        .await
        .unwrap();
    let long = refused(
        client.create_account(create(&"あ".repeat(201))).await,
        Code::InvalidArgument,
        "TEXT_TOO_LONG",
    );
    assert_eq!(field(&long), "account.name");
    let empty = refused(
        client.create_account(create("  ")).await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
    );
    assert_eq!(field(&empty), "account.name");
    for bad in ["a\0b", "a\u{7}b", "a\nb"] {
        refused(
            client.create_account(create(bad)).await,
            Code::InvalidArgument,
            "TEXT_CONTROL_CHARACTER",
        );
    }
    let listed = client
        .list_accounts(ListAccountsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .accounts;
    assert_eq!(listed.len(), 2);
}

async fn a_batch_has_1_to_1_000_items(world: World) {
    let c = world.contact("一").await;
    let batch = |count: usize| BatchCheckTicketsRequest {
        contact_id: c.clone(),
        ticket_ids: vec!["T".into(); count],
        ..Default::default()
    };
    let client = &mut world.clients.visibility.clone();
    for allowed in [1, 999, 1_000] {
        assert_eq!(
            client
                .batch_check_tickets(batch(allowed))
                .await
                .unwrap()
                .into_inner()
                .results
                .len(),
            allowed
        );
    }
    for refused_count in [0, 1_001] {
        let status = refused(
            client.batch_check_tickets(batch(refused_count)).await,
            Code::InvalidArgument,
            "BATCH_SIZE",
        );
        assert_eq!(field(&status), "ticket_ids");
    }
}

async fn ids_of_another_kind_and_unknown_enum_values_are_refused(mut world: World) {
    let client = &mut world.clients.accounts.clone();
    for wrong in ["c1", "1", "a01", "a-1", "A1", "a99999999999999999999"] {
        let request = GetAccountRequest {
            id: wrong.into(),
            ..Default::default()
        };
        let status = refused(
            client.get_account(request).await,
            Code::InvalidArgument,
            "ID_INVALID",
        );
        assert_eq!(field(&status), "id");
    }
    let mut request = create("A");
    request.account.as_mut().unwrap().sharing_mode = 99;
    let status = refused(
        client.create_account(request).await,
        Code::InvalidArgument,
        "FIELD_INVALID",
    );
    assert_eq!(field(&status), "account.sharing_mode");
    let neither = world
        .clients
        .tickets
        .list_tickets(ListTicketsRequest::default())
        .await;
    refused(neither, Code::InvalidArgument, "FIELD_REQUIRED");
}

async fn an_update_names_its_fields_and_its_etag_must_be_the_present_one(world: World) {
    let id = world.account("A").await;
    let client = &mut world.clients.accounts.clone();
    let update = |paths: &[&str], etag: &str| UpdateAccountRequest {
        account: Some(Account {
            id: id.clone(),
            name: "B".into(),
            name_reading: "びー".into(),
            ..Account::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(ToString::to_string).collect(),
        }),
        etag: etag.into(),
        ..Default::default()
    };
    for wrong in [
        &[][..],
        &["id"],
        &["etag"],
        &["nonsense"],
        &["name", "create_time"],
    ] {
        refused(
            client.update_account(update(wrong, "")).await,
            Code::InvalidArgument,
            "UPDATE_MASK_INVALID",
        );
    }
    let first = client
        .update_account(update(&["name"], ""))
        .await
        .unwrap()
        .into_inner()
        .account
        .unwrap();
    assert_eq!(
        (first.name.as_str(), first.name_reading.as_str()),
        ("B", "")
    );
    let second = client
        .update_account(update(&["*"], &first.etag))
        .await
        .unwrap()
        .into_inner()
        .account
        .unwrap();
    assert_eq!(second.name_reading, "びー");
    refused(
        client.update_account(update(&["name"], &first.etag)).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn a_token_is_of_its_organization_and_store_and_of_no_lost_future(mut world: World) {
    let written = world
        .clients
        .accounts
        .create_account(create("A"))
        .await
        .unwrap()
        .into_inner()
        .written_token;
    let read = |token: &str| ListAccountsRequest {
        consistency: Some(Consistency {
            requirement: Some(Requirement::AtLeastAsFresh(token.into())),
        }),
        ..Default::default()
    };
    let client = &mut world.clients.accounts.clone();
    client.list_accounts(read(&written)).await.unwrap();
    refused(
        client.list_accounts(read("nonsense")).await,
        Code::InvalidArgument,
        "TOKEN_INVALID",
    );
    let mut elsewhere = tonic::Request::new(read(&written));
    elsewhere
        .metadata_mut()
        .insert("roster-organization", "other".parse().unwrap());
    refused(
        client.list_accounts(elsewhere).await,
        Code::InvalidArgument,
        "TOKEN_INVALID",
    );
    let stranger = World::start(world.engine).await;
    let foreign = stranger
        .clients
        .accounts
        .clone()
        .create_account(create("A"))
        .await
        .unwrap()
        .into_inner()
        .written_token;
    refused(
        client.list_accounts(read(&foreign)).await,
        Code::InvalidArgument,
        "TOKEN_INVALID",
    );
}

async fn organizations_share_nothing_and_a_bad_name_is_refused(world: World) {
    world.account("A").await;
    let client = &mut world.clients.accounts.clone();
    let mut request = tonic::Request::new(ListAccountsRequest::default());
    request
        .metadata_mut()
        .insert("roster-organization", "acme-2".parse().unwrap());
    assert!(
        client
            .list_accounts(request)
            .await
            .unwrap()
            .into_inner()
            .accounts
            .is_empty()
    );
    for wrong in ["Acme", "a_b", ""] {
        let mut request = tonic::Request::new(ListAccountsRequest::default());
        request
            .metadata_mut()
            .insert("roster-organization", wrong.parse().unwrap());
        refused(
            client.list_accounts(request).await,
            Code::InvalidArgument,
            "ORGANIZATION_INVALID",
        );
    }
}

async fn what_was_written_is_there_after_a_restart(mut world: World) {
    let id = world.account("株式会社山田").await;
    let contact = world.contact("田中").await;
    world.associate(&id, &contact).await;
    world.restart().await;
    assert_eq!(world.primary_of(&contact).await, id);
    assert_ne!(world.account("次").await, id);
}
