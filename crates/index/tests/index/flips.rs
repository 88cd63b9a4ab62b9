//! Readers beside a writer: an answer is true at one revision.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use roster_core::change::{Change, Row};
use roster_core::id::TicketNo;
use roster_index::{Followed, Index};

use crate::world::{
    account, association, at, contact, empty, key, name, sees, switched, ticket, ticket_record,
};

/// Threads that ask.
const READERS: u64 = 3;

/// A colleague's ticket comes under the account while sharing is off and leaves it before sharing is
/// on again. Whoever mixes two revisions sees it.
fn flipped(checks: u64) {
    let index = Index::new(1 << 30);
    let guard = index.begin(&name("acme")).unwrap();
    let organization = guard.organization().clone();
    let mut facts = empty();
    let world = [
        account(1, None),
        contact(1, false),
        contact(2, false),
        association(1, 1, true),
        ticket(1, "T1", 2, None),
    ];
    facts.apply(at(1), &world).unwrap();
    index.install(guard, facts).unwrap();

    let moved = |before: Option<u64>, after: Option<u64>| {
        Change::Ticket(Row::Updated {
            key: TicketNo::new(1),
            before: ticket_record("T1", 2, before),
            after: ticket_record("T1", 2, after),
        })
    };
    let hidden = [switched(false), moved(None, Some(1))];
    let open = [moved(Some(1), None), switched(true)];
    let asked = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let (key, organization) = (key("T1"), &organization);
    let flips = std::thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for _ in 0..1_000 {
                        let seen = organization.read(|facts| sees(facts, 1, &key));
                        assert_eq!(seen, Some(Some(false)));
                    }
                    asked.fetch_add(1_000, Ordering::Relaxed);
                }
            });
        }
        let mut revision = 1;
        while asked.load(Ordering::Relaxed) < checks {
            for set in [&hidden[..], &open[..]] {
                revision += 1;
                let followed = organization.committed(&[(at(revision), set)]);
                assert_eq!(followed, Followed::Applied);
            }
        }
        done.store(true, Ordering::Relaxed);
        revision
    });
    assert!(flips > 1_000, "only {flips} flips");
}

#[test]
fn a_million_checks_beside_a_writer_that_flips_never_mix_two_revisions() {
    let long = std::env::var_os("ROSTER_LONG").is_some();
    flipped(if long { 10_000_000 } else { 1_000_000 });
}
