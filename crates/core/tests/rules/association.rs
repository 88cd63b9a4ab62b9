//! `associate-many`, `one-account`, `one-primary`, `accounts-per-contact`, `pair-fixed`.

use roster_core::id::Revision;
use roster_core::refusal::Refusal;
use roster_core::rules::association::{
    AssociateContacts, Associated, SetPrimaryAccount, UpdateAssociation,
};
use roster_core::rules::settings::UpdateSettings;

use crate::world::{World, a, associate, c, pair, record, record_under, role, wanted};

fn failed(answer: &[(roster_core::id::ContactId, Associated)]) -> Vec<Refusal> {
    let refusal = |(_, result): &(_, Associated)| match result {
        Associated::Failed(refusal) => Some(refusal.clone()),
        _ => None,
    };
    answer.iter().filter_map(refusal).collect()
}

#[test]
fn the_first_account_is_primary_and_later_ones_are_not() {
    let mut world = World::new(true);
    world.associated(1, &[2, 1, 3]);
    assert_eq!(world.primary_of(1), Some(2));
    assert_eq!(world.accounts_of(1), [1, 2, 3]);
}

#[test]
fn without_multiple_accounts_a_second_one_is_refused_naming_the_one_that_the_contact_has() {
    let mut world = World::new(false);
    world.associated(1, &[2]);
    let answer = world.done(associate(1, &[1]));
    let has = a(2);
    let contact = c(1);
    assert_eq!(
        failed(&answer.results),
        [Refusal::OneAccount { contact, has }]
    );
    assert_eq!(world.changes, []);
}

#[test]
fn the_limit_is_asked_when_one_is_added_and_lowering_it_takes_nothing_away() {
    let mut world = World::new(true);
    let limit = |max| UpdateSettings {
        accounts_per_contact_max: Some(max),
        ..UpdateSettings::default()
    };
    world.done(limit(2));
    world.associated(1, &[1, 2]);
    let (contact, has) = (c(1), 2);
    let answer = world.done(associate(3, &[1]));
    let over = |max| Refusal::AccountsPerContact { contact, has, max };
    assert_eq!(failed(&answer.results), [over(2)]);
    world.done(limit(1));
    assert_eq!(world.accounts_of(1), [1, 2]);
    let answer = world.done(associate(3, &[1]));
    assert_eq!(failed(&answer.results), [over(1)]);
    assert_eq!(
        over(1).to_string(),
        "contact c1 has 2 accounts and accounts_per_contact_max allows 1: dissociate it from \
         others first, or raise the setting"
    );
    // What is there already is not added.
    let answer = world.done(associate(2, &[1]));
    assert!(matches!(answer.results[0].1, Associated::Already(_)));
}

#[test]
fn every_contact_gets_its_result_in_the_order_of_the_call() {
    let mut world = World::new(false);
    world.associated(2, &[1]);
    world.associated(3, &[2]);
    let answer = world.done(associate(1, &[1, 2, 3, 9, 1, 9]));
    assert_eq!(answer.account, a(1));
    let order: Vec<u64> = answer.results.iter().map(|(of, _)| of.number()).collect();
    assert_eq!(order, [1, 2, 3, 9, 1, 9]);
    let told: Vec<&str> = answer
        .results
        .iter()
        .map(|(_, result)| match result {
            Associated::Created(_) => "created",
            Associated::Already(_) => "already",
            Associated::Duplicate(_) => "duplicate",
            Associated::Failed(Refusal::OneAccount { .. }) => "one account",
            Associated::Failed(Refusal::ContactNotFound(_)) => "not found",
            Associated::Failed(_) => "failed",
        })
        .collect();
    let expected = [
        "created",
        "already",
        "one account",
        "not found",
        "duplicate",
        "not found",
    ];
    assert_eq!(told, expected);
    let (Associated::Created(made), Associated::Duplicate(repeated)) =
        (&answer.results[0].1, &answer.results[4].1)
    else {
        panic!("{:?}", answer.results);
    };
    assert_eq!(made, repeated);
}

#[test]
fn a_repeated_contact_that_fails_is_an_error_of_all_or_nothing_at_each_place() {
    let mut world = World::new(true);
    let all = AssociateContacts {
        all_or_nothing: true,
        ..associate(1, &[9, 1, 9])
    };
    let expected = Refusal::Items {
        refused: vec![
            (0, Refusal::ContactNotFound(c(9))),
            (2, Refusal::ContactNotFound(c(9))),
        ],
        of: 3,
    };
    assert_eq!(world.refused(all), expected);
}

#[test]
fn an_account_that_is_not_there_refuses_the_whole_call() {
    let mut world = World::new(true);
    assert_eq!(
        world.refused(associate(9, &[1])),
        Refusal::AccountNotFound(a(9))
    );
}

#[test]
fn all_or_nothing_counts_errors_alone_and_names_where_they_stand() {
    let mut world = World::new(true);
    world.associated(2, &[1]);
    let all = |contacts: &[u64]| AssociateContacts {
        all_or_nothing: true,
        ..associate(1, contacts)
    };
    let refusal = world.refused(all(&[1, 8, 3, 9]));
    let expected = Refusal::Items {
        refused: vec![
            (1, Refusal::ContactNotFound(c(8))),
            (3, Refusal::ContactNotFound(c(9))),
        ],
        of: 4,
    };
    assert_eq!(refusal, expected);
    assert_eq!(
        refusal.to_string(),
        "nothing was changed: 2 of 4 items are refused, the first of them at index 1: there is no \
         contact c8"
    );
    let refusal = world.refused(all(&[8]));
    let told = "nothing was changed: 1 of 1 item is refused, at index 0: there is no contact c8";
    assert_eq!(refusal.to_string(), told);
    assert!(world.accounts_of(1).is_empty());
    // Already there and there twice are no errors.
    world.done(all(&[1, 2, 1]));
    assert_eq!(world.accounts_of(1), [1]);
}

#[test]
fn an_association_that_exists_is_left_exactly_as_it_is() {
    let mut world = World::new(true);
    let marked = AssociateContacts {
        contacts: vec![roster_core::rules::association::Wanted {
            sees_account_tickets: Some(true),
            role: role("部長"),
            ..wanted(1)
        }],
        ..associate(1, &[])
    };
    world.done(marked);
    let before = world.maps.associations[&pair(1, 1)].clone();
    let answer = world.done(associate(1, &[1]));
    assert_eq!(answer.results[0].1, Associated::Already(before));
    assert_eq!(world.changes, []);
}

#[test]
fn a_flag_that_is_not_given_is_the_organizations_default() {
    let mut world = World::new(true);
    world.associated(1, &[1]);
    world.done(UpdateSettings {
        new_associations_see_account_tickets: Some(true),
        ..UpdateSettings::default()
    });
    world.associated(2, &[1]);
    let without = roster_core::rules::association::Wanted {
        sees_account_tickets: Some(false),
        ..wanted(3)
    };
    world.done(AssociateContacts {
        contacts: vec![without],
        ..associate(1, &[])
    });
    let sees = [1, 2, 3].map(|contact| world.association(contact, 1).sees_account_tickets);
    assert_eq!(sees, [false, true, false]);
}

#[test]
fn adoption_takes_the_tickets_without_an_account_of_those_who_are_new() {
    let mut world = World::new(true);
    world.recorded(record("T1", 1));
    world.recorded(record_under("T2", 1, 3));
    world.recorded(record("T3", 2));
    world.associated(2, &[1]);
    let adopt = AssociateContacts {
        adopt_unassigned_tickets: true,
        ..associate(1, &[1, 2])
    };
    let answer = world.done(adopt);
    assert_eq!(answer.tickets_adopted, 1);
    let under = ["T1", "T2", "T3"].map(|ticket| world.under(ticket));
    assert_eq!(under, [Some(1), Some(3), None]);
}

#[test]
fn no_backfill_an_association_leaves_old_tickets_where_they_are() {
    let mut world = World::new(true);
    world.recorded(record("T1", 1));
    world.associated(1, &[1]);
    assert_eq!(world.under("T1"), None);
}

#[test]
fn another_primary_makes_the_old_one_secondary_in_the_same_change_set() {
    let mut world = World::new(true);
    world.associated(1, &[1, 2, 3]);
    let (_, promoted) = world.done(SetPrimaryAccount { pair: pair(1, 3) });
    assert!(promoted.record.primary);
    assert_eq!(world.changes.len(), 2);
    assert_eq!(world.primary_of(1), Some(3));
    assert_eq!(world.maps.associations[&pair(1, 3)], promoted);
    assert_eq!(
        world.maps.associations[&pair(1, 1)].revision,
        promoted.revision
    );
}

#[test]
fn the_present_primary_stays_and_nothing_changes() {
    let mut world = World::new(true);
    world.associated(1, &[1, 2]);
    world.done(SetPrimaryAccount { pair: pair(1, 1) });
    assert_eq!(world.changes, []);
}

#[test]
fn an_account_that_is_not_the_contacts_is_not_found() {
    let mut world = World::new(true);
    world.associated(1, &[1]);
    let cases = [
        (pair(1, 2), Refusal::AssociationNotFound(pair(1, 2))),
        (pair(9, 1), Refusal::ContactNotFound(c(9))),
        (pair(1, 9), Refusal::AccountNotFound(a(9))),
    ];
    for (pair, refusal) in cases {
        assert_eq!(world.refused(SetPrimaryAccount { pair }), refusal);
        let update = UpdateAssociation {
            pair,
            sees_account_tickets: Some(true),
            role: None,
            etag: None,
        };
        assert_eq!(world.refused(update), refusal);
    }
}

#[test]
fn an_update_of_an_association_writes_flag_and_role_and_checks_its_etag() {
    let mut world = World::new(true);
    world.associated(1, &[1]);
    let before = world.maps.associations[&pair(1, 1)].clone();
    let update =
        |sees_account_tickets, of_role: Option<&str>, etag: Option<Revision>| UpdateAssociation {
            pair: pair(1, 1),
            sees_account_tickets,
            role: of_role.map(role),
            etag,
        };
    let stale = update(Some(true), None, Some(Revision::new(99)));
    assert_eq!(world.refused(stale), Refusal::EtagMismatch);
    let (_, after) = world.done(update(Some(true), None, Some(before.revision)));
    assert!(after.record.sees_account_tickets && after.record.primary);
    assert_eq!(after.record.role, before.record.role);
    let (_, after) = world.done(update(None, Some("部長"), None));
    assert!(after.record.sees_account_tickets);
    assert_eq!(after.record.role, role("部長"));
    assert_eq!(world.done(update(Some(true), Some("部長"), None)).1, after);
    assert_eq!(world.changes, []);
}
