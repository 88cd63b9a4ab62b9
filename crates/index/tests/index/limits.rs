//! What is too large for memory, at one below, at, and one above.

use roster_core::id::{AccountId, ContactId, TicketNo};
use roster_core::organization::RevisionId;
use roster_core::record::{Settings, Sharing};
use roster_core::rules::visibility::{
    FactSink, SinkFull, StreamedAssociation, TicketFacts, VisibilityFacts,
};
use roster_index::{Loading, NUMBER_MAX, NotApplied, TooLarge};

use crate::world::{ROOM, account, associated, association, at, contact, empty, pair, ticket};

/// Memory for a list as long as numbers go: none of these tests makes one.
const ROOM_FOR_ALL: usize = 1 << 40;

fn loading(room: usize) -> Loading {
    Loading::new(RevisionId::default(), &Settings::default(), room)
}

#[test]
fn numbers_beyond_the_highest_are_refused_when_loading_and_when_applying() {
    let associated = associated(true, "");
    let part = StreamedAssociation::of(&associated);
    for (number, taken) in [
        (NUMBER_MAX - 1, true),
        (NUMBER_MAX, true),
        (NUMBER_MAX + 1, false),
        (u64::MAX, false),
        (0, false),
    ] {
        let said = if taken { Ok(()) } else { Err(SinkFull) };
        let mut loading = loading(ROOM_FOR_ALL);
        assert_eq!(loading.association(pair(1, number), part), said, "{number}");
        assert_eq!(loading.finish().is_ok(), taken);
    }
    let mut facts = empty();
    let large = facts.apply(at(1), &[contact(NUMBER_MAX + 1, false)]);
    assert_eq!(large, Err(NotApplied::TooLarge(TooLarge)));
}

#[test]
fn a_number_whose_list_alone_is_larger_than_the_room_is_refused_without_making_the_list() {
    let mut loading = loading(ROOM);
    let far = ContactId::new(NUMBER_MAX);
    assert_eq!(loading.contact(far, false), Err(SinkFull));
    assert_eq!(
        loading.account(AccountId::new(1), &sharing()),
        Err(SinkFull)
    );
    assert_eq!(loading.finish().err(), Some(TooLarge));
}

#[test]
fn a_number_that_memory_cannot_hold_is_the_number_of_nothing() {
    let mut facts = empty();
    let world = [
        account(1, None),
        contact(1, false),
        association(1, 1, true),
        ticket(1, "T1", 1, Some(1)),
    ];
    facts.apply(at(1), &world).unwrap();
    for number in [0, NUMBER_MAX, NUMBER_MAX + 1, u64::MAX] {
        assert_eq!(facts.blocked(ContactId::new(number)), Ok(None));
        assert_eq!(facts.sharing(AccountId::new(number)), Ok(None));
        for pair in [pair(1, number), pair(number, 1), pair(number, number)] {
            assert_eq!(facts.association(pair), Ok(None));
        }
        for (ticket, contact) in [(1, number), (number, 1), (number, number)] {
            let (ticket, contact) = (TicketNo::new(ticket), ContactId::new(contact));
            assert_eq!(facts.in_cc(ticket, contact), Ok(false));
        }
    }
}

fn sharing() -> Sharing {
    Sharing {
        mode: None,
        roles: Vec::new(),
    }
}

fn tickets(room: usize, count: u64) -> Result<usize, TooLarge> {
    let mut loading = loading(room);
    for number in 1..=count {
        let ticket = TicketFacts {
            number: TicketNo::new(number),
            requester: ContactId::new(1),
            account: None,
            private: false,
        };
        if loading.ticket(&format!("T-{number}"), ticket).is_err() {
            break;
        }
    }
    loading.finish().map(|facts| facts.bytes())
}

#[test]
fn a_load_stops_where_its_room_ends() {
    let taken = tickets(ROOM, 50_000).unwrap();
    let fits = |room| tickets(room, 50_000);
    assert_eq!(fits(taken + taken / 3), Ok(taken));
    assert_eq!(fits(taken - 1), Err(TooLarge));
    // Long before the end: what it took then is not much more than its room.
    let mut loading = loading(taken / 4);
    let ticket = TicketFacts {
        number: TicketNo::new(1),
        requester: ContactId::new(1),
        account: None,
        private: false,
    };
    let numbered = |number| TicketFacts {
        number: TicketNo::new(number),
        ..ticket
    };
    let stopped = (1..=50_000).find(|no| loading.ticket("T-11111", numbered(*no)).is_err());
    assert!(stopped < Some(25_000), "{stopped:?}");
}
