//! Batches and pages have the same limits everywhere, and an error about many or long things is
//! short.

use roster_api::v1::*;
use tonic::{Code, Response, Status};

use crate::error_shape;
use crate::world::{World, both_engines, field, mask, metadata, reason, refused};

both_engines!(
    batches_and_pages_have_their_limits,
    an_error_about_many_or_long_things_stays_below_8_kib,
);

/// A batch of 1 to 1,000.
async fn batch<T: std::fmt::Debug>(
    path: &str,
    call: impl AsyncFn(usize) -> Result<Response<T>, Status>,
) {
    for allowed in [1, 999, 1_000] {
        let answer = call(allowed).await;
        answer.unwrap_or_else(|status| panic!("{path} of {allowed}: {status:?}"));
    }
    for found in [0, 1_001] {
        let status = refused(call(found).await, Code::InvalidArgument, "BATCH_SIZE");
        error_shape::well(&status);
        assert_eq!(field(&status), path);
        let numbers = ["found", "min", "max"].map(|key| metadata(&status, key));
        assert_eq!(numbers, [found.to_string(), "1".into(), "1000".into()]);
    }
}

/// Lists more tickets than a page has, in pages of every size.
async fn pages_have_their_limits(world: &World, contact: &str) {
    let page = async |page_size: i32| {
        let request = ListTicketsRequest {
            requester_id: contact.into(),
            page_size,
            ..Default::default()
        };
        world
            .clients
            .clone()
            .tickets
            .list_tickets(request)
            .await
            .map(|answer| answer.into_inner().tickets.len())
    };
    for (asked, answered) in [
        (0, 50),
        (1, 1),
        (999, 999),
        (1_000, 1_000),
        (1_001, 1_000),
        (i32::MAX, 1_000),
    ] {
        assert_eq!(page(asked).await.unwrap(), answered);
    }
    for negative in [-1, i32::MIN] {
        let status = page(negative).await.unwrap_err();
        assert_eq!(
            (reason(&status).as_str(), field(&status).as_str()),
            ("PAGE_SIZE_INVALID", "page_size")
        );
    }
}

/// Looks up as many keys as one call may, and more.
async fn lookups_have_their_limits(world: &World, account: &str, contact: &str) {
    let clients = || world.clients.clone();
    batch("keys", async |n| {
        let key = AccountKey {
            key: Some(account_key::Key::Id(account.into())),
        };
        clients()
            .accounts
            .lookup_accounts(LookupAccountsRequest {
                keys: vec![key; n],
                ..Default::default()
            })
            .await
    })
    .await;
    batch("keys", async |n| {
        let key = ContactKey {
            key: Some(contact_key::Key::Id(contact.into())),
        };
        clients()
            .contacts
            .lookup_contacts(LookupContactsRequest {
                keys: vec![key; n],
                ..Default::default()
            })
            .await
    })
    .await;
}

async fn batches_and_pages_have_their_limits(world: World) {
    let (account, contact) = (world.account("A").await, world.contact("田中").await);
    let clients = || world.clients.clone();
    lookups_have_their_limits(&world, &account, &contact).await;
    batch("contacts", async |n| {
        let one = ContactToAssociate {
            contact_id: contact.clone(),
            ..Default::default()
        };
        let request = AssociateContactsRequest {
            account_id: account.clone(),
            contacts: vec![one; n],
            ..Default::default()
        };
        clients().associations.associate_contacts(request).await
    })
    .await;
    batch("tickets", async |n| {
        let one = |id: usize| TicketRecord {
            id: id.to_string(),
            requester_id: contact.clone(),
            ..Default::default()
        };
        let request = RecordTicketsRequest {
            tickets: (0..n).map(one).collect(),
            ..Default::default()
        };
        clients().tickets.record_tickets(request).await
    })
    .await;
    batch("ticket_ids", async |n| {
        let request = BatchCheckTicketsRequest {
            contact_id: contact.clone(),
            ticket_ids: vec!["1".into(); n],
            ..Default::default()
        };
        clients().visibility.batch_check_tickets(request).await
    })
    .await;
    pages_have_their_limits(&world, &contact).await;
    batch("ids", async |n| {
        let ids = (0..n).map(|id| id.to_string()).collect();
        clients()
            .tickets
            .delete_tickets(DeleteTicketsRequest {
                ids,
                ..Default::default()
            })
            .await
    })
    .await;
}

/// Names fields and attributes by texts that no error can hold.
async fn errors_about_long_names_are_short(world: &World, account: &str) {
    let accounts = || world.clients.accounts.clone();
    for path in [
        "x".repeat(1 << 20),
        "あ\"".repeat(100_000),
        "\u{1}".repeat(100_000),
    ] {
        let update = UpdateAccountRequest {
            account: Some(Account {
                id: account.into(),
                ..Default::default()
            }),
            update_mask: mask(&[path.as_str(); 3]),
            ..Default::default()
        };
        let answer = accounts().update_account(update).await;
        error_shape::well(&refused(
            answer,
            Code::InvalidArgument,
            "UPDATE_MASK_INVALID",
        ));
        let create = CreateAccountRequest {
            account: Some(Account {
                name: "B".into(),
                attributes: [(path, String::new())].into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        error_shape::well(&accounts().create_account(create).await.unwrap_err());
    }
}

async fn an_error_about_many_or_long_things_stays_below_8_kib(mut world: World) {
    let account = world.account("A").await;
    let contact = world.contact("田中").await;
    let before = world.read_token().await;
    // The longest numbers that an id can have.
    let ids = |count: u64| (0..count).map(|back| format!("c{}", i64::MAX as u64 - back));
    let one = |contact_id| ContactToAssociate {
        contact_id,
        ..Default::default()
    };
    let all = AssociateContactsRequest {
        account_id: account.clone(),
        contacts: ids(1_000).map(one).collect(),
        all_or_nothing: true,
        ..Default::default()
    };
    let answer = world.clients.associations.associate_contacts(all).await;
    let status = refused(answer, Code::NotFound, "ALL_OR_NOTHING");
    error_shape::well(&status);
    assert_eq!(metadata(&status, "failed"), "1000");
    // As many as fit, each of them whole.
    let indexes = metadata(&status, "indexes");
    let expected: Vec<_> = (0..indexes.split(',').count())
        .map(|index| index.to_string())
        .collect();
    assert_eq!(indexes, expected.join(","));
    assert!(expected.len() > 400);

    let record = TicketRecord {
        id: "T".into(),
        requester_id: contact.clone(),
        cc_contact_ids: ids(100).collect(),
        ..Default::default()
    };
    let error = world.try_record(record).await.error.unwrap();
    let status = error_shape::of_item(&error);
    error_shape::well(&status);
    // All of them are named.
    assert_eq!(
        metadata(&status, "contact_ids"),
        ids(100).collect::<Vec<_>>().join(",")
    );

    errors_about_long_names_are_short(&world, &account).await;
    let key = AccountKey {
        key: Some(account_key::Key::ExternalId("👨".repeat(200))),
    };
    let lookup = LookupAccountsRequest {
        keys: vec![key],
        ..Default::default()
    };
    let results = world
        .clients
        .accounts
        .lookup_accounts(lookup)
        .await
        .unwrap()
        .into_inner()
        .results;
    error_shape::well(&error_shape::of_item(results[0].error.as_ref().unwrap()));
    assert_eq!(world.read_token().await, before);
}
