//! Who may manage which credential, and the rules of a credential's keys: `scopes-within`,
//! `keys-per-credential`.

use crate::credential::{ApiKey, Credential, KEYS_MAX};
use crate::id::{CredentialId, Time};
use crate::organization::OrganizationName;
use crate::scope::{Scope, Scopes};

/// Why a call about a credential was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialRefusal {
    /// It does not exist, or the caller may not manage it.
    #[error("there is no credential {0} that this caller manages")]
    NotFound(CredentialId),
    /// The credential has no such key.
    #[error("credential {0} has no such key: list its keys")]
    KeyNotFound(CredentialId),
    /// `scopes-within`: the caller lacks a scope that it wants to give.
    #[error("contains {0}, which the caller does not have itself")]
    BeyondOwn(Scope),
    /// `scopes-within`: the caller lacks a scope of a credential that it wants to manage.
    #[error("the credential has the scope {0}, which the caller does not have itself")]
    Stronger(Scope),
    /// `scopes-within`: administration and data do not mix.
    #[error(
        "mixes administration and data: admin belongs to credentials without an organization, and \
         these have no other scope"
    )]
    AdminMixed,
    /// A caller of an organization named another organization.
    #[error("the caller manages the credentials of its own organization only")]
    OtherOrganization,
    /// The organization does not exist.
    #[error("there is no organization {0}: create it first")]
    OrganizationNotFound(OrganizationName),
    /// The name of a new organization is taken.
    #[error("there is an organization {0} already, or its data is being removed")]
    OrganizationExists(OrganizationName),
    /// `keys-per-credential`
    #[error("credential {0} has {KEYS_MAX} keys that have not expired: revoke one first")]
    TooManyKeys(CredentialId),
    /// The credential changed after it was read.
    #[error("the credential was changed after it was read: read it again and repeat the call")]
    Stale,
    /// The organization has as many credentials as it may have.
    #[error("there are {0} credentials already, the most that are allowed")]
    TooManyCredentials(u64),
    /// Another credential has the same proof.
    #[error("another credential has the same {0}")]
    ProofTaken(ProofKind),
}

/// A kind of proof that only one credential may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofKind {
    /// The subject of a token.
    Subject,
    /// The name of a client certificate.
    CertificateName,
}

impl std::fmt::Display for ProofKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Subject => "subject of a token",
            Self::CertificateName => "name of a certificate",
        })
    }
}

/// The caller that manages credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// Its organization; `None` for administration.
    pub organization: Option<OrganizationName>,
    /// Its scopes; `None` for a caller that needs no credential, which may do everything.
    pub scopes: Option<Scopes>,
}

impl Manager {
    /// Whether the caller may see a credential.
    pub fn sees(&self, credential: &Credential) -> bool {
        self.organization.is_none() || self.organization == credential.organization
    }

    /// `scopes-within`: whether the caller may manage a credential of an organization with scopes.
    /// Otherwise it could give itself what it does not have.
    pub fn check(
        &self,
        organization: Option<&OrganizationName>,
        scopes: Scopes,
    ) -> Result<(), CredentialRefusal> {
        let admin = Scopes::of(&[Scope::Admin]);
        let fits = match organization {
            None => scopes == admin,
            Some(_) => !scopes.has(Scope::Admin),
        };
        if !fits {
            return Err(CredentialRefusal::AdminMixed);
        }
        let (Some(own_organization), Some(own_scopes)) = (&self.organization, self.scopes) else {
            return Ok(());
        };
        if organization != Some(own_organization) {
            return Err(CredentialRefusal::OtherOrganization);
        }
        match scopes.first_beyond(own_scopes) {
            Some(scope) => Err(CredentialRefusal::BeyondOwn(scope)),
            None => Ok(()),
        }
    }
}

/// `keys-per-credential`: adds a key, and forgets keys that have expired.
pub fn add_key(
    id: CredentialId,
    credential: &mut Credential,
    key: ApiKey,
    now: Time,
) -> Result<(), CredentialRefusal> {
    credential.keys.retain(|key| key.is_alive(now));
    if credential.keys.len() >= KEYS_MAX {
        return Err(CredentialRefusal::TooManyKeys(id));
    }
    credential.keys.push(key);
    Ok(())
}

/// Lets a key expire at a time, unless it expires before.
pub fn expire_key(
    id: CredentialId,
    credential: &mut Credential,
    key: &str,
    at: Time,
) -> Result<(), CredentialRefusal> {
    let mut keys = credential.keys.iter_mut();
    let key = keys.find(|of| &*of.id == key);
    let key = key.ok_or(CredentialRefusal::KeyNotFound(id))?;
    key.expire_time = Some(key.expire_time.map_or(at, |before| before.min(at)));
    Ok(())
}

/// Forgets a key.
pub fn revoke_key(
    id: CredentialId,
    credential: &mut Credential,
    key: &str,
) -> Result<(), CredentialRefusal> {
    let had = credential.keys.len();
    credential.keys.retain(|of| &*of.id != key);
    if credential.keys.len() == had {
        return Err(CredentialRefusal::KeyNotFound(id));
    }
    Ok(())
}
