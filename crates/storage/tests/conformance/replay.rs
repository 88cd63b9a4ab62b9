//! The change log by itself yields every table but the log.

use roster_core::guard::Violation;
use roster_core::record::Settings;
use roster_index::Loading;
use roster_storage::{OrganizationName, RevisionId};

use crate::tables::{expected, held};
use crate::world::{World, whole_log};
use roster_testkit::model::Maps;

/// Applies the log of an organization to an empty state.
pub async fn replayed(world: &World, organization: &OrganizationName) -> Maps {
    let mut maps = Maps::default();
    for (at, changes) in whole_log(&world.store, organization).await {
        assert!(!changes.is_empty(), "a change set changes something");
        maps.apply(&changes, at.revision);
    }
    maps
}

/// More memory than the organization of any test needs.
const ROOM: usize = 1 << 30;

/// Asserts that the visibility facts which a snapshot streams equal those from the log, and that
/// both end at the organization's head.
async fn assert_streamed(world: &World, organization: &OrganizationName) {
    let streamed = world.store.read(organization, |snapshot| {
        let settings = snapshot.settings()?.record.clone();
        let mut loading = Loading::new(snapshot.at(), &settings, ROOM);
        snapshot.stream_facts(&mut loading)?.expect("there is room");
        Ok(loading.finish().expect("there is room"))
    });
    let streamed = streamed.await.unwrap();
    let nothing = Loading::new(RevisionId::default(), &Settings::default(), ROOM);
    let mut followed = nothing.finish().unwrap();
    for (at, changes) in whole_log(&world.store, organization).await {
        followed.apply(at, &changes).unwrap();
    }
    assert_eq!(streamed.differences(&followed, 9), [""; 0]);
    let heads = world.store.heads(std::slice::from_ref(organization)).await;
    assert_eq!(heads.unwrap(), [(organization.clone(), streamed.at())]);
}

/// Asserts that an organization is whole: its log yields its tables, its settings and its
/// visibility facts, and every invariant holds.
pub async fn assert_whole(world: &World, organization: &OrganizationName) {
    let maps = replayed(world, organization).await;
    for (held, expected) in held(world, organization).into_iter().zip(expected(&maps)) {
        assert_eq!(held, expected);
    }
    let settings = world
        .store
        .read(organization, |at| Ok(at.settings()?.clone()));
    assert_eq!(settings.await.unwrap(), maps.settings_now());
    assert_streamed(world, organization).await;
    let violations = world.store.check(organization).await.unwrap();
    assert_eq!(violations, Vec::<Violation>::new());
}
