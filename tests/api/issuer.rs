//! An issuer of JSON Web Tokens for tests. It signs any header and any claims, also wrong ones.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key that signs, with its ID.
pub struct SigningKey {
    pub kid: String,
    pub algorithm: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(Box<rsa::KeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl SigningKey {
    /// A new key of RS256, PS256, ES256 or EdDSA.
    pub fn new(kid: &str, algorithm: &'static str) -> Self {
        let pair = match algorithm {
            "ES256" => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
                Pair::Ec(Box::new(pair.expect("a key")))
            }
            "EdDSA" => Pair::Ed(Box::new(Ed25519KeyPair::generate().expect("a key"))),
            _ => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048);
                Pair::Rsa(Box::new(pair.expect("a key")))
            }
        };
        Self {
            kid: kid.to_owned(),
            algorithm,
            pair,
        }
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": encoded(key.modulus().big_endian_without_leading_zero()),
                    "e": encoded(key.exponent().big_endian_without_leading_zero()),
                })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC", "crv": "P-256",
                    "x": encoded(&point[1..33]), "y": encoded(&point[33..]),
                })
            }
            Pair::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(pair.public_key())})
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["alg"] = self.algorithm.into();
        jwk
    }

    /// The public key in DER, which an attacker may use as a shared secret.
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let der = pair.public_key().as_der().expect("DER");
                der.as_ref().to_vec()
            }
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    fn sign(&self, message: &[u8], algorithm: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding = if algorithm == "PS256" {
                    &RSA_PSS_SHA256
                } else {
                    &RSA_PKCS1_SHA256
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(padding, &random, message, &mut signature);
                signed.expect("a signature");
                signature
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message).expect("a signature");
                signature.as_ref().to_vec()
            }
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this header and these claims, signed by this key with the algorithm of the header.
    pub fn token_of(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let algorithm = header["alg"].as_str().unwrap_or(self.algorithm);
        let signature = self.sign(message.as_bytes(), algorithm);
        format!("{message}.{}", encoded(signature))
    }

    pub fn header(&self) -> Value {
        json!({"alg": self.algorithm, "kid": self.kid, "typ": "JWT"})
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_of(&self.header(), claims)
    }
}

/// The two first parts of a token.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encoded(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// The third part of a token that is authenticated by a shared secret.
pub fn hmac(secret: &[u8], message: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    encoded(aws_lc_rs::hmac::sign(&key, message.as_bytes()))
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    since.as_secs().try_into().expect("a time")
}

/// The issuer of tests, and the subject of its tokens.
pub const ISSUER: &str = "https://id.example";
pub const AUDIENCE: &str = "roster";
pub const SUBJECT: &str = "billing-service";

/// Claims that the server accepts.
pub fn claims(scope: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": SUBJECT,
        "iat": now() - 5, "exp": now() + 600, "scope": scope,
    })
}

/// Writes the public keys as an issuer's sidecar does: to a new file that takes the place of the old.
pub fn write_keys(path: &Path, keys: &[&SigningKey]) {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    let new = path.with_extension("new");
    std::fs::write(&new, json!({ "keys": keys }).to_string()).expect("a file");
    std::fs::rename(&new, path).expect("its name");
}

/// The file of the keys, in the folder of a test.
pub fn keys_file(folder: &Path) -> PathBuf {
    folder.join("issuer.jwks")
}

/// Writes a configuration with one issuer, with further lines of its table.
pub fn configuration(folder: &Path, lines: &str) -> String {
    let file = folder.join("roster.toml");
    let keys = keys_file(folder);
    let text = format!(
        "[[issuer]]\nissuer = '{ISSUER}'\naudience = '{AUDIENCE}'\njwks_file = '{}'\n{lines}\n",
        keys.display()
    );
    std::fs::write(&file, text).expect("a file");
    file.to_str().expect("text").to_owned()
}
