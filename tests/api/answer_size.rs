//! An answer is never longer than 3 MiB: a page ends early, and recorded tickets come without their
//! long fields.

use std::collections::BTreeSet;

use prost::Message;
use roster_api::v1::*;

use crate::world::{World, answered, both_engines};

both_engines!(
    a_page_of_tickets_ends_before_3_mib_and_the_next_goes_on_where_it_ended,
    a_page_of_records_ends_before_3_mib_and_the_next_goes_on_where_it_ended,
    recorded_tickets_come_without_subject_and_cc_list_where_the_answer_would_pass_3_mib,
);

const ANSWER_BYTES_MAX: usize = 3 << 20;
/// The largest page that a caller gets.
const PAGE_SIZE: i32 = 1_000;

/// A page: its length in bytes, the IDs of its items, and the token of the next.
type Page = (usize, Vec<String>, String);

/// Reads a list of this many items, of which a page of 1,000 does not fit into an answer.
async fn pages(items: usize, ask: impl AsyncFn(String) -> Page) {
    let mut seen = BTreeSet::new();
    let (mut token, mut count, mut lengths) = (String::new(), 0, Vec::new());
    loop {
        let (bytes, ids, next) = ask(token).await;
        assert!(bytes <= ANSWER_BYTES_MAX, "{bytes} bytes");
        lengths.push(bytes);
        count += ids.len();
        seen.extend(ids);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    // Every item, none twice.
    assert_eq!((count, seen.len()), (items, items));
    assert!(
        items <= PAGE_SIZE as usize && lengths.len() > 1,
        "{lengths:?}"
    );
    // It ended because it was full.
    assert!(lengths[0] > ANSWER_BYTES_MAX * 9 / 10, "{lengths:?}");
}

/// A ticket of the longest subject.
fn record(number: usize) -> TicketRecord {
    TicketRecord {
        id: format!("T{number:04}{}", "x".repeat(195)),
        requester_id: "c1".into(),
        cc_contact_ids: vec!["c1".into(), "c2".into()],
        account_id: Some("a1".into()),
        subject: Some("あ".repeat(1_000)),
        create_time: Some(prost_types::Timestamp::default()),
        ..Default::default()
    }
}

async fn record_tickets(world: &World, numbers: std::ops::Range<usize>) -> RecordTicketsResponse {
    let request = RecordTicketsRequest {
        tickets: numbers.map(record).collect(),
        ..Default::default()
    };
    answered(world.clients.tickets.clone().record_tickets(request).await)
}

/// The account a1 with its contact c1, and the contact c2.
async fn account_with_contact(world: &World) {
    let (account, contact) = (world.account("A").await, world.contact("田中").await);
    world.associate(&account, &contact).await;
    world.contact("鈴木").await;
}

async fn a_page_of_tickets_ends_before_3_mib_and_the_next_goes_on_where_it_ended(world: World) {
    account_with_contact(&world).await;
    record_tickets(&world, 0..500).await;
    record_tickets(&world, 500..1_000).await;
    pages(1_000, async |page_token| {
        let request = ListTicketsRequest {
            account_id: "a1".into(),
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let page = answered(world.clients.tickets.clone().list_tickets(request).await);
        let (bytes, next) = (page.encoded_len(), page.next_page_token.clone());
        let ids = page.tickets.into_iter().map(|ticket| ticket.id);
        (bytes, ids.collect(), next)
    })
    .await;
    pages(1_000, async |page_token| {
        let request = ListVisibleTicketsRequest {
            contact_id: "c1".into(),
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let mut client = world.clients.visibility.clone();
        let page = answered(client.list_visible_tickets(request).await);
        let (bytes, next) = (page.encoded_len(), page.next_page_token.clone());
        let ids = page
            .tickets
            .into_iter()
            .map(|visible| visible.ticket.expect("it").id);
        (bytes, ids.collect(), next)
    })
    .await;
}

/// Attributes of the most characters.
fn long_attributes() -> std::collections::BTreeMap<String, String> {
    let value = |key: usize| (key.to_string(), "あ".repeat(998));
    (0..8).map(value).collect()
}

async fn a_page_of_records_ends_before_3_mib_and_the_next_goes_on_where_it_ended(world: World) {
    // Each takes 24 KB.
    for number in 0..200 {
        let account = Account {
            name: format!("A{number}"),
            attributes: long_attributes(),
            ..Default::default()
        };
        world.account_of(account).await;
        let contact = Contact {
            family_name: format!("C{number}"),
            attributes: long_attributes(),
            ..Default::default()
        };
        world.contact_of(contact).await;
    }
    pages(200, async |page_token| {
        let request = ListAccountsRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let page = answered(world.clients.accounts.clone().list_accounts(request).await);
        let (bytes, next) = (page.encoded_len(), page.next_page_token.clone());
        (
            bytes,
            page.accounts
                .into_iter()
                .map(|account| account.id)
                .collect(),
            next,
        )
    })
    .await;
    pages(200, async |page_token| {
        let request = ListContactsRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let page = answered(world.clients.contacts.clone().list_contacts(request).await);
        let (bytes, next) = (page.encoded_len(), page.next_page_token.clone());
        (
            bytes,
            page.contacts
                .into_iter()
                .map(|contact| contact.id)
                .collect(),
            next,
        )
    })
    .await;
}

async fn recorded_tickets_come_without_subject_and_cc_list_where_the_answer_would_pass_3_mib(
    world: World,
) {
    account_with_contact(&world).await;
    // From revision 10 to 99 all etags are of the same length, and so are all tickets.
    for _ in 0..10 {
        world.account("A").await;
    }
    let two = record_tickets(&world, 0..2).await;
    let ticket_bytes = two.encoded_len() - record_tickets(&world, 0..1).await.encoded_len();
    let rest_bytes = two.encoded_len() - 2 * ticket_bytes;
    let fit = (ANSWER_BYTES_MAX - rest_bytes) / ticket_bytes;
    assert!(fit < 1_000, "{fit} tickets fit");

    let full = record_tickets(&world, 0..fit).await;
    assert!(full.encoded_len() <= ANSWER_BYTES_MAX);
    assert!(full.encoded_len() + ticket_bytes > ANSWER_BYTES_MAX);
    let whole = |ticket: &Ticket| !ticket.subject.is_empty() && ticket.cc_contact_ids.len() == 2;
    let tickets = |answer: RecordTicketsResponse| answer.results.into_iter().map(|of| of.ticket);
    for ticket in tickets(full) {
        assert!(whole(&ticket.expect("a ticket")));
    }
    let cut = record_tickets(&world, 0..fit + 1).await;
    assert_eq!(cut.results.len(), fit + 1);
    for (number, ticket) in tickets(cut).enumerate() {
        let ticket = ticket.expect("a ticket");
        assert!(ticket.subject.is_empty() && ticket.cc_contact_ids.is_empty());
        // Nothing else is left out, and what is stored is whole.
        if number % 100 == 0 || number == fit {
            let stored = world.get_ticket(&record(number).id).await;
            assert!(whole(&stored));
            let without = Ticket {
                subject: String::new(),
                cc_contact_ids: Vec::new(),
                ..stored
            };
            assert_eq!(ticket, without);
        }
    }
}
