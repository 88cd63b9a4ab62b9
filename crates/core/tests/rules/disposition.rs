//! `primary-stays`, `disposition-required`, `transfer`, `preview`.

use roster_core::fact::{Facts, Held};
use roster_core::record::{Stored, Ticket};
use roster_core::refusal::Refusal;
use roster_core::rules::association::{AssociateContacts, Wanted};
use roster_core::rules::disposition::{
    Disposition, DissociateContact, Leaving, Preview, Previewed, Scope, TransferContact, preview,
};
use roster_core::rules::settings::UpdateSettings;
use roster_core::rules::ticket::Record;

use crate::world::{World, a, associate, c, closed, pair, record, record_under, role, wanted};

const KEY: [u8; 32] = [1; 32];

/// The first contact belongs to three accounts, the first of them primary, and has tickets with
/// the second: T1 open, T2 closed. Around them: a colleague's, one in CC, another account's.
fn world() -> World {
    let mut world = World::new(true);
    world.associated(1, &[1, 2, 3]);
    world.associated(2, &[2]);
    world.recorded(record_under("T1", 1, 2));
    world.recorded(closed(record_under("T2", 1, 2)));
    world.recorded(record_under("other-account", 1, 3));
    world.recorded(record("no-account", 4));
    world.recorded(Record {
        cc: vec![c(1)],
        ..record_under("colleague", 2, 2)
    });
    world
}

fn with(disposition: Option<Disposition>) -> Leaving {
    Leaving {
        disposition,
        ..Leaving::default()
    }
}

fn dissociate(contact: u64, account: u64, leaving: Leaving) -> DissociateContact {
    DissociateContact {
        pair: pair(contact, account),
        leaving,
    }
}

fn transfer(contact: u64, to: u64, leaving: Leaving) -> TransferContact {
    TransferContact {
        contact: c(contact),
        to: a(to),
        sees_account_tickets: None,
        role: role("新任"),
        leaving,
    }
}

/// Where the tickets of [`world`] stand.
fn places(world: &World) -> [Option<u64>; 4] {
    ["T1", "T2", "other-account", "colleague"].map(|ticket| world.under(ticket))
}

#[test]
fn the_primary_association_cannot_be_dissociated() {
    let mut world = world();
    for disposition in [None, Some(Disposition::Keep), Some(Disposition::Clear)] {
        let refusal = world.refused(dissociate(1, 1, with(disposition)));
        assert_eq!(refusal, Refusal::PrimaryStays(pair(1, 1)));
        assert!(refusal.to_string().contains("set another primary"));
    }
}

#[test]
fn tickets_need_a_disposition_and_the_refusal_says_how_many_there_are() {
    let mut world = world();
    let required = Refusal::DispositionRequired {
        pair: pair(1, 2),
        tickets: 2,
    };
    assert_eq!(world.refused(dissociate(1, 2, with(None))), required);
    // The scope says which are handled, not whether there are any.
    let open_only = Leaving {
        scope: Scope::OpenOnly,
        ..with(None)
    };
    assert_eq!(world.refused(dissociate(1, 2, open_only)), required);
}

#[test]
fn each_disposition_does_what_it_says_to_exactly_those_tickets() {
    let outcomes = [
        (Disposition::Keep, 0, Some(2)),
        (Disposition::MoveToPrimary, 2, Some(1)),
        (Disposition::MoveTo(a(3)), 2, Some(3)),
        (Disposition::MoveTo(a(1)), 2, Some(1)),
        (Disposition::Clear, 2, None),
    ];
    for (disposition, changed, place) in outcomes {
        let mut world = world();
        assert_eq!(
            world.done(dissociate(1, 2, with(Some(disposition)))),
            changed
        );
        assert_eq!(
            places(&world),
            [place, place, Some(3), Some(2)],
            "{disposition:?}"
        );
        assert_eq!(world.accounts_of(1), [1, 3]);
        assert_eq!(world.primary_of(1), Some(1));
        assert_eq!(world.accounts_of(2), [2]);
    }
}

#[test]
fn open_only_leaves_closed_tickets_where_they_are_and_counts_the_others() {
    let mut world = world();
    let leaving = Leaving {
        scope: Scope::OpenOnly,
        ..with(Some(Disposition::Clear))
    };
    assert_eq!(world.done(dissociate(1, 2, leaving)), 1);
    assert_eq!(places(&world), [None, Some(2), Some(3), Some(2)]);
}

#[test]
fn a_disposition_without_tickets_is_accepted() {
    for disposition in [
        None,
        Some(Disposition::Keep),
        Some(Disposition::Clear),
        Some(Disposition::MoveToPrimary),
        Some(Disposition::MoveTo(a(1))),
    ] {
        let mut world = World::new(true);
        world.associated(1, &[1, 2]);
        assert_eq!(world.done(dissociate(1, 2, with(disposition))), 0);
        assert_eq!(world.changes.len(), 1);
    }
}

#[test]
fn tickets_cannot_move_to_the_account_being_left_nor_to_one_that_is_not_the_contacts() {
    let mut world = world();
    let to = |account| with(Some(Disposition::MoveTo(a(account))));
    assert_eq!(
        world.refused(dissociate(1, 2, to(2))),
        Refusal::TargetIsLeft(a(2))
    );
    for other in [4, 9] {
        let refusal = world.refused(dissociate(1, 2, to(other)));
        assert_eq!(refusal, Refusal::TargetNotAssociated(pair(1, other)));
    }
}

#[test]
fn what_is_not_there_is_named() {
    let mut world = world();
    let cases = [
        ((9, 1), Refusal::ContactNotFound(c(9))),
        ((1, 9), Refusal::AccountNotFound(a(9))),
        ((2, 1), Refusal::AssociationNotFound(pair(2, 1))),
    ];
    for ((contact, account), refusal) in cases {
        assert_eq!(
            world.refused(dissociate(contact, account, with(None))),
            refusal
        );
    }
}

#[test]
fn a_transfer_ends_the_primary_and_makes_the_new_one_primary_and_the_others_stay() {
    let mut world = world();
    let answer = world.done(transfer(1, 4, with(Some(Disposition::Keep))));
    assert_eq!(answer.pair, pair(1, 4));
    assert_eq!(answer.association, world.maps.associations[&pair(1, 4)]);
    assert_eq!(world.accounts_of(1), [2, 3, 4]);
    assert_eq!(world.primary_of(1), Some(4));
    // A new association takes the role of the call, never that of the one that ended.
    assert_eq!(world.association(1, 4).role, role("新任"));
}

#[test]
fn a_transfer_to_an_account_that_the_contact_has_keeps_its_flag_and_role() {
    let mut world = World::new(true);
    world.associated(1, &[1]);
    world.done(AssociateContacts {
        contacts: vec![Wanted {
            sees_account_tickets: Some(true),
            role: role("部長"),
            ..wanted(1)
        }],
        ..associate(2, &[])
    });
    let mut to = transfer(1, 2, with(None));
    to.sees_account_tickets = Some(false);
    world.done(to);
    let now = world.association(1, 2);
    assert!(now.primary && now.sees_account_tickets);
    assert_eq!(now.role, role("部長"));
    assert_eq!(world.accounts_of(1), [2]);
}

#[test]
fn a_new_association_of_a_transfer_takes_the_flag_of_the_call_else_the_default() {
    for default in [false, true] {
        for given in [None, Some(false), Some(true)] {
            let mut world = World::new(false);
            world.associated(1, &[1]);
            world.done(UpdateSettings {
                new_associations_see_account_tickets: Some(default),
                accounts_per_contact_max: Some(5),
                ..UpdateSettings::default()
            });
            let to = TransferContact {
                sees_account_tickets: given,
                ..transfer(1, 2, with(None))
            };
            world.done(to);
            let sees = world.association(1, 2).sees_account_tickets;
            assert_eq!(sees, given.unwrap_or(default));
        }
    }
}

#[test]
fn a_transfer_is_how_a_contact_changes_company_with_multiple_accounts_off() {
    let mut world = World::new(false);
    world.associated(1, &[1]);
    world.done(transfer(1, 2, with(None)));
    assert_eq!(world.accounts_of(1), [2]);
    assert_eq!(world.primary_of(1), Some(2));
}

#[test]
fn the_limit_of_accounts_is_judged_on_the_outcome_of_a_transfer() {
    let mut world = World::new(true);
    world.associated(1, &[1, 2]);
    let limit = |max| UpdateSettings {
        accounts_per_contact_max: Some(max),
        ..UpdateSettings::default()
    };
    world.done(limit(1));
    let (contact, has, max) = (c(1), 2, 1);
    let refusal = world.refused(transfer(1, 3, with(None)));
    assert_eq!(refusal, Refusal::AccountsPerContact { contact, has, max });
    // To an account that it has nothing is added.
    world.done(transfer(1, 2, with(None)));
    assert_eq!(world.accounts_of(1), [2]);
    // One for one is within the limit.
    world.done(transfer(1, 3, with(None)));
    assert_eq!(world.accounts_of(1), [3]);
}

#[test]
fn a_transfer_to_the_present_primary_changes_nothing() {
    let mut world = world();
    let answer = world.done(transfer(1, 1, with(None)));
    assert_eq!(answer.association, world.maps.associations[&pair(1, 1)]);
    assert_eq!(answer.tickets_changed, 0);
    assert_eq!(world.changes, []);
}

#[test]
fn a_contact_without_an_account_has_nothing_to_be_transferred_from() {
    let mut world = world();
    let refusal = world.refused(transfer(3, 1, with(None)));
    assert_eq!(refusal, Refusal::NothingToTransfer(c(3)));
    assert!(refusal.to_string().contains("associate it instead"));
    assert_eq!(
        world.refused(transfer(9, 1, with(None))),
        Refusal::ContactNotFound(c(9))
    );
    assert_eq!(
        world.refused(transfer(1, 9, with(None))),
        Refusal::AccountNotFound(a(9))
    );
}

#[test]
fn the_tickets_of_the_old_primary_need_a_disposition_whose_primary_is_the_new_one() {
    let outcomes = [
        (Disposition::Keep, 0, Ok(Some(1))),
        (Disposition::Clear, 1, Ok(None)),
        (Disposition::MoveToPrimary, 1, Ok(Some(4))),
        (Disposition::MoveTo(a(4)), 1, Ok(Some(4))),
        (Disposition::MoveTo(a(2)), 1, Ok(Some(2))),
        (
            Disposition::MoveTo(a(1)),
            0,
            Err(Refusal::TargetIsLeft(a(1))),
        ),
    ];
    for (disposition, changed, outcome) in outcomes {
        let mut world = world();
        world.recorded(record_under("T9", 1, 1));
        let required = Refusal::DispositionRequired {
            pair: pair(1, 1),
            tickets: 1,
        };
        assert_eq!(world.refused(transfer(1, 4, with(None))), required);
        let answer = world.run(transfer(1, 4, with(Some(disposition))));
        match outcome {
            Err(refusal) => assert_eq!(answer.unwrap_err(), refusal),
            Ok(place) => {
                assert_eq!(answer.unwrap().tickets_changed, changed);
                assert_eq!(world.under("T9"), place, "{disposition:?}");
                assert_eq!(places(&world), [Some(2), Some(2), Some(3), Some(2)]);
            }
        }
    }
}

/// What a preview of the first contact leaving the second account says.
fn previewed(world: &World, key: &[u8; 32]) -> Preview {
    let left = pair(1, 2);
    let held = world.maps.held_tickets(Held {
        requester: left.contact,
        account: Some(left.account),
    });
    let in_cc = |ticket: &&Stored<Ticket>| {
        let ticket = &ticket.record;
        ticket.cc.contains(&left.contact) && ticket.account == Some(left.account)
    };
    let cc_count = world.maps.tickets.values().filter(in_cc).count() as u64;
    let blocked = world.maps.contacts[&left.contact].record.blocked;
    let association = &world.maps.associations[&left];
    preview(key, left, association, &held.unwrap(), cc_count, blocked)
}

#[test]
fn a_preview_counts_open_and_closed_tickets_and_those_that_stay_visible() {
    let mut world = world();
    world.recorded(Record {
        cc: vec![c(1)],
        ..record_under("elsewhere", 2, 3)
    });
    let said = previewed(&world, &KEY);
    assert_eq!((said.tickets_open, said.tickets_closed), (1, 1));
    assert_eq!(said.still_visible_as_requester, 2);
    assert_eq!(said.still_visible_as_cc, 1);
    let block = roster_core::rules::contact::UpdateContact {
        id: c(1),
        patch: roster_core::rules::contact::ContactPatch {
            blocked: Some(true),
            ..Default::default()
        },
        etag: None,
    };
    world.done(block);
    let blocked = previewed(&world, &KEY);
    assert_eq!(
        blocked.still_visible_as_requester + blocked.still_visible_as_cc,
        0
    );
    assert_eq!((blocked.tickets_open, blocked.tickets_closed), (1, 1));
}

fn after_preview(said: &Preview) -> Leaving {
    Leaving {
        previewed: Some(Previewed {
            key: KEY,
            digest: said.digest,
        }),
        ..with(Some(Disposition::Keep))
    }
}

#[test]
fn what_was_previewed_is_carried_out_while_it_stands() {
    let mut world = world();
    let said = previewed(&world, &KEY);
    world.recorded(record_under("unrelated", 1, 3));
    world.done(dissociate(1, 2, after_preview(&said)));
}

#[test]
fn any_change_of_the_association_or_of_its_tickets_outdates_a_preview() {
    type Change = fn(&mut World);
    let changes: [Change; 5] = [
        |world| drop(world.recorded(record_under("one-more", 1, 2))),
        |world| {
            drop(world.recorded(Record {
                private: Some(true),
                ..record_under("T1", 1, 2)
            }));
        },
        |world| drop(world.recorded(closed(record_under("T1", 1, 2)))),
        |world| drop(world.recorded(record_under("T1", 1, 3))),
        |world| {
            world.done(roster_core::rules::association::UpdateAssociation {
                pair: pair(1, 2),
                sees_account_tickets: Some(true),
                role: None,
                etag: None,
            });
        },
    ];
    for change in changes {
        let mut world = world();
        let said = previewed(&world, &KEY);
        change(&mut world);
        let refusal = world.refused(dissociate(1, 2, after_preview(&said)));
        assert_eq!(refusal, Refusal::EtagMismatch);
    }
}

#[test]
fn an_etag_of_another_key_or_of_another_pair_is_refused() {
    let mut world = world();
    let other_key = previewed(&world, &[2; 32]);
    let refusal = world.refused(dissociate(1, 2, after_preview(&other_key)));
    assert_eq!(refusal, Refusal::EtagMismatch);
    let said = previewed(&world, &KEY);
    let refusal = world.refused(dissociate(1, 3, after_preview(&said)));
    assert_eq!(refusal, Refusal::EtagMismatch);
    let refusal = world.refused(transfer(1, 4, after_preview(&said)));
    assert_eq!(refusal, Refusal::EtagMismatch);
}
