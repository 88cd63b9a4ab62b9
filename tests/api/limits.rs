//! At its limit a text or a list is taken, and one more is refused naming the field and the limit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use prost_types::Timestamp;
use roster_api::v1::*;
use tonic::{Code, Response, Status};

use crate::error_shape;
use crate::world::{World, both_engines, field, mask, metadata, refused};

both_engines!(
    the_texts_of_an_account_have_their_limits,
    the_texts_of_a_contact_have_their_limits,
    roles_and_tickets_have_their_limits,
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
    error_shape::well(&status);
    assert_eq!(field(&status), path);
    let numbers = ["found", "max", "unit"].map(|key| metadata(&status, key));
    assert_eq!(
        numbers,
        [(max + 1).to_string(), max.to_string(), unit.to_owned()]
    );
}

/// A text of so many characters, each of three bytes, that no other text begins like.
fn text(chars: usize) -> String {
    static TEXTS: AtomicU32 = AtomicU32::new(0);
    let begin = format!("{:05}", TEXTS.fetch_add(1, Ordering::Relaxed));
    let rest = "あ".repeat(chars - begin.len());
    begin + &rest
}

/// A field: its path, its limit, the unit of the limit, and how it is filled with so many of them.
type Field<T> = (&'static str, usize, &'static str, fn(&mut T, usize));

/// The texts of numbers from 0.
fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

/// Attributes of so many characters: eight of 999 and their keys are 8,000.
fn attributes(chars: usize) -> BTreeMap<String, String> {
    let mut pairs: Vec<_> = (0..8).map(|key| (key.to_string(), text(999))).collect();
    pairs[0].1 = text(chars - 7 * 1_000 - 1);
    pairs.into_iter().collect()
}

const OF_ACCOUNT: [Field<Account>; 8] = [
    ("account.name", 200, "characters", |account, n| {
        account.name = text(n)
    }),
    ("account.name_reading", 200, "characters", |account, n| {
        account.name_reading = text(n)
    }),
    ("account.external_id", 200, "characters", |account, n| {
        account.external_id = text(n)
    }),
    ("account.sharing_roles", 50, "items", |account, n| {
        account.sharing_roles = numbers(n)
    }),
    (
        "account.sharing_roles[0]",
        100,
        "characters",
        |account, n| {
            account.sharing_roles = vec![text(n)];
        },
    ),
    ("account.attributes", 50, "items", |account, n| {
        account.attributes = numbers(n)
            .into_iter()
            .map(|key| (key, String::new()))
            .collect();
    }),
    (
        "account.attributes[\"k\"]",
        1_000,
        "characters",
        |account, n| {
            account.attributes = [("k".into(), text(n))].into();
        },
    ),
    ("account.attributes", 8_000, "characters", |account, n| {
        account.attributes = attributes(n)
    }),
];

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
    for (path, max, unit, fill) in OF_ACCOUNT {
        limited(path, max, unit, async |n| {
            let mut account = of();
            fill(&mut account, n);
            create(account).await
        })
        .await;
    }
    let with_key = async |chars: usize| {
        let attributes = [(text(chars), String::new())].into();
        create(Account { attributes, ..of() }).await
    };
    for allowed in [63, 64] {
        with_key(allowed).await.unwrap();
    }
    let key = refused(with_key(65).await, Code::InvalidArgument, "TEXT_TOO_LONG");
    assert_eq!(metadata(&key, "max"), "64");
    let accounts = || world.clients.accounts.clone();
    for query in [199, 200] {
        let request = ListAccountsRequest {
            query: text(query),
            ..Default::default()
        };
        accounts().list_accounts(request).await.unwrap();
    }
    limited("query", 200, "characters", async |n| {
        let request = ListAccountHeadingsRequest {
            query: text(n),
            ..Default::default()
        };
        accounts().list_account_headings(request).await
    })
    .await;
}

const OF_CONTACT: [Field<Contact>; 7] = [
    ("contact.family_name", 200, "characters", |contact, n| {
        contact.family_name = text(n)
    }),
    ("contact.given_name", 200, "characters", |contact, n| {
        contact.given_name = text(n)
    }),
    (
        "contact.family_name_reading",
        200,
        "characters",
        |contact, n| {
            contact.family_name_reading = text(n);
        },
    ),
    (
        "contact.given_name_reading",
        200,
        "characters",
        |contact, n| {
            contact.given_name_reading = text(n);
        },
    ),
    ("contact.external_id", 200, "characters", |contact, n| {
        contact.external_id = text(n)
    }),
    ("contact.emails", 10, "items", |contact, n| {
        let emails = (0..n).map(|email| format!("{email}@{n}.example.com"));
        contact.emails = emails.collect();
    }),
    ("contact.emails[0]", 254, "characters", |contact, n| {
        contact.emails = vec![text(n - 2) + "@x"];
    }),
];

async fn the_texts_of_a_contact_have_their_limits(world: World) {
    let contacts = || world.clients.contacts.clone();
    let of = || Contact {
        family_name: "田中".into(),
        ..Default::default()
    };
    for (path, max, unit, fill) in OF_CONTACT {
        limited(path, max, unit, async |n| {
            let mut contact = of();
            fill(&mut contact, n);
            let request = CreateContactRequest {
                contact: Some(contact),
                ..Default::default()
            };
            contacts().create_contact(request).await
        })
        .await;
    }
    limited("query", 200, "characters", async |n| {
        let request = ListContactsRequest {
            query: text(n),
            ..Default::default()
        };
        contacts().list_contacts(request).await
    })
    .await;
    limited("request_id", 64, "characters", async |n| {
        let request = CreateContactRequest {
            contact: Some(of()),
            request_id: text(n),
        };
        contacts().create_contact(request).await
    })
    .await;
}

/// The roles of an association, however it is made, and those of the settings.
async fn roles_have_their_limits(world: &World, account: &str, contact: &str) {
    let associations = || world.clients.associations.clone();
    limited("contacts[0].role", 100, "characters", async |n| {
        let one = ContactToAssociate {
            contact_id: contact.into(),
            role: text(n),
            ..Default::default()
        };
        let request = AssociateContactsRequest {
            account_id: account.into(),
            contacts: vec![one],
            ..Default::default()
        };
        associations().associate_contacts(request).await
    })
    .await;
    limited("role", 100, "characters", async |n| {
        let request = TransferContactRequest {
            contact_id: contact.into(),
            to_account_id: account.into(),
            role: text(n),
            ..Default::default()
        };
        associations().transfer_contact(request).await
    })
    .await;
    limited("association.role", 100, "characters", async |n| {
        let association = Association {
            account_id: account.into(),
            contact_id: contact.into(),
            role: text(n),
            ..Default::default()
        };
        let request = UpdateAssociationRequest {
            association: Some(association),
            update_mask: mask(&["role"]),
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
}

const OF_TICKET: [Field<TicketRecord>; 3] = [
    ("tickets[0].id", 200, "bytes", |ticket, n| {
        ticket.id = "x".repeat(n)
    }),
    ("tickets[0].subject", 1_000, "characters", |ticket, n| {
        ticket.subject = Some(text(n))
    }),
    ("tickets[0].cc_contact_ids", 100, "items", |ticket, n| {
        ticket.cc_contact_ids = vec![ticket.requester_id.clone(); n];
    }),
];

async fn roles_and_tickets_have_their_limits(world: World) {
    let (account, contact) = (world.account("A").await, world.contact("田中").await);
    world.associate(&account, &contact).await;
    roles_have_their_limits(&world, &account, &contact).await;
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
    for (path, max, unit, fill) in OF_TICKET {
        limited(path, max, unit, async |n| {
            let mut ticket = of();
            fill(&mut ticket, n);
            record(ticket).await
        })
        .await;
    }
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
