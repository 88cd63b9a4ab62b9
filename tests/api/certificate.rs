//! Client certificates as proofs of credentials, over TLS.

use std::path::Path;

use roster_api::v1::*;
use roster_client::{Roster, Token};
use roster_testkit::certificates::{Authority, Certified};
use tonic::Code;

use crate::process::Server;
use crate::raw_call;
use crate::secured::{Secured, organization};
use crate::world::{Clients, Engine, answered, mask, refused};

/// A server with TLS, and credentials that certificates prove.
struct Certificates {
    world: Secured,
    authority: Authority,
    server: Server,
}

const GET_SETTINGS: &str = "/roster.v1.SettingsService/GetSettings";
const BILLING: &str = "URI:spiffe://example/billing";
const PORTAL: &str = "DNS:portal.example";

async fn certified(world: &Secured, name: &str) -> (Credential, String) {
    let credential = Credential {
        name: name.into(),
        organization: "acme".into(),
        scopes: vec!["settings:read".into()],
        certificate_names: vec![name.into()],
        ..Default::default()
    };
    let created = world.try_create(&world.admin, credential).await;
    created.expect("a credential")
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    path.to_str().expect("text").to_owned()
}

impl Certificates {
    /// On PostgreSQL, a server without TLS administers what the server with TLS serves.
    async fn start() -> Self {
        let world = Secured::start(Engine::Postgres).await;
        organization(&world, "acme").await;
        let authority = Authority::default();
        let own = authority.server();
        let folder = world.path("x").parent().expect("a folder").to_owned();
        let certificate = write(&folder, "cert.pem", &own.certificate);
        let key = write(&folder, "key.pem", &own.key);
        let ca = write(&folder, "ca.pem", &authority.certificate());
        let server = Server::start_with(&[
            "--listen",
            "127.0.0.1:0",
            "--database",
            &world.database.url,
            "--require-credentials",
            "--tls-cert",
            &certificate,
            "--tls-key",
            &key,
            "--client-ca",
            &ca,
        ]);
        Self {
            world,
            authority,
            server,
        }
    }

    /// How a call with these proofs ends: the reason, empty if it succeeds.
    async fn ends(&self, certified: Option<&Certified>, key: Option<&str>) -> String {
        let address = format!("https://{}", self.server.address);
        let mut client = Roster::builder(address).attempts(1);
        client = client.ca(self.authority.certificate());
        if let Some(of) = certified {
            client = client.certificate(&*of.certificate, &*of.key);
        }
        if let Some(key) = key {
            client = client.token(Token::new(key).expect("a token"));
        }
        let roster = client.connect().await.expect("a connection");
        match roster.call(GetSettingsRequest::default()).await {
            Ok(_) => String::new(),
            Err(error) => error
                .reason()
                .expect("a reason")
                .as_str_name()
                .replace("ERROR_REASON_", ""),
        }
    }

    /// The same, once the server with TLS knows what the other one changed.
    async fn ends_soon(&self, certified: &Certified, reason: &str) {
        let begun = std::time::Instant::now();
        while self.ends(Some(certified), None).await != reason {
            assert!(begun.elapsed().as_secs() < 5, "not {reason}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_proves_a_credential_by_an_exact_name_and_agrees_with_a_key() {
    let world = Certificates::start().await;
    let (_, billing_key) = certified(&world.world, BILLING).await;
    let (_, portal_key) = certified(&world.world, PORTAL).await;
    let client = |uris: &[&str], names: &[&str]| world.authority.client(uris, names);
    let of_billing = client(&["spiffe://example/billing"], &[]);
    world.ends_soon(&of_billing, "").await;
    world.ends_soon(&client(&[], &["portal.example"]), "").await;
    let unknown = client(&["spiffe://example/unknown"], &["unknown.example"]);
    let of_both = client(&["spiffe://example/billing"], &["portal.example"]);
    let with_others = client(&["spiffe://example/billing"], &["unknown.example"]);
    for (what, certified, key, reason) in [
        ("nothing", None, None, "CREDENTIAL_MISSING"),
        ("a key", None, Some(&billing_key), ""),
        (
            "an unknown certificate",
            Some(&unknown),
            None,
            "CREDENTIAL_MISSING",
        ),
        (
            "a key beside an unknown certificate",
            Some(&unknown),
            Some(&billing_key),
            "",
        ),
        (
            "both proofs of one",
            Some(&of_billing),
            Some(&billing_key),
            "",
        ),
        (
            "proofs of two",
            Some(&of_billing),
            Some(&portal_key),
            "CREDENTIAL_INVALID",
        ),
        ("names of two", Some(&of_both), None, "CREDENTIAL_MISSING"),
        ("a known and an unknown name", Some(&with_others), None, ""),
        (
            "a wrong key",
            Some(&of_billing),
            Some(&"rst_a_b".to_owned()),
            "CREDENTIAL_INVALID",
        ),
    ] {
        assert_eq!(
            world.ends(certified, key.map(String::as_str)).await,
            reason,
            "{what}"
        );
    }
    // No part of a name is a name.
    for (uris, names) in [
        (
            &["spiffe://example/billing/x"][..],
            &["a.portal.example"][..],
        ),
        (&["spiffe://example/bill"], &["example"]),
        (&["spiffe://example/Billing"], &["*.example"]),
    ] {
        let ended = world.ends(Some(&client(uris, names)), None).await;
        assert_eq!(ended, "CREDENTIAL_MISSING", "{uris:?} {names:?}");
    }
}

/// A removed name is a revocation, and so is a suspension.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_credential_and_a_removed_name_end_the_proof_by_a_certificate() {
    let world = Certificates::start().await;
    let (billing, _) = certified(&world.world, BILLING).await;
    let of_billing = world.authority.client(&["spiffe://example/billing"], &[]);
    world.ends_soon(&of_billing, "").await;
    world.world.suspend(&billing.id, false).await;
    world.ends_soon(&of_billing, "CREDENTIAL_MISSING").await;
    world.world.suspend(&billing.id, true).await;
    world.ends_soon(&of_billing, "").await;
    let update = UpdateCredentialRequest {
        credential: Some(Credential {
            id: billing.id,
            ..Default::default()
        }),
        update_mask: mask(&["certificate_names"]),
        ..Default::default()
    };
    let admin: &Clients = &world.world.admin;
    answered(admin.admin.clone().update_credential(update).await);
    world.ends_soon(&of_billing, "CREDENTIAL_MISSING").await;
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
        let status = ended.expect_err("refused");
        assert_eq!(
            crate::world::reason(&status),
            "CREDENTIAL_MISSING",
            "{name}"
        );
    }
    let nobody = Clients::over(world.channel.clone());
    let answer = nobody
        .settings
        .clone()
        .get_settings(GetSettingsRequest::default())
        .await;
    refused(answer, Code::Unauthenticated, "CREDENTIAL_MISSING");
}
