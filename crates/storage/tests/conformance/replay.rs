//! The change log alone gives every table but the log.

use roster_core::guard::Violation;
use roster_storage::OrganizationName;

use crate::maps::Maps;
use crate::tables::{expected, held};
use crate::world::{World, whole_log};

/// What the log of an organization comes to, applied to nothing.
pub async fn replayed(world: &World, organization: &OrganizationName) -> Maps {
    let mut maps = Maps::default();
    for (revision, changes) in whole_log(&world.store, organization).await {
        assert!(!changes.is_empty(), "a change set changes something");
        maps.apply(&changes, revision);
    }
    maps
}

/// That an organization is whole: the log gives its tables and its settings, and every invariant
/// holds.
pub async fn assert_whole(world: &World, organization: &OrganizationName) {
    let maps = replayed(world, organization).await;
    for (held, expected) in held(world, organization).into_iter().zip(expected(&maps)) {
        assert_eq!(held, expected);
    }
    let settings = world
        .store
        .read(organization, |at| Ok(at.settings().clone()));
    assert_eq!(settings.await.unwrap(), maps.settings_now());
    let violations = world.store.check(organization).await.unwrap();
    assert_eq!(violations, Vec::<Violation>::new());
}
