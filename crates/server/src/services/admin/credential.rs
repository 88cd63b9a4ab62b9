//! Parses credentials.

use prost_types::Timestamp;
use roster_api::v1::{self, ErrorReason};
use roster_core::credential::{
    CONCURRENT_CALLS_MAX, Credential, NETWORKS_MAX, NotANetwork, PROOFS_MAX,
    REQUESTS_PER_SECOND_MAX, SCOPES_MAX, TokenSubject,
};
use roster_core::id::Time;
use roster_core::organization::OrganizationName;
use roster_core::rules::credential::Manager;
use roster_core::scope::{ScopeSet, Scopes};
use roster_core::text::{CertificateName, Name, TokenText};

use super::organization::optional_name;
use crate::authentication::now;
use crate::fault::Fault;
use crate::mask::{CredentialField, MaskField};
use crate::parse::{self, Parsed};

pub(super) fn invalid(path: &str, what: &str) -> Fault {
    Fault::field(path, ErrorReason::FieldInvalid, what)
}

fn optional_time(path: &str, given: Option<&Timestamp>) -> Parsed<Option<Time>> {
    given.map(|given| parse::time(path, given)).transpose()
}

/// The end of a key, which must be ahead.
pub(super) fn key_end(path: &str, given: Option<&Timestamp>) -> Parsed<Option<Time>> {
    let end = optional_time(path, given)?;
    if end.is_some_and(|end| end <= now()) {
        return Err(invalid(path, "is not in the future"));
    }
    Ok(end)
}

/// A limit; 0 is no limit.
pub(super) fn limit(path: &str, given: i32, max: u32) -> Parsed<Option<u32>> {
    match u32::try_from(given) {
        Ok(0) => Ok(None),
        Ok(number) if number <= max => Ok(Some(number)),
        _ => Err(invalid(
            path,
            &format!("is {given}, allowed are 0 to {max}"),
        )),
    }
}

fn scopes(path: &str, given: &[String]) -> Parsed<Scopes> {
    parse::at_most(path, given, SCOPES_MAX)?;
    if given.is_empty() {
        return Err(Fault::field(
            path,
            ErrorReason::FieldRequired,
            "is required",
        ));
    }
    let mut scopes = Scopes::default();
    for (index, name) in given.iter().enumerate() {
        let of_name = ScopeSet::scopes_of_name(name).ok_or_else(|| {
            let what = "is neither a scope nor the name of a set of scopes: see `roster scopes`";
            Fault::field(&format!("{path}[{index}]"), ErrorReason::ScopeInvalid, what)
                .with("scope", name)
        })?;
        scopes = scopes.and(of_name);
    }
    Ok(scopes)
}

/// A list of at most `max` items, each parsed with its path.
fn list<T, U>(
    path: &str,
    given: &[T],
    max: usize,
    parse: impl Fn(&str, &T) -> Parsed<U>,
) -> Parsed<Vec<U>> {
    parse::at_most(path, given, max)?;
    let items = given.iter().enumerate();
    items
        .map(|(index, item)| parse(&format!("{path}[{index}]"), item))
        .collect()
}

fn subject(path: &str, given: &v1::TokenSubject) -> Parsed<TokenSubject> {
    let text =
        |field: &str, given: &str| parse::text(&format!("{path}.{field}"), given, TokenText::parse);
    Ok(TokenSubject {
        issuer: text("issuer", &given.issuer)?,
        subject: text("subject", &given.subject)?,
    })
}

/// Writes a field of a message to a credential.
pub(super) fn write(
    field: CredentialField,
    given: &v1::Credential,
    to: &mut Credential,
) -> Parsed<()> {
    let path = format!("credential.{}", field.path());
    match field {
        CredentialField::Name => to.name = parse::text(&path, &given.name, Name::parse)?,
        CredentialField::Scopes => to.scopes = scopes(&path, &given.scopes)?,
        CredentialField::ExpireTime => {
            to.expire_time = optional_time(&path, given.expire_time.as_ref())?;
        }
        CredentialField::Networks => {
            to.networks = list(&path, &given.networks, NETWORKS_MAX, |path, network| {
                let network = network.parse();
                network.map_err(|fault: NotANetwork| invalid(path, &fault.to_string()))
            })?;
        }
        CredentialField::RequestsPerSecondMax => {
            let max = REQUESTS_PER_SECOND_MAX;
            to.limits.requests_per_second = limit(&path, given.requests_per_second_max, max)?;
        }
        CredentialField::ConcurrentCallsMax => {
            let max = CONCURRENT_CALLS_MAX;
            to.limits.concurrent_calls = limit(&path, given.concurrent_calls_max, max)?;
        }
        CredentialField::Subjects => {
            to.subjects = list(&path, &given.subjects, PROOFS_MAX, subject)?;
        }
        CredentialField::CertificateNames => {
            to.certificate_names =
                list(&path, &given.certificate_names, PROOFS_MAX, |path, name| {
                    parse::text(path, name, CertificateName::parse)
                })?;
        }
    }
    Ok(())
}

/// An empty credential, to be written field by field.
pub(super) fn blank(organization: Option<OrganizationName>) -> Credential {
    Credential::new(
        Name::trusted(String::new()),
        organization,
        Scopes::default(),
    )
}

/// The new credential of a request, without a key.
pub(super) fn new(given: &v1::Credential, manager: &Manager) -> Parsed<Credential> {
    parse::unset("credential.id", given.id.is_empty())?;
    parse::unset("credential.etag", given.etag.is_empty())?;
    parse::unset("credential.suspended", !given.suspended)?;
    parse::unset("credential.keys", given.keys.is_empty())?;
    parse::unset("credential.create_time", given.create_time.is_none())?;
    parse::unset("credential.update_time", given.update_time.is_none())?;
    let named = optional_name("credential.organization", &given.organization)?;
    let mut new = blank(named.or_else(|| manager.organization.clone()));
    for field in CredentialField::ALL {
        write(*field, given, &mut new)?;
    }
    Ok(new)
}

/// Moves a field from a parsed update to a credential.
pub(super) fn take(field: CredentialField, new: &mut Credential, to: &mut Credential) {
    match field {
        CredentialField::Name => to.name = new.name.clone(),
        CredentialField::Scopes => to.scopes = new.scopes,
        CredentialField::ExpireTime => to.expire_time = new.expire_time,
        CredentialField::Networks => to.networks = std::mem::take(&mut new.networks),
        CredentialField::RequestsPerSecondMax => {
            to.limits.requests_per_second = new.limits.requests_per_second;
        }
        CredentialField::ConcurrentCallsMax => {
            to.limits.concurrent_calls = new.limits.concurrent_calls;
        }
        CredentialField::Subjects => to.subjects = std::mem::take(&mut new.subjects),
        CredentialField::CertificateNames => {
            to.certificate_names = std::mem::take(&mut new.certificate_names);
        }
    }
}
