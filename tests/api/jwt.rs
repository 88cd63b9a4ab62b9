//! JSON Web Tokens as proofs of credentials.

mod broken_tokens;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use roster_api::v1::*;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::issuer::{self, AUDIENCE, ISSUER, SUBJECT, SigningKey, claims, now};
use crate::manual;
use crate::metrics::scrape;
use crate::raw_call;
use crate::secured::{Secured, organization};
use crate::world::{Engine, answered, refused};
use broken_tokens::{unacceptable, unsound, with_times};

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

    /// Replaces the scopes of the credential.
    async fn give(&self, scope: &str) {
        let update = UpdateCredentialRequest {
            credential: Some(Credential {
                id: self.credential.id.clone(),
                scopes: vec![scope.into()],
                ..Default::default()
            }),
            update_mask: crate::world::mask(&["scopes"]),
            ..Default::default()
        };
        answered(
            self.world
                .admin
                .admin
                .clone()
                .update_credential(update)
                .await,
        );
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
    let all = [unsound(&key, &other, &ec), unacceptable(&key)].concat();
    for (rule, token) in all {
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

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = diesel::sql_types::Text)]
    actor: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    credential: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_set_records_the_credential_and_the_actor_of_a_token() {
    let key = SigningKey::new("k1", "EdDSA");
    let lines = format!("{ACME}\nactor_claim = 'email'");
    let issued = Issued::start(Engine::Sqlite, &lines, &[&key]).await;
    issued.give("owner").await;
    let claims = with(&claims("settings:write"), "email", json!("sato@example.jp"));
    let caller = issued.world.with_key(&key.token(&claims));
    let update = UpdateSettingsRequest {
        settings: Some(Settings {
            multiple_accounts: true,
            ..Default::default()
        }),
        update_mask: crate::world::mask(&["multiple_accounts"]),
        ..Default::default()
    };
    answered(caller.settings.clone().update_settings(update).await);
    let path = issued
        .world
        .database
        .url
        .strip_prefix("sqlite:")
        .expect("a file");
    let mut conn = SqliteConnection::establish(path).expect("the database");
    let query = "SELECT actor, credential FROM change_sets ORDER BY revision DESC LIMIT 1";
    let recorded: Recorded = sql_query(query)
        .get_result(&mut conn)
        .expect("a change set");
    assert_eq!(recorded.actor, "sato@example.jp");
    assert_eq!(recorded.credential, issued.credential.id);
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
    issued.give("importer").await;
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
