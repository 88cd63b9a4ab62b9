//! Requests of VisitorService and HistoryService, and the errors that only visitors are answered
//! with.

use prost_types::Timestamp;
use roster_api::v1::*;
use tonic::Status;

use super::{Produced, path_of};
use crate::secured::{Secured, organization};
use crate::world::{Clients, World, answered};

/// A good request of each RPC.
pub const GOOD: &[(&str, &str)] = &[
    ("MintVisitorToken", r#"{"contactId": "c1"}"#),
    ("RevokeVisitorTokens", r#"{"contactId": "c1"}"#),
    ("ListAccesses", "{}"),
];

/// Requests that each RPC refuses, with the reason. The server has no secret keys.
pub const REFUSED: &[(&str, &str, &str)] = &[
    (
        "MintVisitorToken",
        "FIELD_INVALID",
        r#"{"contactId": "c1", "ttl": "3601s"}"#,
    ),
    (
        "MintVisitorToken",
        "TEXT_TOO_LONG",
        r#"{"contactId": "c1", "actingStaff": "$201"}"#,
    ),
    (
        "MintVisitorToken",
        "TEXT_CONTROL_CHARACTER",
        r#"{"contactId": "c1", "actingStaff": "$NUL"}"#,
    ),
    (
        "MintVisitorToken",
        "SECRET_KEY_MISSING",
        r#"{"contactId": "c1"}"#,
    ),
    ("ListAccesses", "ID_INVALID", r#"{"contactId": "x"}"#),
    ("ListAccesses", "ID_INVALID", r#"{"credential": "x"}"#),
];

/// A time that no request may have.
pub async fn of_times(produced: &mut Produced, world: &World) {
    let request = ListAccessesRequest {
        start_time: Some(Timestamp {
            seconds: 0,
            nanos: -1,
        }),
        ..Default::default()
    };
    let answer = world.clients.history.clone().list_accesses(request).await;
    let status = answer.expect_err("refused");
    produced.call(path_of("ListAccesses"), "FIELD_INVALID", &status);
}

/// How the three methods of visitors answer a contact, as errors.
async fn answers(by: &Clients, contact: &str, fully: bool) -> [(&'static str, Status); 3] {
    let consistency = fully.then_some(Consistency {
        requirement: Some(consistency::Requirement::FullyConsistent(true)),
    });
    let mut client = by.visibility.clone();
    let check = CheckTicketRequest {
        contact_id: contact.into(),
        ticket_id: "T".into(),
        consistency: consistency.clone(),
    };
    let batch = BatchCheckTicketsRequest {
        contact_id: contact.into(),
        ticket_ids: vec!["T".into()],
        consistency: consistency.clone(),
    };
    let list = ListVisibleTicketsRequest {
        contact_id: contact.into(),
        consistency,
        ..Default::default()
    };
    let refused = "refused";
    [
        (
            "CheckTicket",
            client.check_ticket(check).await.expect_err(refused),
        ),
        (
            "BatchCheckTickets",
            client.batch_check_tickets(batch).await.expect_err(refused),
        ),
        (
            "ListVisibleTickets",
            client.list_visible_tickets(list).await.expect_err(refused),
        ),
    ]
}

/// The errors of visitors.
pub async fn of_visitors(produced: &mut Produced, world: &World) {
    let secured = Secured::start(world.engine).await;
    organization(&secured, "acme").await;
    let owner = secured.caller("acme", &["owner"]).await;
    let contact = CreateContactRequest {
        contact: Some(Contact {
            family_name: "田中".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    answered(owner.contacts.clone().create_contact(contact).await);
    let mint = MintVisitorTokenRequest {
        contact_id: "c1".into(),
        ..Default::default()
    };
    let token = answered(owner.visitors.clone().mint_visitor_token(mint).await).token;
    let visitor = secured.with_key(&token);
    for (contact, fully, reason) in [
        ("c2", false, "CONTACT_DENIED"),
        ("c1", true, "CONSISTENCY_DENIED"),
        ("", false, "VISITOR_GONE"),
    ] {
        if reason == "VISITOR_GONE" {
            let revoke = RevokeVisitorTokensRequest {
                contact_id: "c1".into(),
                ..Default::default()
            };
            answered(owner.visitors.clone().revoke_visitor_tokens(revoke).await);
        }
        for (rpc, status) in answers(&visitor, contact, fully).await {
            produced.call(path_of(rpc), reason, &status);
        }
    }
}
