//! Proofs by JSON Web Tokens: signed by a known issuer, for this server, about a subject that a
//! credential names.
//!
//! A token never adds to its credential: it has the scopes of its claim that both its issuer and its
//! credential allow. Keys come from files only. The header of a token chooses neither the algorithm
//! nor the key, except by the ID of a known key.

mod claims;
mod issuer;
mod issuer_config;
mod key_set;
mod token_cache;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Validation, decode, decode_header};
use roster_core::credential::TokenSubject;
use roster_core::id::Time;
use roster_core::organization::OrganizationName;
use roster_core::scope::Scopes;
use roster_core::text::{Actor, TokenText};

use crate::file_watch::look_again;
use crate::metrics::AuthenticationMetrics;
use claims::{Claims, SKEW_SECONDS, Unverified};
use issuer::{Issuer, Look};

pub use issuer_config::{ClaimedOrganization, IssuerConfig, IssuerOrganizations, TokenAlgorithm};
pub(crate) use token_cache::{Basis, TokenCache};

/// The most issuers: each call with a token searches them.
const ISSUERS_MAX: usize = 20;

/// All issuers whose tokens the server accepts.
#[derive(Default)]
pub(crate) struct Issuers {
    issuers: Vec<Issuer>,
    /// Counts the changes of keys.
    keys_version: AtomicU64,
}

/// What a verified token says.
pub(super) struct VerifiedToken<'i> {
    issuer: &'i Issuer,
    pub(super) subject: TokenSubject,
    /// The ID of the key that signed it.
    pub(super) kid: Box<str>,
    organization: Option<OrganizationName>,
    pub(super) scopes: Scopes,
    pub(super) actor: Actor,
    /// When it expires, by its own clock.
    pub(super) expires: Time,
    /// When it expires if the clocks differ by as much as they may.
    pub(super) expires_latest: Time,
}

impl VerifiedToken<'_> {
    /// Whether it may prove a credential of an organization.
    pub(super) fn is_of(&self, organization: Option<&OrganizationName>) -> bool {
        self.issuer.allows(organization, self.organization.as_ref())
    }
}

/// Whether a text is a token and not a key: keys contain no full stop.
pub(super) fn is_token(text: &[u8]) -> bool {
    text.contains(&b'.')
}

impl Issuers {
    /// Checks the tables and reads the keys. Blocks.
    pub(crate) fn load(configured: &[IssuerConfig]) -> anyhow::Result<Self> {
        if configured.len() > ISSUERS_MAX {
            bail!("there are more than {ISSUERS_MAX} tables `issuer`");
        }
        let mut issuers: Vec<Issuer> = Vec::new();
        for config in configured {
            let name = &config.issuer;
            let issuer = Issuer::new(config).with_context(|| format!("the issuer {name:?}"))?;
            if issuers.iter().any(|other| other.name == issuer.name) {
                bail!("there are two tables `issuer` of {name:?}");
            }
            issuers.push(issuer);
        }
        Ok(Self {
            issuers,
            keys_version: AtomicU64::new(0),
        })
    }

    fn find(&self, name: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|of| of.name.as_str() == name)
    }

    /// Counts the changes of keys: what was verified before a change does not count after it.
    pub(super) fn keys_version(&self) -> u64 {
        self.keys_version.load(Ordering::Acquire)
    }

    /// Whether a token that was accepted would still be: its key is not removed.
    pub(super) fn still_trust(&self, subject: &TokenSubject, kid: &str) -> bool {
        let issuer = self.find(subject.issuer.as_str());
        issuer.is_some_and(|issuer| issuer.keys().get(kid).is_some())
    }

    /// Verifies a token; `None` for any defect.
    pub(super) fn verify(
        &self,
        token: &[u8],
        now: Time,
        metrics: &AuthenticationMetrics,
    ) -> Option<VerifiedToken<'_>> {
        let header = decode_header(token).ok()?;
        if header.crit.is_some() {
            return None;
        }
        let unverified: Unverified = insecure_decode_claims(token).ok()?;
        let issuer = self.find(&unverified.iss)?;
        let kid = header.kid?;
        let keys = issuer.keys();
        let key = keys.get(&kid)?;
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = SKEW_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer.name.as_str()]);
        validation.set_audience(&[&issuer.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
        metrics.verifications.inc();
        let claims = decode::<Claims>(token, &key.key, &validation).ok()?.claims;
        let accepted = claims.accept(issuer, now)?;
        let skew = i64::try_from(SKEW_SECONDS * 1_000_000).ok()?;
        let latest = accepted.expires.micros() + skew;
        Some(VerifiedToken {
            issuer,
            subject: TokenSubject {
                issuer: issuer.name.clone(),
                subject: TokenText::parse(&claims.sub).ok()?,
            },
            kid: kid.into(),
            organization: accepted.organization,
            scopes: accepted.scopes,
            actor: accepted.actor,
            expires: accepted.expires,
            expires_latest: Time::from_micros(latest),
        })
    }

    /// Follows the files of keys, until dropped.
    pub(crate) async fn follow(self: Arc<Self>, metrics: Arc<AuthenticationMetrics>) {
        if self.issuers.is_empty() {
            return;
        }
        look_again(move || {
            metrics.broken_key_files.set(self.look());
        })
        .await;
    }

    /// Reads all files again. Returns how many are broken.
    fn look(&self) -> i64 {
        let mut broken = 0;
        for issuer in &self.issuers {
            match issuer.look() {
                Look::Same => {}
                Look::Changed => {
                    self.keys_version.fetch_add(1, Ordering::Release);
                }
                Look::Broken => broken += 1,
            }
        }
        broken
    }
}
