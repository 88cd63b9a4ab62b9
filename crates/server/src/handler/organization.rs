//! The organization of a call.

use roster_api::v1::ErrorReason;
use roster_storage::OrganizationName;
use tonic::Request;

use crate::fault::Fault;

/// The metadata key that names the organization.
const ORGANIZATION_KEY: &str = "roster-organization";
/// The organization of callers that name none.
pub(crate) const DEFAULT_ORGANIZATION: &str = "default";

/// The organization of a call.
pub(crate) fn organization_of<T>(request: &Request<T>) -> Result<OrganizationName, Fault> {
    organization_text(request).map(OrganizationName::trusted)
}

/// The name of a call's organization.
pub(super) fn organization_text<T>(request: &Request<T>) -> Result<&str, Fault> {
    let invalid = |what: &str| {
        Fault::new(
            tonic::Code::InvalidArgument,
            ErrorReason::OrganizationInvalid,
            format!("the metadata key {ORGANIZATION_KEY} {what}"),
        )
        .with("key", ORGANIZATION_KEY)
    };
    let mut given = request.metadata().get_all(ORGANIZATION_KEY).iter();
    let name = match given.next() {
        None => DEFAULT_ORGANIZATION,
        Some(value) => value.to_str().unwrap_or_default(),
    };
    if given.next().is_some() {
        return Err(invalid("is given twice"));
    }
    if OrganizationName::is_one(name) {
        Ok(name)
    } else {
        Err(invalid("must be 1 to 63 characters of a-z, 0-9 and -"))
    }
}
