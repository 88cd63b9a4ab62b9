//! Every error that the comment of an RPC lists is produced by that RPC, and no other error.
//! `listed_channel` holds all other tests to the same lists.

mod admin;
mod any_call;
pub mod good_request;
mod requests;
mod start_import;
mod visitor;

use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};
use roster_api::v1::*;
use tonic::Status;
use tonic::transport::Channel;

use crate::manual::{self, Listed, MANUAL};
use crate::raw_call;
use crate::world::{World, both_engines};

both_engines!(every_rpc_produces_every_error_that_its_comment_lists_and_no_other,);

/// An organization in which a contact may have one account. All other requests are about
/// `default`.
const ONE_ACCOUNT: &str = "one-account";

/// The errors that the calls and their items were answered with.
#[derive(Default)]
struct Produced {
    by_path: BTreeMap<String, (Listed, Listed)>,
    /// What was not answered as it should be.
    wrong: Vec<String>,
}

impl Produced {
    fn call(&mut self, path: &str, reason: &str, status: &Status) {
        let errors = &mut self.by_path.entry(path.to_owned()).or_default().0;
        match manual::named(status) {
            Some(error) if error.1 == reason => {
                errors.insert(error);
            }
            _ => self
                .wrong
                .push(format!("{path}: not {reason} but {status:?}")),
        }
    }

    fn item(&mut self, path: &str, reason: &str, status: &Status) {
        let errors = &mut self.by_path.entry(path.to_owned()).or_default().1;
        match manual::named(status) {
            Some(error) if error.1 == reason => {
                errors.insert(error);
            }
            _ => self
                .wrong
                .push(format!("{path}: not {reason} but {status:?}")),
        }
    }

    /// That exactly the errors of the comments were produced.
    fn complete(self) {
        let mut wrong = self.wrong;
        for (path, rpc) in &MANUAL.rpcs {
            let (errors, items) = self.by_path.get(path).cloned().unwrap_or_default();
            for (what, listed, produced) in [
                ("errors", &rpc.errors, errors),
                ("item errors", &rpc.item_errors, items),
            ] {
                let missing: Vec<_> = listed.difference(&produced).collect();
                let unlisted: Vec<_> = produced.difference(listed).collect();
                if !(missing.is_empty() && unlisted.is_empty()) {
                    wrong.push(format!(
                        "{path}, {what}: listed and not produced {missing:?}, \
                         produced and not listed {unlisted:?}"
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// The message of a request that is written as JSON.
fn request(path: &str, json: &str) -> DynamicMessage {
    let json = json
        .replace("$201", &"x".repeat(201))
        .replace("$NUL", "a\\u0000b");
    let method = &MANUAL.rpcs[path].method;
    let mut read = serde_json::Deserializer::from_str(&json);
    DynamicMessage::deserialize(method.input(), &mut read)
        .unwrap_or_else(|error| panic!("{path}: {error}: {json}"))
}

fn path_of(rpc: &str) -> &'static str {
    let mut paths = MANUAL.rpcs.iter();
    let found = paths.find(|(_, listed)| listed.method.name() == rpc);
    found.unwrap_or_else(|| panic!("no RPC {rpc}")).0
}

/// Sends a request that must fail for this reason, as a call or in exactly its last failed item.
async fn refuse(
    produced: &mut Produced,
    channel: &Channel,
    organization: Option<&str>,
    path: &str,
    (reason, request): (&str, &DynamicMessage),
) {
    let answer = raw_call::call_of(channel, path, organization, request.encode_to_vec()).await;
    match answer {
        Err(status) => produced.call(path, reason, &status),
        Ok(answer) => {
            let output = MANUAL.rpcs[path].method.output();
            let answer = DynamicMessage::decode(output, answer.get_ref().as_slice());
            let errors = manual::item_errors(&Value::Message(answer.expect("an answer")));
            match errors.last() {
                Some(last) => produced.item(path, reason, last),
                None => produced
                    .wrong
                    .push(format!("{path} does not fail with {reason}")),
            }
        }
    }
}

/// What a field has an ID of.
fn kind_of(path: &str, field: &str) -> Option<&'static str> {
    let named = if field == "id" { path } else { field };
    let kinds = [
        ("account", "ACCOUNT"),
        ("contact", "CONTACT"),
        ("requester", "CONTACT"),
        ("ticket", "TICKET"),
        ("import", "IMPORT"),
        ("credential", "CREDENTIAL"),
    ];
    let is_id = field == "id" || field.ends_with("_id");
    // These are about a ticket disposition, and a request ID is of no record.
    let other = ["move_to_account_id", "new_requester_id", "request_id"].contains(&field)
        // The access log is also about records that do not exist any more.
        || path.ends_with("/ListAccesses");
    let named = named.rsplit('/').next()?.to_lowercase();
    let named = if named == "downloadrejects" {
        "import".to_owned()
    } else {
        named
    };
    let found = kinds.into_iter().find(|(word, _)| named.contains(word));
    found.filter(|_| is_id && !other).map(|(_, kind)| kind)
}

/// Values that a field of this name must not have, and why. None: the field is absent.
fn spoilt(path: &str, field: &FieldDescriptor, lost_token: &str) -> Vec<(String, Option<Value>)> {
    let text = |text: &str| Some(Value::String(text.to_owned()));
    let token = |token: &str| {
        let requirement = consistency::Requirement::AtLeastAsFresh(token.to_owned());
        let consistency = Consistency {
            requirement: Some(requirement),
        };
        let mut message = DynamicMessage::new(field.kind().as_message().expect("it").clone());
        message
            .transcode_from(&consistency)
            .expect("the same message");
        Some(Value::Message(message))
    };
    let long = |characters: usize| ("TEXT_TOO_LONG", text(&"x".repeat(characters)));
    let nul = || ("TEXT_CONTROL_CHARACTER", text("a\0b"));
    let values = match (field.name(), kind_of(path, field.name())) {
        ("consistency", _) => vec![
            ("TOKEN_INVALID", token("x")),
            ("TOKEN_LOST", token(lost_token)),
        ],
        ("request_id", _) => vec![long(65), nul()],
        ("page_size", _) => vec![("PAGE_SIZE_INVALID", Some(Value::I32(-1)))],
        ("page_token", _) => vec![("PAGE_TOKEN_INVALID", text("x"))],
        ("etag", _) => vec![("ETAG_MISMATCH", text("r0"))],
        ("update_mask", _) => vec![("UPDATE_MASK_INVALID", None)],
        ("query", _) => vec![long(201), nul()],
        ("heading", _) => vec![("FIELD_INVALID", text("xx"))],
        ("keys" | "contacts" | "tickets" | "ids" | "ticket_ids", _) => vec![("BATCH_SIZE", None)],
        (_, Some("TICKET")) => vec![long(201), nul(), ("TICKET_NOT_FOUND", text("T999"))],
        (_, Some(kind)) => {
            let letter = match kind {
                "CREDENTIAL" => "q".to_owned(),
                kind => kind[..1].to_lowercase(),
            };
            let unknown = format!("{letter}999");
            let not_found = format!("{kind}_NOT_FOUND");
            return vec![
                ("ID_INVALID".to_owned(), text("x")),
                (not_found, text(&unknown)),
            ];
        }
        _ => Vec::new(),
    };
    values
        .into_iter()
        .map(|(reason, value)| (reason.to_owned(), value))
        .collect()
}

/// Each good request with each of its fields spoilt.
async fn spoil_fields(produced: &mut Produced, channel: &Channel, lost_token: &str) {
    let good = requests::GOOD.iter().chain(admin::GOOD);
    for (rpc, good) in good.chain(visitor::GOOD) {
        let path = path_of(rpc);
        let good = request(path, good);
        for field in good.descriptor().fields() {
            let mut values = spoilt(path, &field, lost_token);
            if kind_of(path, field.name()).is_some()
                && good.has_field(&field)
                && *rpc != "ListTickets"
            {
                values.push(("FIELD_REQUIRED".to_owned(), None));
            }
            for (reason, value) in values {
                let mut wrong = good.clone();
                match value {
                    Some(value) => wrong.set_field(&field, value),
                    None => wrong.clear_field(&field),
                }
                refuse(produced, channel, None, path, (&reason, &wrong)).await;
            }
        }
    }
}

/// Sends each good write, and then another with the same `request_id`.
async fn reuse_request_ids(produced: &mut Produced, channel: &Channel) {
    for (rpc, good) in requests::GOOD.iter().chain(visitor::GOOD) {
        let path = path_of(rpc);
        let mut good = request(path, good);
        let Some(request_id) = good.descriptor().get_field_by_name("request_id") else {
            continue;
        };
        good.set_field(&request_id, Value::String("once".to_owned()));
        let answer = raw_call::call(channel, path, good.encode_to_vec()).await;
        answer.unwrap_or_else(|status| panic!("{path}: {status:?}"));
        let mut other = match requests::OTHER.iter().find(|(other, _)| other == rpc) {
            Some((_, other)) => request(path, other),
            None => {
                good.set_field_by_name("etag", Value::String("other".to_owned()));
                good
            }
        };
        other.set_field(&request_id, Value::String("once".to_owned()));
        refuse(produced, channel, None, path, ("REQUEST_ID_REUSED", &other)).await;
    }
}

/// The contact c1 has the accounts a1, its primary account, and a2, and a ticket with each; c2 has
/// no account; c3 has a1; a4 and c4 can be deleted; c5 can leave a2.
async fn set_up(world: &World) {
    world.allow_several_accounts().await;
    for external_id in ["D1", "", "", ""] {
        let external_id = external_id.to_owned();
        let account = Account {
            name: "A".into(),
            external_id,
            ..Default::default()
        };
        world.account_of(account).await;
    }
    for external_id in ["E1", "", "", "", ""] {
        let external_id = external_id.to_owned();
        let contact = Contact {
            family_name: "田中".into(),
            external_id,
            ..Default::default()
        };
        world.contact_of(contact).await;
    }
    for (account, contact) in [
        ("a1", "c1"),
        ("a2", "c1"),
        ("a1", "c3"),
        ("a1", "c5"),
        ("a2", "c5"),
    ] {
        world.associate(account, contact).await;
    }
    world.ticket("T1", "c1", "a2").await;
    world.ticket("T2", "c1", "a1").await;
    let max = Settings {
        accounts_per_contact_max: 1,
        ..Default::default()
    };
    world.settings(max, &["accounts_per_contact_max"]).await;
    let kind = ImportKind::Accounts.into();
    world
        .import(
            ImportConfig {
                kind,
                ..Default::default()
            },
            "取引先名\nI\n",
        )
        .await;
}

/// A contact that has its only account.
async fn of_one_account(produced: &mut Produced, channel: &Channel) {
    let organization = Some(ONE_ACCOUNT);
    for (rpc, json) in [
        ("CreateAccount", r#"{"account": {"name": "A"}}"#),
        ("CreateAccount", r#"{"account": {"name": "B"}}"#),
        ("CreateContact", r#"{"contact": {"familyName": "A"}}"#),
        (
            "AssociateContacts",
            r#"{"accountId": "a1", "contacts": [{"contactId": "c1"}]}"#,
        ),
    ] {
        let path = path_of(rpc);
        let message = request(path, json).encode_to_vec();
        raw_call::call_of(channel, path, organization, message)
            .await
            .expect("an answer");
    }
    let path = path_of("AssociateContacts");
    let second = request(
        path,
        r#"{"accountId": "a2", "contacts": [{"contactId": "c1"}]}"#,
    );
    refuse(
        produced,
        channel,
        organization,
        path,
        ("ONE_ACCOUNT", &second),
    )
    .await;
}

/// Lookups whose answers have no room for their last items.
async fn of_large_answers(produced: &mut Produced, world: &World, channel: &Channel) {
    let large = |key: usize| (key.to_string(), "あ".repeat(990));
    let attributes = (0..8).map(large).collect();
    let account = Account {
        name: "L".into(),
        attributes,
        ..Default::default()
    };
    let key = account_key::Key::Id(world.account_of(account).await);
    let keys = vec![AccountKey { key: Some(key) }; 1_000];
    let accounts = LookupAccountsRequest {
        keys,
        ..Default::default()
    }
    .encode_to_vec();
    let attributes = (0..8).map(large).collect();
    let contact = Contact {
        family_name: "L".into(),
        attributes,
        ..Default::default()
    };
    let key = contact_key::Key::Id(world.contact_of(contact).await);
    let keys = vec![ContactKey { key: Some(key) }; 1_000];
    let contacts = LookupContactsRequest {
        keys,
        ..Default::default()
    }
    .encode_to_vec();
    for (rpc, bytes) in [("LookupAccounts", accounts), ("LookupContacts", contacts)] {
        let path = path_of(rpc);
        let input = MANUAL.rpcs[path].method.input();
        let message = DynamicMessage::decode(input, bytes.as_slice()).expect("a request");
        refuse(
            produced,
            channel,
            None,
            path,
            ("ANSWER_TOO_LARGE", &message),
        )
        .await;
    }
}

async fn every_rpc_produces_every_error_that_its_comment_lists_and_no_other(world: World) {
    set_up(&world).await;
    admin::set_up(&world).await;
    let channel = world.server.channel().await;
    let mut produced = Produced::default();
    // Of this organization and database, and of a revision that never existed.
    let mut token = world.read_token().await.into_bytes();
    let last = token.len() - 2;
    token[last] = if token[last] == b'x' { b'y' } else { b'x' };
    let lost_token = String::from_utf8(token).unwrap();

    any_call::of_every_rpc(&world, &channel).await;
    let refused = requests::REFUSED.iter().chain(admin::REFUSED);
    for (rpc, reason, json) in refused.chain(visitor::REFUSED) {
        let path = path_of(rpc);
        let wrong = request(path, json);
        refuse(&mut produced, &channel, None, path, (reason, &wrong)).await;
    }
    spoil_fields(&mut produced, &channel, &lost_token).await;
    of_one_account(&mut produced, &channel).await;
    of_large_answers(&mut produced, &world, &channel).await;
    start_import::of_files(&mut produced, &world).await;
    reuse_request_ids(&mut produced, &channel).await;
    admin::of_limits(&mut produced, &world).await;
    visitor::of_times(&mut produced, &world).await;
    visitor::of_visitors(&mut produced, &world).await;
    produced.complete();
}

#[test]
fn an_error_in_the_comment_of_a_message_is_listed_by_an_rpc_that_uses_the_message() {
    let mut users: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for (path, rpc) in &MANUAL.rpcs {
        let mut left = vec![rpc.method.input(), rpc.method.output()];
        while let Some(message) = left.pop() {
            let of_message = users.entry(message.full_name().to_owned()).or_default();
            if of_message.contains(&path) {
                continue;
            }
            of_message.push(path);
            for kind in message.fields().map(|field| field.kind()) {
                left.extend(kind.as_message().cloned());
                if let Some(of_enum) = kind.as_enum() {
                    let name = of_enum.full_name().to_owned();
                    users.entry(name).or_default().push(path);
                }
            }
        }
    }
    let mut checked = 0;
    for file in MANUAL
        .pool
        .files()
        .filter(|file| file.package_name() == "roster.v1")
    {
        let comments = manual::comments(&file);
        let messages = file
            .messages()
            .map(|of| (of.path().to_vec(), of.full_name().to_owned()));
        let enums = file
            .enums()
            .map(|of| (of.path().to_vec(), of.full_name().to_owned()));
        for (path, name) in messages.chain(enums) {
            let inside = comments.iter().filter(|(of, _)| of.starts_with(&path));
            let errors = inside.flat_map(|(_, comment)| {
                let errors = manual::groups(comment);
                errors.into_iter().map(move |error| (error, comment))
            });
            for (error, comment) in errors {
                // Of a message of one RPC that RPC, of a message of several at least one, or the
                // RPC that the comment names.
                let lists = |path: &&&String| {
                    let rpc = &MANUAL.rpcs[**path];
                    let lists = [&rpc.errors, &rpc.item_errors, &MANUAL.any];
                    lists.iter().any(|list| list.contains(&error))
                };
                let named = MANUAL.rpcs.iter().filter(|(_, rpc)| {
                    let mut words = comment.split(|c: char| !c.is_alphanumeric());
                    words.any(|word| word == rpc.method.name())
                });
                let named = named.map(|(path, _)| path);
                let used = users.get(&name).into_iter().flatten().copied();
                let users: Vec<&String> = used.chain(named).collect();
                let found = users.iter().any(|path| lists(&path)) || MANUAL.any.contains(&error);
                // The reasons themselves show groups as examples.
                let is_reasons = name == "roster.v1.ErrorReason";
                assert!(found || is_reasons, "{name}: no RPC lists {error:?}");
                checked += 1;
            }
        }
    }
    assert!(
        checked > 100,
        "{checked} errors in the comments of messages"
    );
}
