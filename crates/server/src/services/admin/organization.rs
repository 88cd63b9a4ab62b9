//! Parses and renders organizations.

use roster_api::v1::{self, ErrorReason};
use roster_core::credential::{CONCURRENT_CALLS_MAX, CallLimits, REQUESTS_PER_SECOND_MAX};
use roster_core::id::Time;
use roster_core::organization::{OrganizationName, OrganizationProfile, OrganizationState};
use roster_core::text::Name;

use super::credential::{invalid, limit};
use crate::fault::Fault;
use crate::parse::{self, Parsed};
use crate::render;

/// The name of an organization that a request requires.
pub(super) fn name(path: &str, given: &str) -> Parsed<OrganizationName> {
    let required = || Fault::field(path, ErrorReason::FieldRequired, "is required");
    optional_name(path, given)?.ok_or_else(required)
}

/// The name of an organization; `None` if empty.
pub(super) fn optional_name(path: &str, given: &str) -> Parsed<Option<OrganizationName>> {
    if given.is_empty() {
        return Ok(None);
    }
    let name = OrganizationName::parse(given);
    name.map(Some)
        .map_err(|fault| invalid(path, &fault.to_string()))
}

/// The new organization of a request.
pub(super) fn new(given: &v1::Organization) -> Parsed<(OrganizationName, OrganizationProfile)> {
    parse::unset("organization.state", given.state == 0)?;
    parse::unset("organization.create_time", given.create_time.is_none())?;
    parse::unset(
        "organization.undelete_end_time",
        given.undelete_end_time.is_none(),
    )?;
    let name = name("organization.name", &given.name)?;
    let path = "organization.display_name";
    let display_name = parse::optional_text(path, &given.display_name, Name::parse)?;
    let profile = OrganizationProfile {
        display_name: display_name.map(String::from).unwrap_or_default(),
        state: OrganizationState::Active,
        limits: CallLimits {
            requests_per_second: limit(
                "organization.requests_per_second_max",
                given.requests_per_second_max,
                REQUESTS_PER_SECOND_MAX,
            )?,
            concurrent_calls: limit(
                "organization.concurrent_calls_max",
                given.concurrent_calls_max,
                CONCURRENT_CALLS_MAX,
            )?,
        },
        create_time: None,
        delete_time: None,
    };
    Ok((name, profile))
}

fn state(state: OrganizationState) -> v1::OrganizationState {
    match state {
        OrganizationState::Active => v1::OrganizationState::Active,
        OrganizationState::Suspended => v1::OrganizationState::Suspended,
        OrganizationState::Deleted => v1::OrganizationState::Deleted,
        OrganizationState::Removing => v1::OrganizationState::Removing,
    }
}

/// How long a deleted organization can be restored, in microseconds: a week, so that a mistake is
/// noticed.
const UNDELETE_MICROS: i64 = 7 * 24 * 3_600 * 1_000_000;

pub(super) fn rendered(name: &OrganizationName, profile: &OrganizationProfile) -> v1::Organization {
    let limit = |max: Option<u32>| i32::try_from(max.unwrap_or_default()).unwrap_or(i32::MAX);
    let until = |deleted: Time| Time::from_micros(deleted.micros() + UNDELETE_MICROS);
    v1::Organization {
        name: name.to_string(),
        display_name: profile.display_name.clone(),
        state: state(profile.state).into(),
        requests_per_second_max: limit(profile.limits.requests_per_second),
        concurrent_calls_max: limit(profile.limits.concurrent_calls),
        create_time: profile.create_time.and_then(render::time),
        undelete_end_time: profile.delete_time.map(until).and_then(render::time),
    }
}
