//! Compares the visibility rule of worlds with the rule of `roster-core`, and checks the contents
//! of worlds.

use std::collections::HashSet;

use roster_core::id::ContactId;
use roster_core::rules::visibility::check_ticket;
use roster_core::text::TicketKey;

use super::*;
use crate::rows::decision::{as_expected, facts};

fn tiny() -> World {
    World::new(Size::Tiny, SEED_DEFAULT)
}

#[test]
fn the_rule_of_a_world_and_the_rule_of_core_agree_on_every_contact_and_ticket() {
    let world = tiny();
    let facts = facts(&world).unwrap();
    for number in 1..=world.tickets {
        let ticket = world.ticket(number);
        let key = TicketKey::trusted(ticket.id());
        for contact in 1..=world.contacts {
            let verdict =
                check_ticket(&facts, ContactId::new(contact), &key).expect("known records");
            let expected = world.expected(contact, &ticket);
            assert_eq!(
                as_expected(&verdict),
                expected,
                "c{contact} {}",
                ticket.id()
            );
        }
    }
}

#[test]
fn every_ground_and_every_reason_to_hide_a_ticket_occurs() {
    let world = tiny();
    let tickets: Vec<Ticket> = (1..=world.tickets)
        .map(|number| world.ticket(number))
        .collect();
    assert!(tickets.iter().any(|ticket| ticket.private));
    assert!(
        tickets
            .iter()
            .any(|ticket| ticket.exceptional && ticket.account.is_none())
    );
    assert!(
        tickets
            .iter()
            .any(|ticket| ticket.exceptional && ticket.account.is_some())
    );
    assert!(tickets.iter().any(|ticket| ticket.cc().len() > 1));
    assert!((1..=world.contacts).any(|contact| world.blocked(contact)));
    assert!((1..=world.contacts).any(|contact| world.memberships(contact).count() == 0));
    assert!((1..=world.contacts).any(|contact| world.memberships(contact).count() == 2));
    for mode in [Mode::Nobody, Mode::Granted, Mode::Roles(2), Mode::Everyone] {
        assert!(
            (1..=world.accounts).any(|account| world.mode(account) == Some(mode)),
            "{mode:?}"
        );
    }
}

#[test]
fn each_kind_of_question_is_a_quarter_of_the_questions() {
    for size in [Size::S, Size::M, Size::L] {
        let world = World::new(size, SEED_DEFAULT);
        let mut kinds = [0; 4];
        for question in world.questions(1).take(4_000) {
            let Expected {
                requester,
                cc,
                account,
            } = question.expected;
            kinds[0] += usize::from(requester);
            kinds[1] += usize::from(cc);
            kinds[2] += usize::from(account.is_some() && !requester);
            kinds[3] += usize::from(!question.expected.visible());
        }
        // A question can be of two kinds, and sometimes no question of the wanted kind is found.
        assert!(
            kinds.iter().all(|kind| (800..1_500).contains(kind)),
            "{size:?}: {kinds:?}"
        );
    }
}

#[test]
fn members_of_accounts_and_tickets_of_contacts_are_complete() {
    for size in [Size::Tiny, Size::S] {
        let world = World::new(size, SEED_DEFAULT);
        let mut members = HashSet::new();
        for account in 1..=world.accounts {
            for nth in 0..world.contacts {
                let member = world.member(account, nth);
                assert_eq!(world.first_account(member), account);
                members.insert(member);
            }
        }
        assert_eq!(members.len() as u64, world.contacts);
        let mut tickets = HashSet::new();
        for contact in 1..=world.contacts {
            for nth in 0..world.tickets / world.contacts {
                let ticket = world.ticket_of(contact, nth);
                assert_eq!(ticket.requester, contact);
                tickets.insert(ticket.number);
            }
        }
        assert_eq!(tickets.len() as u64, world.tickets);
    }
}

#[test]
fn new_pairs_are_distinct_and_not_associated() {
    let world = tiny();
    let mut seen = HashSet::new();
    for number in 0..world.new_pairs() {
        let (contact, account) = world.new_pair(number);
        assert!((1..=world.accounts).contains(&account));
        assert!(
            world
                .memberships(contact)
                .all(|membership| membership.account != account)
        );
        assert!(seen.insert((contact, account)));
    }
}

#[test]
fn worlds_are_equal_only_if_their_seeds_are_equal() {
    let questions = |seed| -> Vec<(u64, u64, Expected)> {
        let world = World::new(Size::S, seed);
        let taken = world.questions(1).take(100);
        taken
            .map(|question| (question.contact, question.ticket.number, question.expected))
            .collect()
    };
    assert_eq!(questions(1), questions(1));
    assert_ne!(questions(1), questions(2));
}

#[test]
fn readers_see_the_tickets_of_a_large_account() {
    let world = World::new(Size::M, SEED_DEFAULT);
    let mut questions = world.questions(3);
    for _ in 0..100 {
        let reader = questions.reader();
        assert!(
            world
                .sharing_accounts(reader)
                .any(|account| account <= world.large())
        );
    }
}
