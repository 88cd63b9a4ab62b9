//! Credentials and their proofs as stored.

use roster_core::credential::{ApiKey, CallLimits, Credential, TokenSubject};
use roster_core::id::{CredentialId, Time};
use roster_core::organization::{OrganizationName, OrganizationState};
use roster_core::text::CertificateName;

use crate::error::Result;
use crate::tables::codec::not_understood;
use crate::tables::organization::Org;

/// The credentials at a version.
#[derive(Debug)]
pub struct StoredCredentials {
    /// The version.
    pub version: i64,
    /// All credentials.
    pub credentials: Vec<(CredentialId, Credential)>,
    /// The organizations that are not active, or that have limits.
    pub organizations: Vec<OrganizationStatus>,
    /// The names that were free again after the removal of an organization.
    pub released: Vec<ReleasedName>,
}

/// A name that was free again after the removal of its organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasedName {
    /// The name.
    pub name: OrganizationName,
    /// How often.
    pub released: u64,
}

const STATES: [OrganizationState; 4] = [
    OrganizationState::Active,
    OrganizationState::Suspended,
    OrganizationState::Deleted,
    OrganizationState::Removing,
];

/// The stored number of a state.
pub(crate) fn state_number(state: OrganizationState) -> i64 {
    match state {
        OrganizationState::Active => 1,
        OrganizationState::Suspended => 2,
        OrganizationState::Deleted => 3,
        OrganizationState::Removing => 4,
    }
}

pub(crate) fn state_of_number(org: Org, number: i64) -> Result<OrganizationState> {
    let found = STATES
        .into_iter()
        .find(|state| state_number(*state) == number);
    found.ok_or_else(|| not_understood("organizations", "state", &[org]))
}

/// What a server must know of an organization before it serves a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationStatus {
    /// The organization.
    pub name: OrganizationName,
    /// Its state.
    pub state: OrganizationState,
    /// The limits of all its credentials together.
    pub limits: CallLimits,
}

/// When an API key was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key's public part.
    pub key_id: Box<str>,
    /// The time.
    pub time: Time,
}

/// What was done in administration.
pub(crate) struct AdminEventRow<'a> {
    pub(crate) time: Time,
    pub(crate) credential: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) action: &'a str,
    pub(crate) target: &'a str,
    pub(crate) organization: Option<&'a OrganizationName>,
}

/// What was done in administration, as its log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedAdminEvent {
    /// The number of the event.
    pub number: u64,
    /// The time.
    pub time: Time,
    /// The credential of the caller, as its log names it.
    pub credential: String,
    /// The present name of that credential, if it exists.
    pub credential_name: Option<String>,
    /// Whether that credential belongs to an organization.
    pub is_of_organization: bool,
    /// The actor that the caller named.
    pub actor: String,
    /// The RPC or the command.
    pub action: String,
    /// The credential or the organization that it was about.
    pub target: String,
    /// The organization that it was about, if it exists.
    pub organization: Option<OrganizationName>,
}

/// A proof of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof<'a> {
    Key(&'a ApiKey),
    Subject(&'a TokenSubject),
    Certificate(&'a CertificateName),
}

/// The stored kinds of proofs.
pub(crate) const KEY: i64 = 1;
pub(crate) const SUBJECT: i64 = 2;
pub(crate) const CERTIFICATE: i64 = 3;

impl Proof<'_> {
    pub(crate) fn kind(&self) -> i64 {
        match self {
            Self::Key(_) => KEY,
            Self::Subject(_) => SUBJECT,
            Self::Certificate(_) => CERTIFICATE,
        }
    }

    /// The text by which it is found. Neither an issuer nor a subject contains a line feed.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Key(key) => key.id.to_string(),
            Self::Subject(of) => format!("{}\n{}", of.issuer, of.subject),
            Self::Certificate(name) => name.to_string(),
        }
    }
}

/// The proofs of a credential, in order.
pub(crate) fn proofs(credential: &Credential) -> impl Iterator<Item = Proof<'_>> {
    let keys = credential.keys.iter().map(Proof::Key);
    let subjects = credential.subjects.iter().map(Proof::Subject);
    let names = credential.certificate_names.iter();
    keys.chain(subjects).chain(names.map(Proof::Certificate))
}
