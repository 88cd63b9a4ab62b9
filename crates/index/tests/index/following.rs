//! Revisions in their order: the next one, one again, one too far, and one of another history.

use roster_core::change::{Change, Row};
use roster_core::fact::Held;
use roster_core::id::{AccountId, ContactId, Revision, TicketNo};
use roster_core::organization::RevisionId;
use roster_index::{Followed, Index, Known, NotApplied};

use crate::world::{
    account, associated, association, at, contact, empty, name, pair, sees, switched, ticket,
    ticket_record,
};

#[test]
fn only_the_next_revision_is_applied() {
    let mut facts = empty();
    facts.apply(at(1), &[contact(1, false)]).unwrap();
    let again = facts.apply(at(1), &[contact(1, false)]);
    assert_eq!(again, Err(NotApplied::AlreadyThere));
    let has = Revision::new(1);
    assert_eq!(facts.apply(at(3), &[]), Err(NotApplied::Gap { has }));
    let other = RevisionId { nonce: 1, ..at(1) };
    let lost = facts.apply(other, &[]);
    assert!(
        matches!(lost, Err(NotApplied::Contradiction(_))),
        "{lost:?}"
    );
    assert_eq!(facts.at(), at(1));
    assert_eq!(facts.apply(at(2), &[]), Ok(()));
    assert_eq!(facts.knows(at(2)), Known::Yes);
    assert_eq!(facts.knows(other), Known::Lost);
    assert_eq!(facts.knows(at(3)), Known::Ahead);
}

#[test]
fn a_change_that_does_not_fit_what_is_there_is_a_contradiction() {
    let moved = |requester, tickets: &[u64]| Change::TicketsMoved {
        held: Held {
            requester: ContactId::new(requester),
            account: Some(AccountId::new(1)),
        },
        tickets: tickets.iter().copied().map(TicketNo::new).collect(),
        after: None,
    };
    let deleted = |id: &str, requester| {
        Change::Ticket(Row::Deleted(
            TicketNo::new(1),
            ticket_record(id, requester, Some(1)),
        ))
    };
    let left = |sees, role| {
        let association = associated(sees, role);
        Change::Association(Row::Deleted(pair(1, 1), association))
    };
    let cases = [
        account(1, None),
        contact(1, true),
        contact(0, true),
        association(1, 1, true),
        left(false, "営業"),
        left(true, "経理"),
        ticket(1, "T9", 1, None),
        ticket(2, "T1", 1, None),
        deleted("T2", 1),
        deleted("T1", 2),
        moved(2, &[1]),
        moved(1, &[1, 2]),
        switched(true),
    ];
    let world = [
        account(1, None),
        contact(1, false),
        association(1, 1, true),
        ticket(1, "T1", 1, Some(1)),
    ];
    for change in cases {
        let mut facts = empty();
        facts.apply(at(1), &world).unwrap();
        let applied = facts.apply(at(2), std::slice::from_ref(&change));
        let refused = matches!(applied, Err(NotApplied::Contradiction(_)));
        assert!(refused, "{change:?}: {applied:?}");

        let index = Index::new(1 << 30);
        let guard = index.begin(&name("acme")).unwrap();
        let organization = guard.organization().clone();
        let mut facts = empty();
        facts.apply(at(1), &world).unwrap();
        index.install(guard, facts).unwrap();
        let followed = organization.committed(&[(at(2), &[change])]);
        assert!(matches!(followed, Followed::Dropped(_)), "{followed:?}");
        assert_eq!(organization.read(|facts| facts.at()), None);
        assert_eq!(index.figures().bytes, 0);
        assert!(index.begin(&name("acme")).is_some());
    }
}

#[test]
fn what_was_acknowledged_while_loading_is_waited_for() {
    let index = Index::new(1 << 30);
    let guard = index.begin(&name("acme")).unwrap();
    assert!(index.begin(&name("acme")).is_none());
    let organization = index.get("acme").unwrap();
    let changes = [contact(1, false)];
    let first: (RevisionId, &[Change]) = (at(1), &changes);
    let second: (RevisionId, &[Change]) = (at(2), &[]);
    assert_eq!(organization.committed(&[first, second]), Followed::Behind);
    // The snapshot is of a revision before both.
    index.install(guard, empty()).unwrap();
    assert_eq!(organization.read(|_| ()), None);
    assert_eq!(organization.at(), Some(at(0)));
    assert_eq!(organization.committed(&[second]), Followed::Behind);
    assert_eq!(organization.committed(&[first]), Followed::Behind);
    assert_eq!(organization.at(), Some(at(1)));
    assert_eq!(organization.read(|_| ()), None);
    assert_eq!(organization.committed(&[first, second]), Followed::Applied);
    assert_eq!(organization.read(|facts| facts.at()), Some(at(2)));
    assert_eq!(index.live(), [(name("acme"), at(2))]);
}

#[test]
fn a_gap_hides_what_is_in_memory_until_it_is_filled() {
    let index = Index::new(1 << 30);
    let guard = index.begin(&name("acme")).unwrap();
    let organization = guard.organization().clone();
    index.install(guard, empty()).unwrap();
    let ticket = [contact(1, false), ticket(1, "T1", 1, None)];
    assert_eq!(organization.committed(&[(at(2), &[])]), Followed::Behind);
    assert_eq!(organization.read(|_| ()), None);
    let filled = organization.committed(&[(at(1), &ticket), (at(2), &[])]);
    assert_eq!(filled, Followed::Applied);
    let seen = organization.read(|facts| sees(facts, 1, &crate::world::key("T1")));
    assert_eq!(seen, Some(Some(true)));
}

#[test]
fn a_load_that_begins_after_a_write_was_acknowledged_does_not_wait_for_it() {
    let index = Index::new(1 << 30);
    let guard = index.begin(&name("acme")).unwrap();
    let organization = guard.organization().clone();
    drop(guard);
    assert_eq!(organization.committed(&[(at(5), &[])]), Followed::Behind);
    // Its snapshot has the write, or the database lost it in a restore.
    let guard = index.begin(&name("acme")).unwrap();
    index.install(guard, empty()).unwrap();
    assert_eq!(organization.read(|facts| facts.at()), Some(at(0)));
}
