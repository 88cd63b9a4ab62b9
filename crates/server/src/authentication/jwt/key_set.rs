//! The public keys of an issuer, from its JSON Web Key Set.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;
use std::path::Path;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;

use super::issuer_config::TokenAlgorithm;

/// The longest file: thousands of keys fit, a file by mistake does not.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The fewest bytes of the modulus of an RSA key: 2,048 bits, below which keys were broken.
const MODULUS_BYTES_MIN: usize = 256;

/// Why a file has no usable keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeySetError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("has more than {FILE_BYTES_MAX} bytes")]
    TooLong,
    #[error("is no JSON Web Key Set: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("has no key with a `kid` and an algorithm of the issuer")]
    Empty,
    #[error("has two keys {0:?}")]
    Repeated(String),
    #[error("has an invalid key {0:?}")]
    Invalid(String),
    #[error("has an RSA key {0:?} of less than 2048 bits")]
    Short(String),
    #[error("has an RSA key {0:?} without `alg`, but the issuer may use RS256 and PS256")]
    Ambiguous(String),
}

/// A key and the only algorithm that it verifies.
#[derive(Debug)]
pub(super) struct VerifyingKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct KeySet(HashMap<String, VerifyingKey>);

#[derive(Deserialize)]
struct File {
    keys: Vec<serde_json::Value>,
}

/// Reads a file, up to the longest length. Blocks.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, KeySetError> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(KeySetError::TooLong);
    }
    Ok(text)
}

impl KeySet {
    /// Keeps the keys that can verify a token of the issuer. Keys for other purposes are skipped,
    /// since issuers publish them in the same set.
    pub(super) fn parse(text: &[u8], allowed: &[TokenAlgorithm]) -> Result<Self, KeySetError> {
        let file: File = serde_json::from_slice(text)?;
        let mut keys = HashMap::new();
        for value in file.keys {
            let Ok(jwk) = serde_json::from_value::<Jwk>(value) else {
                continue;
            };
            let Some(kid) = jwk.common.key_id.clone() else {
                continue;
            };
            let Some(key) = verifying_key(&kid, &jwk, allowed)? else {
                continue;
            };
            match keys.entry(kid) {
                Entry::Vacant(entry) => entry.insert(key),
                Entry::Occupied(entry) => return Err(KeySetError::Repeated(entry.key().clone())),
            };
        }
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self(keys))
    }

    pub(super) fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.get(kid)
    }
}

/// The key with its algorithm; `None` if it does not verify tokens of the issuer.
fn verifying_key(
    kid: &str,
    jwk: &Jwk,
    allowed: &[TokenAlgorithm],
) -> Result<Option<VerifyingKey>, KeySetError> {
    let Some(algorithm) = algorithm(kid, jwk, allowed)? else {
        return Ok(None);
    };
    let invalid = || KeySetError::Invalid(kid.to_owned());
    let key = DecodingKey::from_jwk(jwk).map_err(|_| invalid())?;
    if let DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind() {
        let leading = n.iter().take_while(|byte| **byte == 0).count();
        if n.len() - leading < MODULUS_BYTES_MIN {
            return Err(KeySetError::Short(kid.to_owned()));
        }
    }
    Ok(Some(VerifyingKey { algorithm, key }))
}

fn algorithm(
    kid: &str,
    jwk: &Jwk,
    allowed: &[TokenAlgorithm],
) -> Result<Option<Algorithm>, KeySetError> {
    let verifies = |operations: &Vec<KeyOperations>| operations.contains(&KeyOperations::Verify);
    let common = &jwk.common;
    let is_signature = common
        .public_key_use
        .as_ref()
        .is_none_or(|of| *of == PublicKeyUse::Signature);
    if !is_signature || !common.key_operations.as_ref().is_none_or(verifies) {
        return Ok(None);
    }
    let kinds: &[(TokenAlgorithm, KeyAlgorithm, Algorithm)] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[
            (TokenAlgorithm::RS256, KeyAlgorithm::RS256, Algorithm::RS256),
            (TokenAlgorithm::PS256, KeyAlgorithm::PS256, Algorithm::PS256),
        ],
        AlgorithmParameters::EllipticCurve(of) if of.curve == EllipticCurve::P256 => {
            &[(TokenAlgorithm::ES256, KeyAlgorithm::ES256, Algorithm::ES256)]
        }
        AlgorithmParameters::OctetKeyPair(of) if of.curve == EllipticCurve::Ed25519 => {
            &[(TokenAlgorithm::EdDSA, KeyAlgorithm::EdDSA, Algorithm::EdDSA)]
        }
        _ => &[],
    };
    let named = common.key_algorithm;
    let mut fitting = kinds
        .iter()
        .filter(|(of, named_so, _)| allowed.contains(of) && named.is_none_or(|n| n == *named_so));
    let first = fitting.next();
    if fitting.next().is_some() {
        return Err(KeySetError::Ambiguous(kid.to_owned()));
    }
    Ok(first.map(|(_, _, algorithm)| *algorithm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ALL: [TokenAlgorithm; 4] = [
        TokenAlgorithm::RS256,
        TokenAlgorithm::PS256,
        TokenAlgorithm::ES256,
        TokenAlgorithm::EdDSA,
    ];

    fn parse(keys: &[Value], allowed: &[TokenAlgorithm]) -> Result<KeySet, String> {
        let text = json!({ "keys": keys }).to_string();
        KeySet::parse(text.as_bytes(), allowed).map_err(|error| error.to_string())
    }

    fn rsa(bytes: usize, alg: Option<&str>) -> Value {
        use base64::Engine;
        let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
        let mut key = json!({"kty": "RSA", "kid": "r", "n": n, "e": "AQAB"});
        if let Some(alg) = alg {
            key["alg"] = alg.into();
        }
        key
    }

    #[test]
    fn an_algorithm_is_bound_to_its_key() {
        for (allowed, alg, bound) in [
            (&ALL[..], Some("RS256"), Some(Algorithm::RS256)),
            (&ALL, Some("PS256"), Some(Algorithm::PS256)),
            (&ALL[..1], None, Some(Algorithm::RS256)),
            (&ALL[1..], None, Some(Algorithm::PS256)),
            (&ALL[2..], Some("RS256"), None),
            (&ALL, Some("RS512"), None),
            (&ALL, Some("RSA-OAEP"), None),
        ] {
            let set = parse(&[rsa(256, alg)], allowed);
            let found = set.ok().and_then(|set| Some(set.get("r")?.algorithm));
            assert_eq!(found, bound, "{alg:?}");
        }
        let both = parse(&[rsa(256, None)], &ALL).unwrap_err();
        assert!(both.contains("without `alg`"), "{both}");
    }

    #[test]
    fn a_short_key_and_a_repeated_one_are_refused() {
        let short = parse(&[rsa(255, Some("RS256"))], &ALL).unwrap_err();
        assert!(short.contains("less than 2048 bits"), "{short}");
        parse(&[rsa(256, Some("RS256"))], &ALL).expect("long enough");
        let twice = vec![rsa(256, Some("RS256")); 2];
        let twice = parse(&twice, &ALL).unwrap_err();
        assert!(twice.contains("two keys"), "{twice}");
    }

    #[test]
    fn keys_for_other_purposes_are_skipped_and_a_set_without_a_usable_key_is_broken() {
        let mut for_encryption = rsa(256, None);
        for_encryption["use"] = "enc".into();
        let secret = json!({"kty": "oct", "kid": "s", "k": "AAAA", "alg": "HS256"});
        let other_curve = json!({"kty": "EC", "kid": "e", "crv": "P-384", "x": "AA", "y": "AA"});
        let mut without_kid = rsa(256, Some("RS256"));
        without_kid.as_object_mut().expect("a key").remove("kid");
        let skipped = [
            for_encryption,
            secret,
            other_curve,
            without_kid,
            json!({"kty": "?"}),
        ];
        let empty = parse(&skipped, &ALL).unwrap_err();
        assert!(empty.contains("has no key"), "{empty}");
        let with_one = [&skipped[..], &[rsa(256, Some("RS256"))]].concat();
        let set = parse(&with_one, &ALL).expect("one key");
        assert!(set.get("r").is_some() && set.get("s").is_none());
        for text in ["", "{}", "[]", "{\"keys\": 1}"] {
            KeySet::parse(text.as_bytes(), &ALL).expect_err(text);
        }
    }
}
