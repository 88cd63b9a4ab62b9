//! An organization with visitors, and what visitors do over and over.

use std::time::{Duration, Instant};

use roster_api::v1::*;
use tonic::{Code, Response, Status};

use crate::secured::{Secured, organization};
use crate::world::{Clients, answered, mask, refused};

/// Two accounts, `a1` and `a2`, that share with everybody; `c1` and `c2` belong to both; each has a
/// ticket with each account, `T11` of `c1` with `a1` and so on; `H` belongs to `c3`, a stranger.
pub struct Scene {
    pub owner: Clients,
    pub portal: Clients,
    pub portal_id: String,
}

pub async fn scene(world: &Secured) -> Scene {
    organization(world, "acme").await;
    let owner = world.caller("acme", &["owner"]).await;
    let settings = UpdateSettingsRequest {
        settings: Some(Settings {
            multiple_accounts: true,
            default_sharing_mode: SharingMode::Everyone.into(),
            ..Default::default()
        }),
        update_mask: mask(&["multiple_accounts", "default_sharing_mode"]),
        ..Default::default()
    };
    answered(owner.settings.clone().update_settings(settings).await);
    for _ in 0..2 {
        let account = CreateAccountRequest {
            account: Some(Account {
                name: "A".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        answered(owner.accounts.clone().create_account(account).await);
    }
    for _ in 0..3 {
        let contact = CreateContactRequest {
            contact: Some(Contact {
                family_name: "田中".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        answered(owner.contacts.clone().create_contact(contact).await);
    }
    for account in ["a1", "a2"] {
        let contact = |id: &str| ContactToAssociate {
            contact_id: id.into(),
            ..Default::default()
        };
        let request = AssociateContactsRequest {
            account_id: account.into(),
            contacts: vec![contact("c1"), contact("c2")],
            ..Default::default()
        };
        answered(owner.associations.clone().associate_contacts(request).await);
    }
    let ticket = |id: &str, contact: &str, account: Option<&str>| TicketRecord {
        id: id.into(),
        requester_id: contact.into(),
        account_id: account.map(ToOwned::to_owned),
        ..Default::default()
    };
    let request = RecordTicketsRequest {
        tickets: vec![
            ticket("T11", "c1", Some("a1")),
            ticket("T12", "c1", Some("a2")),
            ticket("T21", "c2", Some("a1")),
            ticket("T22", "c2", Some("a2")),
            ticket("H", "c3", None),
        ],
        ..Default::default()
    };
    let recorded = answered(owner.tickets.clone().record_tickets(request).await);
    assert!(recorded.results.iter().all(|result| result.error.is_none()));
    let (portal, key) = world.credential("acme", &["portal"]).await;
    Scene {
        owner,
        portal: world.with_key(&key),
        portal_id: portal.id,
    }
}

pub fn to_mint(contact: &str) -> MintVisitorTokenRequest {
    MintVisitorTokenRequest {
        contact_id: contact.into(),
        ..Default::default()
    }
}

pub async fn minted(by: &Clients, request: MintVisitorTokenRequest) -> String {
    let token = answered(by.visitors.clone().mint_visitor_token(request).await).token;
    assert!(token.starts_with("rsv_"), "{token}");
    token
}

pub async fn revoke(by: &Clients, contact: &str) {
    let request = RevokeVisitorTokensRequest {
        contact_id: contact.into(),
        ..Default::default()
    };
    answered(by.visitors.clone().revoke_visitor_tokens(request).await);
}

pub fn check_of(contact: &str, ticket: &str) -> CheckTicketRequest {
    CheckTicketRequest {
        contact_id: contact.into(),
        ticket_id: ticket.into(),
        ..Default::default()
    }
}

pub async fn check(by: &Clients, ticket: &str) -> Result<Response<CheckTicketResponse>, Status> {
    by.visibility
        .clone()
        .check_ticket(check_of("", ticket))
        .await
}

pub async fn sees(by: &Clients, ticket: &str) -> bool {
    answered(check(by, ticket).await).visibility() == Visibility::Visible
}

pub async fn listed(by: &Clients, account: &str) -> Vec<String> {
    let request = ListVisibleTicketsRequest {
        account_id: account.into(),
        ..Default::default()
    };
    let page = answered(by.visibility.clone().list_visible_tickets(request).await);
    let ids = page.tickets.into_iter().map(|of| of.ticket.expect("it").id);
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

/// Waits until a call is refused, as it must be within a second on any server.
pub async fn refused_soon(by: &Clients, reason: &str) {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        match check(by, "T11").await {
            Err(status) => {
                refused::<CheckTicketResponse>(Err(status), Code::Unauthenticated, reason);
                return;
            }
            Ok(_) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(_) => panic!("{reason} is expected"),
        }
    }
}
