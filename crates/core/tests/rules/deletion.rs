//! `deletion`.

use roster_core::id::Revision;
use roster_core::refusal::Refusal;
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::association::SetPrimaryAccount;
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::rules::deletion::{DeleteAccount, DeleteContact, RequestedTickets};
use roster_core::rules::disposition::Disposition;
use roster_core::rules::ticket::Record;

use crate::world::{World, a, c, email, name, pair, record_under};

fn delete_account(id: u64, dissociate: bool, disposition: Option<Disposition>) -> DeleteAccount {
    DeleteAccount {
        id: a(id),
        etag: None,
        dissociate_contacts: dissociate,
        disposition,
    }
}

fn delete_contact(id: u64, dissociate: bool, tickets: Option<RequestedTickets>) -> DeleteContact {
    DeleteContact {
        id: c(id),
        etag: None,
        dissociate_accounts: dissociate,
        tickets,
    }
}

/// Two contacts of the first account, one of them of the second too; a ticket each, and one of
/// somebody who belongs to nothing.
fn world() -> World {
    let mut world = World::new(true);
    world.associated(1, &[1, 2]);
    world.associated(2, &[1]);
    world.recorded(record_under("T1", 1, 1));
    world.recorded(record_under("T2", 2, 1));
    world.recorded(Record {
        cc: vec![c(1), c(2)],
        ..record_under("T3", 3, 1)
    });
    world.recorded(record_under("T4", 1, 2));
    world
}

#[test]
fn what_is_used_is_not_deleted_without_a_word_on_both_associations_and_tickets() {
    let mut world = world();
    let account = Refusal::StillInUse {
        id: "a1".into(),
        associations: 2,
        tickets: 3,
    };
    for (dissociate, disposition) in [
        (false, None),
        (true, None),
        (false, Some(Disposition::Clear)),
    ] {
        let refusal = world.refused(delete_account(1, dissociate, disposition));
        assert_eq!(refusal, account);
    }
    let contact = Refusal::StillInUse {
        id: "c1".into(),
        associations: 2,
        tickets: 2,
    };
    for (dissociate, tickets) in [
        (false, None),
        (true, None),
        (false, Some(RequestedTickets::Delete)),
    ] {
        assert_eq!(
            world.refused(delete_contact(1, dissociate, tickets)),
            contact
        );
    }
}

#[test]
fn what_nothing_depends_on_is_deleted_at_once_and_its_number_is_never_given_again() {
    let mut world = world();
    world.done(delete_account(4, false, None));
    world.done(delete_contact(4, false, None));
    let again = delete_account(4, false, None);
    assert_eq!(world.refused(again), Refusal::AccountNotFound(a(4)));
    let again = delete_contact(4, false, None);
    assert_eq!(world.refused(again), Refusal::ContactNotFound(c(4)));
    let fields = AccountPatch::default();
    let name = name("次");
    assert_eq!(world.done(CreateAccount { name, fields }).0, a(5));
}

#[test]
fn each_disposition_of_a_deleted_accounts_tickets_does_what_it_says() {
    let outcomes = [
        (Disposition::Clear, [None, None, None]),
        // Each requester's primary after the deletion, none if there is none.
        (Disposition::MoveToPrimary, [Some(2), None, None]),
        (Disposition::MoveTo(a(3)), [Some(3), Some(3), Some(3)]),
    ];
    for (disposition, expected) in outcomes {
        let mut world = world();
        let answer = world.done(delete_account(1, true, Some(disposition)));
        assert_eq!(
            (answer.contacts_dissociated, answer.tickets_changed),
            (2, 3)
        );
        assert_eq!(
            ["T1", "T2", "T3"].map(|t| world.under(t)),
            expected,
            "{disposition:?}"
        );
        assert_eq!(world.under("T4"), Some(2));
        assert_eq!(
            (world.accounts_of(1), world.accounts_of(2)),
            (vec![2], vec![])
        );
    }
}

#[test]
fn tickets_cannot_go_to_the_account_being_deleted_nor_to_none_that_exists() {
    let mut world = world();
    let to = |account| delete_account(1, true, Some(Disposition::MoveTo(a(account))));
    assert_eq!(world.refused(to(1)), Refusal::TargetIsLeft(a(1)));
    assert_eq!(world.refused(to(9)), Refusal::AccountNotFound(a(9)));
}

#[test]
fn a_contact_that_loses_its_primary_gets_the_association_written_least_recently() {
    let mut world = World::new(true);
    // Of the lowest revision, not of the lowest number.
    world.associated(1, &[1, 3, 2]);
    world.done(delete_account(1, true, None));
    assert_eq!(world.primary_of(1), Some(3));
    // Two written at once: the lowest number.
    let mut world = World::new(true);
    world.associated(1, &[1, 2, 3]);
    world.done(SetPrimaryAccount { pair: pair(1, 3) });
    world.done(SetPrimaryAccount { pair: pair(1, 1) });
    world.done(SetPrimaryAccount { pair: pair(1, 3) });
    // Now 2 was written least recently; 1 and 3 last, together.
    world.done(delete_account(2, true, None));
    world.associated(1, &[4]);
    world.done(delete_account(3, true, None));
    assert_eq!(world.primary_of(1), Some(1));
}

#[test]
fn a_secondary_association_that_ends_moves_no_primary() {
    let mut world = world();
    world.done(delete_account(2, true, Some(Disposition::Clear)));
    assert_eq!(world.primary_of(1), Some(1));
}

#[test]
fn a_deleted_contacts_tickets_are_deleted_or_go_to_another_with_their_accounts() {
    let mut world = world();
    let answer = world.done(delete_contact(1, true, Some(RequestedTickets::Delete)));
    assert_eq!(
        (answer.accounts_dissociated, answer.tickets_deleted),
        (2, 2)
    );
    assert_eq!(answer.tickets_reassigned, 0);
    assert_eq!(world.maps.tickets.len(), 2);

    let mut world = self::world();
    let heir = RequestedTickets::Reassign(c(3));
    let answer = world.done(delete_contact(1, true, Some(heir)));
    assert_eq!((answer.tickets_deleted, answer.tickets_reassigned), (0, 2));
    assert_eq!(world.ticket("T1").requester, c(3));
    assert_eq!(["T1", "T4"].map(|t| world.under(t)), [Some(1), Some(2)]);
}

#[test]
fn a_deleted_contact_leaves_every_cc() {
    let mut world = world();
    world.done(delete_contact(1, true, Some(RequestedTickets::Delete)));
    assert_eq!(world.ticket("T3").cc, [c(2)]);
}

#[test]
fn tickets_cannot_go_to_the_contact_being_deleted_nor_to_nobody() {
    let mut world = world();
    let to = |contact| delete_contact(1, true, Some(RequestedTickets::Reassign(c(contact))));
    assert_eq!(world.refused(to(1)), Refusal::RequesterIsDeleted(c(1)));
    assert_eq!(world.refused(to(9)), Refusal::RequesterNotFound(c(9)));
}

#[test]
fn the_addresses_and_external_ids_of_the_deleted_are_free_again() {
    let mut world = World::new(true);
    let contact = || CreateContact {
        family_name: name("田中"),
        fields: ContactPatch {
            emails: Some(vec![email("a@x.jp")]),
            ..ContactPatch::default()
        },
    };
    let (id, _) = world.done(contact());
    world.refused(contact());
    world.done(delete_contact(id.number(), false, None));
    world.done(contact());
}

#[test]
fn a_stale_etag_deletes_nothing() {
    let mut world = world();
    let etag = Some(Revision::new(99));
    let account = DeleteAccount {
        etag,
        ..delete_account(4, false, None)
    };
    assert_eq!(world.refused(account), Refusal::EtagMismatch);
    let contact = DeleteContact {
        etag,
        ..delete_contact(4, false, None)
    };
    assert_eq!(world.refused(contact), Refusal::EtagMismatch);
    let present = Some(world.maps.contacts[&c(4)].revision);
    world.done(DeleteContact {
        etag: present,
        ..delete_contact(4, false, None)
    });
}
