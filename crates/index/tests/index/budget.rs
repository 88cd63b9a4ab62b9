//! The memory of all organizations together.

use roster_core::organization::RevisionId;
use roster_index::{IDLE_SECONDS, Index, OrganizationFacts, REFUSED_SECONDS, TooLarge};

use crate::world::{at, contact, empty, name};

/// Facts that take some memory.
fn facts(contacts: u64) -> OrganizationFacts {
    let changes: Vec<_> = (1..=contacts).map(|id| contact(id, false)).collect();
    let mut facts = empty();
    facts.apply(at(1), &changes).unwrap();
    facts
}

fn put(index: &Index, organization: &str, facts: OrganizationFacts) -> Result<(), TooLarge> {
    let guard = index.begin(&name(organization)).unwrap();
    index.install(guard, facts)
}

fn live(index: &Index) -> Vec<String> {
    let mut live: Vec<_> = index
        .live()
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect();
    live.sort();
    live
}

#[test]
fn one_that_fits_exactly_is_taken_and_one_byte_less_is_too_little() {
    let bytes = facts(1_000).bytes();
    for (room, taken) in [(bytes - 1, false), (bytes, true), (bytes + 1, true)] {
        let index = Index::new(room);
        assert_eq!(put(&index, "acme", facts(1_000)).is_ok(), taken, "{room}");
        assert_eq!(index.figures().organizations, usize::from(taken));
        assert_eq!(index.figures().refused, usize::from(!taken));
        assert_eq!(index.figures().bytes, if taken { bytes } else { 0 });
    }
}

#[test]
fn organizations_that_nobody_asked_for_a_minute_make_room_the_longest_first() {
    let bytes = facts(1_000).bytes();
    let index = Index::new(bytes * 2 + bytes / 2);
    put(&index, "a", facts(1_000)).unwrap();
    index.advance(1);
    put(&index, "b", facts(1_000)).unwrap();
    index.advance(IDLE_SECONDS - 1);
    assert_eq!(put(&index, "c", facts(1_000)), Err(TooLarge));
    assert_eq!(live(&index), ["a", "b"]);
    // A minute after `a` was asked for, but not yet after `b`.
    index.advance(IDLE_SECONDS);
    put(&index, "d", facts(1_000)).unwrap();
    assert_eq!(live(&index), ["b", "d"]);
    // Room became free, so `c` is tried again, though there is none for it now.
    let guard = index.begin(&name("c")).unwrap();
    assert_eq!(guard.bytes_max(), bytes / 2);
    index.refuse(guard);
    assert!(index.begin(&name("c")).is_none());
    index.drop_facts("b");
    assert!(index.begin(&name("c")).is_some());
    assert_eq!(index.figures().dropped_total, 2);
}

#[test]
fn one_that_no_room_would_be_enough_for_is_tried_again_after_a_while_only() {
    let index = Index::new(1 << 20);
    put(&index, "a", facts(1)).unwrap();
    index.advance(IDLE_SECONDS);
    index.refuse(index.begin(&name("large")).unwrap());
    index.drop_facts("a");
    index.advance(IDLE_SECONDS + REFUSED_SECONDS - 1);
    assert!(index.begin(&name("large")).is_none());
    index.advance(IDLE_SECONDS + REFUSED_SECONDS);
    assert!(index.begin(&name("large")).is_some());
}

#[test]
fn organizations_that_have_grown_beyond_the_memory_make_room() {
    let bytes = facts(1_000).bytes();
    let index = Index::new(bytes * 2);
    put(&index, "a", facts(1_000)).unwrap();
    index.advance(1);
    put(&index, "b", facts(900)).unwrap();
    index.advance(2);
    index.get("b").unwrap();
    assert_eq!(live(&index), ["a", "b"]);
    let more: Vec<_> = (901..=1_700).map(|id| contact(id, false)).collect();
    let grown = index.get("b").unwrap().committed(&[(at(2), &more)]);
    assert_eq!(grown, roster_index::Followed::Applied);
    assert!(index.figures().bytes > bytes * 2);
    index.advance(3);
    assert_eq!(live(&index), ["b"]);
}

#[test]
fn an_organization_of_which_nothing_is_left_is_forgotten_after_a_minute() {
    let index = Index::new(1 << 20);
    drop(index.begin(&name("nobody")).unwrap());
    index.advance(IDLE_SECONDS - 1);
    assert!(index.get("nobody").is_some());
    index.advance(2 * IDLE_SECONDS);
    assert!(index.get("nobody").is_none());
    let guard = index.begin(&name("somebody")).unwrap();
    index.advance(9 * IDLE_SECONDS);
    index.install(guard, empty()).unwrap();
    index.advance(99 * IDLE_SECONDS);
    let organization = index.get("somebody").unwrap();
    assert_eq!(organization.at(), Some(RevisionId::default()));
}
