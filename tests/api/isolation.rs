//! Two organizations of equal contents, and random calls with a key of one of them: no answer shows
//! anything of the other, the other does not change, and every answer is that of a store without it.

use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use roster_api::v1::*;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use crate::manual::{self, MANUAL};
use crate::produced_reasons::good_request;
use crate::raw_call;
use crate::secured::{Secured, organization};
use crate::world::{Clients, Engine, answered, rounds};

/// In every text of an organization. They have one length, so that answers have equal lengths.
const OWN: &str = "own-marker";
const FOREIGN: &str = "for-marker";

/// A store, and the key of the caller in it.
struct Side {
    world: Secured,
    channel: Channel,
    key: String,
}

/// Records with the marker in every text.
async fn fill(owner: &Clients, marker: &str) {
    for number in 1..=4 {
        let account = Account {
            name: format!("{marker} 会社 {number}"),
            external_id: format!("{marker}-{number}"),
            ..Default::default()
        };
        let create = CreateAccountRequest {
            account: Some(account),
            ..Default::default()
        };
        answered(owner.accounts.clone().create_account(create).await);
        let contact = Contact {
            family_name: format!("{marker} 田中 {number}"),
            emails: vec![format!("{number}@{marker}.example")],
            ..Default::default()
        };
        let create = CreateContactRequest {
            contact: Some(contact),
            ..Default::default()
        };
        answered(owner.contacts.clone().create_contact(create).await);
        let associate = AssociateContactsRequest {
            account_id: format!("a{number}"),
            contacts: vec![ContactToAssociate {
                contact_id: format!("c{number}"),
                role: format!("{marker} role"),
                ..Default::default()
            }],
            ..Default::default()
        };
        answered(
            owner
                .associations
                .clone()
                .associate_contacts(associate)
                .await,
        );
        let record = TicketRecord {
            id: format!("T{number}"),
            requester_id: format!("c{number}"),
            account_id: Some(format!("a{number}")),
            subject: Some(format!("{marker} subject")),
            ..Default::default()
        };
        let record = RecordTicketsRequest {
            tickets: vec![record],
            ..Default::default()
        };
        answered(owner.tickets.clone().record_tickets(record).await);
    }
    let config = ImportConfig {
        kind: ImportKind::Contacts.into(),
        ..Default::default()
    };
    let file = format!("Last Name,Email\n{marker},i@{marker}.example\n{marker},{marker}\n");
    let mut imports = owner.imports.clone();
    let upload = crate::importing::messages(config, file.as_bytes());
    let begun = answered(imports.start_import(tokio_stream::iter(upload)).await);
    let watch = WatchImportRequest {
        id: begun.import_job.expect("it").id,
    };
    let mut states = answered(imports.watch_import(watch).await);
    while states.message().await.expect("a state").is_some() {}
}

impl Side {
    /// A store with the caller's organization.
    async fn start(engine: Engine) -> Self {
        let world = Secured::start(engine).await;
        organization(&world, "acme").await;
        let (_, key) = world.credential("acme", &["owner"]).await;
        fill(&world.with_key(&key), OWN).await;
        Self {
            channel: world.channel.clone(),
            world,
            key,
        }
    }

    async fn call(&self, call: &RandomCall) -> Result<Option<Vec<u8>>, Status> {
        let mut metadata = vec![("authorization", format!("Bearer {}", self.key))];
        if let Some(named) = call.organization {
            metadata.push(("roster-organization", named.to_owned()));
        }
        let message = call.message.encode_to_vec();
        raw_call::first_message(&self.channel, call.path, &metadata, message).await
    }
}

/// Everything that the other organization shows to its owner, with its revision.
async fn contents(owner: &Clients) -> String {
    let accounts = ListAccountsRequest::default();
    let contacts = ListContactsRequest::default();
    let tickets = ListTicketsRequest {
        account_id: "a1".into(),
        ..Default::default()
    };
    let settings = GetSettingsRequest::default();
    let credentials = ListCredentialsRequest::default();
    let mut credentials = answered(owner.admin.clone().list_credentials(credentials).await);
    for credential in &mut credentials.credentials {
        // The owner's own key is used by this look.
        credential.keys.clear();
    }
    format!(
        "{:#?} {:#?} {:#?} {:#?} {credentials:#?}",
        answered(owner.accounts.clone().list_accounts(accounts).await).accounts,
        answered(owner.contacts.clone().list_contacts(contacts).await).contacts,
        answered(owner.tickets.clone().list_tickets(tickets).await).tickets,
        answered(owner.settings.clone().get_settings(settings).await),
    )
}

/// A call that both stores get.
struct RandomCall {
    path: &'static str,
    message: DynamicMessage,
    organization: Option<&'static str>,
}

impl std::fmt::Display for RandomCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            path,
            message,
            organization,
        } = self;
        write!(f, "{path} {{{message}}} for {organization:?}")
    }
}

/// What a caller may have heard of the other organization.
struct Heard {
    read_token: String,
    page_token: String,
}

/// An id of the same kind, of a record that may exist.
fn other_id(text: &str, chance: &mut StdRng) -> Option<String> {
    let kind = text.chars().next().filter(|kind| "aciqT".contains(*kind))?;
    text[1..].parse::<u32>().ok()?;
    // Both stores have as many credentials of the caller, and the other organization has the third.
    let number = chance.random_range(1..=6);
    Some(format!("{kind}{number}"))
}

/// Replaces ids, and sometimes texts, in a message.
fn spoil(message: &mut DynamicMessage, heard: &Heard, chance: &mut StdRng) {
    let descriptor = message.descriptor();
    for field in descriptor.fields() {
        if field.name() == "page_token" && chance.random_bool(0.1) {
            message.set_field(&field, Value::String(heard.page_token.clone()));
        }
        if field.name() == "consistency" && chance.random_bool(0.1) {
            let requirement = consistency::Requirement::AtLeastAsFresh(heard.read_token.clone());
            let given = Consistency {
                requirement: Some(requirement),
            };
            let kind = field.kind();
            let mut value = DynamicMessage::new(kind.as_message().expect("a message").clone());
            value.transcode_from(&given).expect("the same message");
            message.set_field(&field, Value::Message(value));
        }
        if field.name() == "query" && chance.random_bool(0.7) {
            let query = ["田中", OWN, FOREIGN, "1", "会社"]
                .choose(chance)
                .expect("one");
            message.set_field(&field, Value::String((*query).to_owned()));
        }
        if field.name() == "page_size" && chance.random_bool(0.5) {
            message.set_field(&field, Value::I32(chance.random_range(0..4)));
        }
        if !message.has_field(&field) {
            continue;
        }
        spoil_value(message.get_field_mut(&field), heard, chance);
    }
}

fn spoil_value(value: &mut Value, heard: &Heard, chance: &mut StdRng) {
    match value {
        Value::String(text) => {
            if let Some(id) = other_id(text, chance) {
                *text = id;
            }
        }
        Value::Message(message) => spoil(message, heard, chance),
        Value::List(list) => {
            for value in list {
                spoil_value(value, heard, chance);
            }
        }
        _ => {}
    }
}

/// Names the other organization where the request names one.
fn name_other(message: &mut DynamicMessage) {
    for field in message.descriptor().fields() {
        if field.name() == "organization" && field.kind().as_message().is_none() {
            message.set_field(&field, Value::String("other".to_owned()));
        } else if message.has_field(&field)
            && let Value::Message(inner) = message.get_field_mut(&field)
        {
            name_other(inner);
        }
    }
}

fn random_call(heard: &Heard, chance: &mut StdRng) -> RandomCall {
    let all: Vec<_> = good_request::all("acme").collect();
    let (path, mut message) = all.choose(chance).expect("an RPC").clone();
    spoil(&mut message, heard, chance);
    // Ids of credentials are numbers of the whole store, so that a new credential differs.
    if path.ends_with("CreateCredential") || chance.random_bool(0.1) {
        name_other(&mut message);
    }
    let organizations = [None, None, None, None, Some("acme"), Some("other")];
    RandomCall {
        path,
        message,
        organization: *organizations.choose(chance).expect("one"),
    }
}

/// Removes what differs between two stores: times, tokens and keys.
fn normalized(mut message: DynamicMessage) -> DynamicMessage {
    for field in message.descriptor().fields() {
        let name = field.name();
        let is_drawn = ["etag", "key", "keys", "key_id"].contains(&name);
        let is_time = field
            .kind()
            .as_message()
            .is_some_and(|kind| kind.full_name() == "google.protobuf.Timestamp");
        // Shown by `seen_error`.
        let is_details = field.full_name() == "google.rpc.Status.details";
        if name.ends_with("token") || is_drawn || is_time || is_details {
            message.clear_field(&field);
        } else if message.has_field(&field) {
            match message.get_field_mut(&field) {
                Value::Message(inner) => *inner = normalized(inner.clone()),
                Value::List(list) => {
                    for value in list {
                        if let Value::Message(inner) = value {
                            *inner = normalized(inner.clone());
                        }
                    }
                }
                _ => {}
            }
        }
    }
    message
}

/// All that a caller sees of an error. The order of its metadata differs from call to call.
fn seen_error(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    let metadata: BTreeMap<_, _> = info.metadata.iter().collect();
    let (reason, bytes) = (&info.reason, status.details().len());
    let (code, message) = (status.code(), status.message());
    let others = (details.bad_request(), details.resource_info());
    format!("{code:?} {message} {reason} {metadata:?} {others:?} {bytes}")
}

/// All that a caller sees, but for what differs between two stores.
fn seen(path: &str, ended: &Result<Option<Vec<u8>>, Status>) -> String {
    match ended {
        Err(status) => seen_error(status),
        Ok(None) => "nothing".to_owned(),
        Ok(Some(bytes)) => {
            let output = MANUAL.rpcs[path].method.output();
            let answer = DynamicMessage::decode(output, bytes.as_slice()).expect("an answer");
            let errors = manual::item_errors(&Value::Message(answer.clone()));
            let errors: Vec<_> = errors.iter().map(seen_error).collect();
            format!("{} {errors:?}", normalized(answer))
        }
    }
}

async fn a_key_of_one_organization_sees_and_changes_nothing_of_another(engine: Engine) {
    let (both, without) = (Side::start(engine).await, Side::start(engine).await);
    organization(&both.world, "other").await;
    let other = both.world.caller("other", &["owner"]).await;
    fill(&other, FOREIGN).await;
    let listed = ListContactsRequest {
        page_size: 1,
        ..Default::default()
    };
    let mut settings = other.settings.clone();
    let settings = settings.get_settings(GetSettingsRequest::default()).await;
    let heard = Heard {
        read_token: answered(settings).read_token,
        page_token: answered(other.contacts.clone().list_contacts(listed).await).next_page_token,
    };
    let before = contents(&other).await;
    let mut chance = roster_testkit::seed::rng();
    let mut answers = 0;
    for _ in 0..rounds(400) {
        let call = random_call(&heard, &mut chance);
        let (with, alone) = (both.call(&call).await, without.call(&call).await);
        answers += usize::from(with.is_ok());
        if let Ok(Some(bytes)) = &with {
            let text = String::from_utf8_lossy(bytes);
            assert!(
                !text.contains(FOREIGN) || call.message.to_string().contains(FOREIGN),
                "{call}: {text}"
            );
        }
        let (with, alone) = (seen(call.path, &with), seen(call.path, &alone));
        assert_eq!(with, alone, "{call}");
    }
    assert!(answers > 50, "{answers} calls were answered");
    assert_eq!(
        contents(&other).await,
        before,
        "the other organization changed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_one_organization_sees_and_changes_nothing_of_another_on_sqlite() {
    a_key_of_one_organization_sees_and_changes_nothing_of_another(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_one_organization_sees_and_changes_nothing_of_another_on_postgres() {
    a_key_of_one_organization_sees_and_changes_nothing_of_another(Engine::Postgres).await;
}
