use std::hash::Hasher;

use super::*;

/// A hasher that returns the same hash for every id.
#[derive(Default)]
struct Colliding;

impl Hasher for Colliding {
    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        42
    }
}

impl BuildHasher for Colliding {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self
    }
}

fn parts(requester: u32) -> TicketParts {
    TicketParts {
        requester,
        account: requester % 3,
        private: requester.is_multiple_of(2),
    }
}

/// Ids around the maximum of a row: every second id is one byte too long.
fn key(ticket: u32) -> String {
    let digits = HERE_MAX - 2 + ticket as usize % 2;
    format!("T-{ticket:0digits$}")
}

#[test]
fn ids_are_compared_whole_also_where_all_hashes_are_one() {
    assert_eq!(size_of::<Row>(), 24);
    let mut tickets = Tickets::new(Colliding);
    for ticket in 1..=500 {
        assert_eq!(tickets.find(&key(ticket)), None);
        tickets.add(ticket, &key(ticket), parts(ticket)).unwrap();
        tickets.set_cc(ticket, [ticket, ticket + 1].into());
    }
    for ticket in (1..=500).step_by(3) {
        tickets.remove(ticket);
    }
    for ticket in 1..=500 {
        let there = ticket % 3 != 1;
        assert_eq!(tickets.find(&key(ticket)), there.then_some(ticket));
        assert_eq!(tickets.get(ticket), there.then(|| parts(ticket)));
        let cc: &[u32] = if there { &[ticket, ticket + 1] } else { &[] };
        assert_eq!(tickets.cc(ticket), cc);
    }
    for similar in [
        "",
        "T",
        "T-2",
        "t-0000000000002",
        "T-000000000002",
        "T-0000000000002 ",
        "T-000000000000003",
        "T-0000000000003",
        "T-000000000000\u{ff12}",
    ] {
        assert_eq!(tickets.find(similar), None, "{similar}");
    }
}

#[test]
fn ids_of_deleted_tickets_are_thrown_out_and_the_others_stay_found() {
    let mut tickets = Tickets::new(RandomState::new());
    for ticket in 1..=20_000 {
        tickets.add(ticket, &key(ticket), parts(ticket)).unwrap();
    }
    let full = tickets.keys.len();
    for ticket in (1..=20_000).filter(|ticket| ticket % 8 != 1) {
        tickets.remove(ticket);
    }
    assert!(tickets.keys.len() < full / 2, "{}", tickets.keys.len());
    assert!(tickets.garbage <= GARBAGE_KEPT.max(tickets.keys.len() / 2));
    for ticket in 1..=20_000 {
        let there = ticket % 8 == 1;
        assert_eq!(tickets.find(&key(ticket)), there.then_some(ticket));
    }
}

#[test]
fn tickets_that_were_added_unfound_are_all_found_at_the_end() {
    let mut tickets = Tickets::new(RandomState::new());
    // CC lists may be stored before their tickets; the list of a missing ticket is not returned.
    tickets.list_cc(2, [7].into());
    tickets.list_cc(4, [8].into());
    for ticket in [1, 2, 300] {
        tickets
            .add_unfound(ticket, &key(ticket), parts(ticket))
            .unwrap();
    }
    tickets.make_all_found();
    assert_eq!(tickets.find(&key(300)), Some(300));
    assert_eq!(tickets.cc(2), [7]);
    assert!(tickets.cc(1).is_empty() && tickets.cc(4).is_empty());
    assert_eq!(tickets.get(2), Some(parts(2)));
}

#[test]
fn a_ticket_moves_only_from_where_it_stands_and_keeps_its_marks() {
    let mut tickets = Tickets::new(RandomState::new());
    tickets.add(2, "T2", parts(2)).unwrap();
    tickets.set_cc(2, [5].into());
    for (ticket, requester, before) in [(1, 2, 2), (2, 1, 2), (2, 2, 1), (9, 2, 2)] {
        assert!(!tickets.moved(ticket, requester, before, 7));
    }
    assert!(tickets.moved(2, 2, 2, 7));
    let moved = TicketParts {
        account: 7,
        ..parts(2)
    };
    assert_eq!(tickets.get(2), Some(moved));
    assert_eq!(tickets.cc(2), [5]);
}

#[test]
fn an_id_of_255_bytes_is_held_and_a_longer_one_is_too_large() {
    let mut tickets = Tickets::new(RandomState::new());
    for length in [HERE_MAX - 1, HERE_MAX, HERE_MAX + 1, 254, 255] {
        let key = "x".repeat(length);
        assert_eq!(tickets.add(length as u32, &key, parts(1)), Ok(()));
        assert_eq!(tickets.find(&key), Some(length as u32));
    }
    assert_eq!(tickets.add(1, &"x".repeat(256), parts(1)), Err(TooLarge));
    assert_eq!(tickets.get(1), None);
}
