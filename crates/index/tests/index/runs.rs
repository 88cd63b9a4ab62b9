//! Random runs of commands: what is in memory is what a fresh load gives.

use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};
use roster_core::command::Circumstances;
use roster_core::id::{AccountId, ContactId, Pair, Time};
use roster_core::record::SharingMode;
use roster_core::rules::visibility::{Ground, Unseen, VisibilityFacts, check_ticket, shares};
use roster_core::rules::visitor::{Viewer, Visitor, check_ticket_of};
use roster_core::text::TicketKey;

use crate::world::{at, empty, loaded};
use roster_testkit::model::{Maps, prelude, step};

/// Runs of the test: a few seconds' worth.
const RUNS: u32 = 60;
/// Commands of a run: enough that records are made, moved and deleted again.
const STEPS: usize = 60;

#[test]
fn after_every_change_set_memory_holds_what_a_fresh_load_gives() {
    let long = std::env::var_os("ROSTER_LONG").is_some();
    let mut runner = TestRunner::new(Config {
        cases: if long { RUNS * 20 } else { RUNS },
        failure_persistence: None,
        ..Config::default()
    });
    let seen = std::cell::Cell::new(0);
    let result = runner.run(&vec(step(), STEPS), |steps| {
        let (mut facts, mut maps) = (empty(), Maps::default());
        let mut given = Circumstances {
            now: Time::default(),
            revision: maps.revision.next(),
            next_account: 1,
            next_contact: 1,
            next_ticket: 1,
            next_import: 1,
        };
        for step in prelude().iter().chain(&steps) {
            let command = step.command(&maps);
            let mut tried = given.clone();
            let Ok((changes, _)) = command.decide(&maps, &mut tried) else {
                continue;
            };
            if changes.is_empty() {
                continue;
            }
            maps.apply(&changes, given.revision);
            let now = at(given.revision.number());
            assert_eq!(facts.apply(now, &changes), Ok(()), "{command:?}");
            let fresh = loaded(&maps, now);
            assert_eq!(facts.differences(&fresh, 9), [""; 0], "{command:?}");
            seen.set(seen.get() + assert_visibility_alike(&facts, &fresh));
            given = tried;
            given.revision = given.revision.next();
        }
        Ok(())
    });
    result.unwrap_or_else(|failed| panic!("{failed}"));
    // A run in which nobody sees anything would show nothing.
    assert!(seen.get() > RUNS * 10, "{} were seen", seen.get());
}

/// Asks everybody about every ticket; answers how many are seen.
fn assert_visibility_alike(
    facts: &roster_index::OrganizationFacts,
    fresh: &roster_index::OrganizationFacts,
) -> u32 {
    let mut seen = 0;
    for contact in (0..8).map(ContactId::new) {
        assert_standing(facts, contact);
        for ticket in (0..9).map(|index| TicketKey::parse(&format!("T{index}")).unwrap()) {
            let verdict = check_ticket(facts, contact, &ticket);
            assert_eq!(verdict, check_ticket(fresh, contact, &ticket));
            assert_visitors(facts, contact, &ticket);
            seen += u32::from(verdict.is_ok_and(|verdict| verdict.visible()));
        }
    }
    seen
}

/// `visitor-gone`, `visitor-account` and `visitor-hidden`, as their words say.
fn assert_visitors(
    facts: &roster_index::OrganizationFacts,
    contact: ContactId,
    ticket: &TicketKey,
) {
    let not_before = facts.visitors_not_before(contact).unwrap();
    for account in [None, Some(1), Some(2), Some(9)].map(|of| of.map(AccountId::new)) {
        for issued in [0, 6_000_000, i64::MAX].map(Time::from_micros) {
            let visitor = Visitor {
                issue_time: issued,
                account,
            };
            let viewer = Viewer {
                contact,
                visitor: Some(visitor),
            };
            let told = check_ticket_of(facts, &viewer, ticket);
            let is_revoked = not_before.is_some_and(|time| issued <= time);
            if facts.blocked(contact).unwrap().is_none() || is_revoked {
                assert_eq!(told, Err(Unseen::UnknownContact));
                continue;
            }
            let counts = |ground: &Ground| match (ground, account) {
                (Ground::Account(of), Some(only)) => *of == only,
                _ => true,
            };
            let expected = check_ticket(facts, contact, ticket);
            let expected = expected.map(|of| of.grounds().filter(counts).collect::<Vec<_>>());
            let grounds: Vec<Ground> = told.unwrap().grounds().collect();
            assert_eq!(grounds, expected.unwrap_or_default());
        }
    }
}

/// That how a contact stands is what the facts say one by one.
fn assert_standing(facts: &roster_index::OrganizationFacts, contact: ContactId) {
    let contact_facts = facts.contact_facts(contact);
    let told = contact_facts
        .as_ref()
        .map(|contact_facts| contact_facts.blocked);
    assert_eq!(Ok(told), facts.blocked(contact));
    let Some(contact_facts) = contact_facts else {
        return;
    };
    let shared: Vec<AccountId> = contact_facts.shared(facts.settings().unwrap()).collect();
    for account in (0..9).map(AccountId::new) {
        let association = facts.association(Pair { contact, account }).unwrap();
        let told = contact_facts.accounts.get(&account);
        assert_eq!(told.map(|(of, _)| of.facts()), association);
        let Some((of, sharing)) = told else { continue };
        assert_eq!(Some(sharing.facts()), facts.sharing(account).unwrap());
        let settings = facts.settings().unwrap();
        let shares =
            settings.sharing_enabled && shares(settings, sharing.facts(), of.facts()).holds();
        assert_eq!(shared.contains(&account), shares);
    }
}

#[test]
fn every_kind_of_difference_is_named_and_no_more_than_asked() {
    use crate::world::{account, association, contact, switched, ticket};
    let with = |changes: &[roster_core::change::Change]| {
        let mut facts = empty();
        facts.apply(at(1), changes).unwrap();
        facts
    };
    let base = with(&[]);
    let cases = [
        (account(1, None), "account a1"),
        (account(2, Some(SharingMode::Nobody)), "account a2"),
        (contact(3, true), "whether contact c3 is blocked"),
        (association(3, 1, true), "the associations of contact c3"),
        (ticket(4, "T-4", 3, None), "the id of ticket 4"),
        (switched(false), "the settings"),
    ];
    for (change, named) in &cases {
        let other = with(std::slice::from_ref(change));
        for (one, another) in [(&base, &other), (&other, &base)] {
            let found = one.differences(another, 9);
            assert!(
                found.iter().any(|what| what.starts_with(named)),
                "{found:?}"
            );
            assert_eq!(one.differences(another, 1).len(), 1);
        }
        assert_eq!(other.differences(&other, 9), [""; 0]);
    }
    let found = base.differences(&empty(), 9);
    assert!(
        found.iter().any(|what| what.starts_with("the revision")),
        "{found:?}"
    );
}
