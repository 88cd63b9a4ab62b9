//! `auto-fill`, `record`, `no-backfill`.

use roster_api::v1::ticket_service_client::TicketServiceClient;
use roster_api::v1::*;
use tonic::Code;

use crate::listed_channel::ListedChannel;
use crate::world::{World, both_engines, item_reason, refused};

both_engines!(
    a_new_ticket_gets_the_primary_account_of_its_requester,
    a_strangers_account_needs_permission_and_makes_no_association,
    another_requester_brings_another_account_unless_it_is_shared,
    an_absent_field_keeps_its_stored_value_except_cc,
    who_does_not_exist_is_named_and_the_other_items_stand,
    ticket_ids_are_compared_byte_by_byte,
    deleted_tickets_are_gone_and_unknown_ones_say_so,
    a_tickets_account_can_be_edited_and_its_requester_keeps_his_own,
    a_ticket_of_a_contact_without_accounts_is_empty_and_no_account_reader_sees_it,
    another_requester_without_an_account_leaves_the_ticket_without_one,
    a_record_is_held_to_its_limits_and_a_call_to_1_000_of_them,
);

fn record(id: &str, requester: &str, account: Option<&str>) -> TicketRecord {
    TicketRecord {
        id: id.into(),
        requester_id: requester.into(),
        account_id: account.map(Into::into),
        ..Default::default()
    }
}

async fn a_new_ticket_gets_the_primary_account_of_its_requester(world: World) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    let none = world.try_record(record("T0", &c, None)).await;
    assert_eq!(
        (
            none.ticket.unwrap().account_id.as_str(),
            none.account_filled_in
        ),
        ("", false)
    );
    world.associate(&a, &c).await;
    world.associate(&b, &c).await;
    let filled = world.try_record(record("T1", &c, None)).await;
    assert_eq!(
        (filled.ticket.unwrap().account_id, filled.account_filled_in),
        (a, true)
    );
    let picked = world.try_record(record("T2", &c, Some(&b))).await;
    assert_eq!(
        (picked.ticket.unwrap().account_id, picked.account_filled_in),
        (b, false)
    );
    assert_eq!(
        world.get_ticket("T0").await.account_id,
        "",
        "later associations rewrite nothing"
    );
}

async fn a_strangers_account_needs_permission_and_makes_no_association(world: World) {
    let (a, z, c) = (
        world.account("A").await,
        world.account("Z").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    let refused = world.try_record(record("T1", &c, Some(&z))).await;
    assert_eq!(item_reason(&refused.error), "NOT_REQUESTERS_ACCOUNT");
    let allowed = TicketRecord {
        allow_unassociated_account: true,
        ..record("T1", &c, Some(&z))
    };
    assert_eq!(world.record(allowed).await.account_id, z);
    assert_eq!(world.accounts_of(&c).await.len(), 1);
    // The account that it has is accepted from then on, without permission.
    assert_eq!(world.record(record("T1", &c, Some(&z))).await.account_id, z);
}

async fn another_requester_brings_another_account_unless_it_is_shared(world: World) {
    world.allow_several_accounts().await;
    let (a, b) = (world.account("A").await, world.account("B").await);
    let (x, y, both) = (
        world.contact("一").await,
        world.contact("二").await,
        world.contact("三").await,
    );
    world.associate(&a, &x).await;
    world.associate(&b, &y).await;
    world.associate(&b, &both).await;
    world.associate(&a, &both).await;
    world.record(record("T1", &x, None)).await;
    assert_eq!(
        world.record(record("T1", &both, None)).await.account_id,
        a,
        "one of his too"
    );
    let replaced = world.try_record(record("T1", &y, None)).await;
    assert_eq!(
        (
            replaced.ticket.unwrap().account_id,
            replaced.account_filled_in
        ),
        (b, true)
    );
}

async fn an_absent_field_keeps_its_stored_value_except_cc(world: World) {
    let (c, d) = (world.contact("田中").await, world.contact("林").await);
    let full = TicketRecord {
        cc_contact_ids: vec![d.clone(), d.clone()],
        subject: Some("印刷できない".into()),
        status: Some(TicketStatus::Closed.into()),
        private: Some(true),
        create_time: Some(prost_types::Timestamp {
            seconds: 1_700_000_000,
            nanos: 123_456_000,
        }),
        ..record("T1", &c, None)
    };
    let first = world.record(full).await;
    assert_eq!(first.cc_contact_ids, [d]);
    let second = world.record(record("T1", &c, None)).await;
    assert!(second.private && second.cc_contact_ids.is_empty());
    assert_eq!(
        (second.subject, second.status, second.create_time),
        (first.subject, first.status, first.create_time)
    );
    let again = world.record(record("T1", &c, None)).await;
    assert_eq!(
        again.etag, second.etag,
        "nothing changed, nothing was written"
    );
}

async fn who_does_not_exist_is_named_and_the_other_items_stand(mut world: World) {
    let c = world.contact("田中").await;
    let request = RecordTicketsRequest {
        tickets: vec![
            record("T1", &c, None),
            record("T1", &c, None),
            record("T2", "c77", None),
            TicketRecord {
                cc_contact_ids: vec!["c78".into(), c.clone(), "c79".into()],
                ..record("T3", &c, None)
            },
        ],
        ..Default::default()
    };
    let results = world
        .clients
        .tickets
        .record_tickets(request)
        .await
        .unwrap()
        .into_inner()
        .results;
    assert!(results[0].error.is_none());
    assert_eq!(item_reason(&results[1].error), "REPEATED");
    assert_eq!(item_reason(&results[2].error), "REQUESTER_NOT_FOUND");
    assert_eq!(item_reason(&results[3].error), "COPIES_NOT_FOUND");
    assert!(
        results[3]
            .error
            .as_ref()
            .unwrap()
            .message
            .contains("c78, c79")
    );
}

async fn ticket_ids_are_compared_byte_by_byte(world: World) {
    let c = world.contact("田中").await;
    let ids = ["Foo", "foo", "foo ", "é", "e\u{301}", "Ｆoo"];
    for id in ids {
        let ticket = TicketRecord {
            subject: Some(format!("of {id}")),
            ..record(id, &c, None)
        };
        world.record(ticket).await;
    }
    for id in ids {
        assert_eq!(world.get_ticket(id).await.subject, format!("of {id}"));
    }
    assert_eq!(world.visible(&c).await.len(), ids.len());
}

async fn deleted_tickets_are_gone_and_unknown_ones_say_so(mut world: World) {
    let c = world.contact("田中").await;
    world.record(record("T1", &c, None)).await;
    let request = DeleteTicketsRequest {
        ids: vec!["T1".into(), "T1".into(), "T2".into()],
        ..Default::default()
    };
    let results = world
        .clients
        .tickets
        .delete_tickets(request)
        .await
        .unwrap()
        .into_inner()
        .results;
    assert!(results[0].error.is_none());
    assert_eq!(item_reason(&results[1].error), "TICKET_NOT_FOUND");
    assert_eq!(item_reason(&results[2].error), "TICKET_NOT_FOUND");
    let gone = world
        .clients
        .tickets
        .get_ticket(GetTicketRequest {
            id: "T1".into(),
            ..Default::default()
        })
        .await;
    refused(gone, Code::NotFound, "TICKET_NOT_FOUND");
}

async fn a_tickets_account_can_be_edited_and_its_requester_keeps_his_own(world: World) {
    world.allow_several_accounts().await;
    let (a, b, z, c) = (
        world.account("A").await,
        world.account("B").await,
        world.account("Z").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    world.associate(&b, &c).await;
    world.ticket("T1", &c, &a).await;
    let before = world.accounts_of(&c).await;
    let refused = world.try_record(record("T1", &c, Some(&z))).await;
    assert_eq!(item_reason(&refused.error), "NOT_REQUESTERS_ACCOUNT");
    assert_eq!(world.get_ticket("T1").await.account_id, a);
    assert_eq!(world.record(record("T1", &c, Some(&b))).await.account_id, b);
    let allowed = TicketRecord {
        allow_unassociated_account: true,
        ..record("T1", &c, Some(&z))
    };
    assert_eq!(world.record(allowed).await.account_id, z);
    let unknown = TicketRecord {
        allow_unassociated_account: true,
        ..record("T1", &c, Some("a99"))
    };
    assert_eq!(
        item_reason(&world.try_record(unknown).await.error),
        "ACCOUNT_NOT_FOUND"
    );
    let cleared = world.try_record(record("T1", &c, Some(""))).await;
    assert_eq!(
        (
            cleared.ticket.unwrap().account_id.as_str(),
            cleared.account_filled_in
        ),
        ("", false)
    );
    let again = world.try_record(record("T1", &c, None)).await;
    assert_eq!(
        (
            again.ticket.unwrap().account_id.as_str(),
            again.account_filled_in
        ),
        ("", false),
        "filled in but once"
    );
    assert_eq!(world.accounts_of(&c).await, before);
}

async fn a_ticket_of_a_contact_without_accounts_is_empty_and_no_account_reader_sees_it(
    world: World,
) {
    let everyone = Account {
        name: "A".into(),
        sharing_mode: SharingMode::Everyone.into(),
        ..Account::default()
    };
    let a = world.account_of(everyone).await;
    let (loner, reader) = (world.contact("一").await, world.contact("二").await);
    world.associated(&a, &reader, Some(true), "").await;
    let made = world.try_record(record("T1", &loner, None)).await;
    assert_eq!(
        (
            made.ticket.unwrap().account_id.as_str(),
            made.account_filled_in
        ),
        ("", false)
    );
    assert!(!world.sees(&reader, "T1").await && world.sees(&loner, "T1").await);
    assert!(world.visible(&reader).await.is_empty());
    // It does not follow when its requester joins.
    world.associate(&a, &loner).await;
    assert!(!world.sees(&reader, "T1").await);
}

async fn another_requester_without_an_account_leaves_the_ticket_without_one(world: World) {
    let (a, x, loner) = (
        world.account("A").await,
        world.contact("一").await,
        world.contact("二").await,
    );
    world.associate(&a, &x).await;
    world.record(record("T1", &x, None)).await;
    let replaced = world.try_record(record("T1", &loner, None)).await;
    assert_eq!(
        (
            replaced.ticket.unwrap().account_id.as_str(),
            replaced.account_filled_in
        ),
        ("", false)
    );
}

/// Records and deletes as many tickets as one call may, and more.
async fn calls_have_1_to_1_000_records(client: &mut TicketServiceClient<ListedChannel>, c: &str) {
    for (count, allowed) in [(0, false), (999, true), (1_000, true), (1_001, false)] {
        let tickets = (0..count)
            .map(|n| record(&format!("M{n}"), c, None))
            .collect();
        let answer = client
            .record_tickets(RecordTicketsRequest {
                tickets,
                ..Default::default()
            })
            .await;
        let ids = (0..count).map(|n| format!("M{n}")).collect();
        let deleted = client
            .delete_tickets(DeleteTicketsRequest {
                ids,
                ..Default::default()
            })
            .await;
        if allowed {
            assert_eq!(answer.unwrap().into_inner().results.len(), count);
            let results = deleted.unwrap().into_inner().results;
            assert!(results.len() == count && results.iter().all(|result| result.error.is_none()));
        } else {
            refused(answer, Code::InvalidArgument, "BATCH_SIZE");
            refused(deleted, Code::InvalidArgument, "BATCH_SIZE");
        }
    }
}

async fn a_record_is_held_to_its_limits_and_a_call_to_1_000_of_them(world: World) {
    let c = world.contact("田中").await;
    let mut cc = Vec::new();
    for n in 0..101 {
        cc.push(world.contact(&format!("人{n}")).await);
    }
    let client = &mut world.clients.tickets.clone();
    let one = |record: TicketRecord| RecordTicketsRequest {
        tickets: vec![record],
        ..Default::default()
    };
    for (count, allowed) in [(99, true), (100, true), (101, false)] {
        let answer = client
            .record_tickets(one(TicketRecord {
                cc_contact_ids: cc[..count].to_vec(),
                ..record("T1", &c, None)
            }))
            .await;
        if allowed {
            assert_eq!(
                answer.unwrap().into_inner().results[0]
                    .ticket
                    .as_ref()
                    .unwrap()
                    .cc_contact_ids
                    .len(),
                count
            );
        } else {
            assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
        }
    }
    assert_eq!(
        world.get_ticket("T1").await.cc_contact_ids.len(),
        100,
        "the refused one changed nothing"
    );
    for (id, subject, allowed) in [
        ("T".repeat(199), "件".repeat(999), true),
        ("T".repeat(200), "件".repeat(1_000), true),
        ("T".repeat(201), String::new(), false),
        ("T2".into(), "件".repeat(1_001), false),
        (String::new(), String::new(), false),
        ("T\0".into(), String::new(), false),
    ] {
        let answer = client
            .record_tickets(one(TicketRecord {
                subject: Some(subject),
                ..record(&id, &c, None)
            }))
            .await;
        assert_eq!(answer.is_ok(), allowed, "{}", id.len());
    }
    calls_have_1_to_1_000_records(client, &c).await;
}
