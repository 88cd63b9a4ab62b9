//! All credentials of a version, found by their proofs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use roster_core::credential::{CallLimits, Credential, Network, TokenSubject, accept};
use roster_core::id::{CredentialId, Time};
use roster_core::organization::{OrganizationName, OrganizationState};
use roster_core::scope::{Scope, Scopes};
use roster_core::text::Actor;
use roster_storage::StoredCredentials;

use super::api_key::id_of;
use super::jwt::VerifiedToken;
use super::throttle::{Permit, Throttle, visitor_too_fast};
use super::visitor_rates::VisitorRates;
use super::visitor_token::VisitorToken;
use crate::fault::Fault;

/// By what a call proved its credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProofName {
    /// An API key, by its ID.
    Key(Box<str>),
    /// The name of a client certificate.
    Certificate(Box<str>),
    /// The subject of tokens, and the ID of the key that signed the token; empty in the table.
    Token(TokenSubject, Box<str>),
    /// The credential itself, or the token of a visitor that it minted.
    Minted,
}

/// What a proof grants.
#[derive(Debug)]
pub(crate) struct Grant {
    /// The credential.
    pub(crate) id: CredentialId,
    /// Its id as text, for the log and the history.
    pub(crate) id_text: String,
    /// The organization whose data it reads and writes.
    pub(crate) organization: Option<OrganizationName>,
    /// What it may do.
    pub(crate) scopes: Scopes,
    /// The person that a token names; `None` if the proof is no token.
    pub(crate) actor: Option<Actor>,
    /// The visitor, if the proof is the token of one. A visitor has no scopes.
    visitor: Option<(VisitorToken, Arc<VisitorRates>)>,
    /// The proof.
    pub(super) proof: ProofName,
    /// From when the proof or the credential is not accepted any more.
    expire_time: Option<Time>,
    networks: Arc<[Network]>,
    /// The limits of the credential and of its organization.
    throttles: [Option<Arc<Throttle>>; 2],
}

impl Grant {
    pub(super) fn is_alive(&self, now: Time) -> bool {
        self.expire_time.is_none_or(|expires| now < expires)
    }

    /// Whether the credential is accepted from an address.
    pub(super) fn accepts(&self, address: Option<IpAddr>) -> bool {
        accept(&self.networks, address)
    }

    /// What a token grants of what its credential grants.
    pub(super) fn by_token(&self, token: VerifiedToken<'_>, now: Time) -> Self {
        // Within the tolerance of the clocks it is accepted, but a stream ends when the token does.
        let end = if now < token.expires {
            token.expires
        } else {
            token.expires_latest
        };
        Self {
            id: self.id,
            id_text: self.id_text.clone(),
            organization: self.organization.clone(),
            scopes: self.scopes.within(token.scopes),
            actor: Some(token.actor),
            visitor: None,
            proof: ProofName::Token(token.subject, token.kid),
            expire_time: earlier(self.expire_time, Some(end)),
            networks: Arc::clone(&self.networks),
            throttles: self.throttles.clone(),
        }
    }

    /// The token of the visitor that calls; `None` if a service calls.
    pub(crate) fn visitor(&self) -> Option<&VisitorToken> {
        self.visitor.as_ref().map(|(token, _)| token)
    }

    /// Takes a call from the limits of the credential and of its organization: after those of the
    /// visitor, so that a visitor does not use up the calls of others.
    pub(crate) fn take_call(&self) -> Result<Permit, Fault> {
        if let Some((token, rates)) = &self.visitor {
            rates.take(token).map_err(visitor_too_fast)?;
        }
        Permit::take(&self.throttles)
    }
}

/// The hash that an unknown key is compared with: equal work for unknown and wrong keys.
const NO_HASH: [u8; 32] = [0; 32];

/// See the module.
#[derive(Default)]
pub(super) struct CredentialTable {
    version: i64,
    /// By the ID of the key, with its hash. Keys of suspended credentials are absent.
    by_key: HashMap<Box<str>, ([u8; 32], Arc<Grant>)>,
    by_certificate: HashMap<Box<str>, Arc<Grant>>,
    by_subject: HashMap<TokenSubject, Arc<Grant>>,
    /// By credential, of those that mint tokens of visitors.
    minting: HashMap<CredentialId, Arc<Grant>>,
    throttles: HashMap<CredentialId, Arc<Throttle>>,
    organizations: HashMap<OrganizationName, OrganizationEntry>,
}

/// An organization that is not active or that has limits.
struct OrganizationEntry {
    state: OrganizationState,
    throttle: Option<Arc<Throttle>>,
}

/// The throttle of limits: the one of before if the limits did not change, so that a change of
/// another credential gives nobody new calls.
fn throttle(limits: CallLimits, before: Option<&Arc<Throttle>>) -> Option<Arc<Throttle>> {
    if limits == CallLimits::default() {
        return None;
    }
    let before = before.filter(|throttle| throttle.limits() == limits);
    Some(before.map_or_else(|| Arc::new(Throttle::new(limits)), Arc::clone))
}

/// The earlier of two ends.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl CredentialTable {
    pub(super) fn new(stored: StoredCredentials, before: Option<&Self>) -> Self {
        let mut table = Self {
            version: stored.version,
            ..Self::default()
        };
        for status in stored.organizations {
            let before = before.and_then(|before| before.organizations.get(&status.name));
            let before = before.and_then(|entry| entry.throttle.as_ref());
            let entry = OrganizationEntry {
                state: status.state,
                throttle: throttle(status.limits, before),
            };
            table.organizations.insert(status.name, entry);
        }
        for (id, credential) in stored.credentials {
            let before = before.and_then(|before| before.throttles.get(&id));
            table.add(id, &credential, before);
        }
        table
    }

    fn add(&mut self, id: CredentialId, credential: &Credential, before: Option<&Arc<Throttle>>) {
        if credential.suspended {
            return;
        }
        let own = throttle(credential.limits, before);
        if let Some(throttle) = &own {
            self.throttles.insert(id, Arc::clone(throttle));
        }
        let organization = credential.organization.as_ref();
        let entry = organization.and_then(|name| self.organizations.get(name));
        let of_organization = entry.and_then(|entry| entry.throttle.clone());
        let networks: Arc<[Network]> = credential.networks.as_slice().into();
        let grant = |proof, expire_time| {
            Arc::new(Grant {
                id,
                id_text: id.to_string(),
                organization: credential.organization.clone(),
                scopes: credential.scopes,
                actor: None,
                visitor: None,
                proof,
                expire_time: earlier(credential.expire_time, expire_time),
                networks: Arc::clone(&networks),
                throttles: [own.clone(), of_organization.clone()],
            })
        };
        if credential.scopes.has(Scope::VisitorsMint) {
            self.minting.insert(id, grant(ProofName::Minted, None));
        }
        for key in &credential.keys {
            let granted = grant(ProofName::Key(key.id.clone()), key.expire_time);
            self.by_key.insert(key.id.clone(), (key.hash, granted));
        }
        for name in &credential.certificate_names {
            let name: Box<str> = name.as_str().into();
            let granted = grant(ProofName::Certificate(name.clone()), None);
            self.by_certificate.insert(name, granted);
        }
        for subject in &credential.subjects {
            let granted = grant(ProofName::Token(subject.clone(), Box::default()), None);
            self.by_subject.insert(subject.clone(), granted);
        }
    }

    pub(super) fn version(&self) -> i64 {
        self.version
    }

    /// Returns what a key with this hash grants. Does the same work whether the key is unknown, wrong
    /// or expired.
    pub(super) fn of_key(&self, text: &[u8], given: &[u8; 32], now: Time) -> Option<&Arc<Grant>> {
        let found = self.by_key.get(id_of(text));
        let expected = found.map_or(&NO_HASH, |(hash, _)| hash);
        let is_equal = verify_slices_are_equal(given, expected).is_ok();
        let (_, grant) = found?;
        (is_equal && grant.is_alive(now)).then_some(grant)
    }

    /// Returns what the token of a visitor grants: no scopes, from any network. The credential that
    /// minted it must still be able to.
    pub(super) fn of_visitor(
        &self,
        token: VisitorToken,
        rates: &Arc<VisitorRates>,
        now: Time,
    ) -> Option<Grant> {
        let minting = self.minting.get(&token.credential)?;
        let same = minting.organization.as_ref() == Some(&token.organization);
        (same && minting.is_alive(now)).then(|| Grant {
            id: minting.id,
            id_text: minting.id_text.clone(),
            organization: minting.organization.clone(),
            scopes: Scopes::default(),
            expire_time: earlier(minting.expire_time, Some(token.expire_time)),
            actor: None,
            visitor: Some((token, Arc::clone(rates))),
            proof: ProofName::Minted,
            networks: Arc::default(),
            throttles: minting.throttles.clone(),
        })
    }

    /// Returns what a certificate grants. Names that prove two credentials grant nothing.
    pub(super) fn of_certificate(&self, names: &[String], now: Time) -> Option<&Arc<Grant>> {
        let mut grants = names
            .iter()
            .filter_map(|name| self.by_certificate.get(&**name));
        let first = grants.next()?;
        let is_one = grants.all(|other| other.id == first.id);
        (is_one && first.is_alive(now)).then_some(first)
    }

    /// Returns what the credential of a subject grants.
    pub(super) fn of_subject(&self, subject: &TokenSubject, now: Time) -> Option<&Arc<Grant>> {
        let grant = self.by_subject.get(subject)?;
        grant.is_alive(now).then_some(grant)
    }

    /// Whether the proof of a grant is still accepted for its credential.
    pub(super) fn still_grants(&self, grant: &Grant, now: Time) -> bool {
        let current = match &grant.proof {
            ProofName::Key(id) => self.by_key.get(id).map(|(_, grant)| grant),
            ProofName::Certificate(name) => self.by_certificate.get(name),
            ProofName::Token(subject, _) => self.by_subject.get(subject),
            ProofName::Minted => self.minting.get(&grant.id),
        };
        current.is_some_and(|current| current.id == grant.id && current.is_alive(now))
            && grant.is_alive(now)
            && grant
                .organization
                .as_ref()
                .is_none_or(|name| self.serves(name.as_str()))
    }

    /// Whether an organization is neither suspended nor deleted.
    pub(super) fn serves(&self, organization: &str) -> bool {
        let entry = self.organizations.get(organization);
        entry.is_none_or(|entry| entry.state == OrganizationState::Active)
    }
}
