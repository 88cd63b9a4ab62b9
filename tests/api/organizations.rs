//! Organizations: creation, update, suspension, deletion and undeletion.

use std::time::{Duration, Instant};

use roster_api::v1::*;
use tonic::{Code, Request};

use crate::importing;
use crate::secured::{Secured, organization, secured_on_both};
use crate::stored_rows;
use crate::world::{Clients, Database, Engine, Server, answered, command, mask, refused};

secured_on_both!(
    an_organization_is_updated_field_by_field_and_only_at_its_version,
    a_suspended_organization_is_refused_within_a_second_and_served_again,
    an_import_waits_while_its_organization_is_suspended_and_goes_on_with_its_next_row,
    a_deleted_organization_is_refused_and_restored_with_every_row,
    no_call_with_a_credential_creates_an_organization,
);

fn get_settings() -> GetSettingsRequest {
    GetSettingsRequest::default()
}

pub async fn get(by: &Clients, name: &str) -> Result<Organization, tonic::Status> {
    let request = GetOrganizationRequest { name: name.into() };
    let found = by.admin.clone().get_organization(request).await?;
    Ok(found.into_inner().organization.expect("it"))
}

async fn suspend(world: &Secured, name: &str, suspended: bool) -> Organization {
    let request = UpdateOrganizationRequest {
        organization: Some(Organization {
            name: name.into(),
            suspended,
            ..Default::default()
        }),
        update_mask: mask(&["suspended"]),
        ..Default::default()
    };
    let updated = world.admin.admin.clone().update_organization(request).await;
    answered(updated).organization.expect("it")
}

pub async fn delete(world: &Secured, name: &str) -> Organization {
    let request = DeleteOrganizationRequest {
        name: name.into(),
        confirm_display_name: name.into(),
    };
    let deleted = world.admin.admin.clone().delete_organization(request).await;
    answered(deleted).organization.expect("it")
}

/// A file of contacts with names and addresses of their own.
pub fn contacts(count: usize) -> String {
    let row = |number: usize| format!("田中,花子{number},c{number}@example.com\n");
    let rows = (0..count).map(row);
    std::iter::once("姓,名,メールアドレス\n".to_owned())
        .chain(rows)
        .collect()
}

pub async fn start_import(by: &Clients, kind: ImportKind, file: &str) -> Import {
    let messages = importing::messages(importing::of(kind), file.as_bytes());
    let started = by
        .imports
        .clone()
        .start_import(tokio_stream::iter(messages))
        .await;
    answered(started).import_job.expect("an import")
}

pub async fn import_of(by: &Clients, id: &str) -> Import {
    let request = GetImportRequest { id: id.into() };
    let found = by.imports.clone().get_import(request).await;
    answered(found).import_job.expect("an import")
}

pub async fn ended(by: &Clients, id: &str) -> Import {
    loop {
        let import = import_of(by, id).await;
        if import.end_time.is_some() {
            return import;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn an_organization_is_updated_field_by_field_and_only_at_its_version(world: Secured) {
    organization(&world, "acme").await;
    let mut admin = world.admin.admin.clone();
    let read = get(&world.admin, "acme").await.expect("acme");
    assert_eq!(read.state(), OrganizationState::Active);
    let update = |change: Organization, paths: &[&str], etag: &str| UpdateOrganizationRequest {
        organization: Some(Organization {
            name: "acme".into(),
            ..change
        }),
        update_mask: mask(paths),
        etag: etag.into(),
    };
    let change = Organization {
        display_name: "Acme 株式会社".into(),
        requests_per_second_max: 7,
        ..Default::default()
    };
    let request = update(change.clone(), &["display_name"], &read.etag);
    let updated = answered(admin.update_organization(request.clone()).await);
    let updated = updated.organization.expect("it");
    assert_eq!(updated.display_name, change.display_name);
    // Not in the mask.
    assert_eq!(updated.requests_per_second_max, 0);
    let status = admin.update_organization(request).await;
    refused(status, Code::Aborted, "ETAG_MISMATCH");
    let request = update(change, &["*"], &updated.etag);
    let updated = answered(admin.update_organization(request).await);
    let updated = updated.organization.expect("it");
    assert_eq!(updated.requests_per_second_max, 7);
    assert_eq!(get(&world.admin, "acme").await.expect("acme"), updated);
    let listed = answered(
        admin
            .list_organizations(ListOrganizationsRequest::default())
            .await,
    );
    assert_eq!(listed.organizations, [updated]);

    // The limit of all credentials of the organization together holds at once.
    let callers = [
        world.caller("acme", &["reader"]).await,
        world.caller("acme", &["reader"]).await,
    ];
    let mut refusals = 0;
    for turn in 0..30 {
        let settings = &callers[turn % 2].settings;
        refusals += i32::from(settings.clone().get_settings(get_settings()).await.is_err());
    }
    assert!(refusals > 0, "30 calls are more than 7 a second");
}

async fn a_suspended_organization_is_refused_within_a_second_and_served_again(world: Secured) {
    for name in ["acme", "other"] {
        organization(&world, name).await;
    }
    let (_, key) = world.credential("acme", &["owner"]).await;
    let caller = world.with_key(&key);
    let other = world.caller("other", &["reader"]).await;
    let another_server = world
        .database
        .url
        .starts_with("postgres")
        .then(|| world.another_server());
    let there = match &another_server {
        Some(server) => Some(Clients::with_key(server.channel().await, &key)),
        None => None,
    };
    if let Some(there) = &there {
        answered(there.settings.clone().get_settings(get_settings()).await);
    }
    let begun = Instant::now();
    let suspended = suspend(&world, "acme", true).await;
    assert_eq!(suspended.state(), OrganizationState::Suspended);
    let why = "ORGANIZATION_SUSPENDED";
    let answer = caller.settings.clone().get_settings(get_settings()).await;
    refused(answer, Code::PermissionDenied, why);
    let write = UpdateSettingsRequest {
        settings: Some(Settings::default()),
        update_mask: mask(&["sharing_enabled"]),
        ..Default::default()
    };
    let answer = caller.settings.clone().update_settings(write).await;
    refused(answer, Code::PermissionDenied, why);
    answered(other.settings.clone().get_settings(get_settings()).await);
    if let Some(there) = &there {
        loop {
            match there.settings.clone().get_settings(get_settings()).await {
                Ok(_) => assert!(begun.elapsed() < Duration::from_secs(1)),
                refusal => {
                    refused(refusal, Code::PermissionDenied, why);
                    break;
                }
            }
        }
    }
    let resumed = suspend(&world, "acme", false).await;
    assert_eq!(resumed.state(), OrganizationState::Active);
    answered(caller.settings.clone().get_settings(get_settings()).await);
}

async fn an_import_waits_while_its_organization_is_suspended_and_goes_on_with_its_next_row(
    world: Secured,
) {
    organization(&world, "acme").await;
    let caller = world.caller("acme", &["owner"]).await;
    let rows = 20_000;
    let import = start_import(&caller, ImportKind::Contacts, &contacts(rows)).await;
    loop {
        let read = import_of(&caller, &import.id).await;
        assert!(read.end_time.is_none(), "it ended before it was suspended");
        if read.rows_read > 0 {
            break;
        }
    }
    suspend(&world, "acme", true).await;
    let org = stored_rows::number(&world.database, "acme");
    let read = || {
        let sql = format!("SELECT rows_read AS number FROM imports WHERE org = {org}");
        crate::search::number_of(&world.database, &sql)
    };
    let before = read();
    assert!(before < rows as i64);
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(read(), before, "no batch while it is suspended");
    suspend(&world, "acme", false).await;
    let import = ended(&caller, &import.id).await;
    assert_eq!(import.state(), ImportState::Completed);
    assert_eq!(import.rows_created, rows as i64);
}

/// `confirm-by-name`
async fn a_deleted_organization_is_refused_and_restored_with_every_row(world: Secured) {
    for name in ["acme", "other"] {
        organization(&world, name).await;
    }
    let caller = world.caller("acme", &["owner"]).await;
    let import = start_import(&caller, ImportKind::Contacts, &contacts(50)).await;
    ended(&caller, &import.id).await;
    let org = stored_rows::number(&world.database, "acme");
    let mut before = stored_rows::of(&world.database, org);
    assert!(stored_rows::count(&before) > 200);

    let mut admin = world.admin.admin.clone();
    let request = |confirmed: &str| DeleteOrganizationRequest {
        name: "acme".into(),
        confirm_display_name: confirmed.into(),
    };
    let status = admin.delete_organization(request("ACME")).await;
    refused(status, Code::InvalidArgument, "CONFIRMATION_MISMATCH");
    let status = undelete(&world, "acme").await;
    refused(status, Code::FailedPrecondition, "ORGANIZATION_NOT_DELETED");
    let deleted = delete(&world, "acme").await;
    assert_eq!(deleted.state(), OrganizationState::Deleted);
    let end = deleted.undelete_end_time.expect("an end").seconds;
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let left = end - i64::try_from(now).unwrap();
    let week = 7 * 24 * 3_600;
    assert!((week - 60..=week).contains(&left), "{left}");

    let why = "ORGANIZATION_SUSPENDED";
    let answer = caller.settings.clone().get_settings(get_settings()).await;
    refused(answer, Code::PermissionDenied, why);
    let status = admin.delete_organization(request("acme")).await;
    refused(status, Code::FailedPrecondition, "ORGANIZATION_DELETED");
    let credential = Credential {
        name: "late".into(),
        organization: "acme".into(),
        scopes: vec!["reader".into()],
        ..Default::default()
    };
    let status = world
        .try_create(&world.admin, credential)
        .await
        .unwrap_err();
    assert_eq!(crate::world::reason(&status), "ORGANIZATION_DELETED");
    let create = CreateOrganizationRequest {
        organization: Some(Organization {
            name: "acme".into(),
            ..Default::default()
        }),
    };
    let status = admin.create_organization(create).await;
    refused(status, Code::AlreadyExists, "ORGANIZATION_EXISTS");

    let restored = answered(undelete(&world, "acme").await);
    let restored = restored.organization.expect("it");
    assert_eq!(restored.state(), OrganizationState::Active);
    assert_eq!(restored.undelete_end_time, None);
    answered(caller.settings.clone().get_settings(get_settings()).await);
    let mut after = stored_rows::of(&world.database, org);
    // The version of the organization counts the two changes.
    before.remove("organizations");
    after.remove("organizations");
    assert_eq!(before, after);
    let mut listing = caller.contacts.clone();
    let listed = listing.list_contacts(ListContactsRequest::default());
    assert_eq!(answered(listed.await).contacts.len(), 50);
}

async fn undelete(
    world: &Secured,
    name: &str,
) -> Result<tonic::Response<UndeleteOrganizationResponse>, tonic::Status> {
    let request = UndeleteOrganizationRequest { name: name.into() };
    world
        .admin
        .admin
        .clone()
        .undelete_organization(request)
        .await
}

async fn no_call_with_a_credential_creates_an_organization(world: Secured) {
    organization(&world, "acme").await;
    let caller = world.caller("acme", &["owner"]).await;
    let organizations = || {
        let sql = "SELECT count(*) AS number FROM organizations";
        crate::search::number_of(&world.database, sql)
    };
    let account = || CreateAccountRequest {
        account: Some(Account {
            name: "A".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    for named in ["other", "default"] {
        for by in [&caller, &world.admin] {
            let mut request = Request::new(account());
            let name = named.parse().unwrap();
            request.metadata_mut().insert("roster-organization", name);
            let answer = by.accounts.clone().create_account(request).await;
            assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied);
        }
    }
    answered(caller.accounts.clone().create_account(account()).await);
    let credential = Credential {
        name: "A".into(),
        organization: "other".into(),
        scopes: vec!["reader".into()],
        ..Default::default()
    };
    let status = world
        .try_create(&world.admin, credential)
        .await
        .unwrap_err();
    assert_eq!(crate::world::reason(&status), "ORGANIZATION_NOT_FOUND");
    assert_eq!(organizations(), 1);

    // Also not if the row of its own organization is gone: the writer creates none.
    let org = stored_rows::number(&world.database, "acme");
    stored_rows::run(
        &world.database,
        &format!("DELETE FROM organizations WHERE org = {org}"),
    );
    let answer = caller.accounts.clone().create_account(account()).await;
    refused(answer, Code::PermissionDenied, "ORGANIZATION_SUSPENDED");
    assert_eq!(organizations(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_is_refused_where_credentials_are_required() {
    let database = Database::create(Engine::Sqlite);
    let output = command(&["--demo", "--require-credentials"])
        .args(["--listen", "127.0.0.1:0", "--database", &database.url])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && error.contains("start without --demo"),
        "{error}"
    );
}

/// Without credentials, a suspended organization is not served either, and administration is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_without_a_credential_does_not_pass_a_suspension() {
    let database = Database::create(Engine::Sqlite);
    let server = Server::start(&database);
    let clients = server.connect().await;
    let mut admin = clients.admin.clone();
    for name in ["default", "acme"] {
        let request = CreateOrganizationRequest {
            organization: Some(Organization {
                name: name.into(),
                suspended: true,
                ..Default::default()
            }),
        };
        answered(admin.create_organization(request).await);
    }
    let answer = clients.settings.clone().get_settings(get_settings()).await;
    refused(answer, Code::PermissionDenied, "ORGANIZATION_SUSPENDED");
    let mut named = Request::new(get_settings());
    let name = "acme".parse().unwrap();
    named.metadata_mut().insert("roster-organization", name);
    let answer = clients.settings.clone().get_settings(named).await;
    refused(answer, Code::PermissionDenied, "ORGANIZATION_SUSPENDED");
    let listed = admin
        .list_organizations(ListOrganizationsRequest::default())
        .await;
    assert_eq!(answered(listed).organizations.len(), 2);
}
