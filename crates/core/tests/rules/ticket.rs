//! `record`, `auto-fill`, `no-backfill`, and forgetting tickets.

use roster_core::id::Time;
use roster_core::record::TicketStatus;
use roster_core::refusal::Refusal;
use roster_core::rules::disposition::{Disposition, DissociateContact, Leaving};
use roster_core::rules::ticket::{DeleteTickets, Record, RecordTickets};
use roster_core::text::Subject;

use crate::world::{World, a, c, closed, key, pair, record, record_under};

/// The first contact has the accounts 1 (primary) and 2, the second 3; the third none.
fn world() -> World {
    let mut world = World::new(true);
    world.associated(1, &[1, 2]);
    world.associated(2, &[3]);
    world
}

fn under(account: Option<u64>, of: Record) -> Record {
    Record {
        account: Some(account.map(a)),
        ..of
    }
}

#[test]
fn a_new_ticket_without_an_account_gets_the_requesters_primary_or_none() {
    let mut world = world();
    let filled = world.recorded(record("T1", 1));
    assert!(filled.account_filled_in && filled.changed && !filled.existed);
    assert_eq!(world.under("T1"), Some(1));
    let none = world.recorded(record("T2", 3));
    assert!(!none.account_filled_in);
    assert_eq!(world.under("T2"), None);
}

#[test]
fn a_new_ticket_is_open_and_not_private_and_created_now() {
    let mut world = world();
    let now = world.given.now;
    world.recorded(record("T1", 1));
    let ticket = world.ticket("T1");
    assert_eq!(ticket.status, TicketStatus::Open);
    assert!(!ticket.private && ticket.cc.is_empty());
    assert_eq!((ticket.subject.as_str(), ticket.create_time), ("", now));
}

#[test]
fn a_given_account_must_be_the_requesters_unless_the_record_allows_another() {
    let mut world = world();
    world.recorded(under(Some(2), record("T1", 1)));
    let refusal = world.not_recorded(under(Some(3), record("T2", 1)));
    assert_eq!(refusal, Refusal::NotRequestersAccount(pair(1, 3)));
    let allowed = world.recorded(record_under("T2", 1, 3));
    assert!(!allowed.account_filled_in);
    assert_eq!(world.under("T2"), Some(3));
    // No association is made of it.
    assert_eq!(world.accounts_of(1), [1, 2]);
    let refusal = world.not_recorded(record_under("T3", 1, 9));
    assert_eq!(refusal, Refusal::AccountNotFound(a(9)));
}

#[test]
fn an_account_sent_empty_means_none_and_is_not_filled_in() {
    let mut world = world();
    let recorded = world.recorded(under(None, record("T1", 1)));
    assert!(!recorded.account_filled_in);
    assert_eq!(world.under("T1"), None);
    world.recorded(under(Some(1), record("T1", 1)));
    world.recorded(under(None, record("T1", 1)));
    assert_eq!(world.under("T1"), None);
}

#[test]
fn an_absent_field_keeps_its_stored_value_and_cc_is_replaced() {
    let mut world = world();
    let full = Record {
        cc: vec![c(2), c(3)],
        subject: Some(Subject::parse("件名").unwrap()),
        private: Some(true),
        create_time: Some(Time::from_micros(-5)),
        ..closed(under(Some(2), record("T1", 1)))
    };
    world.recorded(full);
    let before = world.ticket("T1");
    let again = world.recorded(record("T1", 1));
    assert!(again.existed && again.changed && !again.account_filled_in);
    let after = world.ticket("T1");
    assert_eq!(after.cc, []);
    assert!(after.private, "absence never makes a ticket public");
    assert_eq!(after.account, Some(a(2)), "absence never fills in anew");
    assert_eq!(
        (after.subject, after.status),
        (before.subject, TicketStatus::Closed)
    );
    assert_eq!(after.create_time, Time::from_micros(-5));
}

#[test]
fn the_same_record_again_changes_nothing() {
    let mut world = world();
    let first = world.recorded(record("T1", 1));
    let again = world.recorded(record("T1", 1));
    assert!(again.existed && !again.changed);
    assert_eq!(again.ticket, first.ticket);
    assert_eq!(world.changes, []);
}

#[test]
fn the_account_that_a_ticket_has_is_accepted_whoever_belongs_to_it_now() {
    let mut world = world();
    world.recorded(under(Some(2), record("T1", 1)));
    let leaving = Leaving {
        disposition: Some(Disposition::Keep),
        ..Leaving::default()
    };
    world.done(DissociateContact {
        pair: pair(1, 2),
        leaving,
    });
    let again = world.recorded(closed(under(Some(2), record("T1", 1))));
    assert!(again.changed);
    assert_eq!(world.under("T1"), Some(2));
}

#[test]
fn a_new_requester_keeps_the_account_that_is_its_own_else_it_is_filled_in() {
    let mut world = world();
    world.associated(4, &[4, 1]);
    world.recorded(under(Some(1), record("T1", 1)));
    let shared = world.recorded(record("T1", 4));
    assert!(!shared.account_filled_in);
    assert_eq!(world.under("T1"), Some(1));
    let filled = world.recorded(record("T1", 2));
    assert!(filled.account_filled_in);
    assert_eq!(world.under("T1"), Some(3));
    let none = world.recorded(record("T1", 3));
    assert!(!none.account_filled_in);
    assert_eq!(world.under("T1"), None);
    // From none, the new requester's primary.
    let filled = world.recorded(record("T1", 1));
    assert!(filled.account_filled_in);
    assert_eq!(world.under("T1"), Some(1));
}

#[test]
fn an_unknown_requester_and_unknown_contacts_in_cc_are_named_once_each() {
    let mut world = world();
    let refusal = world.not_recorded(record("T1", 9));
    assert_eq!(refusal, Refusal::RequesterNotFound(c(9)));
    let cc = vec![c(8), c(2), c(9), c(8)];
    let refusal = world.not_recorded(Record {
        cc,
        ..record("T1", 1)
    });
    assert_eq!(refusal, Refusal::CopiesNotFound(vec![c(8), c(9)]));
    assert_eq!(
        refusal.to_string(),
        "these contacts in CC do not exist: c8, c9"
    );
    assert_eq!(
        Refusal::CopiesNotFound(vec![c(8)]).to_string(),
        "these contacts in CC do not exist: c8"
    );
}

#[test]
fn a_contact_twice_in_cc_counts_once_at_its_first_place() {
    let mut world = world();
    world.recorded(Record {
        cc: vec![c(3), c(2), c(3), c(1)],
        ..record("T1", 1)
    });
    assert_eq!(world.ticket("T1").cc, [c(3), c(2), c(1)]);
}

#[test]
fn items_are_judged_one_after_another_and_a_ticket_stands_once_in_a_call() {
    let mut world = world();
    let answer = world.done(RecordTickets {
        tickets: vec![
            record("T1", 9),
            record("T1", 1),
            record("T2", 1),
            closed(record("T2", 1)),
            record("T3", 2),
        ],
    });
    let repeated = |text| Err(Refusal::TicketRepeated(key(text)));
    assert_eq!(
        answer[0].clone().unwrap_err(),
        Refusal::RequesterNotFound(c(9))
    );
    assert_eq!(answer[1].clone().map(drop), repeated("T1"));
    assert_eq!(answer[3].clone().map(drop), repeated("T2"));
    assert!(answer[2].is_ok() && answer[4].is_ok());
    assert_eq!(world.ticket("T2").status, TicketStatus::Open);
    // A refused item takes no number.
    assert_eq!(world.number("T3").number(), 2);
}

#[test]
fn no_backfill_a_tickets_account_never_changes_its_requesters_accounts() {
    let mut world = world();
    world.recorded(record_under("T1", 3, 1));
    assert_eq!(world.accounts_of(3), Vec::<u64>::new());
    world.associated(3, &[4]);
    assert_eq!(world.under("T1"), Some(1));
}

#[test]
fn ids_of_tickets_are_compared_byte_by_byte() {
    let mut world = world();
    for text in ["T1", "t1", "T1 ", "Ｔ1"] {
        assert!(!world.recorded(record(text, 1)).existed, "{text:?}");
    }
    assert_eq!(world.maps.tickets.len(), 4);
}

#[test]
fn forgetting_tickets_answers_each_id_and_an_id_twice_once() {
    let mut world = world();
    world.recorded(record("T1", 1));
    world.recorded(record("T2", 1));
    let answer = world.done(DeleteTickets {
        keys: vec![key("T1"), key("none"), key("T1")],
    });
    let gone = |text| Err(Refusal::TicketNotFound(key(text)));
    let expected = [
        (key("T1"), Ok(())),
        (key("none"), gone("none")),
        (key("T1"), gone("T1")),
    ];
    assert_eq!(answer, expected);
    assert_eq!(world.maps.tickets.len(), 1);
    // Its id may be recorded again, under another number.
    assert!(!world.recorded(record("T1", 1)).existed);
    assert_eq!(world.number("T1").number(), 3);
    let nothing = world.done(DeleteTickets {
        keys: vec![key("none")],
    });
    assert_eq!(nothing, [(key("none"), gone("none"))]);
    assert_eq!(world.changes, []);
}
