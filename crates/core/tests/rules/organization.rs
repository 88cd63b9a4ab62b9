//! Organizations: their update, their deletion, and when their removal is due.

use roster_core::id::Time;
use roster_core::organization::{OrganizationName, OrganizationProfile, OrganizationState};
use roster_core::rules::organization::{
    OrganizationPatch, OrganizationRefusal as Refusal, delete, is_removal_due, undelete, update,
};

const DAY: i64 = 24 * 3_600 * 1_000_000;

fn acme() -> OrganizationName {
    OrganizationName::trusted("acme")
}

fn at(micros: i64) -> Time {
    Time::from_micros(micros)
}

fn profile(display_name: &str) -> OrganizationProfile {
    OrganizationProfile {
        display_name: display_name.into(),
        version: 1,
        ..OrganizationProfile::default()
    }
}

fn deleted(now: i64, days: u32) -> OrganizationProfile {
    let mut profile = profile("");
    delete(&acme(), &mut profile, "acme", at(now), days).expect("deleted");
    profile
}

/// `confirm-by-name`
#[test]
fn a_deletion_repeats_the_display_name_exactly_or_the_name_if_there_is_none() {
    for (display_name, confirmed, is_right) in [
        ("", "acme", true),
        ("", "", false),
        ("Acme 株式会社", "Acme 株式会社", true),
        ("Acme 株式会社", "acme", false),
        ("Acme 株式会社", "acme 株式会社", false),
        ("Acme 株式会社", "Acme 株式会社 ", false),
        ("Acme 株式会社", "", false),
    ] {
        let mut profile = profile(display_name);
        let decided = delete(&acme(), &mut profile, confirmed, at(0), 7);
        let expected = if is_right {
            Ok(())
        } else {
            Err(Refusal::NotConfirmed)
        };
        assert_eq!(decided, expected, "{display_name:?} {confirmed:?}");
        assert_eq!(profile.deletion.is_some(), is_right);
    }
    let mut twice = deleted(0, 7);
    let decided = delete(&acme(), &mut twice, "acme", at(1), 7);
    assert_eq!(decided, Err(Refusal::Deleted(acme())));
}

/// `undelete-period`
#[test]
fn a_deleted_organization_is_restored_until_its_end_and_not_at_it() {
    for (now, is_restored) in [(7 * DAY - 1, true), (7 * DAY, false), (7 * DAY + 1, false)] {
        let mut profile = deleted(0, 7);
        assert_eq!(
            undelete(&acme(), &mut profile, at(now)).is_ok(),
            is_restored
        );
        assert_eq!(profile.deletion.is_none(), is_restored, "{now}");
    }
    let mut removing = deleted(0, 7);
    if let Some(deletion) = &mut removing.deletion {
        deletion.removing = true;
    }
    let decided = undelete(&acme(), &mut removing, at(1));
    assert_eq!(decided, Err(Refusal::UndeleteExpired(acme())));
    let decided = undelete(&acme(), &mut profile(""), at(1));
    assert_eq!(decided, Err(Refusal::NotDeleted(acme())));
}

#[test]
fn a_suspension_outlives_a_deletion_that_is_undone() {
    let mut profile = profile("");
    profile.suspended = true;
    assert_eq!(profile.state(), OrganizationState::Suspended);
    delete(&acme(), &mut profile, "acme", at(0), 7).expect("deleted");
    assert_eq!(profile.state(), OrganizationState::Deleted);
    undelete(&acme(), &mut profile, at(1)).expect("restored");
    assert_eq!(profile.state(), OrganizationState::Suspended);
}

/// `removal-grace`
#[test]
fn a_removal_is_due_after_the_period_and_two_seconds_and_stays_due_once_begun() {
    let grace = 2_000_000;
    for (days, now, is_due) in [
        (0, grace - 1, false),
        (0, grace, true),
        (0, grace + 1, true),
        (7, 7 * DAY - 1, false),
        (7, 7 * DAY, true),
        (7, 7 * DAY + 1, true),
    ] {
        assert_eq!(is_removal_due(&deleted(0, days), at(now)), is_due, "{now}");
    }
    assert!(!is_removal_due(&profile(""), at(i64::MAX)));
    let mut removing = deleted(0, 7);
    if let Some(deletion) = &mut removing.deletion {
        deletion.removing = true;
    }
    // The clock went back.
    assert!(is_removal_due(&removing, at(-1)));
    assert_eq!(removing.state(), OrganizationState::Removing);
}

#[test]
fn an_update_writes_what_it_names_at_the_version_that_was_read() {
    let mut profile = profile("Acme");
    profile.limits.concurrent_calls = Some(9);
    let patch = OrganizationPatch {
        suspended: Some(true),
        requests_per_second: Some(Some(5)),
        version: Some(1),
        ..OrganizationPatch::default()
    };
    update(&acme(), &mut profile, patch.clone()).expect("updated");
    assert!(profile.suspended && profile.display_name == "Acme");
    assert_eq!(profile.limits.requests_per_second, Some(5));
    assert_eq!(profile.limits.concurrent_calls, Some(9));
    let clear = OrganizationPatch {
        concurrent_calls: Some(None),
        ..OrganizationPatch::default()
    };
    update(&acme(), &mut profile, clear).expect("updated");
    assert_eq!(profile.limits.concurrent_calls, None);
    profile.version = 2;
    assert_eq!(
        update(&acme(), &mut profile, patch.clone()),
        Err(Refusal::Stale)
    );
    let decided = update(&acme(), &mut deleted(0, 7), patch);
    assert_eq!(decided, Err(Refusal::Deleted(acme())));
}
