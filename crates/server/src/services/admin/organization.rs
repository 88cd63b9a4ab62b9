//! Parses and renders organizations.

use roster_api::v1::{self, ErrorReason};
use roster_core::credential::{CONCURRENT_CALLS_MAX, CallLimits, REQUESTS_PER_SECOND_MAX};
use roster_core::id::Revision;
use roster_core::organization::{
    Deletion, OrganizationName, OrganizationProfile, OrganizationState,
};
use roster_core::rules::credential::CredentialRefusal;
use roster_core::rules::organization::OrganizationPatch;
use roster_core::text::Name;
use tonic::Code;

use super::credential::{invalid, limit};
use crate::fault::Fault;
use crate::mask::{MaskField, OrganizationField};
use crate::parse::{self, Parsed};
use crate::render;
use crate::token::{etag, parse_etag};

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

/// The organization that a list names, within the caller's own.
pub(super) fn of_list(
    own: Option<&OrganizationName>,
    given: &str,
) -> Parsed<Option<OrganizationName>> {
    let named = optional_name("organization", given)?;
    if own.is_some() && named.is_some() && own != named.as_ref() {
        let what = CredentialRefusal::OtherOrganization.to_string();
        let reason = ErrorReason::OrganizationDenied;
        return Err(Fault::new(Code::PermissionDenied, reason, what));
    }
    Ok(named)
}

/// Writes a field of a message to a patch.
fn write(
    field: OrganizationField,
    given: &v1::Organization,
    to: &mut OrganizationPatch,
) -> Parsed<()> {
    let path = format!("organization.{}", field.path());
    match field {
        OrganizationField::DisplayName => {
            let text = parse::optional_text(&path, &given.display_name, Name::parse)?;
            to.display_name = Some(text.map(String::from).unwrap_or_default());
        }
        OrganizationField::Suspended => to.suspended = Some(given.suspended),
        OrganizationField::RequestsPerSecondMax => {
            let max = REQUESTS_PER_SECOND_MAX;
            let limit = limit(&path, given.requests_per_second_max, max)?;
            to.requests_per_second = Some(limit);
        }
        OrganizationField::ConcurrentCallsMax => {
            let max = CONCURRENT_CALLS_MAX;
            to.concurrent_calls = Some(limit(&path, given.concurrent_calls_max, max)?);
        }
    }
    Ok(())
}

/// The update of a request.
pub(super) fn patch(
    given: &v1::Organization,
    fields: &[OrganizationField],
    etag: &str,
) -> Parsed<OrganizationPatch> {
    let mut patch = OrganizationPatch {
        version: parse_etag(etag).map(Revision::number),
        ..OrganizationPatch::default()
    };
    for field in fields {
        write(*field, given, &mut patch)?;
    }
    Ok(patch)
}

/// The new organization of a request.
pub(super) fn new(given: &v1::Organization) -> Parsed<(OrganizationName, OrganizationProfile)> {
    parse::unset("organization.state", given.state == 0)?;
    parse::unset("organization.create_time", given.create_time.is_none())?;
    parse::unset(
        "organization.undelete_end_time",
        given.undelete_end_time.is_none(),
    )?;
    parse::unset("organization.etag", given.etag.is_empty())?;
    let name = name("organization.name", &given.name)?;
    let patch = patch(given, OrganizationField::ALL, "")?;
    let profile = OrganizationProfile {
        display_name: patch.display_name.unwrap_or_default(),
        suspended: given.suspended,
        limits: CallLimits {
            requests_per_second: patch.requests_per_second.flatten(),
            concurrent_calls: patch.concurrent_calls.flatten(),
        },
        ..OrganizationProfile::default()
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

pub(super) fn rendered(name: &OrganizationName, profile: &OrganizationProfile) -> v1::Organization {
    let limit = |max: Option<u32>| i32::try_from(max.unwrap_or_default()).unwrap_or(i32::MAX);
    let until = |deletion: Deletion| render::time(deletion.undelete_end_time);
    v1::Organization {
        name: name.to_string(),
        display_name: profile.display_name.clone(),
        state: state(profile.state()).into(),
        requests_per_second_max: limit(profile.limits.requests_per_second),
        concurrent_calls_max: limit(profile.limits.concurrent_calls),
        create_time: profile.create_time.and_then(render::time),
        undelete_end_time: profile.deletion.and_then(until),
        suspended: profile.suspended,
        etag: etag(Revision::new(profile.version)),
    }
}
