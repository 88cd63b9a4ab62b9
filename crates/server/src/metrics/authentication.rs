//! The work of authentication. The figures also show that it is the same for all wrong credentials.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct AuthenticationMetrics {
    /// SHA-256 hashes of keys and tokens.
    pub(crate) hashes: Counter,
    /// Signatures of tokens that were verified, with any result.
    pub(crate) verifications: Counter,
    /// Issuers whose keys could not be read the last time.
    pub(crate) broken_key_files: Gauge,
}

impl AuthenticationMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "roster_credential_hashes",
            "Hashes of API keys and tokens that calls carried",
            self.hashes.clone(),
        );
        registry.register(
            "roster_token_verifications",
            "Signatures of tokens that were verified, with any result",
            self.verifications.clone(),
        );
        registry.register(
            "roster_issuer_key_files_broken",
            "Issuers of tokens whose keys could not be read the last time, so that older keys apply",
            self.broken_key_files.clone(),
        );
    }
}
