//! A server with an organization, and callers in each state of their credentials.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use roster_api::v1::*;
use tonic::{Code, Status};

use crate::issuer::{self, SigningKey};
use crate::manual::MANUAL;
use crate::metrics::scrape;
use crate::raw_call;
use crate::secured::{Secured, organization};
use crate::world::{Clients, Engine, answered};

/// The scope that the option of a method names, and whether it needs further scopes.
pub fn access(method: &MethodDescriptor) -> (String, bool) {
    let extension = MANUAL.pool.get_extension_by_name("roster.v1.access");
    let options = method.options();
    let access = options.get_extension(&extension.expect("the option"));
    let access = access.as_message().expect("a message");
    let scope = access.get_field_by_name("scope").expect("a scope");
    let plus = access.get_field_by_name("plus").expect("a field");
    (
        scope.as_str().expect("text").to_owned(),
        plus.as_enum_number() != Some(0),
    )
}

/// A state of the caller, and how every call in it must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    NoCredential,
    Unknown,
    Wrong,
    ExpiredKey,
    ExpiredCredential,
    Revoked,
    Suspended,
    OtherOrganization,
    MissingScope,
    Right,
}

pub const REFUSED: [State; 9] = [
    NoCredential,
    Unknown,
    Wrong,
    ExpiredKey,
    ExpiredCredential,
    Revoked,
    Suspended,
    OtherOrganization,
    MissingScope,
];

use State::{
    ExpiredCredential, ExpiredKey, MissingScope, NoCredential, OtherOrganization, Revoked, Right,
    Suspended, Unknown, Wrong,
};

impl State {
    pub fn expected(self) -> (Code, &'static str) {
        match self {
            NoCredential => (Code::Unauthenticated, "CREDENTIAL_MISSING"),
            Unknown | Wrong | ExpiredKey | ExpiredCredential | Revoked | Suspended => {
                (Code::Unauthenticated, "CREDENTIAL_INVALID")
            }
            OtherOrganization => (Code::PermissionDenied, "ORGANIZATION_DENIED"),
            MissingScope => (Code::PermissionDenied, "SCOPE_MISSING"),
            Right => (Code::Ok, ""),
        }
    }
}

/// The proofs that are tested. Certificates need TLS and have a test of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Key,
    Token,
}

/// A server with an organization that has every record that the good requests name.
pub struct Matrix {
    pub world: Secured,
    pub signing: SigningKey,
    /// Authorizations of the states that do not depend on the method.
    invalid: BTreeMap<State, String>,
    /// By the scope of methods: keys of credentials that have it, and that have all others.
    with_scope: BTreeMap<String, String>,
    without_scope: BTreeMap<String, String>,
}

pub fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

/// Records in the organization of a caller, with the ids of the good requests.
async fn fill(owner: &Clients) {
    for name in ["A", "B", "C", "D"] {
        let account = Account {
            name: name.into(),
            ..Default::default()
        };
        let request = CreateAccountRequest {
            account: Some(account),
            ..Default::default()
        };
        answered(owner.accounts.clone().create_account(request).await);
    }
    for name in ["田中", "鈴木", "佐藤", "高橋", "伊藤"] {
        let contact = Contact {
            family_name: name.into(),
            ..Default::default()
        };
        let request = CreateContactRequest {
            contact: Some(contact),
            ..Default::default()
        };
        answered(owner.contacts.clone().create_contact(request).await);
    }
    let tickets = vec![TicketRecord {
        id: "T1".into(),
        requester_id: "c1".into(),
        ..Default::default()
    }];
    let request = RecordTicketsRequest {
        tickets,
        ..Default::default()
    };
    answered(owner.tickets.clone().record_tickets(request).await);
    let config = ImportConfig {
        kind: ImportKind::Accounts.into(),
        ..Default::default()
    };
    let messages = crate::importing::messages(config, "取引先名\nI\n".as_bytes());
    let mut imports = owner.imports.clone();
    answered(imports.start_import(tokio_stream::iter(messages)).await);
}

impl Matrix {
    pub async fn start(engine: Engine) -> Self {
        let signing = SigningKey::new("k1", "EdDSA");
        let world = Secured::start_with(engine, &["--metrics", "127.0.0.1:0"], |folder| {
            issuer::write_keys(&issuer::keys_file(folder), &[&signing]);
            let config = issuer::configuration(folder, "organizations = ['acme']");
            vec!["--config".to_owned(), config]
        })
        .await;
        for name in ["acme", "other"] {
            organization(&world, name).await;
        }
        let owner = world.caller("acme", &["owner"]).await;
        fill(&owner).await;
        let mut matrix = Self {
            world,
            signing,
            invalid: BTreeMap::new(),
            with_scope: BTreeMap::new(),
            without_scope: BTreeMap::new(),
        };
        matrix.make_invalid().await;
        matrix.make_scoped().await;
        matrix
    }

    async fn make_invalid(&mut self) {
        let world = &self.world;
        let mut admin = world.admin.admin.clone();
        let (_, key) = world.credential("acme", &["owner"]).await;
        let wrong = format!("{}0000", &key[..key.len() - 4]);
        let unknown = format!("rst_00000000000000000000_{}", "0".repeat(64));
        let (rolled, expired_key) = world.credential("acme", &["owner"]).await;
        let roll = RollKeyRequest {
            credential_id: rolled.id,
            key_id: rolled.keys[0].id.clone(),
            old_key_ttl: Some(prost_types::Duration::default()),
            expire_time: None,
        };
        answered(admin.roll_key(roll).await);
        let expired = Credential {
            name: "expired".into(),
            organization: "acme".into(),
            scopes: vec!["owner".into()],
            expire_time: Some(prost_types::Timestamp {
                seconds: issuer::now() - 10,
                nanos: 0,
            }),
            ..Default::default()
        };
        let (_, expired) = world.try_create(&world.admin, expired).await.expect("it");
        let (revoked, revoked_key) = world.credential("acme", &["owner"]).await;
        let revoke = RevokeKeyRequest {
            credential_id: revoked.id,
            key_id: revoked.keys[0].id.clone(),
        };
        answered(admin.revoke_key(revoke).await);
        let (suspended, suspended_key) = world.credential("acme", &["owner"]).await;
        world.suspend(&suspended.id, false).await;
        self.invalid = BTreeMap::from([
            (Unknown, unknown),
            (Wrong, wrong),
            (ExpiredKey, expired_key),
            (ExpiredCredential, expired),
            (Revoked, revoked_key),
            (Suspended, suspended_key),
        ]);
    }

    /// A credential of each scope of a method, and one without it.
    async fn make_scoped(&mut self) {
        let owner = roster_core_scopes("owner");
        let accesses = MANUAL.rpcs.values().map(|rpc| access(&rpc.method));
        let scopes: BTreeSet<String> = accesses.map(|(scope, _)| scope).collect();
        for scope in scopes {
            if scope == "admin" {
                let with = self.world.admin_key.clone();
                self.with_scope.insert(scope.clone(), with);
                let (_, without) = self.world.credential("acme", &["owner"]).await;
                self.without_scope.insert(scope, without);
                continue;
            }
            // Methods with further scopes need those of other kinds, and nothing else than all but
            // one shows that exactly this one is missing.
            let others: Vec<&str> = owner.iter().filter(|of| **of != scope).copied().collect();
            let (_, without) = self.world.credential("acme", &others).await;
            self.without_scope.insert(scope.clone(), without);
            let (_, with) = self.world.credential("acme", &[&scope]).await;
            self.with_scope.insert(scope, with);
        }
    }

    /// The metadata of a caller in a state that calls a method.
    pub fn metadata(&self, state: State, scope: &str) -> Vec<(&'static str, String)> {
        let authorization = |key: &str| ("authorization", bearer(key));
        match state {
            NoCredential => Vec::new(),
            OtherOrganization => vec![
                authorization(&self.with_scope[scope]),
                ("roster-organization", "other".to_owned()),
            ],
            MissingScope => vec![authorization(&self.without_scope[scope])],
            Right => vec![authorization(&self.with_scope[scope])],
            _ => vec![authorization(&self.invalid[&state])],
        }
    }

    pub async fn call(
        &self,
        path: &str,
        metadata: &[(&'static str, String)],
        request: &DynamicMessage,
    ) -> Result<Option<Vec<u8>>, Status> {
        raw_call::first_message(&self.world.channel, path, metadata, request.encode_to_vec()).await
    }

    /// The sum of the series of these names.
    pub fn figures(&self) -> Figures {
        let text = scrape(&self.world.server);
        let sum = |start: &str| {
            let lines = text.lines().filter(|line| line.starts_with(start));
            let values = lines.map(|line| line.rsplit(' ').next().expect("a value"));
            values
                .map(|value| value.parse::<f64>().expect("a number"))
                .sum()
        };
        Figures {
            hashes: sum("roster_credential_hashes_total"),
            verifications: sum("roster_token_verifications_total"),
            statements: sum("roster_database_statements_total{work=\"reads\"}")
                + sum("roster_database_statements_total{work=\"writes\"}"),
        }
    }
}

/// The scopes of a set.
fn roster_core_scopes(set: &str) -> Vec<&'static str> {
    let scopes = roster_core::scope::ScopeSet::scopes_of_name(set).expect("a set");
    scopes.iter().map(roster_core::scope::Scope::name).collect()
}

/// The work of a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    pub hashes: f64,
    pub verifications: f64,
    pub statements: f64,
}
