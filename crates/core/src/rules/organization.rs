//! The life of an organization: `confirm-by-name`, `undelete-period`, `removal-grace`.

use crate::id::Time;
use crate::organization::{Deletion, OrganizationName, OrganizationProfile};

/// Days for which a deleted organization can be restored, by default: a week, so that a mistake is
/// noticed.
pub const UNDELETE_DAYS: u32 = 7;
/// The most days that a deleted organization can be kept: longer is not a deletion.
pub const UNDELETE_DAYS_MAX: u32 = 365;
/// How long after its deletion an organization is removed at the earliest. Every server knows of a
/// deletion within a second: no call begins while rows disappear.
const REMOVAL_GRACE_MICROS: i64 = 2_000_000;

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// Why a call about an organization was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationRefusal {
    /// It does not exist.
    #[error("there is no organization {0}")]
    NotFound(OrganizationName),
    /// `confirm-by-name`: the confirmation is not the display name.
    #[error(
        "is neither the display name of the organization nor, if that is empty, its name: read the \
         organization and confirm exactly what you delete"
    )]
    NotConfirmed,
    /// It is deleted.
    #[error("the organization {0} is deleted: undelete it first")]
    Deleted(OrganizationName),
    /// It is not deleted.
    #[error("the organization {0} is not deleted")]
    NotDeleted(OrganizationName),
    /// `undelete-period`: it is too late to restore it.
    #[error("the time to restore the organization {0} is over: its data is being removed")]
    UndeleteExpired(OrganizationName),
    /// It changed after it was read.
    #[error("the organization was changed after it was read: read it again and repeat the call")]
    Stale,
}

type Decision = Result<(), OrganizationRefusal>;

/// New values of an organization; `None` keeps a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationPatch {
    /// The name for people.
    pub display_name: Option<String>,
    /// Whether it is suspended.
    pub suspended: Option<bool>,
    /// Calls a second; `Some(None)` is no limit.
    pub requests_per_second: Option<Option<u32>>,
    /// Concurrent calls; `Some(None)` is no limit.
    pub concurrent_calls: Option<Option<u32>>,
    /// The version that the caller read.
    pub version: Option<u64>,
}

/// Updates an organization that is not deleted.
pub fn update(
    name: &OrganizationName,
    profile: &mut OrganizationProfile,
    patch: OrganizationPatch,
) -> Decision {
    if profile.deletion.is_some() {
        return Err(OrganizationRefusal::Deleted(name.clone()));
    }
    if patch.version.is_some_and(|read| read != profile.version) {
        return Err(OrganizationRefusal::Stale);
    }
    if let Some(display_name) = patch.display_name {
        profile.display_name = display_name;
    }
    profile.suspended = patch.suspended.unwrap_or(profile.suspended);
    let limits = &mut profile.limits;
    limits.requests_per_second = patch
        .requests_per_second
        .unwrap_or(limits.requests_per_second);
    limits.concurrent_calls = patch.concurrent_calls.unwrap_or(limits.concurrent_calls);
    Ok(())
}

/// Deletes an organization. `confirm-by-name`: the caller repeats its display name, or its name if
/// that is empty. `undelete-period`: it can be restored for this many days.
pub fn delete(
    name: &OrganizationName,
    profile: &mut OrganizationProfile,
    confirmed: &str,
    now: Time,
    undelete_days: u32,
) -> Decision {
    let expected = match profile.display_name.as_str() {
        "" => name.as_str(),
        display_name => display_name,
    };
    if confirmed != expected {
        return Err(OrganizationRefusal::NotConfirmed);
    }
    if profile.deletion.is_some() {
        return Err(OrganizationRefusal::Deleted(name.clone()));
    }
    let kept = i64::from(undelete_days).saturating_mul(DAY_MICROS);
    profile.deletion = Some(Deletion {
        delete_time: now,
        undelete_end_time: Time::from_micros(now.micros().saturating_add(kept)),
        removing: false,
    });
    Ok(())
}

/// Restores a deleted organization. `undelete-period`: before its end, and before its removal has
/// begun.
pub fn undelete(name: &OrganizationName, profile: &mut OrganizationProfile, now: Time) -> Decision {
    let Some(deletion) = profile.deletion else {
        return Err(OrganizationRefusal::NotDeleted(name.clone()));
    };
    if deletion.removing || now >= deletion.undelete_end_time {
        return Err(OrganizationRefusal::UndeleteExpired(name.clone()));
    }
    profile.deletion = None;
    Ok(())
}

/// `removal-grace`: whether the rows of an organization may be removed. Once its removal has begun,
/// it is due whatever the clock says.
pub fn is_removal_due(profile: &OrganizationProfile, now: Time) -> bool {
    profile.deletion.is_some_and(|deletion| {
        let graced = deletion
            .delete_time
            .micros()
            .saturating_add(REMOVAL_GRACE_MICROS);
        let is_over = now >= deletion.undelete_end_time && now.micros() >= graced;
        deletion.removing || is_over
    })
}
