//! How many statements each operation sends to the engines: a number that does not grow with the
//! operation's size.
//!
//! Every statement that reads or writes is counted. BEGIN, COMMIT and ROLLBACK are not, nor is the
//! SELECT 1 with which the pool tests a connection: there is one per transaction, whatever its
//! content. On SQLite, a prepared statement that writes row after row counts once, because no
//! network lies between its rows. A read is counted each time.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking and show their counts, and a test binary has no public"
)]

#[path = "conformance/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::association::{
    AssociateContacts, SetPrimaryAccount, UpdateAssociation, Wanted,
};
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::rules::disposition::{Disposition, DissociateContact, Leaving, TransferContact};
use roster_core::rules::settings::UpdateSettings;
use roster_core::rules::ticket::{Record, RecordTickets};
use roster_core::rules::visibility::ContactFacts;
use roster_core::rules::visitor::{Viewer, Visitor, check_ticket_of};
use roster_core::text::{Email, Name, Role, TicketKey};
use roster_storage::{Guarding, OrganizationName, RevisionId, TicketFilter};

use crate::world::{Ending, Engine, World, checks};

/// Makes two tests of each of these functions, `name::sqlite` and `name::postgres`. The compiler
/// reports a function that is not in the list as dead code.
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::world::Engine;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let _one_at_a_time = crate::COUNTING.lock().await;
                super::$name(crate::counted_world(Engine::Sqlite)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let _one_at_a_time = crate::COUNTING.lock().await;
                super::$name(crate::counted_world(Engine::Postgres)).await;
            }
        }
    )+};
}

both_engines!(
    a_check_takes_a_few_statements_whatever_it_asks,
    a_visitors_check_asks_the_same_statements_whether_or_not_the_ticket_exists,
    the_heads_of_any_number_of_organizations_are_one_statement,
    a_page_takes_as_many_statements_whatever_its_length,
    a_page_of_what_a_contact_sees_takes_few_statements_and_all_stay_prepared,
    contact_facts_are_used_only_at_their_own_revision,
    a_write_batch_takes_statements_by_its_kinds_of_rows_and_not_by_its_commands,
);

/// Statements of all connections since counting began.
static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Texts of statements that connections keep prepared.
static PREPARED: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One test counts at a time, even if tests share a process.
static COUNTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Characters that are kept of a statement: the columns and the parameters of the widest table, which
/// tell what the statement writes, but not all keys of a long list.
const KEPT_CHARS: usize = 1_000;

struct Counter;

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                let text = query.to_string();
                let text: String = text.chars().take(KEPT_CHARS).collect();
                ASKED.lock().unwrap().push(text);
            }
            InstrumentationEvent::CacheQuery { sql, .. } => {
                PREPARED.lock().unwrap().push(sql.to_owned());
            }
            _ => {}
        }
    }
}

fn counter() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(Counter))
}

/// A store whose statements are counted, with its guards off.
fn counted_world(engine: Engine) -> World {
    set_default_instrumentation(counter).unwrap();
    World::open(engine, Guarding::Off)
}

fn counts(statement: &str) -> bool {
    // The server renews its lease meanwhile.
    let of_lease = ["schema_floor", "FROM servers", "INTO servers"];
    if of_lease.iter().any(|part| statement.contains(part)) {
        return false;
    }
    let around = ["BEGIN", "COMMIT", "ROLLBACK", "SELECT 1 ", "PRAGMA", "SET "];
    !around.iter().any(|start| statement.starts_with(start)) && statement != "SELECT 1"
}

/// Runs work and returns its statements.
async fn statements_of<T>(work: impl Future<Output = T>) -> (Vec<String>, T) {
    ASKED.lock().unwrap().clear();
    let done = work.await;
    let asked = std::mem::take(&mut *ASKED.lock().unwrap());
    let mut asked: Vec<String> = asked.into_iter().filter(|of| counts(of)).collect();
    asked.dedup_by(|next, before| {
        without_binds(next) == without_binds(before) && writes_row_after_row(next)
    });
    (asked, done)
}

fn without_binds(statement: &str) -> &str {
    statement.split(" -- binds").next().unwrap_or_default()
}

/// Whether SQLite writes many rows by this statement: PostgreSQL's parameters are numbered.
fn writes_row_after_row(statement: &str) -> bool {
    let writes = ["INSERT", "UPDATE", "DELETE"];
    writes.iter().any(|start| statement.starts_with(start)) && statement.contains('?')
}

/// How many contacts and tickets there are: enough for the largest batch of each.
const MANY: u64 = 1_000;

fn contact(number: u64) -> CreateContact {
    CreateContact {
        family_name: Name::parse("田中").unwrap(),
        fields: ContactPatch {
            emails: Some(vec![Email::parse(&format!("{number}@x.jp")).unwrap()]),
            ..ContactPatch::default()
        },
    }
}

fn record(key: u64, requester: u64) -> Record {
    Record {
        key: TicketKey::parse(&format!("T{key}")).unwrap(),
        requester: ContactId::new(requester),
        cc: vec![ContactId::new(1)],
        allow_unassociated_account: false,
        account: None,
        subject: None,
        status: None,
        private: None,
        create_time: None,
    }
}

fn associate(account: u64, contacts: impl IntoIterator<Item = u64>) -> AssociateContacts {
    let wanted = |contact| Wanted {
        contact: ContactId::new(contact),
        sees_account_tickets: Some(true),
        role: Role::default(),
    };
    AssociateContacts {
        account: AccountId::new(account),
        contacts: contacts.into_iter().map(wanted).collect(),
        all_or_nothing: true,
        adopt_unassigned_tickets: true,
    }
}

/// Three accounts, and contacts of the first and second, each with a ticket.
async fn filled(world: &World) {
    let several = UpdateSettings {
        multiple_accounts: Some(true),
        ..UpdateSettings::default()
    };
    world.execute(several).await.unwrap();
    for _ in 0..3 {
        let account = CreateAccount {
            name: Name::parse("山田商事").unwrap(),
            fields: AccountPatch::default(),
        };
        world.execute(account).await.unwrap();
    }
    let made = (1..=MANY).map(|number| world.queued(contact(number)));
    for made in futures::future::join_all(made).await {
        made.unwrap();
    }
    world.execute(associate(1, 1..=MANY)).await.unwrap();
    world.execute(associate(2, 1..=MANY)).await.unwrap();
    let tickets = (1..=MANY).map(|number| record(number, number)).collect();
    world.execute(RecordTickets { tickets }).await.unwrap();
}

/// The limits from the design.
const SINGLE_CHECK_MAX: usize = 4;
const BATCH_CHECK_MAX: usize = 6;

async fn a_check_takes_a_few_statements_whatever_it_asks(world: World) {
    filled(&world).await;
    let mut numbers = Vec::new();
    for (items, max) in [
        (1, SINGLE_CHECK_MAX),
        (100, BATCH_CHECK_MAX),
        (1_000, BATCH_CHECK_MAX),
    ] {
        let keys: Vec<TicketKey> = (1..=items).map(|n| record(n, 1).key).collect();
        let check = world.store.read(&world.organization, move |at| {
            checks(at, ContactId::new(7), &keys)
        });
        let (asked, seen) = statements_of(check).await;
        assert!(
            seen.unwrap()
                .iter()
                .all(|seen| seen.as_ref().unwrap().visible())
        );
        assert!(
            !asked.is_empty() && asked.len() <= max,
            "{items}: {asked:#?}"
        );
        numbers.push(asked.len());
    }
    println!("statements of a check of 1, 100 and 1,000: {numbers:?}");
    assert_eq!(numbers[1], numbers[2]);
}

/// `visitor-hidden`
async fn a_visitors_check_asks_the_same_statements_whether_or_not_the_ticket_exists(world: World) {
    filled(&world).await;
    let viewer = Viewer {
        contact: ContactId::new(7),
        visitor: Some(Visitor {
            issue_time: Time::from_micros(i64::MAX),
            account: None,
        }),
    };
    let mut asked_of = Vec::new();
    // Its own, a ticket that does not exist, and one of a batch that does not.
    for keys in [&[7][..], &[MANY + 1], &[7, 8], &[7, MANY + 1]] {
        let keys: Vec<TicketKey> = keys.iter().map(|key| record(*key, 1).key).collect();
        let check = world.store.read(&world.organization, move |at| {
            let facts = at.visibility_facts(viewer.contact, &keys)?;
            let check = |key| check_ticket_of(&facts, &viewer, key).unwrap().visible();
            Ok(keys.iter().map(check).collect::<Vec<bool>>())
        });
        let (asked, seen) = statements_of(check).await;
        let texts: Vec<String> = asked
            .iter()
            .map(|of| without_binds(of).to_owned())
            .collect();
        asked_of.push((texts, seen.unwrap()));
    }
    let [own, unknown, both, with_unknown] = &asked_of[..] else {
        panic!("four checks");
    };
    assert_eq!((&own.1[..], &unknown.1[..]), (&[true][..], &[false][..]));
    assert!(!own.0.is_empty());
    assert_eq!(own.0, unknown.0);
    assert_eq!(with_unknown.1, [true, false]);
    assert_eq!(both.0, with_unknown.0);
}

async fn the_heads_of_any_number_of_organizations_are_one_statement(world: World) {
    let name = |number| OrganizationName::parse(&format!("o{number}")).unwrap();
    for count in [1, 100] {
        let names: Vec<OrganizationName> = (0..count).map(name).collect();
        let (asked, heads) = statements_of(world.store.heads(&names)).await;
        assert_eq!(heads.unwrap().len(), count);
        assert_eq!(asked.len(), 1, "{asked:#?}");
    }
}

async fn a_page_takes_as_many_statements_whatever_its_length(world: World) {
    filled(&world).await;
    let mut numbers = Vec::new();
    for limit in [10, 500] {
        let list = world.store.read(&world.organization, move |at| {
            at.visible_tickets(
                &ContactId::new(7).into(),
                |_| None,
                &TicketFilter::default(),
                None,
                limit,
            )
        });
        let (of_list, page) = statements_of(list).await;
        assert_eq!(page.unwrap().unwrap().items.len(), limit);
        let viewers = world.store.read(&world.organization, move |at| {
            at.viewers(&record(7, 7).key, 0, limit)
        });
        let (of_viewers, page) = statements_of(viewers).await;
        assert_eq!(page.unwrap().unwrap().items.len(), limit);
        numbers.push((of_list.len(), of_viewers.len()));
    }
    println!("statements of a list and of viewers, 10 and 500: {numbers:?}");
    assert_eq!(numbers[0], numbers[1]);
}

async fn a_page_of_what_a_contact_sees_takes_few_statements_and_all_stay_prepared(world: World) {
    filled(&world).await;
    let mut kept_then = Vec::new();
    for (contact, limit) in [(7, 10), (8, 50)] {
        let list = world.store.read(&world.organization, move |at| {
            at.visible_tickets(
                &ContactId::new(contact).into(),
                |_| None,
                &TicketFilter::default(),
                None,
                limit,
            )
        });
        let (asked, page) = statements_of(list).await;
        assert_eq!(page.unwrap().unwrap().items.len(), limit);
        // The organization, the contact, and the branches: the contact's tickets, its CC tickets,
        // two accounts.
        let statements = match world.engine {
            Engine::Sqlite => 6,
            Engine::Postgres => 3,
        };
        assert_eq!(asked.len(), statements, "{asked:#?}");
        let prepared = PREPARED.lock().unwrap();
        for of in &asked {
            let text = without_binds(of);
            let kept = prepared
                .iter()
                .filter(|kept| kept.starts_with(text))
                .count();
            assert!(kept >= 1, "prepared for one call: {of}");
        }
        let texts: BTreeSet<&String> = prepared.iter().collect();
        kept_then.push(texts.len());
    }
    // Another contact and another limit must not be another text, because connections keep every
    // text.
    assert_eq!(kept_then[0], kept_then[1]);
}

async fn contact_facts_are_used_only_at_their_own_revision(world: World) {
    filled(&world).await;
    let alone = ContactFacts {
        blocked: false,
        visitors_not_before: None,
        accounts: BTreeMap::new(),
    };
    let limit = 50;
    let listed = async |at: RevisionId| {
        let alone = alone.clone();
        let known = move |now: RevisionId| (now == at).then_some(alone);
        let list = world.store.read(&world.organization, move |snapshot| {
            let filter = TicketFilter::default();
            snapshot.visible_tickets(&ContactId::new(7).into(), known, &filter, None, limit)
        });
        let (asked, page) = statements_of(list).await;
        (asked.len(), page.unwrap().unwrap().items.len())
    };
    let now = world
        .store
        .read(&world.organization, |snapshot| Ok(snapshot.at()))
        .await
        .unwrap();
    let (asked, shown) = listed(now).await;
    assert_eq!(
        shown, 1,
        "a contact without an account sees only its own ticket"
    );
    let before = RevisionId {
        revision: Revision::new(now.revision.number() - 1),
        ..now
    };
    let restored = RevisionId {
        nonce: now.nonce ^ 1,
        ..now
    };
    for other in [before, restored] {
        let (asked_then, shown) = listed(other).await;
        assert_eq!(shown, limit);
        assert!(asked_then > asked, "{asked_then} and {asked}");
    }
}

/// How many commands a batch has.
const BATCHES: [u64; 3] = [1, 100, 250];

/// Asserts that a batch sends the same number of statements for any number of commands.
async fn assert_constant<A: 'static>(
    world: &World,
    what: &str,
    command: impl Fn(u64) -> Ending<A>,
) {
    let mut numbers = Vec::new();
    let mut last = Vec::new();
    let mut first = 1;
    for count in BATCHES {
        let commands = (first..first + count).map(&command).collect();
        first += count;
        let (asked, ended) = statements_of(world.in_one_batch(commands)).await;
        for ended in ended {
            assert!(ended.is_ok(), "{what}: {:?}", ended.err());
        }
        numbers.push(asked.len());
        last = asked;
    }
    println!("statements of {what} by {BATCHES:?}: {numbers:?}");
    assert!(
        numbers.iter().all(|n| *n == numbers[0]),
        "{what}: {numbers:?}: {last:#?}"
    );
}

async fn a_write_batch_takes_statements_by_its_kinds_of_rows_and_not_by_its_commands(world: World) {
    filled(&world).await;
    let pair = |contact, account| Pair {
        contact: ContactId::new(contact),
        account: AccountId::new(account),
    };
    assert_constant(&world, "associations", |n| world.queued(associate(3, [n]))).await;
    assert_constant(&world, "contacts", |n| world.queued(contact(MANY + n))).await;
    assert_constant(&world, "tickets", |n| {
        world.queued(RecordTickets {
            tickets: vec![record(MANY + n, n)],
        })
    })
    .await;
    assert_constant(&world, "tickets recorded again", |n| {
        world.queued(RecordTickets {
            tickets: vec![Record {
                private: Some(true),
                ..record(n, n)
            }],
        })
    })
    .await;
    assert_constant(&world, "flags", |n| {
        world.queued(UpdateAssociation {
            pair: pair(n, 2),
            sees_account_tickets: Some(false),
            role: None,
            etag: None,
        })
    })
    .await;
    assert_constant(&world, "primaries", |n| {
        world.queued(SetPrimaryAccount { pair: pair(n, 2) })
    })
    .await;
    let leaving = Leaving {
        disposition: Some(Disposition::MoveToPrimary),
        ..Leaving::default()
    };
    assert_constant(&world, "dissociations", |n| {
        world.queued(DissociateContact {
            pair: pair(n, 1),
            leaving,
        })
    })
    .await;
    assert_constant(&world, "transfers", |n| {
        world.queued(TransferContact {
            contact: ContactId::new(n),
            to: AccountId::new(3),
            sees_account_tickets: None,
            role: Role::default(),
            leaving,
        })
    })
    .await;
    let moved = world
        .store
        .read(&world.organization, |at| at.tickets(&[TicketNo::new(250)]));
    assert_eq!(
        moved.await.unwrap()[0].1.record.account,
        Some(AccountId::new(3))
    );
}
