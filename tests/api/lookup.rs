//! Lookups: a key that cannot be one fails in its item.

use roster_api::v1::*;
use tonic::Code;

use crate::error_shape;
use crate::world::{World, both_engines, refused};

both_engines!(
    an_account_key_that_cannot_be_one_fails_in_its_item,
    a_contact_key_that_cannot_be_one_fails_in_its_item,
    the_size_of_a_lookup_fails_the_call_whatever_its_keys,
    a_lookup_of_keys_that_all_cannot_be_ones_stays_within_an_answer,
);

/// Code, reason and field of an item's error; empty for a record.
fn outcome(error: &Option<tonic_types::Status>) -> (i32, String, String) {
    let Some(error) = error else {
        return (0, String::new(), String::new());
    };
    let status = error_shape::of_item(error);
    error_shape::well(&status);
    let code = Code::from_i32(error.code);
    let field = match code {
        Code::InvalidArgument => crate::world::field(&status),
        _ => String::new(),
    };
    (error.code, crate::world::reason(&status), field)
}

fn invalid(reason: &str, field: &str) -> (i32, String, String) {
    (Code::InvalidArgument as i32, reason.into(), field.into())
}

fn found() -> (i32, String, String) {
    outcome(&None)
}

async fn an_account_key_that_cannot_be_one_fails_in_its_item(mut world: World) {
    use account_key::Key;
    let a = world.account("A").await;
    let keys = vec![
        Some(Key::Id(a.clone())),
        Some(Key::Id("c1".into())),
        Some(Key::Id("A-1".into())),
        Some(Key::Id(String::new())),
        Some(Key::ExternalId("x".repeat(256))),
        Some(Key::ExternalId("x\u{7}".into())),
        Some(Key::ExternalId(String::new())),
        None,
        Some(Key::ExternalId("nothing".into())),
        Some(Key::Id(a.clone())),
    ];
    let keys = keys.into_iter().map(|key| AccountKey { key }).collect();
    let request = LookupAccountsRequest {
        keys,
        ..Default::default()
    };
    let results = world
        .clients
        .accounts
        .lookup_accounts(request)
        .await
        .unwrap()
        .into_inner()
        .results;
    let outcomes: Vec<_> = results
        .iter()
        .map(|result| outcome(&result.error))
        .collect();
    assert_eq!(
        outcomes,
        [
            found(),
            invalid("ID_INVALID", "keys[1].id"),
            invalid("ID_INVALID", "keys[2].id"),
            invalid("FIELD_REQUIRED", "keys[3].id"),
            invalid("TEXT_TOO_LONG", "keys[4].external_id"),
            invalid("TEXT_CONTROL_CHARACTER", "keys[5].external_id"),
            invalid("FIELD_REQUIRED", "keys[6].external_id"),
            invalid("FIELD_REQUIRED", "keys[7]"),
            (
                Code::NotFound as i32,
                "ACCOUNT_NOT_FOUND".into(),
                String::new()
            ),
            found(),
        ]
    );
    let ids: Vec<_> = results
        .iter()
        .filter_map(|result| result.account.as_ref())
        .map(|found| found.id.clone())
        .collect();
    assert_eq!(ids, [a.clone(), a]);
}

async fn a_contact_key_that_cannot_be_one_fails_in_its_item(mut world: World) {
    use contact_key::Key;
    let c = world.contact("田中").await;
    let keys = vec![
        Some(Key::Id("a1".into())),
        Some(Key::ExternalId("x\0".into())),
        Some(Key::Email("no address".into())),
        Some(Key::Email(String::new())),
        Some(Key::Email(format!("{}@example.com", "x".repeat(400)))),
        None,
        Some(Key::Id(c.clone())),
    ];
    let keys = keys.into_iter().map(|key| ContactKey { key }).collect();
    let request = LookupContactsRequest {
        keys,
        ..Default::default()
    };
    let results = world
        .clients
        .contacts
        .lookup_contacts(request)
        .await
        .unwrap()
        .into_inner()
        .results;
    let outcomes: Vec<_> = results
        .iter()
        .map(|result| outcome(&result.error))
        .collect();
    assert_eq!(
        outcomes,
        [
            invalid("ID_INVALID", "keys[0].id"),
            invalid("TEXT_CONTROL_CHARACTER", "keys[1].external_id"),
            invalid("FIELD_INVALID", "keys[2].email"),
            invalid("FIELD_REQUIRED", "keys[3].email"),
            invalid("TEXT_TOO_LONG", "keys[4].email"),
            invalid("FIELD_REQUIRED", "keys[5]"),
            found(),
        ]
    );
    assert_eq!(
        results[6]
            .contact
            .as_ref()
            .map(|contact| contact.id.clone()),
        Some(c)
    );
}

async fn the_size_of_a_lookup_fails_the_call_whatever_its_keys(mut world: World) {
    for count in [0, 1_001] {
        let keys = vec![AccountKey { key: None }; count];
        let request = LookupAccountsRequest {
            keys,
            ..Default::default()
        };
        refused(
            world.clients.accounts.lookup_accounts(request).await,
            Code::InvalidArgument,
            "BATCH_SIZE",
        );
        let keys = vec![ContactKey { key: None }; count];
        let request = LookupContactsRequest {
            keys,
            ..Default::default()
        };
        refused(
            world.clients.contacts.lookup_contacts(request).await,
            Code::InvalidArgument,
            "BATCH_SIZE",
        );
    }
}

async fn a_lookup_of_keys_that_all_cannot_be_ones_stays_within_an_answer(mut world: World) {
    let key = contact_key::Key::Id("\u{1}".repeat(10_000));
    let keys = vec![ContactKey { key: Some(key) }; 1_000];
    let request = LookupContactsRequest {
        keys,
        ..Default::default()
    };
    let answer = world
        .clients
        .contacts
        .lookup_contacts(request)
        .await
        .unwrap()
        .into_inner();
    assert!(prost::Message::encoded_len(&answer) <= 3 << 20);
    let (_, reason, field) = outcome(&answer.results[999].error);
    assert!(
        reason == "ANSWER_TOO_LARGE" || field == "keys[999].id",
        "{reason} {field}"
    );
}
