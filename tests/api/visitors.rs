//! Visitors: contacts that call Roster themselves with a token of VisitorService.

use std::time::{Duration, Instant};

use prost::Message;
use roster_api::v1::*;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::secured::{SECRETS, Secured};
use crate::visiting::{
    check, check_of, listed, minted, refused_soon, revoke, scene, sees, to_mint,
};
use crate::world::{Clients, answered, command, field, mask, metadata, refused};

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
    a_visitor_asks_for_its_own_contact_and_calls_nothing_else,
    to_a_visitor_an_unknown_ticket_is_a_hidden_ticket_byte_for_byte,
    the_account_of_a_token_is_the_only_account_that_shares,
    a_token_ends_with_its_contact_its_credential_its_organization_and_its_time,
    a_revocation_ends_the_tokens_before_it_and_no_token_after_it,
    a_token_is_accepted_by_every_server_with_its_key_and_by_no_other,
    a_visitor_makes_20_calls_a_second,
    a_token_lives_for_up_to_an_hour_and_10_minutes_by_default,
    without_secret_keys_no_token_is_minted,
    a_changed_key_file_is_read_and_a_broken_one_is_not,
);

async fn a_visitor_asks_for_its_own_contact_and_calls_nothing_else(world: Secured) {
    let scene = scene(&world).await;
    let visitor = world.with_key(&minted(&scene.portal, to_mint("c1")).await);
    assert!(sees(&visitor, "T11").await && sees(&visitor, "T21").await);
    assert!(!sees(&visitor, "H").await);
    assert_eq!(listed(&visitor, "").await, ["T11", "T12", "T21", "T22"]);
    let named = visitor
        .visibility
        .clone()
        .check_ticket(check_of("c1", "T11"))
        .await;
    answered(named);
    for other in ["c2", "c9", "x", "c01"] {
        let answer = visitor
            .visibility
            .clone()
            .check_ticket(check_of(other, "T11"))
            .await;
        let status = refused(answer, Code::PermissionDenied, "CONTACT_DENIED");
        assert_eq!(metadata(&status, "field"), "contact_id");
    }
    let fully = CheckTicketRequest {
        consistency: Some(Consistency {
            requirement: Some(consistency::Requirement::FullyConsistent(true)),
        }),
        ..check_of("", "T11")
    };
    let answer = visitor.visibility.clone().check_ticket(fully).await;
    refused(answer, Code::PermissionDenied, "CONSISTENCY_DENIED");

    // Nothing else, and no record is looked for before.
    let explained = ExplainTicketRequest {
        contact_id: "c1".into(),
        ticket_id: "T11".into(),
        ..Default::default()
    };
    let answer = visitor.visibility.clone().explain_ticket(explained).await;
    refused(answer, Code::PermissionDenied, "SCOPE_MISSING");
    let answer = visitor
        .visitors
        .clone()
        .mint_visitor_token(to_mint("c1"))
        .await;
    refused(answer, Code::PermissionDenied, "SCOPE_MISSING");
    let get = GetContactRequest {
        id: "c1".into(),
        ..Default::default()
    };
    let answer = visitor.contacts.clone().get_contact(get).await;
    refused(answer, Code::PermissionDenied, "SCOPE_MISSING");
    let mut request = Request::new(check_of("", "T11"));
    let actor = "sato".parse().expect("a value");
    request.metadata_mut().insert("roster-actor", actor);
    let answer = visitor.visibility.clone().check_ticket(request).await;
    refused(answer, Code::PermissionDenied, "ACTOR_DENIED");
}

/// `visitor-hidden`
async fn to_a_visitor_an_unknown_ticket_is_a_hidden_ticket_byte_for_byte(world: Secured) {
    let scene = scene(&world).await;
    let visitor = world.with_key(&minted(&scene.portal, to_mint("c1")).await);
    let hidden = answered(check(&visitor, "H").await);
    let unknown = answered(check(&visitor, "X").await);
    assert_eq!(hidden.visibility(), Visibility::Hidden);
    assert!(hidden.grounds.is_empty());
    assert_eq!(hidden.encode_to_vec(), unknown.encode_to_vec());

    let batch = BatchCheckTicketsRequest {
        ticket_ids: ["H", "X", "T11"].map(Into::into).into(),
        ..Default::default()
    };
    let batch = visitor.visibility.clone().batch_check_tickets(batch).await;
    let mut results = answered(batch).results;
    assert_eq!(results[2].visibility(), Visibility::Visible);
    for (result, id) in results.iter_mut().zip(["H", "X"]) {
        assert_eq!(std::mem::take(&mut result.ticket_id), id);
    }
    assert_eq!(results[0].encode_to_vec(), results[1].encode_to_vec());
    assert_eq!(results[0].visibility(), Visibility::Hidden);

    // A service is told.
    let of_service = scene
        .portal
        .visibility
        .clone()
        .check_ticket(check_of("c1", "X"))
        .await;
    refused(of_service, Code::NotFound, "TICKET_NOT_FOUND");

    assert_eq!(listed(&visitor, "a1").await, ["T11", "T21"]);
    assert_eq!(listed(&visitor, "a99").await, [""; 0]);

    // A blocked contact is not told that it is blocked.
    let blocked = UpdateContactRequest {
        contact: Some(Contact {
            id: "c1".into(),
            blocked: true,
            ..Default::default()
        }),
        update_mask: mask(&["blocked"]),
        ..Default::default()
    };
    answered(scene.owner.contacts.clone().update_contact(blocked).await);
    let own = answered(check(&visitor, "T11").await);
    let unknown = answered(check(&visitor, "X").await);
    assert_eq!(own.encode_to_vec(), unknown.encode_to_vec());
    assert_eq!(listed(&visitor, "").await, [""; 0]);
}

/// `visitor-account`
async fn the_account_of_a_token_is_the_only_account_that_shares(world: Secured) {
    let scene = scene(&world).await;
    let of_account = |account: &str| MintVisitorTokenRequest {
        account_id: account.into(),
        ..to_mint("c1")
    };
    let visitor = world.with_key(&minted(&scene.portal, of_account("a1")).await);
    // Its own tickets stay its own.
    assert_eq!(listed(&visitor, "").await, ["T11", "T12", "T21"]);
    for (ticket, seen) in [("T11", true), ("T12", true), ("T21", true), ("T22", false)] {
        assert_eq!(sees(&visitor, ticket).await, seen, "{ticket}");
    }
    let own = answered(check(&visitor, "T12").await);
    let kinds: Vec<GroundKind> = own.grounds.iter().map(Ground::kind).collect();
    assert_eq!(kinds, [GroundKind::Requester]);

    let unknown = scene
        .portal
        .visitors
        .clone()
        .mint_visitor_token(of_account("a9"))
        .await;
    refused(unknown, Code::NotFound, "ACCOUNT_NOT_FOUND");
    let unknown = scene
        .portal
        .visitors
        .clone()
        .mint_visitor_token(to_mint("c9"))
        .await;
    refused(unknown, Code::NotFound, "CONTACT_NOT_FOUND");
}

/// `visitor-gone`
async fn a_token_ends_with_its_contact_its_credential_its_organization_and_its_time(
    world: Secured,
) {
    let scene = scene(&world).await;
    let token = minted(&scene.portal, to_mint("c1")).await;
    let visitor = world.with_key(&token);
    world.suspend(&scene.portal_id, false).await;
    refused_soon(&visitor, "CREDENTIAL_INVALID").await;
    world.suspend(&scene.portal_id, true).await;
    assert!(sees(&visitor, "T11").await);

    let scopes = |scopes: &[&str]| UpdateCredentialRequest {
        credential: Some(Credential {
            id: scene.portal_id.clone(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..Default::default()
        }),
        update_mask: mask(&["scopes"]),
        ..Default::default()
    };
    let mut admin = world.admin.admin.clone();
    answered(admin.update_credential(scopes(&["visibility:read"])).await);
    refused_soon(&visitor, "CREDENTIAL_INVALID").await;
    answered(admin.update_credential(scopes(&["visitors:mint"])).await);
    assert!(sees(&visitor, "T11").await);

    // One answer for a forged token, a token cut short, and an expired one.
    let short = MintVisitorTokenRequest {
        ttl: Some(prost_types::Duration {
            seconds: 0,
            nanos: 1_000,
        }),
        ..to_mint("c1")
    };
    let expired = minted(&scene.portal, short).await;
    let at = token.len() / 2;
    let other = if &token[at..=at] == "A" { "B" } else { "A" };
    let forged = format!("{}{other}{}", &token[..at], &token[at + 1..]);
    let mut texts = std::collections::BTreeSet::new();
    for token in [expired.as_str(), &forged, &token[..at], "rsv_", "rsv_x"] {
        let answer = check(&world.with_key(token), "T11").await;
        let status = refused(answer, Code::Unauthenticated, "CREDENTIAL_INVALID");
        texts.insert(format!("{:?}", (status.message(), status.details())));
    }
    assert_eq!(texts.len(), 1, "one answer for all causes");

    let third = world.with_key(&minted(&scene.portal, to_mint("c3")).await);
    assert!(sees(&third, "H").await);
    let delete = DeleteContactRequest {
        id: "c3".into(),
        delete_tickets: true,
        ..Default::default()
    };
    answered(scene.owner.contacts.clone().delete_contact(delete).await);
    for ticket in ["H", "T11", "X"] {
        let answer = check(&third, ticket).await;
        refused(answer, Code::Unauthenticated, "VISITOR_GONE");
    }
    let list = ListVisibleTicketsRequest::default();
    let list = third.visibility.clone().list_visible_tickets(list).await;
    refused(list, Code::Unauthenticated, "VISITOR_GONE");
}

/// `visitor-gone`
async fn a_revocation_ends_the_tokens_before_it_and_no_token_after_it(mut world: Secured) {
    let scene = scene(&world).await;
    // A SQLite file has one server.
    let other_server = (world.database.url.starts_with("postgres")).then(|| world.another_server());
    let there = match &other_server {
        Some(server) => server.channel().await,
        None => world.channel.clone(),
    };
    let other = world.with_key(&minted(&scene.portal, to_mint("c2")).await);
    let mut tokens = Vec::new();
    // The second round revokes tokens that were minted directly after a revocation.
    for _ in 0..2 {
        let token = minted(&scene.portal, to_mint("c1")).await;
        let visitor = world.with_key(&token);
        let elsewhere = Clients::with_key(there.clone(), &token);
        assert!(sees(&visitor, "T11").await && sees(&elsewhere, "T11").await);
        revoke(&scene.portal, "c1").await;
        let answer = check(&visitor, "T11").await;
        refused(answer, Code::Unauthenticated, "VISITOR_GONE");
        refused_soon(&elsewhere, "VISITOR_GONE").await;
        let batch = BatchCheckTicketsRequest {
            ticket_ids: vec!["X".into()],
            ..Default::default()
        };
        let batch = visitor.visibility.clone().batch_check_tickets(batch).await;
        refused(batch, Code::Unauthenticated, "VISITOR_GONE");
        tokens.push(token);
    }
    let again = minted(&scene.portal, to_mint("c1")).await;
    assert!(sees(&world.with_key(&again), "T11").await);
    assert!(sees(&Clients::with_key(there, &again), "T11").await);
    assert!(sees(&other, "T11").await);

    // A server that starts later loads what was revoked.
    drop(other_server);
    world.server.kill();
    let server = world.another_server();
    let channel = server.channel().await;
    assert!(sees(&Clients::with_key(channel.clone(), &again), "T11").await);
    for token in &tokens {
        let visitor = Clients::with_key(channel.clone(), token);
        // The database answers the first check, and memory later ones.
        for _ in 0..5 {
            let answer = check(&visitor, "T11").await;
            refused(answer, Code::Unauthenticated, "VISITOR_GONE");
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
}

async fn a_token_is_accepted_by_every_server_with_its_key_and_by_no_other(mut world: Secured) {
    let scene = scene(&world).await;
    let token = minted(&scene.portal, to_mint("c1")).await;
    // A SQLite file has one server.
    world.server.kill();
    let same = world.another_server();
    let channel = same.channel().await;
    assert!(sees(&Clients::with_key(channel, &token), "T11").await);
    drop(same);

    let path = world.path("other.keys");
    let path = path.to_str().expect("text");
    let created = command(&["secrets", "create", "--out", path]).status();
    assert!(created.expect("the program").success());
    for options in [&["--secret-key-file", path][..], &[]] {
        let server = world.another_server_with(options);
        let channel = server.channel().await;
        let answer = check(&Clients::with_key(channel, &token), "T11").await;
        refused(answer, Code::Unauthenticated, "CREDENTIAL_INVALID");
    }
}

async fn a_visitor_makes_20_calls_a_second(world: Secured) {
    let scene = scene(&world).await;
    let request = to_mint("c1");
    let visitor = world.with_key(&minted(&scene.portal, request.clone()).await);
    let again = world.with_key(&minted(&scene.portal, request).await);
    let other = world.with_key(&minted(&scene.portal, to_mint("c2")).await);
    let began = Instant::now();
    let calls = (0..60).map(|_| check(&visitor, "T11"));
    let answers = futures::future::join_all(calls).await;
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    // As many as at once, and those that the time since then adds.
    let added = began.elapsed().as_millis() / 50 + 1;
    assert!((20..=20 + added as usize).contains(&accepted), "{accepted}");
    let status = answers.into_iter().find_map(Result::err);
    if let Some(status) = status {
        refused::<CheckTicketResponse>(
            Err(status.clone()),
            Code::ResourceExhausted,
            "RATE_EXCEEDED",
        );
        assert_eq!(metadata(&status, "limit"), "visitor_calls_per_second_max");
        let retry = status.get_error_details().retry_info().cloned();
        let delay = retry.expect("RetryInfo").retry_delay.expect("a delay");
        assert!(delay <= Duration::from_secs(1), "{delay:?}");
    } else {
        assert!(
            began.elapsed() > Duration::from_secs(2),
            "no call was refused"
        );
    }
    // Another visitor has calls of its own; another token of the same contact has not.
    assert!(sees(&other, "T11").await);
    let calls = (0..40).map(|_| check(&again, "T11"));
    let answers = futures::future::join_all(calls).await;
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    let added = began.elapsed().as_millis() / 50 + 1;
    assert!(accepted <= added as usize, "{accepted} of {added}");
}

async fn a_token_lives_for_up_to_an_hour_and_10_minutes_by_default(world: Secured) {
    let scene = scene(&world).await;
    let with_ttl = |ttl| MintVisitorTokenRequest {
        ttl,
        ..to_mint("c1")
    };
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("a time").as_secs() as i64;
    let mut client = scene.portal.visitors.clone();
    for (ttl, lives) in [
        (None, 600),
        (seconds(3_599), 3_599),
        (seconds(3_600), 3_600),
    ] {
        let answer = answered(client.mint_visitor_token(with_ttl(ttl)).await);
        let ends = answer.expire_time.expect("an end").seconds - now;
        assert!((lives..lives + 60).contains(&ends), "{ends}");
    }
    for ttl in [0, -1, 3_601] {
        let answer = client.mint_visitor_token(with_ttl(seconds(ttl))).await;
        let status = refused(answer, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(field(&status), "ttl");
    }
}

async fn without_secret_keys_no_token_is_minted(mut world: Secured) {
    let scene = scene(&world).await;
    minted(&scene.portal, to_mint("c1")).await;
    let (_, key) = world.credential("acme", &["visitors:mint"]).await;
    world.server.kill();
    let server = world.another_server_with(&[]);
    let there = Clients::with_key(server.channel().await, &key);
    let answer = there
        .visitors
        .clone()
        .mint_visitor_token(to_mint("c1"))
        .await;
    refused(answer, Code::FailedPrecondition, "SECRET_KEY_MISSING");
}

async fn a_changed_key_file_is_read_and_a_broken_one_is_not(world: Secured) {
    let scene = scene(&world).await;
    let path = world.path(SECRETS);
    let first = minted(&scene.portal, to_mint("c1")).await;
    let rotated = command(&["secrets", "rotate", "--file"])
        .arg(&path)
        .status();
    assert!(rotated.expect("the program").success());
    // The mark of the key is at the beginning of a token.
    let key_of = |token: &str| token[..12].to_owned();
    let until = Instant::now() + Duration::from_secs(8);
    let second = loop {
        let token = minted(&scene.portal, to_mint("c1")).await;
        if key_of(&token) != key_of(&first) {
            break token;
        }
        assert!(Instant::now() < until, "the new key is not used");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    for token in [&first, &second] {
        assert!(sees(&world.with_key(token), "T11").await);
    }
    std::fs::write(&path, "broken").expect("written");
    tokio::time::sleep(Duration::from_secs(5)).await;
    for token in [&first, &second] {
        assert!(sees(&world.with_key(token), "T11").await);
    }
    let third = minted(&scene.portal, to_mint("c1")).await;
    assert_eq!(key_of(&third), key_of(&second));
}
