//! Tokens that break one rule each.

use serde_json::{Value, json};

use super::with;
use crate::issuer::{self, ISSUER, SigningKey, claims, now};

/// The rule that a token breaks, and the token.
type Broken = (&'static str, String);

/// Tokens whose headers or signatures break a rule. `other` is no key of the issuer.
pub fn unsound(key: &SigningKey, other: &SigningKey, ec: &SigningKey) -> Vec<Broken> {
    let good = claims("settings:read");
    let header = |name: &str, value: Value| key.token_of(&with(&key.header(), name, value), &good);
    let none = issuer::unsigned(&json!({"alg": "none", "kid": key.kid}), &good);
    let confused = issuer::unsigned(&json!({"alg": "HS256", "kid": key.kid}), &good);
    let secret = issuer::hmac(&key.public_bytes(), &confused);
    let foreign = SigningKey::new(&key.kid, "RS256");
    let embedded = with(&foreign.header(), "jwk", foreign.jwk());
    let valid = key.token(&good);
    let (message, signature) = valid.rsplit_once('.').expect("three parts");
    let mut changed = claims("settings:read settings:write");
    changed["sub"] = "someone".into();
    let forged = issuer::unsigned(&key.header(), &changed);
    vec![
        ("no algorithm", format!("{none}.")),
        ("the public key as a secret", format!("{confused}.{secret}")),
        (
            "an algorithm that is not the key's",
            header("alg", json!("PS256")),
        ),
        (
            "a key of another algorithm",
            key.token_of(&ec.header(), &good),
        ),
        ("no key", header("kid", json!(null))),
        ("an unknown key", header("kid", json!("nobody"))),
        ("a critical extension", header("crit", json!(["b64"]))),
        ("an own critical extension", header("crit", json!(["x"]))),
        ("a key that is not in the file", other.token(&good)),
        ("a foreign key under a known ID", foreign.token(&good)),
        (
            "a foreign key in the header",
            foreign.token_of(&embedded, &good),
        ),
        (
            "a signature of other claims",
            format!("{forged}.{signature}"),
        ),
        ("no signature", format!("{message}.")),
        ("two parts", message.to_owned()),
        ("four parts", format!("{valid}.{signature}")),
        ("no base64", "a.b.c".to_owned()),
        ("only full stops", "..".to_owned()),
    ]
}

/// Tokens whose claims break a rule.
pub fn unacceptable(key: &SigningKey) -> Vec<Broken> {
    let good = claims("settings:read");
    let claim = |name: &str, value: Value| key.token(&with(&good, name, value));
    vec![
        (
            "another issuer",
            claim("iss", json!("https://evil.example")),
        ),
        ("no issuer", claim("iss", json!(null))),
        ("several issuers", claim("iss", json!([ISSUER]))),
        ("another audience", claim("aud", json!("billing"))),
        ("no audience", claim("aud", json!(null))),
        (
            "audiences without this one",
            claim("aud", json!(["billing", "rosters"])),
        ),
        ("an unknown subject", claim("sub", json!("nobody"))),
        ("no subject", claim("sub", json!(null))),
        ("a subject that is a number", claim("sub", json!(7))),
        (
            "a subject of an organization that the issuer may not name",
            claim("sub", json!("other")),
        ),
        (
            "a subject of an administrator",
            claim("sub", json!("admin")),
        ),
        (
            "the scope admin",
            claim("scope", json!("settings:read admin")),
        ),
        ("a scope that is a number", claim("scope", json!(7))),
        ("no expiry", claim("exp", json!(null))),
        ("an expiry that is a text", claim("exp", json!("tomorrow"))),
        ("an expiry long ago", with_times(key, &good, -600, -65)),
        ("no time of issue", claim("iat", json!(null))),
        (
            "a time of issue in the future",
            with_times(key, &good, 70, 300),
        ),
        ("a time to come", claim("nbf", json!(now() + 70))),
        ("a text as a time", claim("nbf", json!("now"))),
        (
            "a lifetime that is too long",
            with_times(key, &good, -10, 3_591),
        ),
        ("an expiry before the issue", with_times(key, &good, 30, 20)),
        ("a time beyond all times", claim("exp", json!(1e300))),
    ]
}

/// A token that was issued and expires these seconds from now.
pub fn with_times(key: &SigningKey, good: &Value, issued: i64, expires: i64) -> String {
    let at = now();
    let claims = with(good, "iat", json!(at + issued));
    key.token(&with(&claims, "exp", json!(at + expires)))
}
