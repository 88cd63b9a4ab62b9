//! Random runs of commands on a real store: it answers and stores the same as the naive rules, and
//! its log by itself yields its tables.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};
use roster_core::command::Command;
use roster_core::fact::{Facts, Held, UniqueKey};
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::refusal::Refusal;
use roster_storage::{NotDone, OrganizationName, RevisionId};

use crate::replay::assert_whole;
use crate::world::{Ending, World, times};
use roster_testkit::model::{AnswerText, AnyCommand, Maps, NOW, Naive, Step, prelude, step};
use roster_testkit::with_command;

both_engines!(a_store_holds_what_the_naive_rules_hold_after_every_batch,);

/// Runs of a test, each in an organization of its own.
const RUNS: u32 = 8;
/// Commands of a run.
const STEPS: usize = 70;
/// How many commands are sent at once, in turn: a single one, and enough to share batches.
const AT_ONCE: [usize; 4] = [1, 5, 2, 12];

async fn a_store_holds_what_the_naive_rules_hold_after_every_batch(world: World) {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut runner = TestRunner::new(Config {
            cases: times(RUNS),
            failure_persistence: None,
            // Each try is a run on a database: few are enough.
            max_shrink_iters: 200,
            ..Config::default()
        });
        let result = runner.run(&vec(step(), STEPS), |steps| {
            runtime.block_on(run(&world, &steps));
            Ok(())
        });
        result.unwrap_or_else(|failed| panic!("{failed}"));
    })
    .await
    .unwrap();
}

async fn run(world: &World, steps: &[Step]) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let organization = OrganizationName::parse(&format!("run-{number}")).unwrap();
    let (mut naive, mut maps) = (Naive::default(), Maps::default());
    let all: Vec<Step> = prelude().into_iter().chain(steps.iter().cloned()).collect();
    let (mut rest, mut at_once) = (all.as_slice(), AT_ONCE.iter().cycle());
    while !rest.is_empty() {
        let count = at_once.next().copied().unwrap_or(1).min(rest.len());
        let (now, later) = rest.split_at(count);
        rest = later;
        take(world, &organization, now, &mut naive, &mut maps).await;
        assert_facts(world, &organization, &maps, &naive).await;
    }
    assert_whole(world, &organization).await;
}

/// Sends commands to the store at once, and to the naive rules one after another.
async fn take(
    world: &World,
    organization: &OrganizationName,
    steps: &[Step],
    naive: &mut Naive,
    maps: &mut Maps,
) {
    let commands: Vec<AnyCommand> = steps.iter().map(|step| step.command(maps)).collect();
    let heads = world.store.heads(std::slice::from_ref(organization)).await;
    let before = heads.unwrap()[0].1;
    assert_eq!(before.revision, maps.revision);
    let endings = commands
        .iter()
        .map(|command| executed(world, organization, command));
    // They are queued in this order, and so carried out in it.
    let endings = futures::future::join_all(endings).await;
    for (command, ending) in commands.iter().zip(endings) {
        let said = naive.carry_out(command);
        match ending {
            Ok((told, at)) => {
                assert_eq!(Ok(told), said, "{command:?}");
                assert_eq!(at.revision, naive.revision, "{command:?}");
                assert_eq!(at.nonce == 0, at.revision == Revision::ZERO);
            }
            Err(NotDone::Refused(refusal)) => {
                assert_eq!(Err::<String, Refusal>(refusal), said, "{command:?}");
            }
            Err(NotDone::Storage(error)) => panic!("{command:?}: {error:?}"),
        }
    }
    let sets = world.store.changes_after(organization, before, 1_000).await;
    for set in sets.unwrap().expect("a revision that it had") {
        assert_eq!(set.at.revision, maps.revision.next());
        maps.apply(&set.changes, set.at.revision);
    }
    assert_eq!(timeless(maps), timeless(&naive.tables), "{commands:?}");
}

fn executed(
    world: &World,
    organization: &OrganizationName,
    command: &AnyCommand,
) -> Ending<String> {
    fn telling<C: Command<Answer: AnswerText>>(
        world: &World,
        organization: &OrganizationName,
        command: C,
    ) -> Ending<String> {
        let ending = world.queued_in(organization, command);
        Box::pin(async move {
            ending
                .await
                .map(|(answer, at): (_, RevisionId)| (answer.answer_text(), at))
        })
    }
    with_command!(command.clone(), command => telling(world, organization, command))
}

/// Records without the times of the server's clock.
fn timeless(maps: &Maps) -> Maps {
    /// Times from tests are far below any clock's.
    const CLOCK: i64 = 1_000_000_000;
    let without = |time: &mut Time| {
        if time.micros() > CLOCK {
            *time = NOW;
        }
    };
    let mut maps = maps.clone();
    for stored in maps.accounts.values_mut() {
        without(&mut stored.record.create_time);
        without(&mut stored.record.update_time);
    }
    for stored in maps.contacts.values_mut() {
        without(&mut stored.record.create_time);
        without(&mut stored.record.update_time);
        // Its distance to the clock is tested with the rule.
        if let Some(time) = &mut stored.record.visitors_not_before {
            *time = NOW;
        }
    }
    for stored in maps.associations.values_mut() {
        without(&mut stored.record.create_time);
    }
    for stored in maps.tickets.values_mut() {
        without(&mut stored.record.create_time);
    }
    maps
}

/// Asserts that one snapshot answers every question as the maps do.
async fn assert_facts(world: &World, organization: &OrganizationName, maps: &Maps, naive: &Naive) {
    let (maps, naive) = (maps.clone(), naive.clone());
    let asked = world.store.read(organization, move |at| {
        assert_eq!(at.at().revision, naive.revision);
        assert_eq!(*at.settings().unwrap(), maps.settings_now());
        let ids: Vec<_> = (1..=naive.next_account).map(AccountId::new).collect();
        let mut accounts = at.accounts(&ids)?;
        accounts.sort_by_key(|(id, _)| *id);
        assert_eq!(
            accounts,
            maps.accounts.clone().into_iter().collect::<Vec<_>>()
        );
        let ids: Vec<_> = (1..=naive.next_contact).map(ContactId::new).collect();
        let mut contacts = at.contacts(&ids)?;
        contacts.sort_by_key(|(id, _)| *id);
        assert_eq!(
            contacts,
            maps.contacts.clone().into_iter().collect::<Vec<_>>()
        );
        let numbers: Vec<_> = (1..=naive.next_ticket).map(TicketNo::new).collect();
        let mut tickets = at.tickets(&numbers)?;
        tickets.sort_by_key(|(no, _)| *no);
        assert_eq!(
            tickets,
            maps.tickets.clone().into_iter().collect::<Vec<_>>()
        );
        let keys: Vec<UniqueKey> = maps.keys.keys().cloned().collect();
        let mut owners = at.owners(&keys)?;
        owners.sort();
        assert_eq!(owners, maps.keys.clone().into_iter().collect::<Vec<_>>());
        for contact in maps.contacts.keys() {
            let mut of: Vec<_> = at
                .contact_accounts(*contact, None, usize::MAX)?
                .into_iter()
                .map(|of| (of.id, of.association))
                .collect();
            of.sort_by_key(|(account, _)| *account);
            assert_eq!(of, maps.associations_of(*contact).unwrap());
        }
        // One group of tickets per read: over a run, all are read.
        let pick = naive.revision.number();
        let held = Held {
            requester: ContactId::new(1 + pick % naive.next_contact),
            account: (pick % 3 > 0).then(|| AccountId::new(1 + pick % naive.next_account)),
        };
        assert_eq!(at.held_tickets(held)?, maps.held_tickets(held).unwrap());
        if let Some(account) = held.account {
            let pair = Pair {
                contact: held.requester,
                account,
            };
            assert_eq!(at.association(pair)?, maps.association(pair).unwrap());
        }
        Ok(())
    });
    asked.await.unwrap();
}

/// The account that [`prepared`] makes.
pub const ACCOUNT: AccountId = AccountId::new(1);
/// A member of the account who sees no colleague's ticket.
pub const COLLEAGUE: ContactId = ContactId::new(2);
/// The ticket, requested by the first contact, under the account.
pub const TICKET_KEY: &str = "T1";

/// Makes two accounts, three contacts and one ticket through the rules. Returns the revision after
/// them.
pub async fn prepared(world: &World) -> RevisionId {
    use roster_core::rules::association::{AssociateContacts, Wanted};
    use roster_core::rules::settings::UpdateSettings;
    use roster_core::text::Role;

    let several = UpdateSettings {
        multiple_accounts: Some(true),
        ..UpdateSettings::default()
    };
    world.execute(several).await.unwrap();
    for external_id in ["A1", "A2"] {
        world
            .execute(crate::batching::account(external_id))
            .await
            .unwrap();
    }
    for email in ["a@x.jp", "b@x.jp", "c@x.jp"] {
        world.execute(crate::keys::contact(email)).await.unwrap();
    }
    for (account, contacts) in [(1, vec![1, 2]), (2, vec![1])] {
        let wanted = |contact: &u64| Wanted {
            contact: ContactId::new(*contact),
            sees_account_tickets: None,
            role: Role::default(),
        };
        let associate = AssociateContacts {
            account: AccountId::new(account),
            contacts: contacts.iter().map(wanted).collect(),
            all_or_nothing: true,
            adopt_unassigned_tickets: false,
        };
        world.execute(associate).await.unwrap();
    }
    let mut record = crate::keys::ticket(TICKET_KEY);
    record.cc = vec![ContactId::new(3)];
    let record = roster_core::rules::ticket::RecordTickets {
        tickets: vec![record],
    };
    world.execute(record).await.unwrap().1
}
