//! The access log: who read personal data.

use std::time::{Duration, Instant};

use roster_api::v1::*;
use tonic::{Code, Request};

use crate::secured::{Secured, organization};
use crate::world::{Clients, answered, field, refused};

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
    reads_of_personal_data_are_recorded_within_a_second_and_found_by_filters,
    a_clean_stop_writes_what_waits,
    a_page_continues_where_the_page_before_ended,
);

struct Scene {
    staff: Clients,
    staff_id: String,
    auditor: Clients,
}

/// A contact with a ticket, staff that may name itself, and an auditor.
async fn scene(world: &Secured, name: &str) -> Scene {
    organization(world, name).await;
    let (staff, key) = world.credential(name, &["agent", "visitors:mint"]).await;
    let staff_id = staff.id;
    let staff = world.with_key(&key);
    let contact = CreateContactRequest {
        contact: Some(Contact {
            family_name: "田中".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    answered(staff.contacts.clone().create_contact(contact).await);
    let request = RecordTicketsRequest {
        tickets: vec![TicketRecord {
            id: "T1".into(),
            requester_id: "c1".into(),
            subject: Some("SUBJECT".into()),
            ..Default::default()
        }],
        ..Default::default()
    };
    answered(staff.tickets.clone().record_tickets(request).await);
    Scene {
        staff,
        staff_id,
        auditor: world.caller(name, &["auditor"]).await,
    }
}

fn explained(ticket: &str) -> Request<ExplainTicketRequest> {
    let mut request = Request::new(ExplainTicketRequest {
        contact_id: "c1".into(),
        ticket_id: ticket.into(),
        ..Default::default()
    });
    let actor = "sato".parse().expect("a value");
    request.metadata_mut().insert("roster-actor", actor);
    request
}

async fn list(by: &Clients, request: &ListAccessesRequest) -> Vec<AccessRecord> {
    let mut client = by.history.clone();
    answered(client.list_accesses(request.clone()).await).accesses
}

/// Waits for this many records. Returns them, and how long it waited.
async fn listed(by: &Clients, count: usize) -> (Vec<AccessRecord>, Duration) {
    let began = Instant::now();
    loop {
        let found = list(by, &ListAccessesRequest::default()).await;
        if found.len() >= count || began.elapsed() > Duration::from_secs(10) {
            assert_eq!(found.len(), count, "{found:?}");
            return (found, began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Three reads that are recorded, and others that are not.
async fn read_personal_data(scene: &Scene) {
    let mut visibility = scene.staff.visibility.clone();
    answered(visibility.explain_ticket(explained("T1")).await);
    // What is refused told nothing.
    let answer = visibility.explain_ticket(explained("T9")).await;
    refused(answer, Code::NotFound, "TICKET_NOT_FOUND");
    let viewers = ListTicketViewersRequest {
        ticket_id: "T1".into(),
        ..Default::default()
    };
    answered(visibility.list_ticket_viewers(viewers).await);
    let mint = |staff: &str| MintVisitorTokenRequest {
        contact_id: "c1".into(),
        acting_staff: staff.into(),
        ..Default::default()
    };
    for staff in ["", "suzuki"] {
        answered(
            scene
                .staff
                .visitors
                .clone()
                .mint_visitor_token(mint(staff))
                .await,
        );
    }
    let checked = CheckTicketRequest {
        contact_id: "c1".into(),
        ticket_id: "T1".into(),
        ..Default::default()
    };
    answered(visibility.check_ticket(checked).await);
}

async fn reads_of_personal_data_are_recorded_within_a_second_and_found_by_filters(world: Secured) {
    let scene = scene(&world, "acme").await;
    read_personal_data(&scene).await;
    let (all, waited) = listed(&scene.auditor, 3).await;
    println!("recorded after {waited:?}");
    let shown: Vec<_> = all
        .iter()
        .map(|of| {
            assert_eq!(of.credential, scene.staff_id);
            let words = [&of.rpc, &of.actor, &of.contact_id, &of.target];
            words.map(String::as_str).join(" ")
        })
        .collect();
    let expected = [
        "MintVisitorToken suzuki c1 ",
        "ListTicketViewers   T1",
        "ExplainTicket sato c1 T1",
    ];
    assert_eq!(shown, expected, "the newest first");
    assert!(!format!("{all:?}").contains("SUBJECT"));

    let times: Vec<_> = all.iter().map(|of| of.create_time.expect("it")).collect();
    let by = async |filter: ListAccessesRequest| {
        let found = list(&scene.auditor, &filter).await;
        found.into_iter().map(|of| of.rpc).collect::<Vec<_>>()
    };
    let contact = ListAccessesRequest {
        contact_id: "c1".into(),
        ..Default::default()
    };
    assert_eq!(by(contact).await, ["MintVisitorToken", "ExplainTicket"]);
    for (credential, count) in [(scene.staff_id.as_str(), 3), ("q999", 0), ("local", 0)] {
        let filter = ListAccessesRequest {
            credential: credential.into(),
            ..Default::default()
        };
        assert_eq!(by(filter).await.len(), count, "{credential}");
    }
    let within = ListAccessesRequest {
        start_time: Some(times[1]),
        end_time: Some(times[0]),
        ..Default::default()
    };
    assert_eq!(by(within).await, ["ListTicketViewers"]);
    let wrong = ListAccessesRequest {
        credential: "x".into(),
        ..Default::default()
    };
    let answer = scene.auditor.history.clone().list_accesses(wrong).await;
    let status = refused(answer, Code::InvalidArgument, "ID_INVALID");
    assert_eq!(field(&status), "credential");

    // Another organization sees nothing of it.
    organization(&world, "other").await;
    let other = world.caller("other", &["auditor"]).await;
    assert_eq!(list(&other, &ListAccessesRequest::default()).await, []);
}

async fn a_clean_stop_writes_what_waits(world: Secured) {
    let scene = scene(&world, "acme").await;
    for _ in 0..5 {
        let answer = scene
            .staff
            .visibility
            .clone()
            .explain_ticket(explained("T1"))
            .await;
        answered(answer);
    }
    let (_, key) = world.credential("acme", &["auditor"]).await;
    let pid = world.server.child.id().to_string();
    let sent = std::process::Command::new("kill").arg(&pid).status();
    assert!(sent.expect("the command kill").success());
    let ended = tokio::task::spawn_blocking(move || {
        let mut world = world;
        let ended = world.server.child.wait().expect("its end");
        (world, ended)
    });
    let (world, ended) = ended.await.expect("it");
    assert!(ended.success(), "{ended:?}");
    let server = world.another_server();
    let auditor = Clients::with_key(server.channel().await, &key);
    assert_eq!(
        list(&auditor, &ListAccessesRequest::default()).await.len(),
        5
    );
}

async fn a_page_continues_where_the_page_before_ended(world: Secured) {
    let scene = scene(&world, "acme").await;
    for _ in 0..7 {
        let answer = scene
            .staff
            .visibility
            .clone()
            .explain_ticket(explained("T1"))
            .await;
        answered(answer);
    }
    let (all, _) = listed(&scene.auditor, 7).await;
    let mut request = ListAccessesRequest {
        page_size: 3,
        ..Default::default()
    };
    let mut paged = Vec::new();
    for length in [3, 3, 1] {
        let mut client = scene.auditor.history.clone();
        let page = answered(client.list_accesses(request.clone()).await);
        assert_eq!(page.accesses.len(), length);
        paged.extend(page.accesses);
        request.page_token = page.next_page_token;
    }
    assert_eq!(request.page_token, "");
    assert_eq!(paged, all);
}
