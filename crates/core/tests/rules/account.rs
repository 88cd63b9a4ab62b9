//! Creating and changing accounts.

use roster_core::fact::UniqueKey;
use roster_core::id::Revision;
use roster_core::record::{Attributes, SharingMode};
use roster_core::refusal::Refusal;
use roster_core::rules::account::{AccountPatch, CreateAccount, UpdateAccount};

use crate::world::{World, a, external, name, role};

fn create(external_id: &str) -> CreateAccount {
    CreateAccount {
        name: name("山田商事"),
        fields: AccountPatch {
            external_id: Some(Some(external(external_id))),
            ..AccountPatch::default()
        },
    }
}

fn update(id: u64, patch: AccountPatch) -> UpdateAccount {
    UpdateAccount {
        id: a(id),
        patch,
        etag: None,
    }
}

fn taken(owner: &str) -> Refusal {
    Refusal::KeyTaken {
        key: UniqueKey::AccountExternalId("d1".into()),
        owner: owner.into(),
    }
}

#[test]
fn an_account_holds_the_given_values_and_its_create_time() {
    let mut world = World::new(true);
    let fields = AccountPatch {
        name: None,
        name_reading: Some(Some(name("やまだ"))),
        external_id: Some(Some(external("D1"))),
        attributes: Some(Attributes::from([("業種".into(), "製造".into())])),
        sharing_mode: Some(Some(SharingMode::Roles)),
        sharing_roles: Some(vec![role("営業")]),
        website: Some(Some(
            roster_core::text::Website::parse("a.example").unwrap(),
        )),
    };
    let (now, revision) = (world.given.now, world.given.revision);
    let (id, made) = world.done(CreateAccount {
        name: name("山田"),
        fields,
    });
    assert_eq!((id, made.revision), (a(5), revision));
    assert_eq!(made, world.maps.accounts[&id]);
    assert_eq!(
        (made.record.create_time, made.record.update_time),
        (now, now)
    );
    assert_eq!(made.record.sharing_mode, Some(SharingMode::Roles));
    assert_eq!(made.record.attributes["業種"], "製造");
}

#[test]
fn an_external_id_is_taken_in_every_spelling_until_its_account_lets_it_go() {
    let mut world = World::new(true);
    let (owner, _) = world.done(create("D1"));
    for spelling in ["D1", "d1", "Ｄ１"] {
        assert_eq!(world.refused(create(spelling)), taken(&owner.to_string()));
    }
    let patch = |to: Option<&str>| AccountPatch {
        external_id: Some(to.map(external)),
        ..AccountPatch::default()
    };
    assert_eq!(world.refused(update(1, patch(Some("d1")))), taken("a5"));
    // An account can respell its own id.
    world.done(update(5, patch(Some("ｄ１"))));
    world.done(update(5, patch(None)));
    world.done(update(1, patch(Some("D1"))));
}

#[test]
fn an_update_writes_what_it_names_and_nothing_else() {
    let mut world = World::new(true);
    let before = world.maps.accounts[&a(1)].clone();
    let (_, after) = world.done(update(
        1,
        AccountPatch {
            sharing_mode: Some(Some(SharingMode::Nobody)),
            ..AccountPatch::default()
        },
    ));
    assert_eq!(after.record.sharing_mode, Some(SharingMode::Nobody));
    assert_eq!(after.record.name, before.record.name);
    assert_eq!(after.record.create_time, before.record.create_time);
    assert!(after.record.update_time > before.record.update_time);
    assert!(after.revision > before.revision);
}

#[test]
fn an_update_that_changes_nothing_uses_no_revision_and_answers_the_etag_that_stands() {
    let mut world = World::new(true);
    let before = world.maps.accounts[&a(1)].clone();
    let same = AccountPatch {
        name: Some(before.record.name.clone()),
        ..AccountPatch::default()
    };
    assert_eq!(world.done(update(1, same)).1, before);
    assert_eq!(world.changes, []);
}

#[test]
fn a_stale_etag_is_refused_and_the_present_one_is_not() {
    let mut world = World::new(true);
    let present = world.maps.accounts[&a(1)].revision;
    let with = |etag| UpdateAccount {
        etag: Some(etag),
        ..update(
            1,
            AccountPatch {
                name: Some(name("新山田")),
                ..AccountPatch::default()
            },
        )
    };
    assert_eq!(
        world.refused(with(Revision::new(99))),
        Refusal::EtagMismatch
    );
    world.done(with(present));
    assert_eq!(world.refused(with(present)), Refusal::EtagMismatch);
    let gone = update(9, AccountPatch::default());
    assert_eq!(world.refused(gone), Refusal::AccountNotFound(a(9)));
}
