//! Every reason that the API knows is produced, with the metadata that its comment promises.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use prost_types::FieldMask;
use roster_api::v1::consistency::Requirement;
use roster_api::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::hold::Hold;
use crate::stop::flood;
use crate::world::{Engine, World, on_both_engines};
use crate::{raw, told};

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
        assert_eq!(told::well(status), expected, "{status:?}");
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
        self.add(expected, &told::of_item(error.as_ref().expect("an error")));
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

/// What messages alone decide.
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
    // Of the same store and organization, and of a moment that was never there.
    let mut token = world.moment().await.into_bytes();
    let last = token.len() - 2;
    token[last] = if token[last] == b'x' { b'y' } else { b'x' };
    let token = String::from_utf8(token).unwrap();
    produced.call(
        Reason::TokenLost,
        c.accounts.list_accounts(fresh(token)).await,
    );
    let mut request = tonic::Request::new(ListAccountsRequest::default());
    request
        .metadata_mut()
        .insert("roster-organization", "A B".parse().unwrap());
    produced.call(
        Reason::OrganizationInvalid,
        c.accounts.list_accounts(request).await,
    );
}

/// What does not get as far as a message.
async fn of_bytes(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let channel = world.server.channel().await;
    let method = "/roster.v1.AccountService/CreateAccount";
    let unreadable = raw::call(&channel, method, vec![0x0a, 0x7f]).await;
    produced.call(Reason::MessageInvalid, unreadable);
    let large = raw::call(&channel, method, vec![0; (16 << 20) + 1]).await;
    produced.call(Reason::MessageTooLarge, large);
    let unknown = raw::call(&channel, "/roster.v1.AccountService/Nonsense", vec![]).await;
    produced.call(Reason::MethodUnknown, unknown);
}

/// What is stored already decides.
async fn of_records(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    let a = world
        .account_of(Account {
            name: "A".into(),
            external_id: "D1".into(),
            ..Default::default()
        })
        .await;
    let update = |paths: &[&str], etag: &str| UpdateAccountRequest {
        account: Some(Account {
            id: a.clone(),
            name: "B".into(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(ToString::to_string).collect(),
        }),
        etag: etag.into(),
        ..Default::default()
    };
    produced.call(
        Reason::UpdateMaskInvalid,
        c.accounts
            .update_account(update(&["create_time"], ""))
            .await,
    );
    produced.call(
        Reason::EtagMismatch,
        c.accounts.update_account(update(&["name"], "r0")).await,
    );
    let once = CreateAccountRequest {
        request_id: "once".into(),
        ..account("A")
    };
    c.accounts.create_account(once.clone()).await.unwrap();
    let other = CreateAccountRequest {
        request_id: "once".into(),
        ..account("B")
    };
    produced.call(
        Reason::RequestIdReused,
        c.accounts.create_account(other).await,
    );
    let mut taken = account("B");
    taken.account.as_mut().unwrap().external_id = "Ｄ１".into();
    produced.call(Reason::KeyTaken, c.accounts.create_account(taken).await);
    let twice = CreateContactRequest {
        contact: Some(Contact {
            family_name: "鈴木".into(),
            emails: vec!["s@example.com".into(), "S@example.com".into()],
            ..Default::default()
        }),
        ..Default::default()
    };
    produced.call(Reason::Repeated, c.contacts.create_contact(twice).await);
}

/// What is not there.
async fn of_what_is_missing(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    let (a, person) = (world.account("A").await, world.contact("田中").await);
    let get = GetAccountRequest {
        id: "a99".into(),
        ..Default::default()
    };
    produced.call(Reason::AccountNotFound, c.accounts.get_account(get).await);
    let get = GetContactRequest {
        id: "c99".into(),
        ..Default::default()
    };
    produced.call(Reason::ContactNotFound, c.contacts.get_contact(get).await);
    produced.call(
        Reason::AssociationNotFound,
        world.promote(&person, &a).await,
    );
    let get = GetTicketRequest {
        id: "T".into(),
        ..Default::default()
    };
    produced.call(Reason::TicketNotFound, c.tickets.get_ticket(get).await);
    let record = |requester: &str, copies: &[&str], account: Option<&str>| TicketRecord {
        id: "T".into(),
        requester_id: requester.into(),
        cc_contact_ids: copies.iter().map(ToString::to_string).collect(),
        account_id: account.map(Into::into),
        ..Default::default()
    };
    produced.item(
        Reason::RequesterNotFound,
        &world.try_record(record("c99", &[], None)).await.error,
    );
    produced.item(
        Reason::CopiesNotFound,
        &world
            .try_record(record(&person, &["c98", "c99"], None))
            .await
            .error,
    );
    produced.item(
        Reason::NotRequestersAccount,
        &world.try_record(record(&person, &[], Some(&a))).await.error,
    );
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

/// What the rules of associations decide.
async fn of_associations(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    let (a, b, other) = (
        world.account("A").await,
        world.account("B").await,
        world.account("C").await,
    );
    let person = world.contact("田中").await;
    let transfer = TransferContactRequest {
        contact_id: person.clone(),
        to_account_id: a.clone(),
        ..Default::default()
    };
    produced.call(
        Reason::NothingToTransfer,
        c.associations.transfer_contact(transfer).await,
    );
    world.associate(&a, &person).await;
    produced.item(
        Reason::OneAccount,
        &world.try_associate(&b, &person, None, "").await.error,
    );
    let all = AssociateContactsRequest {
        account_id: b.clone(),
        contacts: vec![ContactToAssociate {
            contact_id: person.clone(),
            ..Default::default()
        }],
        all_or_nothing: true,
        ..Default::default()
    };
    produced.call(
        Reason::AllOrNothing,
        c.associations.associate_contacts(all).await,
    );
    world.allow_several_accounts().await;
    world.associate(&b, &person).await;
    produced.call(
        Reason::SeveralAccounts,
        world
            .try_settings(Settings::default(), &["multiple_accounts"])
            .await,
    );
    let two = Settings {
        accounts_per_contact_max: 2,
        ..Default::default()
    };
    world.settings(two, &["accounts_per_contact_max"]).await;
    produced.item(
        Reason::AccountsPerContact,
        &world.try_associate(&other, &person, None, "").await.error,
    );
    produced.call(
        Reason::PrimaryStays,
        world
            .dissociate(&a, &person, TicketDisposition::Unspecified)
            .await,
    );
    of_dispositions(world, produced, [a, b, other], person).await;
}

/// The same for a contact of two accounts that leaves the second and has a ticket there.
async fn of_dispositions(
    world: &World,
    produced: &mut Produced,
    [a, b, other]: [String; 3],
    person: String,
) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    world.ticket("of B", &person, &b).await;
    produced.call(
        Reason::DispositionRequired,
        world
            .dissociate(&b, &person, TicketDisposition::Unspecified)
            .await,
    );
    produced.call(
        Reason::DispositionInvalid,
        world
            .dissociate(&b, &person, TicketDisposition::MoveToAccount)
            .await,
    );
    let to = |target: &str| DissociateContactRequest {
        account_id: b.clone(),
        contact_id: person.clone(),
        ticket_disposition: TicketDisposition::MoveToAccount.into(),
        move_to_account_id: target.into(),
        ..Default::default()
    };
    produced.call(
        Reason::TargetNotAssociated,
        c.associations.dissociate_contact(to(&other)).await,
    );
    produced.call(
        Reason::TargetIsLeft,
        c.associations.dissociate_contact(to(&b)).await,
    );
    let delete = DeleteAccountRequest {
        id: a,
        ..Default::default()
    };
    produced.call(Reason::StillInUse, c.accounts.delete_account(delete).await);
}

/// Cuts the connection of a write that waits.
async fn cut(world: &World) -> Status {
    let hold = Hold::writes(world.engine, &world.database);
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
    hold.release();
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

on_both_engines! {
    async fn every_reason_is_produced_with_the_metadata_of_its_example(world: World) {
        let mut produced = Produced::default();
        let mut promised = promised();
        of_records(&world, &mut produced).await;
        of_what_is_missing(&world, &mut produced).await;
        of_answers(&world, &mut produced).await;
        let before = world.moment().await;
        of_messages(&world, &mut produced).await;
        of_bytes(&world, &mut produced).await;
        of_imports(&world, &mut produced).await;
        assert_eq!(world.moment().await, before);
        of_associations(&world, &mut produced).await;
        if world.engine == Engine::Postgres {
            produced.add(ErrorReason::Unavailable, &cut(&world).await);
        } else {
            // Nobody can cut a file off.
            promised.remove(&ErrorReason::Unavailable);
        }
        let (refusals, _) = flood(&mut world).await;
        for status in refusals.iter().filter(|status| status.code() == Code::ResourceExhausted) {
            produced.add(ErrorReason::QueueFull, status);
        }
        for (reason, keys) in promised {
            if !NOT_PRODUCED.contains(&reason) {
                let found = produced.keys.get(&reason);
                assert_eq!(found, Some(&keys), "{}", reason.as_str_name());
            }
        }
    }
}
