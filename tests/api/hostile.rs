//! Every field of every request, filled with what nobody should send: each call is answered, by a
//! result or by an error that says what was wrong, and what was refused changed nothing.

use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MethodDescriptor,
    ReflectMessage, Value,
};
use roster_api::v1::*;
use tonic::transport::Channel;

use crate::produced_reasons::good_request;
use crate::world::{World, both_engines};
use crate::{error_shape, raw_call};

both_engines!(every_field_of_every_request_may_hold_anything,);

/// Texts for every field that takes one, whatever it is for.
fn texts() -> Vec<String> {
    let short = [
        "",
        " ",
        "\0",
        "a\0b",
        "a\u{7}b",
        "\u{7f}",
        "a1",
        "a0",
        "a01",
        "a-1",
        "A1",
        "c1",
        "c2",
        "i1",
        "a999",
        "c999",
        "a18446744073709551615",
        "a99999999999999999999",
        "ａ１",
        "a1 ",
        "r0",
        "r1",
        "p",
        "*",
        "あ",
        "#",
        "' OR 1=1 --",
        "%_\\",
        "{}[]\"",
        "\u{202e}\u{feff}\u{10ffff}",
        "👨\u{200d}👩\u{200d}👧",
        "a@b",
        "@",
        "a@b@c",
    ];
    let long = [
        ("x", 65),
        ("x", 101),
        ("x", 201),
        ("あ", 255),
        ("\"", 1_001),
        ("\u{1}", 3_000),
        ("👨", 5_000),
    ];
    let long = long.into_iter().map(|(text, times)| text.repeat(times));
    short.iter().map(ToString::to_string).chain(long).collect()
}

/// Values for one place of a field.
fn values(kind: &Kind) -> Vec<Value> {
    match kind {
        Kind::String => texts().into_iter().map(Value::String).collect(),
        Kind::Bool => vec![Value::Bool(true), Value::Bool(false)],
        Kind::Int32 => [i32::MIN, -1, 0, 1, 1_001, 2_000_000_000, i32::MAX]
            .map(Value::I32)
            .into(),
        Kind::Int64 => [i64::MIN, -62_135_596_801, 253_402_300_800, i64::MAX]
            .map(Value::I64)
            .into(),
        Kind::Enum(_) => [i32::MIN, -1, 0, 1, 2, 3, 4, 5, 99, i32::MAX]
            .map(Value::EnumNumber)
            .into(),
        Kind::Message(message) => {
            // Empty, and with each of its own fields spoilt.
            let empty = DynamicMessage::new(message.clone());
            let spoilt = variants(&empty);
            std::iter::once(empty)
                .chain(spoilt)
                .map(Value::Message)
                .collect()
        }
        other => panic!("no request has a field of {other:?} yet: say what is hostile in it"),
    }
}

/// Whole contents for a field that is a list.
fn lists(field: &FieldDescriptor, present: &Value) -> Vec<Value> {
    let kind = field.kind();
    let one = |value: Value| Value::List(vec![value]);
    let mut lists: Vec<Value> = values(&kind).into_iter().map(one).collect();
    let first = present.as_list().and_then(|list| list.first().cloned());
    let first = first.unwrap_or_else(|| Value::default_value(&kind));
    for count in [0, 2, 51, 1_001] {
        lists.push(Value::List(vec![first.clone(); count]));
    }
    if let Value::Message(first) = first {
        lists.extend(
            variants(&first)
                .into_iter()
                .map(|spoilt| one(Value::Message(spoilt))),
        );
    }
    lists
}

/// Whole contents for a field that is a map of texts.
fn maps() -> Vec<Value> {
    let of = |pairs: Vec<(String, String)>| {
        let pairs = pairs
            .into_iter()
            .map(|(key, value)| (MapKey::String(key), Value::String(value)));
        Value::Map(pairs.collect())
    };
    let many = (0..1_000)
        .map(|key| (key.to_string(), String::new()))
        .collect();
    let keys = texts().into_iter().map(|key| vec![(key, "v".to_owned())]);
    let values = texts()
        .into_iter()
        .map(|value| vec![("k".to_owned(), value)]);
    keys.chain(values).chain([many]).map(of).collect()
}

/// A message with one of its fields, at any depth, left out or spoilt.
fn variants(message: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut variants = Vec::new();
    for field in message.descriptor().fields() {
        let present = message.get_field(&field);
        let contents = if field.is_map() {
            maps()
        } else if field.cardinality() == Cardinality::Repeated {
            lists(&field, &present)
        } else if let Value::Message(inner) = present.as_ref() {
            variants_of(inner)
        } else {
            values(&field.kind())
        };
        let mut without = message.clone();
        without.clear_field(&field);
        variants.push(without);
        for content in contents {
            let mut variant = message.clone();
            variant.set_field(&field, content);
            variants.push(variant);
        }
    }
    variants
}

fn variants_of(inner: &DynamicMessage) -> Vec<Value> {
    variants(inner).into_iter().map(Value::Message).collect()
}

/// A good request of each RPC, about account a1 and contact c1.
#[allow(clippy::too_many_lines, reason = "one line a method: a table")]
#[allow(clippy::needless_update, reason = "some requests have no other field")]
fn good() -> BTreeMap<&'static str, Vec<u8>> {
    let (a, c) = (|| "a1".to_owned(), || "c1".to_owned());
    let mask = |path: &str| {
        Some(prost_types::FieldMask {
            paths: vec![path.into()],
        })
    };
    let account = Account {
        id: a(),
        name: "B".into(),
        ..Default::default()
    };
    let contact = Contact {
        id: c(),
        family_name: "鈴木".into(),
        ..Default::default()
    };
    let association = Association {
        account_id: a(),
        contact_id: c(),
        ..Default::default()
    };
    let named = Account {
        name: "A".into(),
        ..Default::default()
    };
    let person = Contact {
        family_name: "田中".into(),
        ..Default::default()
    };
    let to_associate = ContactToAssociate {
        contact_id: c(),
        ..Default::default()
    };
    let record = TicketRecord {
        id: "T".into(),
        requester_id: c(),
        create_time: Some(prost_types::Timestamp::default()),
        ..Default::default()
    };
    let by_account = AccountKey {
        key: Some(account_key::Key::Id(a())),
    };
    let by_contact = ContactKey {
        key: Some(contact_key::Key::Id(c())),
    };
    macro_rules! requests {
        ($($rpc:literal: $request:ident { $($field:ident: $value:expr),* $(,)? };)*) => {
            [$((
                $rpc,
                $request { $($field: $value,)* ..Default::default() }.encode_to_vec(),
            )),*].into()
        };
    }
    requests! {
        "CreateAccount": CreateAccountRequest { account: Some(named) };
        "GetAccount": GetAccountRequest { id: a() };
        "LookupAccounts": LookupAccountsRequest { keys: vec![by_account] };
        "UpdateAccount": UpdateAccountRequest { account: Some(account), update_mask: mask("*") };
        "DeleteAccount": DeleteAccountRequest { id: a() };
        "ListAccounts": ListAccountsRequest {};
        "ListAccountHeadings": ListAccountHeadingsRequest {};
        "CreateContact": CreateContactRequest { contact: Some(person) };
        "GetContact": GetContactRequest { id: c() };
        "LookupContacts": LookupContactsRequest { keys: vec![by_contact] };
        "UpdateContact": UpdateContactRequest { contact: Some(contact), update_mask: mask("*") };
        "DeleteContact": DeleteContactRequest { id: c() };
        "ListContacts": ListContactsRequest {};
        "ListContactHeadings": ListContactHeadingsRequest {};
        "AssociateContacts": AssociateContactsRequest {
            account_id: a(),
            contacts: vec![to_associate],
        };
        "PreviewDissociation": PreviewDissociationRequest { account_id: a(), contact_id: c() };
        "DissociateContact": DissociateContactRequest { account_id: a(), contact_id: c() };
        "SetPrimaryAccount": SetPrimaryAccountRequest { account_id: a(), contact_id: c() };
        "TransferContact": TransferContactRequest { contact_id: c(), to_account_id: a() };
        "UpdateAssociation": UpdateAssociationRequest {
            association: Some(association),
            update_mask: mask("role"),
        };
        "ListAccountContacts": ListAccountContactsRequest { account_id: a() };
        "ListContactAccounts": ListContactAccountsRequest { contact_id: c() };
        "RecordTickets": RecordTicketsRequest { tickets: vec![record] };
        "GetTicket": GetTicketRequest { id: "T".to_owned() };
        "ListTickets": ListTicketsRequest { account_id: a() };
        "DeleteTickets": DeleteTicketsRequest { ids: vec!["T".to_owned()] };
        "CheckTicket": CheckTicketRequest { contact_id: c(), ticket_id: "T".to_owned() };
        "BatchCheckTickets": BatchCheckTicketsRequest {
            contact_id: c(),
            ticket_ids: vec!["T".to_owned()],
        };
        "ListVisibleTickets": ListVisibleTicketsRequest { contact_id: c() };
        "ListTicketViewers": ListTicketViewersRequest { ticket_id: "T".to_owned() };
        "ExplainTicket": ExplainTicketRequest { contact_id: c(), ticket_id: "T".to_owned() };
        "GetImport": GetImportRequest { id: "i1".to_owned() };
        "GetSettings": GetSettingsRequest {};
        "UpdateSettings": UpdateSettingsRequest {
            settings: Some(Settings::default()),
            update_mask: mask("sharing_enabled"),
        };
    }
}

/// That every error of an item is one.
fn check_items(value: &Value) {
    match value {
        Value::Message(message) if message.descriptor().full_name() == "google.rpc.Status" => {
            let bytes = message.encode_to_vec();
            error_shape::well(&error_shape::of_item(
                &tonic_types::Status::decode(bytes.as_slice()).unwrap(),
            ));
        }
        Value::Message(message) => message.fields().for_each(|(_, value)| check_items(value)),
        Value::List(list) => list.iter().for_each(check_items),
        _ => {}
    }
}

/// Sends all variants of a method's good request; how many were refused.
async fn assail(world: &World, channel: &Channel, method: &MethodDescriptor, good: &[u8]) -> usize {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let good = DynamicMessage::decode(method.input(), good).expect("a request");
    let mut before = world.read_token().await;
    let writes = method.input().get_field_by_name("request_id").is_some();
    let mut refused = 0;
    for variant in variants(&good) {
        match raw_call::call(channel, &path, variant.encode_to_vec()).await {
            Ok(answer) => {
                let answer =
                    DynamicMessage::decode(method.output(), answer.into_inner().as_slice());
                check_items(&Value::Message(answer.expect("an answer")));
                before.clear();
            }
            Err(status) => {
                error_shape::well(&status);
                refused += 1;
                if !writes {
                    continue;
                }
                let now = world.read_token().await;
                assert!(
                    before.is_empty() || now == before,
                    "{path} changed something: {variant:?}"
                );
                before = now;
            }
        }
    }
    refused
}

async fn every_field_of_every_request_may_hold_anything(mut world: World) {
    world
        .associate(&world.account("A").await, &world.contact("田中").await)
        .await;
    let pool = DescriptorPool::decode(roster_api::FILE_DESCRIPTOR_SET).unwrap();
    let channel = world.server.channel().await;
    let mut good = good();
    // Administration of another organization: the test must not delete its own.
    for (path, request) in good_request::all("hostile") {
        let index = roster_api::method_of_path(path).expect("a method");
        let method = roster_api::METHODS[index];
        if !method.streams_answers && !method.streams_requests {
            good.entry(method.name)
                .or_insert_with(|| request.encode_to_vec());
        }
    }
    let mut methods = 0;
    for service in pool
        .services()
        .filter(|service| service.package_name() == "roster.v1")
    {
        // What streams is tried with files: see the tests of imports.
        for method in service
            .methods()
            .filter(|method| !method.is_client_streaming() && !method.is_server_streaming())
        {
            let request = good.get(method.name());
            let request = request.unwrap_or_else(|| panic!("a good request of {}", method.name()));
            // All have something that may be wrong.
            assert!(
                assail(&world, &channel, &method, request).await > 0,
                "{}",
                method.name()
            );
            methods += 1;
        }
    }
    assert_eq!(methods, good.len());
    assert!(world.server.child.try_wait().unwrap().is_none());
}
