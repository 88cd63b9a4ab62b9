//! Requests of AdminService about the credential `q1`, which the test sets up.

use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection, sql_query};
use roster_api::v1::*;

use super::{Produced, path_of, refuse, request};
use crate::stored_rows;
use crate::world::{World, answered};

/// A good request of each RPC.
pub const GOOD: &[(&str, &str)] = &[
    (
        "CreateOrganization",
        r#"{"organization": {"name": "acme"}}"#,
    ),
    ("GetOrganization", r#"{"name": "default"}"#),
    ("ListOrganizations", "{}"),
    (
        "UpdateOrganization",
        r#"{"organization": {"name": "default", "suspended": false}, "updateMask": "suspended"}"#,
    ),
    (
        "DeleteOrganization",
        r#"{"name": "acme", "confirmDisplayName": "acme"}"#,
    ),
    ("UndeleteOrganization", r#"{"name": "gone"}"#),
    ("ListAdminEvents", "{}"),
    (
        "CreateCredential",
        r#"{"credential": {"name": "A", "organization": "default", "scopes": ["reader"]}}"#,
    ),
    ("GetCredential", r#"{"id": "q1"}"#),
    ("ListCredentials", "{}"),
    (
        "UpdateCredential",
        r#"{"credential": {"id": "q1", "name": "B"}, "updateMask": "name"}"#,
    ),
    ("AddKey", r#"{"credentialId": "q1"}"#),
    ("RollKey", r#"{"credentialId": "q1", "keyId": "k"}"#),
    ("RevokeKey", r#"{"credentialId": "q1", "keyId": "k"}"#),
    ("SuspendCredential", r#"{"id": "q1", "resume": true}"#),
];

/// Requests that each RPC refuses, with the reason.
pub const REFUSED: &[(&str, &str, &str)] = &[
    (
        "CreateOrganization",
        "FIELD_REQUIRED",
        r#"{"organization": {}}"#,
    ),
    (
        "CreateOrganization",
        "FIELD_INVALID",
        r#"{"organization": {"name": "A B"}}"#,
    ),
    (
        "CreateOrganization",
        "TEXT_TOO_LONG",
        r#"{"organization": {"name": "a", "displayName": "$201"}}"#,
    ),
    (
        "CreateOrganization",
        "TEXT_CONTROL_CHARACTER",
        r#"{"organization": {"name": "a", "displayName": "$NUL"}}"#,
    ),
    (
        "CreateOrganization",
        "ORGANIZATION_EXISTS",
        r#"{"organization": {"name": "default"}}"#,
    ),
    ("GetOrganization", "FIELD_REQUIRED", "{}"),
    ("GetOrganization", "FIELD_INVALID", r#"{"name": "A B"}"#),
    (
        "GetOrganization",
        "ORGANIZATION_NOT_FOUND",
        r#"{"name": "nobody"}"#,
    ),
    (
        "UpdateOrganization",
        "FIELD_INVALID",
        r#"{"organization": {"name": "default", "concurrentCallsMax": -1},
            "updateMask": "concurrentCallsMax"}"#,
    ),
    (
        "UpdateOrganization",
        "FIELD_REQUIRED",
        r#"{"organization": {}, "updateMask": "suspended"}"#,
    ),
    (
        "UpdateOrganization",
        "TEXT_TOO_LONG",
        r#"{"organization": {"name": "default", "displayName": "$201"},
            "updateMask": "displayName"}"#,
    ),
    (
        "UpdateOrganization",
        "TEXT_CONTROL_CHARACTER",
        r#"{"organization": {"name": "default", "displayName": "$NUL"},
            "updateMask": "displayName"}"#,
    ),
    (
        "UpdateOrganization",
        "ORGANIZATION_NOT_FOUND",
        r#"{"organization": {"name": "nobody"}, "updateMask": "suspended"}"#,
    ),
    (
        "UpdateOrganization",
        "ORGANIZATION_DELETED",
        r#"{"organization": {"name": "gone"}, "updateMask": "suspended"}"#,
    ),
    (
        "DeleteOrganization",
        "CONFIRMATION_MISMATCH",
        r#"{"name": "default", "confirmDisplayName": "Default"}"#,
    ),
    (
        "DeleteOrganization",
        "FIELD_INVALID",
        r#"{"name": "A B", "confirmDisplayName": "A B"}"#,
    ),
    (
        "DeleteOrganization",
        "FIELD_REQUIRED",
        r#"{"name": "default"}"#,
    ),
    (
        "DeleteOrganization",
        "ORGANIZATION_NOT_FOUND",
        r#"{"name": "nobody", "confirmDisplayName": "nobody"}"#,
    ),
    (
        "DeleteOrganization",
        "ORGANIZATION_DELETED",
        r#"{"name": "gone", "confirmDisplayName": "gone"}"#,
    ),
    (
        "UndeleteOrganization",
        "FIELD_INVALID",
        r#"{"name": "A B"}"#,
    ),
    ("UndeleteOrganization", "FIELD_REQUIRED", r#"{}"#),
    (
        "UndeleteOrganization",
        "ORGANIZATION_NOT_FOUND",
        r#"{"name": "nobody"}"#,
    ),
    (
        "UndeleteOrganization",
        "ORGANIZATION_NOT_DELETED",
        r#"{"name": "default"}"#,
    ),
    (
        "UndeleteOrganization",
        "UNDELETE_EXPIRED",
        r#"{"name": "expired"}"#,
    ),
    (
        "ListAdminEvents",
        "FIELD_INVALID",
        r#"{"organization": "A B"}"#,
    ),
    (
        "ListAdminEvents",
        "ORGANIZATION_NOT_FOUND",
        r#"{"organization": "nobody"}"#,
    ),
    (
        "CreateCredential",
        "ORGANIZATION_DELETED",
        r#"{"credential": {"name": "A", "organization": "gone", "scopes": ["reader"]}}"#,
    ),
    (
        "CreateCredential",
        "FIELD_REQUIRED",
        r#"{"credential": {}}"#,
    ),
    (
        "CreateCredential",
        "FIELD_INVALID",
        r#"{"credential": {"name": "A", "organization": "A B", "scopes": ["reader"]}}"#,
    ),
    (
        "CreateCredential",
        "SCOPE_INVALID",
        r#"{"credential": {"name": "A", "organization": "default", "scopes": ["x"]}}"#,
    ),
    (
        "CreateCredential",
        "TEXT_TOO_LONG",
        r#"{"credential": {"name": "$201", "organization": "default", "scopes": ["reader"]}}"#,
    ),
    (
        "CreateCredential",
        "TEXT_CONTROL_CHARACTER",
        r#"{"credential": {"name": "$NUL", "organization": "default", "scopes": ["reader"]}}"#,
    ),
    (
        "CreateCredential",
        "ORGANIZATION_NOT_FOUND",
        r#"{"credential": {"name": "A", "organization": "nobody", "scopes": ["reader"]}}"#,
    ),
    (
        "CreateCredential",
        "PROOF_TAKEN",
        r#"{"credential": {"name": "A", "organization": "default", "scopes": ["reader"],
            "certificateNames": ["DNS:taken.example"]}}"#,
    ),
    (
        "ListCredentials",
        "FIELD_INVALID",
        r#"{"organization": "A B"}"#,
    ),
    (
        "ListCredentials",
        "ORGANIZATION_NOT_FOUND",
        r#"{"organization": "nobody"}"#,
    ),
    (
        "UpdateCredential",
        "FIELD_INVALID",
        r#"{"credential": {"id": "q1", "networks": ["x"]}, "updateMask": "networks"}"#,
    ),
    (
        "UpdateCredential",
        "FIELD_REQUIRED",
        r#"{"credential": {"name": "A"}, "updateMask": "name"}"#,
    ),
    (
        "UpdateCredential",
        "ID_INVALID",
        r#"{"credential": {"id": "a1", "name": "A"}, "updateMask": "name"}"#,
    ),
    (
        "UpdateCredential",
        "SCOPE_INVALID",
        r#"{"credential": {"id": "q1", "scopes": ["admin"]}, "updateMask": "scopes"}"#,
    ),
    (
        "UpdateCredential",
        "TEXT_TOO_LONG",
        r#"{"credential": {"id": "q1", "name": "$201"}, "updateMask": "name"}"#,
    ),
    (
        "UpdateCredential",
        "TEXT_CONTROL_CHARACTER",
        r#"{"credential": {"id": "q1", "name": "$NUL"}, "updateMask": "name"}"#,
    ),
    (
        "UpdateCredential",
        "CREDENTIAL_NOT_FOUND",
        r#"{"credential": {"id": "q999", "name": "A"}, "updateMask": "name"}"#,
    ),
    (
        "UpdateCredential",
        "PROOF_TAKEN",
        r#"{"credential": {"id": "q1", "certificateNames": ["DNS:taken.example"]},
            "updateMask": "certificateNames"}"#,
    ),
    (
        "AddKey",
        "FIELD_INVALID",
        r#"{"credentialId": "q1", "expireTime": "2001-01-01T00:00:00Z"}"#,
    ),
    (
        "RollKey",
        "FIELD_INVALID",
        r#"{"credentialId": "q1", "keyId": "k", "oldKeyTtl": "2592001s"}"#,
    ),
    ("RollKey", "FIELD_REQUIRED", r#"{"credentialId": "q1"}"#),
    (
        "RollKey",
        "KEY_NOT_FOUND",
        r#"{"credentialId": "q1", "keyId": "k"}"#,
    ),
    ("RevokeKey", "FIELD_REQUIRED", r#"{"credentialId": "q1"}"#),
    (
        "RevokeKey",
        "KEY_NOT_FOUND",
        r#"{"credentialId": "q1", "keyId": "k"}"#,
    ),
    ("AddKey", "KEYS_PER_CREDENTIAL", r#"{"credentialId": "q2"}"#),
];

/// Creates the deleted organizations `gone` and, past its end, `expired`.
async fn set_up_organizations(world: &World) {
    let mut admin = world.clients.admin.clone();
    for name in ["gone", "expired"] {
        let organization = Some(Organization {
            name: name.into(),
            ..Default::default()
        });
        let create = CreateOrganizationRequest { organization };
        answered(admin.create_organization(create).await);
        let delete = DeleteOrganizationRequest {
            name: name.into(),
            confirm_display_name: name.into(),
        };
        answered(admin.delete_organization(delete).await);
    }
    // Deleted in the future: its removal is not due before.
    stored_rows::run(
        &world.database,
        "UPDATE organizations SET undelete_end_time = 0, delete_time = 9000000000000000 \
         WHERE name = 'expired'",
    );
}

/// Creates `q1` without a key, and `q2` with three keys and a certificate.
pub async fn set_up(world: &World) {
    set_up_organizations(world).await;
    let mut admin = world.clients.admin.clone();
    for (without_key, names) in [
        (true, vec![]),
        (false, vec!["DNS:taken.example".to_owned()]),
    ] {
        let credential = Credential {
            name: "A".into(),
            organization: "default".into(),
            scopes: vec!["reader".into()],
            certificate_names: names,
            ..Default::default()
        };
        let request = CreateCredentialRequest {
            credential: Some(credential),
            without_key,
            key_expire_time: None,
        };
        answered(admin.create_credential(request).await);
    }
    for _ in 0..2 {
        let request = AddKeyRequest {
            credential_id: "q2".into(),
            expire_time: None,
        };
        answered(admin.add_key(request).await);
    }
}

/// Errors that need more than a request: `q2` has three keys, and an organization that is full.
pub async fn of_limits(produced: &mut Produced, world: &World) {
    let channel = world.server.channel().await;
    let mut admin = world.clients.admin.clone();
    let listed = answered(
        admin
            .get_credential(GetCredentialRequest { id: "q2".into() })
            .await,
    );
    let key = &listed.credential.expect("q2").keys[0].id;
    let path = path_of("RollKey");
    let roll = request(
        path,
        &format!(r#"{{"credentialId": "q2", "keyId": "{key}"}}"#),
    );
    refuse(
        produced,
        &channel,
        None,
        path,
        ("KEYS_PER_CREDENTIAL", &roll),
    )
    .await;

    let organization = CreateOrganizationRequest {
        organization: Some(Organization {
            name: "full".into(),
            ..Default::default()
        }),
    };
    answered(admin.create_organization(organization).await);
    // 999: with one more there are as many as there may be.
    let insert = sql_query(
        "INSERT INTO credentials (org, name, scopes, networks, suspended, create_time, \
         update_time, version) \
         WITH RECURSIVE numbers(number) AS \
         (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 999) \
         SELECT org, 'A', '[]', '[]', false, 0, 0, 1 FROM organizations, numbers \
         WHERE organizations.name = 'full'",
    );
    match world.database.url.strip_prefix("sqlite:") {
        Some(path) => insert.execute(&mut SqliteConnection::establish(path).unwrap()),
        None => insert.execute(&mut PgConnection::establish(&world.database.url).unwrap()),
    }
    .expect("credentials");
    let create = CreateCredentialRequest {
        credential: Some(Credential {
            name: "A".into(),
            organization: "full".into(),
            scopes: vec!["reader".into()],
            ..Default::default()
        }),
        ..Default::default()
    };
    answered(admin.create_credential(create.clone()).await);
    let path = path_of("CreateCredential");
    let json = r#"{"credential": {"name": "A", "organization": "full", "scopes": ["reader"]}}"#;
    let create = request(path, json);
    refuse(
        produced,
        &channel,
        None,
        path,
        ("CREDENTIALS_FULL", &create),
    )
    .await;
}
