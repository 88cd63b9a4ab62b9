//! Pages of every list: their sizes and their tokens.

use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, both_engines, refused};

both_engines!(
    a_page_size_of_0_is_50_above_1_000_is_1_000_and_below_0_is_refused,
    pages_neither_skip_nor_repeat_while_records_are_added,
    a_page_token_fits_its_own_call_alone,
    pages_of_a_contacts_accounts_neither_skip_nor_repeat_while_they_change,
    every_list_has_the_same_sizes_of_pages_and_no_list_ends_short,
    a_page_token_outlives_the_server,
);

async fn a_page_size_of_0_is_50_above_1_000_is_1_000_and_below_0_is_refused(mut world: World) {
    let c = world.contact("一").await;
    for batch in 0..2 {
        let tickets = (0..501).map(|n| TicketRecord {
            id: format!("{batch}-{n:04}"),
            requester_id: c.clone(),
            ..Default::default()
        });
        world
            .clients
            .tickets
            .record_tickets(RecordTicketsRequest {
                tickets: tickets.collect(),
                ..Default::default()
            })
            .await
            .unwrap();
    }
    for (asked, answered) in [(0, 50), (49, 49), (1_000, 1_000), (1_001, 1_000)] {
        let request = ListVisibleTicketsRequest {
            contact_id: c.clone(),
            page_size: asked,
            ..Default::default()
        };
        let page = world
            .clients
            .visibility
            .list_visible_tickets(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.tickets.len(), answered);
    }
    let negative = ListVisibleTicketsRequest {
        contact_id: c.clone(),
        page_size: -1,
        ..Default::default()
    };
    refused(
        world
            .clients
            .visibility
            .list_visible_tickets(negative)
            .await,
        Code::InvalidArgument,
        "PAGE_SIZE_INVALID",
    );
}

async fn pages_neither_skip_nor_repeat_while_records_are_added(world: World) {
    let a = world.account("A").await;
    for name in ["か", "さ", "た", "な", "は"] {
        let c = world.contact(name).await;
        world.associate(&a, &c).await;
    }
    let request = |token: &str| ListAccountContactsRequest {
        account_id: a.clone(),
        page_size: 2,
        page_token: token.into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    let first = client
        .list_account_contacts(request(""))
        .await
        .unwrap()
        .into_inner();
    for name in ["あ", "わ"] {
        let c = world.contact(name).await;
        world.associate(&a, &c).await;
    }
    let mut names: Vec<String> = first
        .associations
        .into_iter()
        .map(|c| c.family_name)
        .collect();
    let mut token = first.next_page_token;
    while !token.is_empty() {
        let page = client
            .list_account_contacts(request(&token))
            .await
            .unwrap()
            .into_inner();
        names.extend(page.associations.into_iter().map(|c| c.family_name));
        token = page.next_page_token;
    }
    assert_eq!(names, ["か", "さ", "た", "な", "は", "わ"]);
}

async fn a_page_token_fits_its_own_call_alone(mut world: World) {
    for n in 0..3 {
        world.contact(&format!("人{n}")).await;
    }
    let request = |token: &str, query: &str| ListContactsRequest {
        page_size: 1,
        page_token: token.into(),
        query: query.into(),
        ..Default::default()
    };
    let client = &mut world.clients.contacts.clone();
    let token = client
        .list_contacts(request("", ""))
        .await
        .unwrap()
        .into_inner()
        .next_page_token;
    client.list_contacts(request(&token, "")).await.unwrap();
    refused(
        client.list_contacts(request(&token, "人")).await,
        Code::InvalidArgument,
        "PAGE_TOKEN_INVALID",
    );
    let mut altered = token.clone().into_bytes();
    altered[20] = if altered[20] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    refused(
        client.list_contacts(request(&altered, "")).await,
        Code::InvalidArgument,
        "PAGE_TOKEN_INVALID",
    );
    let elsewhere = ListAccountsRequest {
        page_size: 1,
        page_token: token.clone(),
        ..Default::default()
    };
    refused(
        world.clients.accounts.list_accounts(elsewhere).await,
        Code::InvalidArgument,
        "PAGE_TOKEN_INVALID",
    );
    let mut other = tonic::Request::new(request(&token, ""));
    other
        .metadata_mut()
        .insert("roster-organization", "other".parse().unwrap());
    refused(
        client.list_contacts(other).await,
        Code::InvalidArgument,
        "PAGE_TOKEN_INVALID",
    );
}

async fn pages_of_a_contacts_accounts_neither_skip_nor_repeat_while_they_change(world: World) {
    world.allow_several_accounts().await;
    let c = world.contact("一").await;
    let mut accounts = Vec::new();
    for name in ["な商店", "か商店", "さ商店", "た商店", "は商店"] {
        let account = world.account(name).await;
        world.associate(&account, &c).await;
        accounts.push(account);
    }
    let request = |token: &str| ListContactAccountsRequest {
        contact_id: c.clone(),
        page_size: 2,
        page_token: token.into(),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    let first = client
        .list_contact_accounts(request(""))
        .await
        .unwrap()
        .into_inner();
    let mut names: Vec<String> = first
        .associations
        .into_iter()
        .map(|of| of.account_name)
        .collect();
    assert_eq!(names, ["な商店", "か商店"], "the primary, then by name");
    // One is added before the place where the page ended, one behind it; one that was shown goes,
    // and one that was not becomes the primary.
    for name in ["あ商店", "わ商店"] {
        let account = world.account(name).await;
        world.associate(&account, &c).await;
    }
    world
        .dissociate(&accounts[1], &c, TicketDisposition::Unspecified)
        .await
        .unwrap();
    world.promote(&c, &accounts[4]).await.unwrap();
    let mut token = first.next_page_token;
    while !token.is_empty() {
        let page = client
            .list_contact_accounts(request(&token))
            .await
            .unwrap()
            .into_inner();
        names.extend(page.associations.into_iter().map(|of| of.account_name));
        token = page.next_page_token;
    }
    assert_eq!(
        names,
        ["な商店", "か商店", "さ商店", "た商店", "は商店", "わ商店"]
    );
}

/// How many items each list answers in a page of this size; or the first error.
async fn page_lengths(world: &World, page_size: i32) -> Result<Vec<usize>, tonic::Status> {
    let (account_id, contact_id) = ("a1".to_owned(), "c1".to_owned());
    let clients = world.clients.clone();
    let (mut accounts, mut contacts) = (clients.accounts, clients.contacts);
    let (mut associations, mut tickets) = (clients.associations, clients.tickets);
    let mut visibility = clients.visibility;
    let request = ListAccountsRequest {
        page_size,
        ..Default::default()
    };
    let of_accounts = accounts.list_accounts(request).await?.into_inner();
    let request = ListContactsRequest {
        page_size,
        ..Default::default()
    };
    let of_contacts = contacts.list_contacts(request).await?.into_inner();
    let request = ListAccountContactsRequest {
        account_id: account_id.clone(),
        page_size,
        ..Default::default()
    };
    let members = associations
        .list_account_contacts(request)
        .await?
        .into_inner();
    let request = ListContactAccountsRequest {
        contact_id: contact_id.clone(),
        page_size,
        ..Default::default()
    };
    let of_contact = associations
        .list_contact_accounts(request)
        .await?
        .into_inner();
    let request = ListTicketsRequest {
        account_id,
        page_size,
        ..Default::default()
    };
    let of_account = tickets.list_tickets(request).await?.into_inner();
    let request = ListTicketViewersRequest {
        ticket_id: "T0".into(),
        page_size,
        ..Default::default()
    };
    let viewers = visibility.list_ticket_viewers(request).await?.into_inner();
    Ok(vec![
        of_accounts.accounts.len(),
        of_contacts.contacts.len(),
        members.associations.len(),
        of_contact.associations.len(),
        of_account.tickets.len(),
        viewers.viewers.len(),
    ])
}

async fn every_list_has_the_same_sizes_of_pages_and_no_list_ends_short(world: World) {
    world.allow_several_accounts().await;
    let everyone = |n: usize| Account {
        name: format!("商店{n}"),
        sharing_mode: SharingMode::Everyone.into(),
        ..Account::default()
    };
    for n in 0..52 {
        let (account, contact) = (
            world.account_of(everyone(n)).await,
            world.contact(&format!("人{n}")).await,
        );
        world.associate(&account, "c1").await;
        if n > 0 {
            world.associate("a1", &contact).await;
        }
        world.ticket(&format!("T{n}"), "c1", "a1").await;
    }
    assert_eq!(page_lengths(&world, 0).await.unwrap(), [50; 6]);
    assert_eq!(page_lengths(&world, 51).await.unwrap(), [51; 6]);
    assert_eq!(page_lengths(&world, 52).await.unwrap(), [52; 6]);
    assert_eq!(page_lengths(&world, 1_001).await.unwrap(), [52; 6]);
    let negative = page_lengths(&world, -1).await.map(tonic::Response::new);
    refused(negative, Code::InvalidArgument, "PAGE_SIZE_INVALID");
}

async fn a_page_token_outlives_the_server(mut world: World) {
    let c = world.contact("一").await;
    for n in 0..5 {
        world
            .record(TicketRecord {
                id: format!("T{n}"),
                requester_id: c.clone(),
                ..Default::default()
            })
            .await;
    }
    let whole = world.visible(&c).await;
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let request = ListVisibleTicketsRequest {
            contact_id: c.clone(),
            page_size: 2,
            page_token: token,
            ..Default::default()
        };
        let page = world
            .clients
            .visibility
            .list_visible_tickets(request)
            .await
            .unwrap()
            .into_inner();
        seen.extend(
            page.tickets
                .into_iter()
                .map(|visible| visible.ticket.unwrap().id),
        );
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        world.restart().await;
    }
    assert_eq!(seen, whole);
}
