//! Every RPC of the proto with every state of the caller's credential: the code and the reason are
//! right, and neither the refusal nor the work for it shows whether a record exists.

mod matrix;

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::DynamicMessage;
use rand::seq::IndexedRandom;
use roster_api::v1::*;
use serde_json::json;
use tonic::Status;

use crate::issuer::{self, SigningKey};
use crate::manual::{self, MANUAL};
use crate::produced_reasons::good_request;
use crate::world::{Engine, answered, mask};
use matrix::State::{
    ExpiredCredential, ExpiredKey, MissingScope, NoCredential, OtherOrganization, Revoked, Right,
    Suspended, Unknown, Wrong,
};
use matrix::{Figures, Matrix, Proof, REFUSED, State, access, bearer};

#[test]
fn the_scope_of_a_method_is_of_its_service_and_of_its_verb() {
    for (path, rpc) in &MANUAL.rpcs {
        let (scope, _) = access(&rpc.method);
        let name = rpc.method.name();
        let service = rpc.method.parent_service().name().to_owned();
        let reads = ["Get", "List", "Lookup", "Watch", "Download", "Preview"];
        let kind = match service.as_str() {
            "AdminService" if name.contains("Organization") => {
                assert_eq!(scope, "admin", "{path}");
                continue;
            }
            "AdminService" => "credentials".to_owned(),
            "SettingsService" => "settings".to_owned(),
            "HistoryService" => "history".to_owned(),
            "VisitorService" => {
                assert_eq!(scope, "visitors:mint", "{path}");
                continue;
            }
            "VisibilityService" => {
                let explains = ["ListTicketViewers", "ExplainTicket"].contains(&name);
                let needed = if explains { "explain" } else { "read" };
                assert_eq!(scope, format!("visibility:{needed}"), "{path}");
                continue;
            }
            _ => format!("{}s", service.trim_end_matches("Service").to_lowercase()),
        };
        let verb = if reads.iter().any(|verb| name.starts_with(verb)) {
            "read"
        } else {
            "write"
        };
        assert_eq!(scope, format!("{kind}:{verb}"), "{path}");
    }
}

/// All that a caller sees of a refusal.
fn seen(status: &Status) -> String {
    let mut metadata: Vec<String> = status
        .metadata()
        .clone()
        .into_headers()
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    metadata.sort();
    format!(
        "{:?} {:?} {:?} {metadata:?}",
        status.code(),
        status.message(),
        status.details()
    )
}

fn ends_as(state: State, path: &str, ended: &Result<Option<Vec<u8>>, Status>) {
    let refusal = ended.as_ref().err();
    let named = refusal.and_then(manual::named);
    let (code, reason) = state.expected();
    if state == Right {
        let denied = ["UNAUTHENTICATED", "PERMISSION_DENIED"];
        let is_denied = named.is_some_and(|(code, _)| denied.contains(&code.as_str()));
        assert!(!is_denied, "{path} with its scope: {refusal:?}");
        return;
    }
    let expected = Some((manual::code_name(code), reason.to_owned()));
    assert_eq!(named, expected, "{path}, {state:?}: {ended:?}");
}

/// The requests of all RPCs, each about records that exist and about records that do not.
fn requests() -> Vec<(&'static str, [DynamicMessage; 2])> {
    let known = good_request::all("acme");
    let all: Vec<_> = known
        .zip(good_request::all_of_unknown_records("acme"))
        .map(|((path, known), (_, unknown))| (path, [known, unknown]))
        .collect();
    let paths: BTreeSet<&str> = all.iter().map(|(path, _)| *path).collect();
    let listed: BTreeSet<&str> = MANUAL.rpcs.keys().map(String::as_str).collect();
    assert_eq!(paths, listed, "a good request of each RPC");
    all
}

async fn every_rpc_ends_as_the_state_of_the_credential_demands(engine: Engine) {
    let matrix = Matrix::start(engine).await;
    let requests = requests();
    let mut texts: BTreeMap<(&str, String), BTreeSet<String>> = BTreeMap::new();
    for state in REFUSED {
        let mut work = Vec::new();
        for which in 0..2 {
            // The server writes now and then when keys were used: a second try has no such luck.
            let mut done = None;
            for _ in 0..3 {
                let before = matrix.figures();
                for (path, request) in &requests {
                    let (scope, _) = access(&MANUAL.rpcs[*path].method);
                    let metadata = matrix.metadata(state, &scope);
                    let ended = matrix.call(path, &metadata, &request[which]).await;
                    ends_as(state, path, &ended);
                    let (_, reason) = state.expected();
                    let of = if state == MissingScope { *path } else { "" };
                    let alike = texts.entry((of, reason.to_owned())).or_default();
                    alike.insert(seen(&ended.expect_err("refused")));
                }
                let after = matrix.figures();
                let figures = Figures {
                    hashes: after.hashes - before.hashes,
                    verifications: after.verifications - before.verifications,
                    statements: after.statements - before.statements,
                };
                done = Some(figures);
                if figures.statements == 0.0 {
                    break;
                }
            }
            work.push(done.expect("a try"));
        }
        assert_eq!(work[0], work[1], "{state:?}: known and unknown records");
        let calls = requests.len() as f64;
        let hashes = if state == NoCredential { 0.0 } else { calls };
        let expected = Figures {
            hashes,
            verifications: 0.0,
            statements: 0.0,
        };
        assert_eq!(work[0], expected, "{state:?}");
    }
    // One text for each reason, and for a missing scope one for each method.
    for ((of, reason), alike) in &texts {
        assert_eq!(alike.len(), 1, "{of} {reason}: {alike:#?}");
    }
    // Last, because the callers of all other calls belong to the organization that it deletes.
    let (deletes, others): (Vec<_>, Vec<_>) = requests
        .iter()
        .partition(|(path, _)| path.ends_with("/DeleteOrganization"));
    for (path, [_, unknown]) in others.into_iter().chain(deletes) {
        let (scope, _) = access(&MANUAL.rpcs[*path].method);
        let metadata = matrix.metadata(Right, &scope);
        let ended = matrix.call(path, &metadata, unknown).await;
        // An import of accounts needs accounts:write as well.
        let lacks_further = path.ends_with("StartImport");
        let state = if lacks_further { MissingScope } else { Right };
        ends_as(state, path, &ended);
    }
}

/// The bearer of a credential in a state, by a key or by a token, and how a call must end.
async fn bearer_in_state(matrix: &Matrix, proof: Proof, state: State) -> String {
    if proof == Proof::Key {
        return matrix.metadata(state, "settings:read")[0].1.clone();
    }
    let world = &matrix.world;
    let subject = format!("subject-{state:?}");
    let mut claims = issuer::claims("settings:read");
    claims["sub"] = subject.clone().into();
    if state == MissingScope {
        // No method needs it.
        claims["scope"] = "visibility:watch".into();
    }
    let expired = state == ExpiredCredential;
    let credential = Credential {
        name: "token".into(),
        organization: "acme".into(),
        scopes: vec!["owner".into()],
        subjects: vec![TokenSubject {
            issuer: issuer::ISSUER.into(),
            subject: subject.clone(),
        }],
        expire_time: expired.then(|| prost_types::Timestamp {
            seconds: issuer::now() - 10,
            nanos: 0,
        }),
        ..Default::default()
    };
    let mut token = matrix.signing.token(&claims);
    if state != Unknown {
        let (made, _) = world
            .try_create(&world.admin, credential)
            .await
            .expect("it");
        match state {
            Suspended => drop(world.suspend(&made.id, false).await),
            Revoked => {
                let without = Credential {
                    id: made.id,
                    ..Default::default()
                };
                let update = UpdateCredentialRequest {
                    credential: Some(without),
                    update_mask: mask(&["subjects"]),
                    ..Default::default()
                };
                let updated = world.admin.admin.clone().update_credential(update).await;
                answered(updated);
            }
            _ => {}
        }
    }
    match state {
        Wrong => token = SigningKey::new("k1", "EdDSA").token(&claims),
        ExpiredKey => {
            claims["iat"] = json!(issuer::now() - 600);
            claims["exp"] = json!(issuer::now() - 120);
            token = matrix.signing.token(&claims);
        }
        _ => {}
    }
    bearer(&token)
}

async fn each_proof_of_a_credential_ends_as_the_state_of_the_credential_demands(engine: Engine) {
    let matrix = Matrix::start(engine).await;
    let (path, request) = good_request::all("acme")
        .find(|(path, _)| path.ends_with("GetSettings"))
        .expect("it");
    let mut texts = BTreeSet::new();
    let states = [REFUSED.as_slice(), &[Right]].concat();
    let mut bearers = Vec::new();
    for proof in [Proof::Key, Proof::Token] {
        for state in states
            .iter()
            .copied()
            .filter(|state| *state != NoCredential)
        {
            let bearer = bearer_in_state(&matrix, proof, state).await;
            let mut metadata = vec![("authorization", bearer)];
            if state == OtherOrganization {
                metadata.push(("roster-organization", "other".to_owned()));
            }
            let ended = matrix.call(path, &metadata, &request).await;
            ends_as(state, path, &ended);
            if let Err(status) = &ended
                && state.expected().1 == "CREDENTIAL_INVALID"
            {
                texts.insert(seen(status));
            }
            if state == Right {
                ended.unwrap_or_else(|status| panic!("{proof:?}: {status:?}"));
            }
            bearers.push((proof, state, metadata));
        }
    }
    assert_eq!(texts.len(), 1, "{texts:#?}");
    cross(&matrix, &bearers).await;
}

/// How a call must end if its caller, in a state, has settings:read and no other scope.
fn expected(state: State, scope: &str) -> State {
    match state {
        OtherOrganization | Right if scope != "settings:read" => MissingScope,
        _ => state,
    }
}

type Metadata = Vec<(&'static str, String)>;

/// 50 samples of an RPC, a proof and a state.
async fn cross(matrix: &Matrix, bearers: &[(Proof, State, Metadata)]) {
    let mut rng = roster_testkit::seed::rng();
    let all = requests();
    // The key without settings:read has all other scopes.
    let without = |(proof, state, _): &&(Proof, State, Metadata)| {
        (*proof, *state) != (Proof::Key, MissingScope)
    };
    let bearers: Vec<_> = bearers.iter().filter(without).collect();
    for _ in 0..50 {
        let (proof, state, metadata) = bearers.choose(&mut rng).expect("a state");
        let (path, requests) = all.choose(&mut rng).expect("an RPC");
        let (scope, _) = access(&MANUAL.rpcs[*path].method);
        let expected = expected(*state, &scope);
        let mut alike = BTreeSet::new();
        for request in requests {
            let ended = matrix.call(path, metadata, request).await;
            ends_as(expected, path, &ended);
            if expected != Right {
                alike.insert(seen(&ended.expect_err("refused")));
            }
        }
        assert!(alike.len() <= 1, "{path}, {proof:?}, {state:?}: {alike:#?}");
    }
}

mod on_sqlite {
    use crate::world::Engine;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_rpc_ends_as_the_state_of_the_credential_demands() {
        super::every_rpc_ends_as_the_state_of_the_credential_demands(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn each_proof_of_a_credential_ends_as_the_state_of_the_credential_demands() {
        super::each_proof_of_a_credential_ends_as_the_state_of_the_credential_demands(
            Engine::Sqlite,
        )
        .await;
    }
}

mod on_postgres {
    use crate::world::Engine;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_rpc_ends_as_the_state_of_the_credential_demands() {
        super::every_rpc_ends_as_the_state_of_the_credential_demands(Engine::Postgres).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn each_proof_of_a_credential_ends_as_the_state_of_the_credential_demands() {
        super::each_proof_of_a_credential_ends_as_the_state_of_the_credential_demands(
            Engine::Postgres,
        )
        .await;
    }
}
