//! Credentials: who may call, and who may say so.

use std::time::{Duration, Instant};

use roster_api::v1::*;
use tonic::{Code, Request};

use crate::secured::{Secured, organization};
use crate::world::{Clients, Engine, answered, command, field, mask, metadata, refused};

/// Makes two tests of each of these functions.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::secured::Secured;
            use crate::world::Engine;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(Secured::start(Engine::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(Secured::start(Engine::Postgres).await).await;
            }
        }
    )+};
}

on_both!(
    a_call_without_a_credential_or_with_a_wrong_one_is_refused_alike_for_all_causes,
    a_credential_does_what_its_scopes_allow_in_its_organization_and_nothing_else,
    an_organization_manages_its_own_credentials_within_its_own_scopes,
    a_credential_has_at_most_three_keys_and_a_rolled_key_expires,
    a_revoked_key_and_a_suspended_credential_end_calls_and_open_streams,
    a_limit_of_a_credential_refuses_calls_and_says_when_to_try_again,
    a_credential_is_updated_field_by_field_and_only_at_its_version,
    the_name_of_a_certificate_proves_one_credential_only,
    the_first_key_is_written_once_and_to_its_owner_only,
);

fn get_settings() -> GetSettingsRequest {
    GetSettingsRequest::default()
}

async fn a_call_without_a_credential_or_with_a_wrong_one_is_refused_alike_for_all_causes(
    world: Secured,
) {
    organization(&world, "acme").await;
    let nobody = Clients::over(world.channel.clone());
    let answer = nobody.settings.clone().get_settings(get_settings()).await;
    refused(answer, Code::Unauthenticated, "CREDENTIAL_MISSING");

    let (credential, key) = world.credential("acme", &["owner"]).await;
    let (suspended, suspended_key) = world.credential("acme", &["owner"]).await;
    world.suspend(&suspended.id, false).await;
    let wrong = format!("{}0000", &key[..key.len() - 4]);
    let unknown = format!("rst_00000000000000000000_{}", "0".repeat(64));
    let mut texts = std::collections::BTreeSet::new();
    for key in [wrong.as_str(), &unknown, &suspended_key, "", "x", "rst_"] {
        let caller = world.with_key(key);
        let answer = caller.settings.clone().get_settings(get_settings()).await;
        let status = refused(answer, Code::Unauthenticated, "CREDENTIAL_INVALID");
        texts.insert(format!("{:?}", (status.message(), status.details())));
    }
    assert_eq!(texts.len(), 1, "one answer for all causes");
    let good = world.with_key(&key);
    answered(good.settings.clone().get_settings(get_settings()).await);
    assert!(!credential.keys[0].id.is_empty() && key.contains(&credential.keys[0].id));
}

async fn a_credential_does_what_its_scopes_allow_in_its_organization_and_nothing_else(
    world: Secured,
) {
    for name in ["acme", "other"] {
        organization(&world, name).await;
    }
    let reader = world.caller("acme", &["reader"]).await;
    answered(reader.settings.clone().get_settings(get_settings()).await);
    // Permission comes before existence and before the fields of the request.
    let write = UpdateSettingsRequest::default();
    let status = reader.settings.clone().update_settings(write).await;
    let status = refused(status, Code::PermissionDenied, "SCOPE_MISSING");
    assert_eq!(metadata(&status, "scope"), "settings:write");

    for (named, allowed) in [("acme", true), ("other", false)] {
        let mut request = Request::new(get_settings());
        request
            .metadata_mut()
            .insert("roster-organization", named.parse().unwrap());
        let answer = reader.settings.clone().get_settings(request).await;
        if allowed {
            answered(answer);
        } else {
            refused(answer, Code::PermissionDenied, "ORGANIZATION_DENIED");
        }
    }
    let mut request = Request::new(get_settings());
    request
        .metadata_mut()
        .insert("roster-actor", "sato".parse().unwrap());
    let answer = reader.settings.clone().get_settings(request).await;
    refused(answer, Code::PermissionDenied, "ACTOR_DENIED");

    // An administrator reads no data.
    let answer = world
        .admin
        .settings
        .clone()
        .get_settings(get_settings())
        .await;
    refused(answer, Code::PermissionDenied, "SCOPE_MISSING");

    // A disposition changes tickets.
    let associates = world.caller("acme", &["associations:write"]).await;
    let dissociate = DissociateContactRequest {
        account_id: "a1".into(),
        contact_id: "c1".into(),
        ticket_disposition: TicketDisposition::ClearAccount.into(),
        ..Default::default()
    };
    let mut client = associates.associations.clone();
    let status = client.dissociate_contact(dissociate.clone()).await;
    let status = refused(status, Code::PermissionDenied, "SCOPE_MISSING");
    assert_eq!(metadata(&status, "scope"), "tickets:write");
    let kept = DissociateContactRequest {
        ticket_disposition: TicketDisposition::KeepWithAccount.into(),
        ..dissociate
    };
    let status = client.dissociate_contact(kept).await;
    refused(status, Code::NotFound, "CONTACT_NOT_FOUND");
}

/// A new credential of an organization.
fn of(organization: &str, scopes: &[&str]) -> Credential {
    Credential {
        name: "made by acme".into(),
        organization: organization.into(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

/// All ids that a manager sees, in pages of two.
async fn listed(manager: &Clients) -> Vec<String> {
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListCredentialsRequest {
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = answered(manager.admin.clone().list_credentials(request).await);
        ids.extend(page.credentials.into_iter().map(|of| of.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return ids;
        }
    }
}

/// `scopes-within`
async fn an_organization_manages_its_own_credentials_within_its_own_scopes(world: Secured) {
    for name in ["acme", "other"] {
        organization(&world, name).await;
    }
    let (own, key) = world
        .credential(
            "acme",
            &["credentials:read", "credentials:write", "accounts:read"],
        )
        .await;
    let manager = world.with_key(&key);
    let (stronger, _) = world.credential("acme", &["owner"]).await;
    let (foreign, _) = world.credential("other", &["accounts:read"]).await;

    let (made, _) = world
        .try_create(&manager, of("", &["accounts:read"]))
        .await
        .expect("within its own scopes");
    assert_eq!(
        (made.organization.as_str(), made.id.starts_with('q')),
        ("acme", true)
    );
    for (credential, code, why) in [
        (
            of("", &["accounts:write"]),
            Code::InvalidArgument,
            "SCOPE_INVALID",
        ),
        (
            of("", &["acounts:read"]),
            Code::InvalidArgument,
            "SCOPE_INVALID",
        ),
        (of("", &["admin"]), Code::InvalidArgument, "SCOPE_INVALID"),
        (of("", &[]), Code::InvalidArgument, "FIELD_REQUIRED"),
        (
            of("other", &["accounts:read"]),
            Code::PermissionDenied,
            "ORGANIZATION_DENIED",
        ),
    ] {
        let status = world.try_create(&manager, credential).await.unwrap_err();
        assert_eq!(
            (status.code(), crate::world::reason(&status).as_str()),
            (code, why)
        );
    }
    let mut admin = manager.admin.clone();
    // It must not take the key of a stronger credential, nor see another organization's.
    let status = admin
        .add_key(AddKeyRequest {
            credential_id: stronger.id.clone(),
            expire_time: None,
        })
        .await;
    refused(status, Code::PermissionDenied, "SCOPE_MISSING");
    let status = admin
        .get_credential(GetCredentialRequest {
            id: foreign.id.clone(),
        })
        .await;
    refused(status, Code::NotFound, "CREDENTIAL_NOT_FOUND");
    let unknown = admin
        .get_credential(GetCredentialRequest { id: "q999".into() })
        .await;
    refused(unknown, Code::NotFound, "CREDENTIAL_NOT_FOUND");

    assert_eq!(listed(&manager).await, [own.id, stronger.id, made.id]);
}

/// `keys-per-credential`
async fn a_credential_has_at_most_three_keys_and_a_rolled_key_expires(world: Secured) {
    organization(&world, "acme").await;
    let (credential, first) = world.credential("acme", &["reader"]).await;
    let mut admin = world.admin.admin.clone();
    let add = AddKeyRequest {
        credential_id: credential.id.clone(),
        expire_time: None,
    };
    answered(admin.add_key(add.clone()).await);
    let third = answered(admin.add_key(add.clone()).await);
    let status = admin.add_key(add.clone()).await;
    refused(status, Code::FailedPrecondition, "KEYS_PER_CREDENTIAL");

    let revoke = RevokeKeyRequest {
        credential_id: credential.id.clone(),
        key_id: third.key_id.clone(),
    };
    answered(admin.revoke_key(revoke.clone()).await);
    let status = admin.revoke_key(revoke).await;
    refused(status, Code::NotFound, "KEY_NOT_FOUND");

    let roll = RollKeyRequest {
        credential_id: credential.id.clone(),
        key_id: credential.keys[0].id.clone(),
        old_key_ttl: Some(prost_types::Duration::default()),
        expire_time: None,
    };
    let rolled = answered(admin.roll_key(roll).await);
    let new = world.with_key(&rolled.key);
    answered(new.settings.clone().get_settings(get_settings()).await);
    let old = world.with_key(&first);
    let answer = old.settings.clone().get_settings(get_settings()).await;
    refused(answer, Code::Unauthenticated, "CREDENTIAL_INVALID");
}

async fn a_revoked_key_and_a_suspended_credential_end_calls_and_open_streams(world: Secured) {
    organization(&world, "acme").await;
    let (credential, key) = world.credential("acme", &["owner"]).await;
    let caller = world.with_key(&key);
    // An upload that goes on for as long as its credential.
    let config = ImportConfig {
        kind: ImportKind::Accounts.into(),
        ..Default::default()
    };
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let first = start_import_request::Part::Config(config);
    sender
        .send(StartImportRequest { part: Some(first) })
        .await
        .unwrap();
    let uploading = tokio::spawn({
        let mut imports = caller.imports.clone();
        let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
        async move { imports.start_import(stream).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    world.suspend(&credential.id, false).await;
    let answer = caller.settings.clone().get_settings(get_settings()).await;
    refused(answer, Code::Unauthenticated, "CREDENTIAL_INVALID");
    let ended = uploading.await.expect("the upload");
    refused(ended, Code::Unauthenticated, "CREDENTIAL_REVOKED");
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    drop(sender);

    world.suspend(&credential.id, true).await;
    answered(caller.settings.clone().get_settings(get_settings()).await);

    // Another server on the same database follows within a second.
    if world.database.url.starts_with("postgres") {
        let other = world.another_server();
        let there = Clients::with_key(other.channel().await, &key);
        answered(there.settings.clone().get_settings(get_settings()).await);
        let begun = Instant::now();
        world.suspend(&credential.id, false).await;
        loop {
            match there.settings.clone().get_settings(get_settings()).await {
                Ok(_) => assert!(begun.elapsed() < Duration::from_secs(1)),
                refusal => {
                    refused(refusal, Code::Unauthenticated, "CREDENTIAL_INVALID");
                    break;
                }
            }
        }
    }
}

async fn a_limit_of_a_credential_refuses_calls_and_says_when_to_try_again(world: Secured) {
    organization(&world, "acme").await;
    let limited = Credential {
        name: "limited".into(),
        organization: "acme".into(),
        scopes: vec!["reader".into()],
        requests_per_second_max: 5,
        ..Default::default()
    };
    let created = world.try_create(&world.admin, limited).await;
    let (_, key) = created.expect("a credential");
    let caller = world.with_key(&key);
    let mut refusal = None;
    for _ in 0..20 {
        if let Err(status) = caller.settings.clone().get_settings(get_settings()).await {
            refusal.get_or_insert(status);
        }
    }
    let status = refusal.expect("20 calls are more than 5");
    let status = refused::<()>(Err(status), Code::ResourceExhausted, "RATE_EXCEEDED");
    assert_eq!(metadata(&status, "limit"), "requests_per_second_max");
    let details = tonic_types::StatusExt::get_error_details(&status);
    assert!(
        details
            .retry_info()
            .is_some_and(|info| info.retry_delay.is_some())
    );
}

async fn a_credential_is_updated_field_by_field_and_only_at_its_version(world: Secured) {
    organization(&world, "acme").await;
    let (credential, key) = world.credential("acme", &["reader"]).await;
    let mut admin = world.admin.admin.clone();
    let update = |change: Credential, paths: &[&str], etag: &str| UpdateCredentialRequest {
        credential: Some(change),
        update_mask: mask(paths),
        etag: etag.into(),
    };
    let change = Credential {
        id: credential.id.clone(),
        name: "ignored".into(),
        networks: vec!["10.0.0.0/8".into()],
        ..Default::default()
    };
    let updated = answered(
        admin
            .update_credential(update(change.clone(), &["networks"], &credential.etag))
            .await,
    );
    let updated = updated.credential.expect("it");
    assert_eq!(
        (updated.name.as_str(), &updated.networks),
        ("test", &change.networks)
    );
    assert_eq!(updated.scopes, credential.scopes);
    let caller = world.with_key(&key);
    let answer = caller.settings.clone().get_settings(get_settings()).await;
    refused(answer, Code::PermissionDenied, "NETWORK_DENIED");
    let status = admin
        .update_credential(update(change.clone(), &["networks"], &credential.etag))
        .await;
    refused(status, Code::Aborted, "ETAG_MISMATCH");
    let local = Credential {
        networks: vec!["127.0.0.1".into()],
        ..change.clone()
    };
    answered(
        admin
            .update_credential(update(local, &["networks"], ""))
            .await,
    );
    answered(caller.settings.clone().get_settings(get_settings()).await);
    let wrong = Credential {
        networks: vec!["10.0.0.0/33".into()],
        ..change
    };
    let status = admin
        .update_credential(update(wrong, &["networks"], ""))
        .await;
    let status = refused(status, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(field(&status), "credential.networks[0]");
}

async fn the_name_of_a_certificate_proves_one_credential_only(world: Secured) {
    organization(&world, "acme").await;
    let (credential, _) = world.credential("acme", &["reader"]).await;
    let mut admin = world.admin.admin.clone();
    let update = |change: Credential, paths: &[&str], etag: &str| UpdateCredentialRequest {
        credential: Some(change),
        update_mask: mask(paths),
        etag: etag.into(),
    };
    let named = |id: &str, name: &str| Credential {
        id: id.into(),
        certificate_names: vec![name.into()],
        ..Default::default()
    };
    let (other, _) = world.credential("acme", &["reader"]).await;
    let path = &["certificate_names"];
    answered(
        admin
            .update_credential(update(named(&credential.id, "DNS:a.example"), path, ""))
            .await,
    );
    let status = admin
        .update_credential(update(named(&other.id, "DNS:a.example"), path, ""))
        .await;
    refused(status, Code::AlreadyExists, "PROOF_TAKEN");
    let status = admin
        .update_credential(update(named(&other.id, "CN:a.example"), path, ""))
        .await;
    refused(status, Code::InvalidArgument, "FIELD_INVALID");
}

async fn the_first_key_is_written_once_and_to_its_owner_only(world: Secured) {
    use std::os::unix::fs::PermissionsExt;
    let file = world.path("first.key");
    let mode = std::fs::metadata(&file)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(world.admin_key.starts_with("rsa_"));
    // A later start finds a credential and writes no key.
    let again = world.path("again.key");
    let mut world = world;
    world.server.kill();
    let server = crate::world::Server::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--database",
        &world.database.url,
        "--require-credentials",
        "--first-key-file",
        again.to_str().expect("text"),
    ]);
    assert!(!again.exists());
    let admin = Clients::with_key(server.channel().await, &world.admin_key);
    let listed = admin
        .admin
        .clone()
        .list_credentials(ListCredentialsRequest::default())
        .await;
    assert_eq!(answered(listed).credentials.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_never_printed_to_a_pipe_and_no_file_is_overwritten() {
    let database = crate::world::Database::create(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("key");
    std::fs::write(&out, "mine").unwrap();
    let create = ["key", "create", "--organization", "acme", "--set", "owner"];
    for (more, said) in [
        (vec![], "name a file with --out"),
        (
            vec!["--out", out.to_str().unwrap()],
            "cannot create the key file",
        ),
    ] {
        let mut command = command(&create);
        let output = command
            .args(["--database", &database.url])
            .args(more)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(said), "{error}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
}
