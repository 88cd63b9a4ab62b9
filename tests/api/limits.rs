//! At its limit a text or a list is taken, and one more is refused naming the field and the limit.

use prost_types::{FieldMask, Timestamp};
use roster_api::v1::*;
use tonic::{Code, Response, Status};

use crate::told;
use crate::world::{World, both_engines, field, metadata, reason, refused};

both_engines!(
    the_texts_of_an_account_have_their_limits,
    the_texts_of_a_contact_have_their_limits,
    roles_and_tickets_have_their_limits,
    batches_and_pages_have_their_limits,
    an_error_about_many_or_long_things_stays_below_8_kib,
);

/// Tries a call with one below, at and above a limit.
async fn limited<T: std::fmt::Debug>(
    path: &str,
    max: usize,
    unit: &str,
    call: impl AsyncFn(usize) -> Result<Response<T>, Status>,
) {
    for allowed in [max - 1, max] {
        let answer = call(allowed).await;
        answer.unwrap_or_else(|status| panic!("{path} of {allowed} {unit}: {status:?}"));
    }
    let status = refused(call(max + 1).await, Code::InvalidArgument, "TEXT_TOO_LONG");
    told::well(&status);
    assert_eq!(field(&status), path);
    let numbers = ["found", "max", "unit"].map(|key| metadata(&status, key));
    assert_eq!(
        numbers,
        [(max + 1).to_string(), max.to_string(), unit.to_owned()]
    );
}

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
        told::well(&status);
        assert_eq!(field(&status), path);
        let numbers = ["found", "min", "max"].map(|key| metadata(&status, key));
        assert_eq!(numbers, [found.to_string(), "1".into(), "1000".into()]);
    }
}

/// A text of so many characters, each of three bytes, that no other text begins like.
fn text(chars: usize) -> String {
    let begin = format!("{:05}", rand::random_range(0..100_000));
    let rest = "あ".repeat(chars - begin.len());
    begin + &rest
}

async fn the_texts_of_an_account_have_their_limits(world: World) {
    let create = async |account: Account| {
        let request = CreateAccountRequest {
            account: Some(account),
            ..Default::default()
        };
        world.clients.accounts.clone().create_account(request).await
    };
    let of = || Account {
        name: "A".into(),
        ..Default::default()
    };
    limited("account.name", 200, "characters", async |n| {
        create(Account {
            name: text(n),
            ..of()
        })
        .await
    })
    .await;
    limited("account.name_reading", 200, "characters", async |n| {
        create(Account {
            name_reading: text(n),
            ..of()
        })
        .await
    })
    .await;
    limited("account.external_id", 200, "characters", async |n| {
        create(Account {
            external_id: text(n),
            ..of()
        })
        .await
    })
    .await;
    limited("account.sharing_roles", 50, "items", async |n| {
        create(Account {
            sharing_roles: (0..n).map(|role| role.to_string()).collect(),
            ..of()
        })
        .await
    })
    .await;
    limited("account.sharing_roles[0]", 100, "characters", async |n| {
        create(Account {
            sharing_roles: vec![text(n)],
            ..of()
        })
        .await
    })
    .await;
    let attributes = async |pairs: Vec<(String, String)>| {
        create(Account {
            attributes: pairs.into_iter().collect(),
            ..of()
        })
        .await
    };
    limited("account.attributes", 50, "items", async |n| {
        attributes((0..n).map(|key| (key.to_string(), String::new())).collect()).await
    })
    .await;
    limited(
        "account.attributes[\"k\"]",
        1_000,
        "characters",
        async |n| attributes(vec![("k".into(), text(n))]).await,
    )
    .await;
    limited("account.attributes", 8_000, "characters", async |n| {
        // Eight of 999 and their keys are 8,000.
        let mut pairs: Vec<_> = (0..8).map(|key| (key.to_string(), text(999))).collect();
        pairs[0].1 = text(n - 7 * 1_000 - 1);
        attributes(pairs).await
    })
    .await;
    for allowed in [63, 64] {
        attributes(vec![(text(allowed), String::new())])
            .await
            .unwrap();
    }
    let key = refused(
        attributes(vec![(text(65), String::new())]).await,
        Code::InvalidArgument,
        "TEXT_TOO_LONG",
    );
    assert_eq!(metadata(&key, "max"), "64");
    for query in [199, 200] {
        let request = ListAccountsRequest {
            query: text(query),
            ..Default::default()
        };
        world
            .clients
            .accounts
            .clone()
            .list_accounts(request)
            .await
            .unwrap();
    }
    limited("query", 200, "characters", async |n| {
        let request = ListAccountHeadingsRequest {
            query: text(n),
            ..Default::default()
        };
        world
            .clients
            .accounts
            .clone()
            .list_account_headings(request)
            .await
    })
    .await;
}

async fn the_texts_of_a_contact_have_their_limits(world: World) {
    let create = async |contact: Contact| {
        let request = CreateContactRequest {
            contact: Some(contact),
            ..Default::default()
        };
        world.clients.contacts.clone().create_contact(request).await
    };
    let of = || Contact {
        family_name: "田中".into(),
        ..Default::default()
    };
    limited("contact.family_name", 200, "characters", async |n| {
        create(Contact {
            family_name: text(n),
            ..of()
        })
        .await
    })
    .await;
    limited("contact.given_name", 200, "characters", async |n| {
        create(Contact {
            given_name: text(n),
            ..of()
        })
        .await
    })
    .await;
    limited(
        "contact.family_name_reading",
        200,
        "characters",
        async |n| {
            create(Contact {
                family_name_reading: text(n),
                ..of()
            })
            .await
        },
    )
    .await;
    limited("contact.given_name_reading", 200, "characters", async |n| {
        create(Contact {
            given_name_reading: text(n),
            ..of()
        })
        .await
    })
    .await;
    limited("contact.external_id", 200, "characters", async |n| {
        create(Contact {
            external_id: text(n),
            ..of()
        })
        .await
    })
    .await;
    limited("contact.emails", 10, "items", async |n| {
        let emails = (0..n)
            .map(|email| format!("{email}@{n}.example.com"))
            .collect();
        create(Contact { emails, ..of() }).await
    })
    .await;
    limited("contact.emails[0]", 254, "characters", async |n| {
        create(Contact {
            emails: vec![text(n - 2) + "@x"],
            ..of()
        })
        .await
    })
    .await;
    limited("query", 200, "characters", async |n| {
        let request = ListContactsRequest {
            query: text(n),
            ..Default::default()
        };
        world.clients.contacts.clone().list_contacts(request).await
    })
    .await;
    limited("request_id", 64, "characters", async |n| {
        let request = CreateContactRequest {
            contact: Some(of()),
            request_id: text(n),
        };
        world.clients.contacts.clone().create_contact(request).await
    })
    .await;
}

async fn roles_and_tickets_have_their_limits(world: World) {
    let (account, contact) = (world.account("A").await, world.contact("田中").await);
    world.associate(&account, &contact).await;
    let associations = || world.clients.associations.clone();
    limited("contacts[0].role", 100, "characters", async |n| {
        let one = ContactToAssociate {
            contact_id: contact.clone(),
            role: text(n),
            ..Default::default()
        };
        let request = AssociateContactsRequest {
            account_id: account.clone(),
            contacts: vec![one],
            ..Default::default()
        };
        associations().associate_contacts(request).await
    })
    .await;
    limited("role", 100, "characters", async |n| {
        let request = TransferContactRequest {
            contact_id: contact.clone(),
            to_account_id: account.clone(),
            role: text(n),
            ..Default::default()
        };
        associations().transfer_contact(request).await
    })
    .await;
    limited("association.role", 100, "characters", async |n| {
        let association = Association {
            account_id: account.clone(),
            contact_id: contact.clone(),
            role: text(n),
            ..Default::default()
        };
        let update_mask = Some(FieldMask {
            paths: vec!["role".into()],
        });
        let request = UpdateAssociationRequest {
            association: Some(association),
            update_mask,
            ..Default::default()
        };
        associations().update_association(request).await
    })
    .await;
    limited("settings.default_sharing_roles", 50, "items", async |n| {
        let default_sharing_roles = (0..n).map(|role| role.to_string()).collect();
        world
            .try_settings(
                Settings {
                    default_sharing_roles,
                    ..Default::default()
                },
                &["default_sharing_roles"],
            )
            .await
    })
    .await;

    let record = async |ticket: TicketRecord| {
        let request = RecordTicketsRequest {
            tickets: vec![ticket],
            ..Default::default()
        };
        world.clients.tickets.clone().record_tickets(request).await
    };
    let of = || TicketRecord {
        id: "T".into(),
        requester_id: contact.clone(),
        ..Default::default()
    };
    limited("tickets[0].id", 200, "bytes", async |n| {
        record(TicketRecord {
            id: "x".repeat(n),
            ..of()
        })
        .await
    })
    .await;
    limited("tickets[0].subject", 1_000, "characters", async |n| {
        record(TicketRecord {
            subject: Some(text(n)),
            ..of()
        })
        .await
    })
    .await;
    limited("tickets[0].cc_contact_ids", 100, "items", async |n| {
        record(TicketRecord {
            cc_contact_ids: vec![contact.clone(); n],
            ..of()
        })
        .await
    })
    .await;
    let at = |seconds, nanos| TicketRecord {
        create_time: Some(Timestamp { seconds, nanos }),
        ..of()
    };
    for (seconds, nanos) in [(-62_135_596_800, 0), (253_402_300_799, 999_999_999)] {
        record(at(seconds, nanos)).await.unwrap();
        let stored = world.get_ticket("T").await.create_time.unwrap();
        // Kept to the microsecond.
        assert_eq!(
            (stored.seconds, stored.nanos),
            (seconds, nanos / 1_000 * 1_000)
        );
    }
    for (seconds, nanos) in [
        (-62_135_596_801, 0),
        (253_402_300_800, 0),
        (0, -1),
        (0, 1_000_000_000),
    ] {
        let status = refused(
            record(at(seconds, nanos)).await,
            Code::InvalidArgument,
            "FIELD_INVALID",
        );
        assert_eq!(field(&status), "tickets[0].create_time");
    }
    let unsaid = TicketRecord {
        status: Some(0),
        ..of()
    };
    let status = refused(record(unsaid).await, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(field(&status), "tickets[0].status");
}

async fn batches_and_pages_have_their_limits(world: World) {
    let (account, contact) = (world.account("A").await, world.contact("田中").await);
    let clients = || world.clients.clone();
    batch("keys", async |n| {
        let key = AccountKey {
            key: Some(account_key::Key::Id(account.clone())),
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
            key: Some(contact_key::Key::Id(contact.clone())),
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
    let page = async |page_size: i32| {
        let request = ListTicketsRequest {
            requester_id: contact.clone(),
            page_size,
            ..Default::default()
        };
        clients()
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

async fn an_error_about_many_or_long_things_stays_below_8_kib(mut world: World) {
    let account = world.account("A").await;
    let contact = world.contact("田中").await;
    let before = world.moment().await;
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
    told::well(&status);
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
    let status = told::of_item(&error);
    told::well(&status);
    // All of them are named.
    assert_eq!(
        metadata(&status, "contact_ids"),
        ids(100).collect::<Vec<_>>().join(",")
    );

    for path in [
        "x".repeat(1 << 20),
        "あ\"".repeat(100_000),
        "\u{1}".repeat(100_000),
    ] {
        let update = UpdateAccountRequest {
            account: Some(Account {
                id: account.clone(),
                ..Default::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec![path.clone(); 3],
            }),
            ..Default::default()
        };
        let answer = world.clients.accounts.update_account(update).await;
        told::well(&refused(
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
        told::well(
            &world
                .clients
                .accounts
                .create_account(create)
                .await
                .unwrap_err(),
        );
    }
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
    told::well(&told::of_item(results[0].error.as_ref().unwrap()));
    assert_eq!(world.moment().await, before);
}
