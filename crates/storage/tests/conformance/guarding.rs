//! A command that breaks an invariant is a defect: only that command is rolled back. Damage by
//! direct SQL is found.

use roster_core::change::{Change, Row};
use roster_core::command::{Circumstances, Command, Decision};
use roster_core::fact::{Facts, Needs};
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::record::{Association, Ticket, TicketStatus};
use roster_core::refusal::Refused;
use roster_core::text::{Role, Subject, TicketKey};
use roster_storage::{NotDone, StorageError};

use crate::batching::account;
use crate::replay::assert_whole;
use crate::runs::prepared;
use crate::tables::damage;
use crate::world::{Ending, World};

both_engines!(
    what_breaks_an_invariant_is_rolled_back_and_its_neighbours_are_not,
    what_a_hand_breaks_in_a_database_is_found_by_the_check,
);

/// A rule with a defect.
#[derive(Clone, Copy)]
enum Defect {
    /// Records a ticket of a contact that does not exist: no engine notices.
    TicketOfNobody,
    /// Gives a contact a second primary account: the engines refuse it.
    SecondPrimary,
}

impl Command for Defect {
    type Answer = u64;
    const NAME: &'static str = "Defect";

    fn needs(&self, _: &mut Needs) {}

    fn decide<F: Facts>(&self, _: &F, given: &mut Circumstances) -> Result<Decision<u64>, Refused> {
        let change = match self {
            Self::TicketOfNobody => {
                let ticket = Ticket {
                    key: TicketKey::trusted("T-nobody".into()),
                    requester: ContactId::new(99),
                    account: None,
                    subject: Subject::default(),
                    status: TicketStatus::Open,
                    private: false,
                    cc: Vec::new(),
                    create_time: given.now,
                };
                Change::Ticket(Row::Created(given.take_ticket(), ticket))
            }
            Self::SecondPrimary => {
                let pair = Pair {
                    contact: ContactId::new(1),
                    account: AccountId::new(2),
                };
                let association = Association {
                    primary: true,
                    sees_account_tickets: false,
                    role: Role::default(),
                    create_time: given.now,
                };
                Change::Association(Row::Created(pair, association))
            }
        };
        Ok(Decision {
            changes: vec![change],
            answer: 0,
        })
    }
}

fn made(world: &World, external_id: &str) -> Ending<u64> {
    let ending = world.queued(account(external_id));
    Box::pin(async move { ending.await.map(|((id, _), at)| (id.number(), at)) })
}

async fn what_breaks_an_invariant_is_rolled_back_and_its_neighbours_are_not(world: World) {
    let before = prepared(&world).await;
    for defect in [Defect::TicketOfNobody, Defect::SecondPrimary] {
        let label = defect as u8;
        let busy = world.keep_busy();
        let mut all = vec![
            made(&world, &format!("before-{label}")),
            world.queued(defect),
            made(&world, &format!("after-{label}")),
        ];
        all.iter_mut().for_each(crate::world::queue);
        busy.release();
        let ended = futures::future::join_all(all).await;
        assert!(ended[0].is_ok() && ended[2].is_ok(), "{ended:?}");
        let guilty = matches!(ended[1], Err(NotDone::Storage(StorageError::Defect(_))));
        assert!(guilty, "{ended:?}");
    }
    let at = world
        .store
        .read(&world.organization, |at| Ok(at.at()))
        .await
        .unwrap();
    assert_eq!(at.revision.number(), before.revision.number() + 4);
    assert_whole(&world, &world.organization).await;
}

async fn what_a_hand_breaks_in_a_database_is_found_by_the_check(world: World) {
    prepared(&world).await;
    assert_eq!(world.store.check(&world.organization).await.unwrap(), []);
    for (sql, guard) in [
        (
            "UPDATE associations SET is_primary = (1 = 0) WHERE contact = 1",
            "one-primary",
        ),
        (
            "UPDATE organizations SET revision = revision - 1",
            "etag-known",
        ),
        ("UPDATE organizations SET next_ticket = 1", "number-given"),
        ("DELETE FROM accounts WHERE account = 2", "association-ends"),
        (
            "UPDATE tickets SET account = 77 WHERE ticket = 1",
            "ticket-account",
        ),
        (
            "UPDATE tickets SET requester = 77 WHERE ticket = 1",
            "ticket-people",
        ),
        (
            "UPDATE unique_keys SET owner = 77 WHERE key LIKE 'e:%'",
            "key-owned",
        ),
        ("DELETE FROM unique_keys WHERE key LIKE 'e:%'", "keys-held"),
        (
            "UPDATE contacts SET family_name = '' WHERE contact = 1",
            "within-limits",
        ),
        ("UPDATE organizations SET settings = NULL", "one-account"),
        ("DELETE FROM tickets WHERE ticket = 1", "cc-owned"),
    ] {
        damage(&world, sql);
        let violations = world.store.check(&world.organization).await.unwrap();
        let named = violations.iter().any(|found| found.guard == guard);
        assert!(named, "{guard} after {sql}: {violations:?}");
    }
}

/// The ticket of these tests.
pub const TICKET: TicketNo = TicketNo::new(1);
