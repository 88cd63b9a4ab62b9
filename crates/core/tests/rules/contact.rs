//! Creating and changing contacts.

use roster_core::fact::UniqueKey;
use roster_core::id::Revision;
use roster_core::record::Attributes;
use roster_core::refusal::Refusal;
use roster_core::rules::contact::{ContactPatch, CreateContact, UpdateContact};

use crate::world::{World, c, email, external, name};

fn with_emails(emails: &[&str]) -> ContactPatch {
    ContactPatch {
        emails: Some(emails.iter().map(|of| email(of)).collect()),
        ..ContactPatch::default()
    }
}

fn create(fields: ContactPatch) -> CreateContact {
    CreateContact {
        family_name: name("田中"),
        fields,
    }
}

fn update(id: u64, patch: ContactPatch) -> UpdateContact {
    UpdateContact {
        id: c(id),
        patch,
        etag: None,
    }
}

#[test]
fn a_contact_holds_what_was_given_and_begins_without_an_account() {
    let mut world = World::new(true);
    let fields = ContactPatch {
        family_name: None,
        given_name: Some(Some(name("太郎"))),
        family_name_reading: Some(Some(name("たなか"))),
        given_name_reading: Some(Some(name("たろう"))),
        emails: Some(vec![email("b@x.jp"), email("a@x.jp")]),
        external_id: Some(Some(external("E1"))),
        attributes: Some(Attributes::from([("部署".into(), "営業".into())])),
        blocked: Some(true),
        phone: None,
    };
    let (id, made) = world.done(create(fields));
    assert_eq!(id, c(5));
    assert_eq!(made, world.maps.contacts[&id]);
    assert_eq!(made.record.emails, [email("b@x.jp"), email("a@x.jp")]);
    assert!(made.record.blocked);
    assert!(world.accounts_of(5).is_empty());
}

#[test]
fn an_address_belongs_to_one_contact_in_every_spelling() {
    let mut world = World::new(true);
    world.done(create(with_emails(&["a@x.jp"])));
    let taken = Refusal::KeyTaken {
        key: UniqueKey::Email("a@x.jp".into()),
        owner: "c5".into(),
    };
    for spelling in ["a@x.jp", "A@X.JP", "ａ@x.jp"] {
        let with = with_emails(&["free@x.jp", spelling]);
        assert_eq!(world.refused(create(with.clone())), taken);
        assert_eq!(world.refused(update(1, with)), taken);
    }
    // A contact can keep its own address, and a removed address is free.
    world.done(update(5, with_emails(&["A@x.jp", "b@x.jp"])));
    world.done(update(5, with_emails(&["b@x.jp"])));
    world.done(update(1, with_emails(&["a@x.jp"])));
}

#[test]
fn an_address_twice_on_one_contact_is_refused_naming_the_second() {
    let mut world = World::new(true);
    let twice = create(with_emails(&["a@x.jp", "b@x.jp", "A@x.jp"]));
    assert_eq!(
        world.refused(twice),
        Refusal::AddressRepeated("A@x.jp".into())
    );
}

#[test]
fn external_ids_of_contacts_and_of_accounts_are_different_keys() {
    let mut world = World::new(true);
    let with = || ContactPatch {
        external_id: Some(Some(external("D1"))),
        ..ContactPatch::default()
    };
    world.done(roster_core::rules::account::CreateAccount {
        name: name("山田"),
        fields: roster_core::rules::account::AccountPatch {
            external_id: Some(Some(external("D1"))),
            ..Default::default()
        },
    });
    world.done(create(with()));
    assert!(matches!(
        world.refused(update(1, with())),
        Refusal::KeyTaken {
            key: UniqueKey::ContactExternalId(_),
            ..
        }
    ));
}

#[test]
fn an_update_writes_what_it_names_and_checks_its_etag() {
    let mut world = World::new(true);
    let before = world.maps.contacts[&c(1)].clone();
    let blocked = ContactPatch {
        blocked: Some(true),
        ..ContactPatch::default()
    };
    let stale = UpdateContact {
        etag: Some(Revision::new(99)),
        ..update(1, blocked.clone())
    };
    assert_eq!(world.refused(stale), Refusal::EtagMismatch);
    let present = UpdateContact {
        etag: Some(before.revision),
        ..update(1, blocked.clone())
    };
    let (_, after) = world.done(present);
    assert!(after.record.blocked && after.record.update_time > before.record.update_time);
    // Once more is nothing.
    assert_eq!(world.done(update(1, blocked)).1, after);
    assert_eq!(world.changes, []);
    let gone = update(9, ContactPatch::default());
    assert_eq!(world.refused(gone), Refusal::ContactNotFound(c(9)));
}
