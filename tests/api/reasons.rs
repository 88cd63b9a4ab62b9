//! Every reason that the API knows is produced, with the metadata that its comment promises.

mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use roster_api::v1::consistency::Requirement;
use roster_api::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::stop::flood;
use crate::world::{Engine, World, both_engines};
use crate::write_lock::WriteLock;
use crate::{error_shape, raw_call, wire};

both_engines!(every_reason_is_produced_with_the_metadata_of_its_example,);

/// Reasons that no call here answers with: the one that is never sent, the one of faults of ours,
/// those that a row of an import has in the file of rejects (tested with imports), and that of a
/// file above 1 GiB (tested where files are spooled).
const NOT_PRODUCED: [ErrorReason; 6] = [
    ErrorReason::Unspecified,
    ErrorReason::Internal,
    ErrorReason::IdentifiersDiffer,
    ErrorReason::NameAmbiguous,
    ErrorReason::RowsDisagree,
    ErrorReason::FileTooLarge,
];

/// From this reason on, [`check_metadata`] compares every error that any test receives, because these
/// errors need servers and callers of their own: credentials, visitors, organizations.
const COMPARED_EVERYWHERE_FROM: ErrorReason = ErrorReason::CredentialMissing;

/// The metadata keys of each reason.
static PROMISED: LazyLock<BTreeMap<ErrorReason, BTreeSet<String>>> = LazyLock::new(promised);

/// Fails if an error has metadata that the example in the comment of its reason does not have.
#[track_caller]
pub fn check_metadata(status: &Status) {
    let details = status.get_error_details();
    let Some(info) = details.error_info() else {
        return;
    };
    let name = format!("ERROR_REASON_{}", info.reason);
    let Some(reason) = ErrorReason::from_str_name(&name) else {
        return;
    };
    if reason < COMPARED_EVERYWHERE_FROM {
        return;
    }
    let keys: BTreeSet<String> = info.metadata.keys().cloned().collect();
    assert!(keys.is_subset(&PROMISED[&reason]), "{name}: {keys:?}");
}

/// The metadata keys of each reason, as the example in its comment has them.
fn promised() -> BTreeMap<ErrorReason, BTreeSet<String>> {
    let proto = include_str!("../../proto/roster/v1/common.proto");
    let (_, body) = proto.split_once("enum ErrorReason {").expect("the enum");
    let mut comment = String::new();
    let mut promised = BTreeMap::new();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push_str(text);
        } else if let Some((name, _)) = line.split_once(" = ") {
            let reason = ErrorReason::from_str_name(name).expect("a reason");
            if reason != ErrorReason::Unspecified {
                promised.insert(reason, keys_of_example(name, &comment));
            }
            comment.clear();
        }
    }
    promised
}

fn keys_of_example(name: &str, comment: &str) -> BTreeSet<String> {
    let example = comment
        .split('`')
        .find(|part| part.starts_with("{\"reason\""));
    let example = example.unwrap_or_else(|| panic!("{name} has an example"));
    let example: serde_json::Value = serde_json::from_str(example).expect("JSON");
    assert_eq!(
        format!("ERROR_REASON_{}", example["reason"].as_str().unwrap()),
        name
    );
    assert_eq!(example["domain"], "roster.v1");
    let metadata = example["metadata"].as_object().expect("metadata");
    assert!(
        metadata.values().all(serde_json::Value::is_string),
        "{name}"
    );
    metadata.keys().cloned().collect()
}

/// The errors that a test brought about.
#[derive(Default)]
struct Produced {
    keys: BTreeMap<ErrorReason, BTreeSet<String>>,
}

impl Produced {
    #[track_caller]
    fn add(&mut self, expected: ErrorReason, status: &Status) {
        assert_eq!(error_shape::well(status), expected, "{status:?}");
        let details = status.get_error_details();
        let metadata = &details.error_info().expect("an ErrorInfo").metadata;
        let keys = metadata.keys().cloned().collect();
        // Of several the first is the one of the example.
        self.keys.entry(expected).or_insert(keys);
    }

    #[track_caller]
    fn call<T: std::fmt::Debug>(&mut self, expected: ErrorReason, answer: Result<T, Status>) {
        self.add(expected, &answer.expect_err("an error"));
    }

    #[track_caller]
    fn item(&mut self, expected: ErrorReason, error: &Option<tonic_types::Status>) {
        self.add(
            expected,
            &error_shape::of_item(error.as_ref().expect("an error")),
        );
    }
}

fn account(name: &str) -> CreateAccountRequest {
    CreateAccountRequest {
        account: Some(Account {
            name: name.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Produces the reasons that depend only on the message.
async fn of_messages(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    let mut wrong = account("A");
    wrong.account.as_mut().unwrap().id = "a1".into();
    produced.call(Reason::FieldInvalid, c.accounts.create_account(wrong).await);
    produced.call(
        Reason::FieldRequired,
        c.accounts.create_account(account("")).await,
    );
    let long = account(&"x".repeat(201));
    produced.call(Reason::TextTooLong, c.accounts.create_account(long).await);
    produced.call(
        Reason::TextControlCharacter,
        c.accounts.create_account(account("a\0b")).await,
    );
    let get = |id: &str| GetAccountRequest {
        id: id.into(),
        ..Default::default()
    };
    produced.call(Reason::IdInvalid, c.accounts.get_account(get("c1")).await);
    let none = LookupAccountsRequest::default();
    produced.call(Reason::BatchSize, c.accounts.lookup_accounts(none).await);
    let page = ListAccountsRequest {
        page_size: -1,
        ..Default::default()
    };
    produced.call(
        Reason::PageSizeInvalid,
        c.accounts.list_accounts(page).await,
    );
    let page = ListAccountsRequest {
        page_token: "x".into(),
        ..Default::default()
    };
    produced.call(
        Reason::PageTokenInvalid,
        c.accounts.list_accounts(page).await,
    );

    let fresh = |token: String| ListAccountsRequest {
        consistency: Some(Consistency {
            requirement: Some(Requirement::AtLeastAsFresh(token)),
        }),
        ..Default::default()
    };
    produced.call(
        Reason::TokenInvalid,
        c.accounts.list_accounts(fresh("x".into())).await,
    );
    // Of the same store and organization, and of a revision that never existed.
    let mut token = world.read_token().await.into_bytes();
    let last = token.len() - 2;
    token[last] = if token[last] == b'x' { b'y' } else { b'x' };
    let token = String::from_utf8(token).unwrap();
    produced.call(
        Reason::TokenLost,
        c.accounts.list_accounts(fresh(token)).await,
    );
}

/// What the metadata of a call decides.
async fn of_metadata(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    let mut request = tonic::Request::new(ListAccountsRequest::default());
    request
        .metadata_mut()
        .insert("roster-organization", "A B".parse().unwrap());
    produced.call(
        Reason::OrganizationInvalid,
        c.accounts.list_accounts(request).await,
    );
    let mut request = tonic::Request::new(ListAccountsRequest::default());
    let actor = "a".repeat(201).parse().unwrap();
    request.metadata_mut().insert("roster-actor", actor);
    produced.call(
        Reason::ActorInvalid,
        c.accounts.list_accounts(request).await,
    );
}

/// What does not get as far as a message.
async fn of_bytes(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let channel = world.server.channel().await;
    let method = "/roster.v1.AccountService/CreateAccount";
    let unreadable = raw_call::call(&channel, method, vec![0x0a, 0x7f]).await;
    produced.call(Reason::MessageInvalid, unreadable);
    let large = raw_call::call(&channel, method, vec![0; (16 << 20) + 1]).await;
    produced.call(Reason::MessageTooLarge, large);
    let unknown = raw_call::call(&channel, "/roster.v1.AccountService/Nonsense", vec![]).await;
    produced.call(Reason::MethodUnknown, unknown);
    produced.add(Reason::CompressionUnknown, &wire::compressed(world).await);
}

/// What is too much for one answer.
async fn of_answers(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let large = Account {
        name: "L".into(),
        attributes: (0..8)
            .map(|key| (key.to_string(), "あ".repeat(990)))
            .collect(),
        ..Default::default()
    };
    let key = AccountKey {
        key: Some(account_key::Key::Id(world.account_of(large).await)),
    };
    let lookup = LookupAccountsRequest {
        keys: vec![key; 1_000],
        ..Default::default()
    };
    let mut accounts = world.clients.accounts.clone();
    let results = accounts
        .lookup_accounts(lookup)
        .await
        .unwrap()
        .into_inner()
        .results;
    produced.item(Reason::AnswerTooLarge, &results.last().unwrap().error);
}

/// Cuts the connection of a write that waits.
async fn cut(world: &World) -> Status {
    let lock = WriteLock::take(world.engine, &world.database);
    let mut accounts = world.clients.accounts.clone();
    let running = tokio::spawn(async move { accounts.create_account(account("A")).await });
    let mut conn = PgConnection::establish(&world.database.url).expect("PostgreSQL");
    while !running.is_finished() {
        conn.batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .expect("the cut");
        tokio::task::yield_now().await;
    }
    lock.release();
    running.await.unwrap().unwrap_err()
}

/// What is wrong with files.
async fn of_imports(world: &World, produced: &mut Produced) {
    let of = |kind: ImportKind| ImportConfig {
        kind: kind.into(),
        encoding: ImportEncoding::Utf8.into(),
        ..Default::default()
    };
    for (reason, kind, file) in [
        (
            ErrorReason::FileUnreadable,
            ImportKind::Accounts,
            "Name\n\"A\n".as_bytes(),
        ),
        (
            ErrorReason::FileEncoding,
            ImportKind::Accounts,
            b"Name\n\x8e\x52\n",
        ),
        (
            ErrorReason::HeaderUnusable,
            ImportKind::Contacts,
            "姓,苗字\n田中,田中\n".as_bytes(),
        ),
    ] {
        produced.call(reason, world.try_import(of(kind), file).await);
    }
    let unknown = GetImportRequest { id: "i99".into() };
    let answer = world.clients.imports.clone().get_import(unknown).await;
    produced.call(ErrorReason::ImportNotFound, answer);
}

async fn every_reason_is_produced_with_the_metadata_of_its_example(mut world: World) {
    let mut produced = Produced::default();
    let mut promised = promised();
    // First, so that the write that was late is over when others are.
    produced.add(ErrorReason::DeadlineExceeded, &wire::late(&world).await);
    stored::of_records(&world, &mut produced).await;
    stored::of_what_is_missing(&world, &mut produced).await;
    of_answers(&world, &mut produced).await;
    let before = world.read_token().await;
    of_messages(&world, &mut produced).await;
    of_metadata(&world, &mut produced).await;
    of_bytes(&world, &mut produced).await;
    of_imports(&world, &mut produced).await;
    assert_eq!(world.read_token().await, before);
    stored::of_associations(&world, &mut produced).await;
    if world.engine == Engine::Postgres {
        produced.add(ErrorReason::Unavailable, &cut(&world).await);
    } else {
        // Nobody can cut a file off.
        promised.remove(&ErrorReason::Unavailable);
    }
    let (refusals, _) = flood(&mut world).await;
    for status in refusals
        .iter()
        .filter(|status| status.code() == Code::ResourceExhausted)
    {
        produced.add(ErrorReason::QueueFull, status);
    }
    for (reason, keys) in promised {
        if !NOT_PRODUCED.contains(&reason) && reason < COMPARED_EVERYWHERE_FROM {
            let found = produced.keys.get(&reason);
            assert_eq!(found, Some(&keys), "{}", reason.as_str_name());
        }
    }
}
