//! JSON Web Tokens as proofs of credentials.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use roster_api::v1::*;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::issuer::{self, AUDIENCE, ISSUER, SUBJECT, SigningKey, claims, now};
use crate::manual;
use crate::metrics::scrape;
use crate::raw_call;
use crate::secured::{Secured, organization};
use crate::world::{Clients, Engine, answered, refused};

const GET_SETTINGS: &str = "/roster.v1.SettingsService/GetSettings";

/// A server with one issuer and a credential of acme that its subject proves.
struct Issued {
    world: Secured,
    credential: Credential,
}

/// A credential with a subject.
async fn subject_of(world: &Secured, organization: &str, subject: &str) -> Credential {
    let scopes = if organization.is_empty() {
        "admin"
    } else {
        "reader"
    };
    let credential = Credential {
        name: subject.into(),
        organization: organization.into(),
        scopes: vec![scopes.into()],
        subjects: vec![TokenSubject {
            issuer: ISSUER.into(),
            subject: subject.into(),
        }],
        ..Default::default()
    };
    let created = world.try_create(&world.admin, credential).await;
    created.expect("a credential").0
}

impl Issued {
    async fn start(engine: Engine, lines: &str, keys: &[&SigningKey]) -> Self {
        let world = Secured::start_with(engine, &["--metrics", "127.0.0.1:0"], |folder| {
            issuer::write_keys(&issuer::keys_file(folder), keys);
            vec!["--config".to_owned(), issuer::configuration(folder, lines)]
        })
        .await;
        for name in ["acme", "other"] {
            organization(&world, name).await;
        }
        let credential = subject_of(&world, "acme", SUBJECT).await;
        Self { world, credential }
    }

    async fn call(
        &self,
        path: &str,
        token: &str,
        more: &[(&'static str, &str)],
    ) -> Result<Option<Vec<u8>>, Status> {
        let mut metadata = vec![("authorization", format!("Bearer {token}"))];
        metadata.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        raw_call::first_message(&self.world.channel, path, &metadata, Vec::new()).await
    }

    /// How a call with a token ends: the reason, empty if it succeeds.
    async fn ends(&self, token: &str) -> String {
        reason(&self.call(GET_SETTINGS, token, &[]).await)
    }

    fn metric(&self, name: &str) -> f64 {
        let text = scrape(&self.world.server);
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.expect("the metric").parse().expect("a number")
    }
}

fn reason<T>(ended: &Result<T, Status>) -> String {
    match ended {
        Ok(_) => String::new(),
        Err(status) => manual::named(status).expect("an ErrorInfo").1,
    }
}

/// The claims with one of them set, or removed by null.
fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().expect("claims");
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
    claims
}

const ACME: &str = "organizations = ['acme']";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_each_algorithm_has_the_scopes_that_its_claim_its_issuer_and_its_credential_allow()
 {
    let keys = ["RS256", "PS256", "ES256", "EdDSA"].map(|alg| SigningKey::new(alg, alg));
    let lines = format!("{ACME}\nscopes_max = ['settings:read', 'settings:write', 'portal']");
    let all: Vec<&SigningKey> = keys.iter().collect();
    let issued = Issued::start(Engine::Postgres, &lines, &all).await;
    for key in &keys {
        let ended = issued
            .ends(&key.token(&claims("openid settings:read")))
            .await;
        assert_eq!(ended, "", "{}", key.algorithm);
    }
    let key = &keys[3];
    for scope in [
        json!(null),
        json!(""),
        json!("visibility:read"),
        json!("reader"),
        json!("*"),
    ] {
        let token = key.token(&with(&claims(""), "scope", scope.clone()));
        assert_eq!(issued.ends(&token).await, "SCOPE_MISSING", "{scope}");
    }
    let list = with(&claims(""), "scope", json!(["settings:read"]));
    assert_eq!(issued.ends(&key.token(&list)).await, "");
    let token = key.token(&claims("settings:write accounts:read visibility:read"));
    for (path, why) in [
        (
            "SettingsService/UpdateSettings",
            "a scope that its credential lacks",
        ),
        (
            "AccountService/ListAccounts",
            "a scope beyond the most of its issuer",
        ),
    ] {
        let ended = issued
            .call(&format!("/roster.v1.{path}"), &token, &[])
            .await;
        assert_eq!(reason(&ended), "SCOPE_MISSING", "{why}");
    }
    let check = "/roster.v1.VisibilityService/CheckTicket";
    assert_eq!(
        reason(&issued.call(check, &token, &[]).await),
        "FIELD_REQUIRED"
    );
}

/// Tokens that break one rule each.
fn broken(key: &SigningKey, other: &SigningKey, ec: &SigningKey) -> Vec<(&'static str, String)> {
    let good = claims("settings:read");
    let claim = |name: &str, value: Value| key.token(&with(&good, name, value));
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
fn with_times(key: &SigningKey, good: &Value, issued: i64, expires: i64) -> String {
    let at = now();
    let claims = with(good, "iat", json!(at + issued));
    key.token(&with(&claims, "exp", json!(at + expires)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_breaks_a_rule_is_refused_with_the_same_bytes_whichever_rule() {
    let (key, other) = (
        SigningKey::new("k1", "RS256"),
        SigningKey::new("k2", "RS256"),
    );
    let ec = SigningKey::new("k3", "ES256");
    let issued = Issued::start(Engine::Sqlite, ACME, &[&key, &ec]).await;
    subject_of(&issued.world, "other", "other").await;
    subject_of(&issued.world, "", "admin").await;
    let mut texts = BTreeSet::new();
    for (rule, token) in broken(&key, &other, &ec) {
        let ended = issued.call(GET_SETTINGS, &token, &[]).await;
        assert_eq!(reason(&ended), "CREDENTIAL_INVALID", "{rule}");
        let status = ended.expect_err("refused");
        texts.insert(format!("{:?} {:?}", status.message(), status.details()));
    }
    assert_eq!(texts.len(), 1, "{texts:#?}");

    let good = claims("settings:read");
    let claim = |name: &str, value: Value| key.token(&with(&good, name, value));
    let header = |name: &str, value: Value| key.token_of(&with(&key.header(), name, value), &good);
    for (what, token) in [
        ("a good token", key.token(&good)),
        ("a good token of another key", ec.token(&good)),
        (
            "an ignored URL of keys",
            header("jku", json!("https://evil.example/keys")),
        ),
        (
            "an ignored URL of certificates",
            header("x5u", json!("https://evil.example")),
        ),
        ("ignored certificates", header("x5c", json!(["AAAA"]))),
        ("an ignored key", header("jwk", other.jwk())),
        (
            "an expiry within the skew",
            with_times(&key, &good, -600, -50),
        ),
        (
            "a time of issue within the skew",
            with_times(&key, &good, 50, 300),
        ),
        (
            "a time to come within the skew",
            claim("nbf", json!(now() + 50)),
        ),
        ("the longest lifetime", with_times(&key, &good, -10, 3_590)),
        (
            "several audiences",
            claim("aud", json!(["billing", AUDIENCE])),
        ),
        ("8 KiB", claim("groups", json!("x".repeat(6_000)))),
    ] {
        assert_eq!(
            issued.ends(&token).await,
            "",
            "{what}, {} bytes",
            token.len()
        );
    }
    let twice = [("authorization", "Bearer x")];
    let ended = issued.call(GET_SETTINGS, &key.token(&good), &twice).await;
    assert_eq!(reason(&ended), "CREDENTIAL_INVALID");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_actor_of_a_token_is_its_claim_and_the_metadata_is_refused() {
    let key = SigningKey::new("k1", "EdDSA");
    let lines = format!("{ACME}\nactor_claim = 'email'");
    let issued = Issued::start(Engine::Sqlite, &lines, &[&key]).await;
    let claims = with(&claims("settings:read"), "email", json!("sato@example.jp"));
    let token = key.token(&claims);
    assert_eq!(issued.ends(&token).await, "");
    for name in ["roster-actor", "roster-actor-bin"] {
        let ended = issued.call(GET_SETTINGS, &token, &[(name, "c2F0bw")]).await;
        assert_eq!(reason(&ended), "ACTOR_DENIED", "{name}");
    }
    for (actor, ended) in [
        (json!("a".repeat(200)), ""),
        (json!("a".repeat(201)), "CREDENTIAL_INVALID"),
        (json!("a\nb"), "CREDENTIAL_INVALID"),
        (json!(7), "CREDENTIAL_INVALID"),
        (json!(null), ""),
    ] {
        let token = key.token(&with(&claims, "email", actor));
        assert_eq!(issued.ends(&token).await, ended);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_names_the_organization_if_the_issuer_says_so() {
    let key = SigningKey::new("k1", "EdDSA");
    let lines = "organizations = { claim = 'tenant', allow = ['acme', 'other'] }";
    let issued = Issued::start(Engine::Sqlite, lines, &[&key]).await;
    for (tenant, ended) in [
        (json!("acme"), ""),
        (json!("other"), "CREDENTIAL_INVALID"),
        (json!("third"), "CREDENTIAL_INVALID"),
        (json!(["acme"]), "CREDENTIAL_INVALID"),
        (json!(null), "CREDENTIAL_INVALID"),
    ] {
        let token = key.token(&with(&claims("settings:read"), "tenant", tenant.clone()));
        assert_eq!(issued.ends(&token).await, ended, "{tenant}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_read_again_within_5_seconds_and_a_broken_file_keeps_the_old_ones() {
    let (old, new) = (
        SigningKey::new("k1", "EdDSA"),
        SigningKey::new("k2", "EdDSA"),
    );
    let issued = Issued::start(Engine::Sqlite, ACME, &[&old]).await;
    let file = issuer::keys_file(issued.world.path("x").parent().expect("a folder"));
    let (of_old, of_new) = (
        old.token(&claims("settings:read")),
        new.token(&claims("settings:read")),
    );
    assert_eq!(issued.ends(&of_old).await, "");
    assert_eq!(issued.ends(&of_new).await, "CREDENTIAL_INVALID");
    assert_eq!(issued.metric("roster_issuer_key_files_broken"), 0.0);

    std::fs::write(&file, "{\"keys\": [").expect("a broken file");
    let begun = Instant::now();
    while issued.metric("roster_issuer_key_files_broken") != 1.0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "no metric");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(issued.ends(&of_old).await, "");

    issuer::write_keys(&file, &[&new]);
    let begun = Instant::now();
    // The verified token of a removed key is not remembered.
    while issued.ends(&of_old).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(5), "an old key stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(issued.ends(&of_new).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_token_is_not_verified_again_until_a_credential_changes() {
    let key = SigningKey::new("k1", "EdDSA");
    let issued = Issued::start(Engine::Sqlite, ACME, &[&key]).await;
    let token = key.token(&claims("settings:read"));
    for _ in 0..5 {
        assert_eq!(issued.ends(&token).await, "");
    }
    assert_eq!(issued.metric("roster_token_verifications_total"), 1.0);
    issued.world.suspend(&issued.credential.id, false).await;
    assert_eq!(issued.ends(&token).await, "CREDENTIAL_INVALID");
    issued.world.suspend(&issued.credential.id, true).await;
    assert_eq!(issued.ends(&token).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_its_token_expires() {
    let key = SigningKey::new("k1", "EdDSA");
    let issued = Issued::start(Engine::Sqlite, ACME, &[&key]).await;
    let update = UpdateCredentialRequest {
        credential: Some(Credential {
            id: issued.credential.id.clone(),
            scopes: vec!["importer".into()],
            ..Default::default()
        }),
        update_mask: crate::world::mask(&["scopes"]),
        ..Default::default()
    };
    answered(
        issued
            .world
            .admin
            .admin
            .clone()
            .update_credential(update)
            .await,
    );
    let mut claims = claims("imports:write accounts:write");
    claims["exp"] = json!(now() + 3);
    let caller = issued.world.with_key(&key.token(&claims));
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let config = ImportConfig {
        kind: ImportKind::Accounts.into(),
        ..Default::default()
    };
    let first = start_import_request::Part::Config(config);
    let first = StartImportRequest { part: Some(first) };
    sender.send(first).await.expect("room");
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let begun = Instant::now();
    let ended = caller.imports.clone().start_import(stream).await;
    refused(ended, Code::Unauthenticated, "CREDENTIAL_REVOKED");
    let took = begun.elapsed().as_secs();
    assert!((1..=5).contains(&took), "{took} s");
    drop(sender);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_table_of_an_issuer_is_refused_at_the_start_in_one_sentence() {
    let key = SigningKey::new("k1", "EdDSA");
    for (lines, said) in [
        ("", "missing field `organizations`"),
        ("organizations = []", "name at least one organization"),
        ("organizations = 'acme'", "a table with `claim` and `allow`"),
        ("organizations = ['acme']\nalgorithms = ['HS256']", "HS256"),
        (
            "organizations = ['acme']\nalgorithms = ['RS256']",
            "has no key with a `kid`",
        ),
        (
            "organizations = ['acme']\nscopes_max = ['admin']",
            "no token has the scope admin",
        ),
        (
            "organizations = ['acme']\nscopes_max = ['*']",
            "neither a scope",
        ),
        (
            "organizations = ['acme']\nlifetime_max = 86401",
            "`lifetime_max` is not 1 to 86400",
        ),
        (
            "organizations = ['acme']\njwks_url = 'https://x'",
            "jwks_url",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        issuer::write_keys(&issuer::keys_file(folder.path()), &[&key]);
        let config = issuer::configuration(folder.path(), lines);
        let database = crate::world::Database::create(Engine::Sqlite);
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--config",
            &config,
            "--database",
            &database.url,
        ];
        let output = crate::world::command(&arguments).output().expect("it ends");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && error.contains(said),
            "{lines}: {error}"
        );
    }
}

/// A proxy may set such headers, and so may anybody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_about_a_certificate_is_never_read() {
    let world = Secured::start(Engine::Sqlite).await;
    organization(&world, "acme").await;
    let credential = Credential {
        name: "certified".into(),
        organization: "acme".into(),
        scopes: vec!["owner".into()],
        certificate_names: vec![
            "DNS:billing.example".into(),
            "URI:spiffe://x/billing".into(),
        ],
        ..Default::default()
    };
    world
        .try_create(&world.admin, credential)
        .await
        .expect("it");
    let envoy = "Hash=00;Subject=\"CN=billing.example\";URI=spiffe://x/billing;DNS=billing.example";
    for (name, value) in [
        ("x-forwarded-client-cert", envoy),
        ("x-client-cert", "DNS:billing.example"),
        ("x-ssl-client-s-dn", "CN=billing.example"),
        ("ssl-client-cert", "DNS:billing.example"),
        ("client-cert", "DNS:billing.example"),
    ] {
        let metadata = [(name, value.to_owned())];
        let ended =
            raw_call::first_message(&world.channel, GET_SETTINGS, &metadata, Vec::new()).await;
        assert_eq!(reason(&ended), "CREDENTIAL_MISSING", "{name}");
    }
    let nobody = Clients::over(world.channel.clone());
    let answer = nobody
        .settings
        .clone()
        .get_settings(GetSettingsRequest::default())
        .await;
    refused(answer, Code::Unauthenticated, "CREDENTIAL_MISSING");
}
