//! The table `[[issuer]]` of the configuration file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Default longest lifetime of a token, in seconds: usual for access tokens.
const LIFETIME_SECONDS: u64 = 3_600;

/// An issuer of JSON Web Tokens whose tokens the server accepts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The claim `iss` of its tokens.
    pub issuer: String,
    /// What the claim `aud` of its tokens must contain, so that a token for another service is not
    /// accepted.
    pub audience: String,
    /// A file with its public keys, a JSON Web Key Set. The server never fetches keys itself.
    pub jwks_file: PathBuf,
    /// The algorithms that its keys may have.
    #[serde(default = "all_algorithms")]
    pub algorithms: Vec<TokenAlgorithm>,
    /// The organizations whose credentials its tokens may prove.
    pub organizations: IssuerOrganizations,
    /// The scopes, or sets of scopes, that its tokens may have at most; without it, those of the
    /// credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes_max: Option<Vec<String>>,
    /// The claim that names the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_claim: Option<String>,
    /// The longest time from `iat` to `exp`, in seconds.
    #[serde(default = "lifetime_max")]
    pub lifetime_max: u64,
}

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum TokenAlgorithm {
    /// RSA with PKCS #1.
    RS256,
    /// RSA with PSS.
    PS256,
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// The organizations of an issuer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a list of organizations, or a table with `claim` and `allow`"
)]
pub enum IssuerOrganizations {
    /// Tokens of each subject may prove its credential in any of these.
    Names(Vec<String>),
    /// The token names the organization.
    Claimed(ClaimedOrganization),
}

/// An organization that a claim names.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedOrganization {
    /// The claim.
    pub claim: String,
    /// The organizations that it may name.
    pub allow: Vec<String>,
}

fn all_algorithms() -> Vec<TokenAlgorithm> {
    vec![
        TokenAlgorithm::RS256,
        TokenAlgorithm::PS256,
        TokenAlgorithm::ES256,
        TokenAlgorithm::EdDSA,
    ]
}

fn lifetime_max() -> u64 {
    LIFETIME_SECONDS
}
