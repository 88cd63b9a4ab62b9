//! Authentication: which credential a call proves.
//!
//! Every server holds all credentials in memory and polls their version, so that a call asks no
//! database, and an unknown key costs as much as a wrong one.

mod api_key;
mod credential_table;
mod first_key;
mod jwt;
mod key_uses;
mod organization_watch;
mod throttle;
mod visitor_rates;
mod visitor_token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use parking_lot::RwLock;
use roster_api::v1::ErrorReason;
use roster_core::id::Time;
use roster_storage::{StorageError, Store};
use tonic::Code;

use crate::fault::{self, Fault};
use crate::metrics::AuthenticationMetrics;
use credential_table::{CredentialTable, ProofName};
use jwt::{Basis, TokenCache};
use key_uses::KeyUses;
use visitor_rates::VisitorRates;

pub(crate) use api_key::NewKey;
pub(crate) use credential_table::Grant;
pub(crate) use first_key::{create_key, write_first_key};
pub(crate) use jwt::Issuers;
pub use jwt::{ClaimedOrganization, IssuerConfig, IssuerOrganizations, TokenAlgorithm};
pub(crate) use organization_watch::OrganizationWatch;
pub(crate) use throttle::Permit;
pub(crate) use visitor_token::{VisitorToken, VisitorTokens};

/// How often the version of the credentials is polled: a revocation counts within a second on every
/// server.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often the times of last use are written.
const WRITE_USES_EVERY: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Authenticator {
    table: RwLock<Arc<CredentialTable>>,
    /// When the database last confirmed the table.
    heard: RwLock<Instant>,
    stale_after: Duration,
    uses: KeyUses,
    issuers: Arc<Issuers>,
    tokens: TokenCache,
    metrics: Arc<AuthenticationMetrics>,
    visitor_tokens: Arc<VisitorTokens>,
    visitor_rates: Arc<VisitorRates>,
    /// Whether a call without a credential is refused.
    required: bool,
    /// Learns of organizations first.
    watch: OrganizationWatch,
}

/// The proofs that a call carries.
pub(crate) struct Proofs<'c> {
    /// The value of `authorization`.
    pub(crate) authorization: Option<&'c HeaderValue>,
    /// Whether `authorization` was sent more than once.
    pub(crate) repeated: bool,
    /// The address of the connection.
    pub(crate) address: Option<IpAddr>,
    /// The names of the client certificate of the connection.
    pub(crate) certificate_names: &'c [String],
}

/// The current time.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.unwrap_or_default().as_micros();
    Time::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// No credential accepts the proof. All causes have one answer, so that it does not help to guess.
fn invalid() -> Fault {
    Fault::new(
        Code::Unauthenticated,
        ErrorReason::CredentialInvalid,
        "no credential accepts the key, the token or the certificate of this call: it is unknown, \
         wrong, expired, revoked or suspended",
    )
}

pub(crate) fn missing() -> Fault {
    Fault::new(
        Code::Unauthenticated,
        ErrorReason::CredentialMissing,
        "this server requires a credential: send the metadata key authorization: Bearer KEY, or a \
         client certificate",
    )
}

impl Authenticator {
    /// Reads all credentials.
    pub(crate) async fn open(
        store: &Store,
        required: bool,
        stale_after: Duration,
        issuers: Issuers,
        metrics: Arc<AuthenticationMetrics>,
        visitor_tokens: VisitorTokens,
        watch: OrganizationWatch,
    ) -> Result<Self, StorageError> {
        let asked = Instant::now();
        let stored = store.credentials_since(None).await?;
        stored.iter().for_each(|stored| watch.learn(stored));
        let table = stored.map(|stored| CredentialTable::new(stored, None));
        Ok(Self {
            table: RwLock::new(Arc::new(table.unwrap_or_default())),
            heard: RwLock::new(asked),
            stale_after,
            uses: KeyUses::default(),
            issuers: Arc::new(issuers),
            tokens: TokenCache::default(),
            metrics,
            visitor_tokens: Arc::new(visitor_tokens),
            visitor_rates: Arc::default(),
            required,
            watch,
        })
    }

    /// Knows no credential and requires none.
    #[cfg(test)]
    pub(crate) fn open_to_all() -> Self {
        Self {
            table: RwLock::default(),
            heard: RwLock::new(Instant::now()),
            stale_after: Duration::MAX,
            uses: KeyUses::default(),
            issuers: Arc::default(),
            tokens: TokenCache::default(),
            metrics: Arc::default(),
            visitor_tokens: Arc::default(),
            visitor_rates: Arc::default(),
            required: false,
            watch: OrganizationWatch::default(),
        }
    }

    /// Returns what the proofs of a call grant; `None` if it has none and needs none.
    ///
    /// With a key and a certificate, both must prove the same credential. A certificate that no
    /// credential names proves nothing: it may only have been asked for.
    pub(crate) fn authenticate(&self, proofs: &Proofs<'_>) -> Result<Option<Arc<Grant>>, Fault> {
        let carries_none = proofs.authorization.is_none() && proofs.certificate_names.is_empty();
        if carries_none && !self.required {
            return Ok(None);
        }
        if self.heard.read().elapsed() > self.stale_after {
            return Err(fault::stale(self.stale_after));
        }
        let table = Arc::clone(&self.table.read());
        let now = now();
        let certified = table.of_certificate(proofs.certificate_names, now);
        let grant = match proofs.authorization {
            None => match certified {
                Some(grant) => Arc::clone(grant),
                None if !self.required => return Ok(None),
                None => return Err(missing()),
            },
            Some(_) if proofs.repeated => return Err(invalid()),
            Some(header) => {
                let grant = self.of_bearer(&table, header, now).ok_or_else(invalid)?;
                if certified.is_some_and(|of| of.id != grant.id) {
                    return Err(invalid());
                }
                grant
            }
        };
        if !grant.accepts(proofs.address) {
            return Err(Fault::new(
                Code::PermissionDenied,
                ErrorReason::NetworkDenied,
                "the credential is not accepted from the network of this connection",
            ));
        }
        Ok(Some(grant))
    }

    fn of_bearer(
        &self,
        table: &CredentialTable,
        header: &HeaderValue,
        now: Time,
    ) -> Option<Arc<Grant>> {
        let text = api_key::of_bearer(header.as_bytes()).unwrap_or_default();
        if VisitorTokens::is_one(text) {
            let token = self.visitor_tokens.read(text, now)?;
            let grant = table.of_visitor(token, &self.visitor_rates, now);
            return grant.map(Arc::new);
        }
        let hash = api_key::hash(text);
        self.metrics.hashes.inc();
        if jwt::is_token(text) {
            return self.of_token(table, text, hash, now);
        }
        let grant = table.of_key(text, &hash, now)?;
        self.uses.used(&grant.proof, now);
        Some(Arc::clone(grant))
    }

    fn of_token(
        &self,
        table: &CredentialTable,
        token: &[u8],
        hash: [u8; 32],
        now: Time,
    ) -> Option<Arc<Grant>> {
        let basis = Basis {
            credentials: table.version(),
            keys: self.issuers.keys_version(),
        };
        if let Some(grant) = self.tokens.get(&hash, basis, now) {
            return grant.is_alive(now).then_some(grant);
        }
        let verified = self.issuers.verify(token, now, &self.metrics)?;
        let own = table.of_subject(&verified.subject, now)?;
        if !verified.is_of(own.organization.as_ref()) {
            return None;
        }
        let expires = verified.expires;
        let grant = Arc::new(own.by_token(verified, now));
        if now < expires {
            self.tokens.keep(hash, basis, expires, &grant, now);
        }
        Some(grant)
    }

    /// The tokens of visitors, which this server can mint if it has secret keys.
    pub(crate) fn visitor_tokens(&self) -> &VisitorTokens {
        &self.visitor_tokens
    }

    /// Whether a grant still holds: its credential and its proof have not been revoked since.
    pub(crate) fn still_grants(&self, grant: &Grant) -> bool {
        let key_is_trusted = match &grant.proof {
            ProofName::Token(subject, kid) => self.issuers.still_trust(subject, kid),
            ProofName::Key(_) | ProofName::Certificate(_) | ProofName::Minted => true,
        };
        key_is_trusted && self.table.read().still_grants(grant, now())
    }

    /// Checks the organization of a grant: it may be suspended or deleted.
    pub(crate) fn serves(&self, organization: &str) -> bool {
        self.table.read().serves(organization)
    }

    /// Reads the credentials if they changed.
    pub(crate) async fn refresh(&self, store: &Store) -> Result<(), StorageError> {
        let asked = Instant::now();
        let version = self.table.read().version();
        if let Some(stored) = store.credentials_since(Some(version)).await? {
            self.watch.learn(&stored);
            let before = Arc::clone(&self.table.read());
            // A slower look must not bring back an older version.
            let mut table = self.table.write();
            if stored.version > table.version() {
                *table = Arc::new(CredentialTable::new(stored, Some(&before)));
            }
        }
        let mut heard = self.heard.write();
        *heard = asked.max(*heard);
        Ok(())
    }

    /// Follows the credentials, the keys of issuers and the secret keys, until dropped.
    pub(crate) async fn follow(self: Arc<Self>, store: Arc<Store>) {
        let issuers = Arc::clone(&self.issuers).follow(Arc::clone(&self.metrics));
        let secrets = Arc::clone(&self.visitor_tokens).follow();
        tokio::join!(issuers, secrets, self.follow_credentials(&store));
    }

    /// Follows the credentials and writes when keys were used, until dropped.
    async fn follow_credentials(&self, store: &Store) {
        let mut turns = tokio::time::interval(LOOK_EVERY);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut written = Instant::now();
        loop {
            turns.tick().await;
            if let Err(error) = self.refresh(store).await {
                // The log follower reports that the database does not answer.
                tracing::debug!(%error, "could not read the credentials");
            }
            if written.elapsed() >= WRITE_USES_EVERY {
                written = Instant::now();
                self.write_uses(store).await;
            }
        }
    }

    /// Writes when keys were used.
    pub(crate) async fn write_uses(&self, store: &Store) {
        let uses = self.uses.take();
        if !uses.is_empty()
            && let Err(error) = store.record_key_uses(uses).await
        {
            tracing::debug!(%error, "could not write when keys were used");
        }
    }
}
