//! Pages, search, headings and the picker.

use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, answered, both_engines, refused};

both_engines!(
    an_account_without_contacts_and_a_contact_without_accounts_list_as_empty,
    the_picker_leaves_out_members_and_shows_the_blocked,
    secondary_contacts_are_listed_and_marked,
    a_person_is_found_by_name_reading_address_or_id_however_they_are_typed,
    headings_are_counted_under_the_same_filters,
    a_lookup_is_exact_after_folding_and_answers_in_order,
    a_contact_of_more_than_64_sharing_accounts_sees_their_tickets_in_one_order,
);

fn person(family: &str, given: &str, reading: (&str, &str)) -> Contact {
    Contact {
        family_name: family.into(),
        given_name: given.into(),
        family_name_reading: reading.0.into(),
        given_name_reading: reading.1.into(),
        ..Contact::default()
    }
}

async fn found(world: &World, query: &str) -> Vec<String> {
    let request = ListContactsRequest {
        query: query.into(),
        ..Default::default()
    };
    let answer = world.clients.contacts.clone().list_contacts(request).await;
    let contacts = answer.unwrap().into_inner().contacts;
    contacts
        .into_iter()
        .map(|c| format!("{}{}", c.family_name, c.given_name))
        .collect()
}

async fn an_account_without_contacts_and_a_contact_without_accounts_list_as_empty(
    mut world: World,
) {
    let (a, c) = (world.account("A").await, world.contact("一").await);
    let request = ListAccountContactsRequest {
        account_id: a,
        ..Default::default()
    };
    assert!(
        world
            .clients
            .associations
            .list_account_contacts(request)
            .await
            .unwrap()
            .into_inner()
            .associations
            .is_empty()
    );
    assert!(world.accounts_of(&c).await.is_empty());
}

async fn the_picker_leaves_out_members_and_shows_the_blocked(world: World) {
    let a = world.account("A").await;
    let member = world.contact("一").await;
    world.associate(&a, &member).await;
    world
        .contact_of(Contact {
            family_name: "二".into(),
            blocked: true,
            ..Contact::default()
        })
        .await;
    let request = |not_in: &str| ListContactsRequest {
        not_in_account_id: not_in.into(),
        ..Default::default()
    };
    let client = &mut world.clients.contacts.clone();
    let picked = client
        .list_contacts(request(&a))
        .await
        .unwrap()
        .into_inner()
        .contacts;
    assert_eq!(
        picked
            .iter()
            .map(|c| (c.family_name.as_str(), c.blocked))
            .collect::<Vec<_>>(),
        [("二", true)]
    );
    assert_eq!(
        client
            .list_contacts(request(""))
            .await
            .unwrap()
            .into_inner()
            .contacts
            .len(),
        2
    );
    refused(
        client.list_contacts(request("a99")).await,
        Code::NotFound,
        "ACCOUNT_NOT_FOUND",
    );
}

async fn secondary_contacts_are_listed_and_marked(mut world: World) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("一").await,
    );
    world.associate(&a, &c).await;
    world.associate(&b, &c).await;
    let request = ListAccountContactsRequest {
        account_id: b,
        ..Default::default()
    };
    let listed = world
        .clients
        .associations
        .list_account_contacts(request)
        .await
        .unwrap()
        .into_inner()
        .associations;
    assert_eq!(listed.len(), 1);
    assert!(!listed[0].association.as_ref().unwrap().primary);
}

async fn a_person_is_found_by_name_reading_address_or_id_however_they_are_typed(world: World) {
    world
        .contact_of(Contact {
            emails: vec!["t.tanaka@example.com".into()],
            external_id: "D0001".into(),
            ..person("田中", "太郎", ("たなか", "たろう"))
        })
        .await;
    world
        .contact_of(person("小林", "一", ("こばやし", "はじめ")))
        .await;
    world
        .contact_of(person("林", "次郎", ("はやし", "じろう")))
        .await;
    for query in [
        "田中太郎",
        "田中　太郎",
        "たなか",
        "タナカ",
        "ﾀﾅｶ",
        "中太",
        "T.TANAKA@",
        "ｄ０００１",
    ] {
        assert_eq!(found(&world, query).await, ["田中太郎"], "{query}");
    }
    assert_eq!(
        found(&world, "林").await,
        ["林次郎"],
        "one character matches a beginning"
    );
    assert_eq!(found(&world, "").await.len(), 3);
    assert!(found(&world, "100%").await.is_empty());
}

async fn headings_are_counted_under_the_same_filters(world: World) {
    for (family, reading) in [
        ("田中", "たなか"),
        ("高橋", "たかはし"),
        ("Smith", ""),
        ("山田", ""),
    ] {
        world.contact_of(person(family, "", (reading, ""))).await;
    }
    let request = |query: &str| ListContactHeadingsRequest {
        query: query.into(),
        ..Default::default()
    };
    let client = &mut world.clients.contacts.clone();
    let headings = client
        .list_contact_headings(request(""))
        .await
        .unwrap()
        .into_inner()
        .headings;
    let counted: Vec<_> = headings
        .iter()
        .map(|h| (h.heading.as_str(), h.count))
        .collect();
    assert_eq!(counted, [("S", 1), ("た", 2), ("他", 1)]);
    let headings = client
        .list_contact_headings(request("たか"))
        .await
        .unwrap()
        .into_inner()
        .headings;
    assert_eq!(headings.iter().map(|h| h.count).sum::<i64>(), 1);
    let under = ListContactsRequest {
        heading: "た".into(),
        ..Default::default()
    };
    let contacts = client
        .list_contacts(under)
        .await
        .unwrap()
        .into_inner()
        .contacts;
    assert_eq!(
        contacts
            .iter()
            .map(|c| c.family_name.as_str())
            .collect::<Vec<_>>(),
        ["高橋", "田中"]
    );
}

async fn a_lookup_is_exact_after_folding_and_answers_in_order(mut world: World) {
    let c = world
        .contact_of(Contact {
            emails: vec!["Taro@Example.com".into()],
            external_id: "D0001".into(),
            ..person("田中", "", ("", ""))
        })
        .await;
    use contact_key::Key;
    let keys = [
        Key::Email("taro@example.COM".into()),
        Key::ExternalId("Ｄ０００１".into()),
        Key::Email("taro@example.co".into()),
        Key::Id(c.clone()),
    ];
    let request = LookupContactsRequest {
        keys: keys.map(|key| ContactKey { key: Some(key) }).to_vec(),
        ..Default::default()
    };
    let results = world
        .clients
        .contacts
        .lookup_contacts(request)
        .await
        .unwrap()
        .into_inner()
        .results;
    let ids: Vec<_> = results
        .iter()
        .map(|r| r.contact.as_ref().map(|c| c.id.clone()))
        .collect();
    assert_eq!(ids, [Some(c.clone()), Some(c.clone()), None, Some(c)]);
    assert_eq!(
        crate::world::item_reason(&results[2].error),
        "CONTACT_NOT_FOUND"
    );
}

/// The tickets that a contact sees, read page by page.
async fn visible_by_pages(world: &World, contact: &str, page_size: i32) -> Vec<String> {
    let mut client = world.clients.visibility.clone();
    let mut request = ListVisibleTicketsRequest {
        contact_id: contact.into(),
        page_size,
        ..Default::default()
    };
    let mut shown = Vec::new();
    loop {
        let page = answered(client.list_visible_tickets(request.clone()).await);
        let tickets = page.tickets.into_iter();
        shown.extend(tickets.map(|visible| visible.ticket.unwrap().id));
        if page.next_page_token.is_empty() {
            return shown;
        }
        request.page_token = page.next_page_token;
    }
}

async fn a_contact_of_more_than_64_sharing_accounts_sees_their_tickets_in_one_order(
    mut world: World,
) {
    world.allow_several_accounts().await;
    let everyone = Settings {
        default_sharing_mode: SharingMode::Everyone.into(),
        ..Settings::default()
    };
    world.settings(everyone, &["default_sharing_mode"]).await;
    let (reader, other) = (world.contact("一").await, world.contact("二").await);
    let mut tickets = Vec::new();
    for number in 0..66 {
        let account = world.account(&format!("A{number}")).await;
        world.associate(&account, &reader).await;
        for private in [false, true] {
            tickets.push(TicketRecord {
                id: format!("t{number:02}-{private}"),
                requester_id: other.clone(),
                account_id: Some(account.clone()),
                allow_unassociated_account: true,
                private: Some(private),
                create_time: Some(prost_types::Timestamp {
                    seconds: 1_000 + number % 5,
                    nanos: 0,
                }),
                // One private ticket is seen all the same.
                cc_contact_ids: if private && number == 7 {
                    vec![reader.clone()]
                } else {
                    Vec::new()
                },
                ..Default::default()
            });
        }
    }
    let seen =
        |record: &&TicketRecord| record.private != Some(true) || !record.cc_contact_ids.is_empty();
    let mut expected: Vec<(i64, String)> = tickets
        .iter()
        .filter(seen)
        .map(|r| (-r.create_time.unwrap().seconds, r.id.clone()))
        .collect();
    expected.sort();
    let request = RecordTicketsRequest {
        tickets,
        ..Default::default()
    };
    world.clients.tickets.record_tickets(request).await.unwrap();
    assert_eq!(
        visible_by_pages(&world, &reader, 7).await,
        expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    );
}
