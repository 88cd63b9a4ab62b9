//! Settings.

use roster_core::id::Revision;
use roster_core::record::{Settings, SharingMode};
use roster_core::refusal::Refusal;
use roster_core::rules::settings::UpdateSettings;

use crate::world::{World, role};

#[test]
fn out_of_the_box_nobody_sees_a_colleagues_ticket_and_a_contact_has_one_account() {
    let settings = Settings::default();
    assert!(!settings.multiple_accounts);
    assert_eq!(settings.accounts_per_contact_max, 300);
    assert!(settings.sharing_enabled);
    assert_eq!(settings.default_sharing_mode, SharingMode::Granted);
    assert!(settings.default_sharing_roles.is_empty());
    assert!(!settings.new_associations_see_account_tickets);
    assert!(!settings.sharing_primary_only);
}

#[test]
fn multiple_accounts_cannot_be_turned_off_while_a_contact_has_several() {
    let mut world = World::new(true);
    world.associated(1, &[1, 2]);
    world.associated(2, &[1, 2, 3]);
    world.associated(3, &[1]);
    let off = || UpdateSettings {
        multiple_accounts: Some(false),
        ..UpdateSettings::default()
    };
    assert_eq!(
        world.refused(off()),
        Refusal::SeveralAccounts { contacts: 2 }
    );
    // Other settings may change meanwhile.
    world.done(UpdateSettings {
        sharing_enabled: Some(false),
        ..UpdateSettings::default()
    });
    let mut one_each = World::new(true);
    one_each.associated(1, &[1]);
    assert!(!one_each.done(off()).record.multiple_accounts);
}

#[test]
fn an_update_writes_what_it_names_and_nothing_else() {
    let mut world = World::new(false);
    let all = UpdateSettings {
        multiple_accounts: Some(true),
        accounts_per_contact_max: Some(7),
        sharing_enabled: Some(false),
        default_sharing_mode: Some(SharingMode::Roles),
        default_sharing_roles: Some(vec![role("営業")]),
        new_associations_see_account_tickets: Some(true),
        sharing_primary_only: Some(true),
        etag: None,
    };
    let after = world.done(all.clone());
    let expected = Settings {
        multiple_accounts: true,
        accounts_per_contact_max: 7,
        sharing_enabled: false,
        default_sharing_mode: SharingMode::Roles,
        default_sharing_roles: vec![role("営業")],
        new_associations_see_account_tickets: true,
        sharing_primary_only: true,
    };
    assert_eq!(after.record, expected);
    assert_eq!(world.done(all), after);
    assert_eq!(world.changes, []);
    let one = UpdateSettings {
        sharing_enabled: Some(true),
        ..UpdateSettings::default()
    };
    let expected = Settings {
        sharing_enabled: true,
        ..expected
    };
    assert_eq!(world.done(one).record, expected);
}

#[test]
fn a_stale_etag_is_refused_also_that_of_settings_never_written() {
    let mut world = World::new(false);
    let with = |etag| UpdateSettings {
        sharing_enabled: Some(false),
        etag: Some(etag),
        ..UpdateSettings::default()
    };
    assert_eq!(
        world.refused(with(Revision::new(99))),
        Refusal::EtagMismatch
    );
    // With multiple_accounts off as out of the box, nothing was written yet.
    let written = world.done(with(Revision::ZERO));
    assert_eq!(world.refused(with(Revision::ZERO)), Refusal::EtagMismatch);
    world.done(with(written.revision));
}
