//! A check sees one revision: a ticket that enters an account exactly when the contact loses its
//! visibility, and leaves exactly when the contact gains it, is never seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use roster_core::change::{Change, Row};
use roster_core::command::{Circumstances, Command, Decision};
use roster_core::fact::{Facts, Needs};
use roster_core::id::Pair;
use roster_core::record::{Association, Ticket};
use roster_core::refusal::Refused;
use roster_core::rules::association::UpdateAssociation;
use roster_core::text::TicketKey;
use roster_storage::TicketFilter;

use crate::guarding::TICKET;
use crate::runs::{ACCOUNT, COLLEAGUE, TICKET_KEY, prepared};
use crate::world::{World, checks, times};

both_engines!(a_ticket_that_comes_as_sharing_ends_is_never_seen,);

/// How often each reader asks each question.
const READS: u32 = 400;
const READERS: u32 = 3;

const WATCHED: Pair = Pair {
    contact: COLLEAGUE,
    account: ACCOUNT,
};

/// In one change set: {visibility off, ticket in} or {visibility on, ticket out}, whichever differs
/// from now.
struct Flip;

impl Command for Flip {
    type Answer = ();
    const NAME: &'static str = "Flip";

    fn needs(&self, needs: &mut Needs) {
        needs.pairs.insert(WATCHED);
        needs.tickets.insert(TICKET);
    }

    fn decide<F: Facts>(&self, facts: &F, _: &mut Circumstances) -> Result<Decision<()>, Refused> {
        let association = facts.association(WATCHED)?.expect("it stands").record;
        let ticket = facts.ticket(TICKET)?.expect("it stands").record;
        let out = ticket.account.is_some();
        let flipped = Association {
            sees_account_tickets: out,
            ..association.clone()
        };
        let moved = Ticket {
            account: (!out).then_some(ACCOUNT),
            ..ticket.clone()
        };
        let changes = vec![
            Change::Association(Row::Updated {
                key: WATCHED,
                before: association,
                after: flipped,
            }),
            Change::Ticket(Row::Updated {
                key: TICKET,
                before: ticket,
                after: moved,
            }),
        ];
        Ok(Decision {
            changes,
            answer: (),
        })
    }
}

async fn a_ticket_that_comes_as_sharing_ends_is_never_seen(world: World) {
    prepared(&world).await;
    // If the contact were in CC, it would always see the ticket.
    let seen = ask(&world, true).await;
    assert!(seen.is_empty(), "visibility is off at first: {seen:?}");
    let world = Arc::new(world);
    let done = Arc::new(AtomicBool::new(false));
    let flips = Arc::new(AtomicU32::new(0));
    let flipping = tokio::spawn({
        let (world, done, flips) = (Arc::clone(&world), Arc::clone(&done), Arc::clone(&flips));
        async move {
            while !done.load(Ordering::Relaxed) {
                world.execute(Flip).await.unwrap();
                flips.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let readers = (0..READERS).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for _ in 0..times(READS) {
                let seen = ask(&world, true).await;
                assert!(seen.is_empty(), "{seen:?} showed the ticket");
            }
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    flipping.await.unwrap();
    assert!(
        flips.load(Ordering::Relaxed) > READS / 4,
        "{flips:?} flips are too few"
    );
    // Shows that the questions can show the ticket: with both on, all four do.
    while !inside(&world).await {
        world.execute(Flip).await.unwrap();
    }
    let on = UpdateAssociation {
        pair: WATCHED,
        sees_account_tickets: Some(true),
        role: None,
        etag: None,
    };
    world.execute(on).await.unwrap();
    assert_eq!(
        ask(&world, true).await,
        ["single", "batch", "list", "viewers"]
    );
}

async fn inside(world: &World) -> bool {
    let ticket = world
        .store
        .read(&world.organization, |at| at.tickets(&[TICKET]));
    ticket.await.unwrap()[0].1.record.account.is_some()
}

/// Returns which questions show the ticket, each asked at a revision of its own.
async fn ask(world: &World, viewers: bool) -> Vec<&'static str> {
    let key = TicketKey::parse(TICKET_KEY).unwrap();
    let mut shown = Vec::new();
    let one = key.clone();
    let single = world
        .store
        .read(&world.organization, move |at| checks(at, COLLEAGUE, &[one]));
    if single.await.unwrap()[0].as_ref().unwrap().visible() {
        shown.push("single");
    }
    let keys = vec![key.clone(), TicketKey::parse("none").unwrap(), key.clone()];
    let batch = world
        .store
        .read(&world.organization, move |at| checks(at, COLLEAGUE, &keys));
    let batch = batch.await.unwrap();
    assert!(batch[1].is_err(), "there is no such ticket");
    if [0, 2]
        .iter()
        .any(|item| batch[*item].as_ref().unwrap().visible())
    {
        shown.push("batch");
    }
    let list = world.store.read(&world.organization, |at| {
        at.visible_tickets(
            &COLLEAGUE.into(),
            |_| None,
            &TicketFilter::default(),
            None,
            10,
        )
    });
    if !list.await.unwrap().unwrap().items.is_empty() {
        shown.push("list");
    }
    if viewers {
        let viewers = world
            .store
            .read(&world.organization, move |at| at.viewers(&key, 0, 10));
        let viewers = viewers.await.unwrap().unwrap().items;
        if viewers.iter().any(|(contact, _)| *contact == COLLEAGUE) {
            shown.push("viewers");
        }
    }
    shown
}
