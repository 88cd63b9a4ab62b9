//! Faults of administration: credentials and organizations.

use roster_api::v1::ErrorReason;
use roster_core::credential::KEYS_MAX;
use roster_core::id::CredentialId;
use roster_core::organization::OrganizationName;
use roster_core::rules::credential::{CredentialRefusal as Refusal, ProofKind};
use roster_core::rules::organization::OrganizationRefusal;
use roster_core::scope::Scope;
use roster_storage::AdminNotDone;
use tonic::Code;

use super::Fault;

/// The type of a credential in ResourceInfo.
const CREDENTIAL: &str = "roster.v1.Credential";
/// The type of an organization in ResourceInfo.
const ORGANIZATION: &str = "roster.v1.Organization";

pub(crate) fn credential_not_found(id: CredentialId) -> Fault {
    let what = Refusal::NotFound(id).to_string();
    Fault::new(Code::NotFound, ErrorReason::CredentialNotFound, what)
        .with("credential_id", id)
        .about(CREDENTIAL, id)
}

pub(crate) fn organization_not_found(name: &OrganizationName) -> Fault {
    let what = Refusal::OrganizationNotFound(name.clone()).to_string();
    Fault::new(Code::NotFound, ErrorReason::OrganizationNotFound, what)
        .with("organization", name)
        .about(ORGANIZATION, name)
}

fn of_refusal(refusal: &Refusal) -> Fault {
    let what = refusal.to_string();
    match refusal {
        Refusal::NotFound(id) => credential_not_found(*id),
        Refusal::KeyNotFound(id) => Fault::new(Code::NotFound, ErrorReason::KeyNotFound, what)
            .with("credential_id", id)
            .about(CREDENTIAL, id),
        Refusal::BeyondOwn(scope) => scope_invalid(what, *scope),
        Refusal::Stronger(scope) => {
            Fault::new(Code::PermissionDenied, ErrorReason::ScopeMissing, what).with("scope", scope)
        }
        Refusal::AdminMixed => scope_invalid(what, Scope::Admin),
        Refusal::OtherOrganization => Fault::new(
            Code::PermissionDenied,
            ErrorReason::OrganizationDenied,
            what,
        ),
        Refusal::OrganizationNotFound(name) => organization_not_found(name),
        Refusal::OrganizationExists(name) => {
            Fault::new(Code::AlreadyExists, ErrorReason::OrganizationExists, what)
                .with("organization", name)
                .about(ORGANIZATION, name)
        }
        Refusal::TooManyKeys(id) => {
            let reason = ErrorReason::KeysPerCredential;
            Fault::new(Code::FailedPrecondition, reason, what)
                .with("credential_id", id)
                .with("max", KEYS_MAX)
        }
        Refusal::Stale => {
            Fault::new(Code::Aborted, ErrorReason::EtagMismatch, what).with("field", "etag")
        }
        Refusal::TooManyCredentials(max) => {
            Fault::new(Code::ResourceExhausted, ErrorReason::CredentialsFull, what).with("max", max)
        }
        Refusal::ProofTaken(kind) => {
            let field = match kind {
                ProofKind::Subject => "credential.subjects",
                ProofKind::CertificateName => "credential.certificate_names",
            };
            Fault::new(Code::AlreadyExists, ErrorReason::ProofTaken, what).with("field", field)
        }
    }
}

fn of_organization(refusal: &OrganizationRefusal) -> Fault {
    let what = refusal.to_string();
    let unmet = |reason, name: &OrganizationName| {
        Fault::new(Code::FailedPrecondition, reason, what.clone())
            .with("organization", name)
            .about(ORGANIZATION, name)
    };
    match refusal {
        OrganizationRefusal::NotFound(name) => organization_not_found(name),
        OrganizationRefusal::NotConfirmed => {
            let reason = ErrorReason::ConfirmationMismatch;
            Fault::field("confirm_display_name", reason, what)
        }
        OrganizationRefusal::Deleted(name) => unmet(ErrorReason::OrganizationDeleted, name),
        OrganizationRefusal::NotDeleted(name) => unmet(ErrorReason::OrganizationNotDeleted, name),
        OrganizationRefusal::UndeleteExpired(name) => unmet(ErrorReason::UndeleteExpired, name),
        OrganizationRefusal::Stale => {
            Fault::new(Code::Aborted, ErrorReason::EtagMismatch, what).with("field", "etag")
        }
    }
}

fn scope_invalid(what: String, scope: Scope) -> Fault {
    Fault::field("credential.scopes", ErrorReason::ScopeInvalid, what).with("scope", scope)
}

impl From<AdminNotDone> for Fault {
    fn from(error: AdminNotDone) -> Self {
        match error {
            AdminNotDone::Refused(refusal) => of_refusal(&refusal),
            AdminNotDone::Organization(refusal) => of_organization(&refusal),
            AdminNotDone::Storage(error) => error.into(),
        }
    }
}
