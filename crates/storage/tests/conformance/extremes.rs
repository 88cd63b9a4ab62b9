//! Rare values that must work alike on both engines: far dates, long and odd texts, many keys.

use std::collections::BTreeSet;

use roster_core::fact::{Held, UniqueKey};
use roster_core::id::{AccountId, ContactId, TicketNo, Time};
use roster_core::record::SharingMode;
use roster_core::rules::account::{AccountPatch, CreateAccount, UpdateAccount};
use roster_core::rules::association::{AssociateContacts, Wanted};
use roster_core::rules::deletion::{DeleteContact, RequestedTickets};
use roster_core::rules::ticket::{Record, RecordTickets};
use roster_core::text::{ExternalId, NAME_CHARS_MAX, Name, Role, SUBJECT_CHARS_MAX, Subject};

use crate::batching::account;
use crate::keys::{contact, ticket};
use crate::replay::assert_whole;
use crate::world::World;

both_engines!(
    times_from_the_first_year_to_the_last_are_kept_to_the_microsecond,
    long_and_odd_texts_come_back_as_they_went,
    what_was_cleared_is_absent_and_not_empty,
    more_keys_than_a_statement_takes_are_asked_and_written,
);

async fn times_from_the_first_year_to_the_last_are_kept_to_the_microsecond(world: World) {
    world.execute(contact("a@x.jp")).await.unwrap();
    let times = [
        // 0001-01-01, the day before 1970, the epoch, 9999-12-31T23:59:59.999999, and beyond.
        -62_135_596_800_000_000,
        -1,
        0,
        1,
        253_402_300_799_999_999,
        i64::MAX,
        i64::MIN,
    ];
    let record = |(index, micros): (usize, &i64)| Record {
        create_time: Some(Time::from_micros(*micros)),
        ..ticket(&format!("T{index}"))
    };
    let tickets = times.iter().enumerate().map(record).collect();
    world.execute(RecordTickets { tickets }).await.unwrap();
    let numbers: Vec<TicketNo> = (1..=7).map(TicketNo::new).collect();
    let kept = world
        .store
        .read(&world.organization, move |at| at.tickets(&numbers));
    let mut kept = kept.await.unwrap();
    kept.sort_by_key(|(no, _)| *no);
    let kept: Vec<i64> = kept
        .iter()
        .map(|(_, of)| of.record.create_time.micros())
        .collect();
    assert_eq!(kept, times);
    // The list goes from the newest to the oldest.
    let sources = [roster_storage::TicketSource::Requester(ContactId::new(1))];
    let page = world.store.read(&world.organization, move |at| {
        at.ticket_page(&sources, &Default::default(), None, 10)
    });
    let page: Vec<u64> = page
        .await
        .unwrap()
        .found
        .iter()
        .map(|row| row.ticket.ticket.number())
        .collect();
    assert_eq!(page, [6, 5, 4, 3, 2, 1, 7]);
    assert_whole(&world, &world.organization).await;
}

async fn long_and_odd_texts_come_back_as_they_went(world: World) {
    let odd = "\"quoted\" 'single' \\back\\ {\"json\":[1]} %_$1?1 \u{2028}\u{feff}\u{10ffff}";
    let long = "😀".repeat(NAME_CHARS_MAX);
    let names = [odd, long.as_str(), "NULL", "null", "true", "0", "1e5"];
    let values = ["", "行\nと\tタブ\u{1}", odd, &"値".repeat(1_000)];
    for (index, name) in names.into_iter().enumerate() {
        let pairs = values
            .iter()
            .map(|value| (format!("{odd}{}", value.len()), (*value).into()));
        let fields = AccountPatch {
            name_reading: Some(Some(Name::parse(name).unwrap())),
            external_id: Some(Some(
                ExternalId::parse(&format!("{index}{}", &name[..4.min(name.len())])).unwrap(),
            )),
            attributes: Some(pairs.collect()),
            sharing_mode: Some(Some(SharingMode::Roles)),
            sharing_roles: Some(vec![
                Role::parse(&name.chars().take(100).collect::<String>()).unwrap(),
            ]),
            ..AccountPatch::default()
        };
        let create = CreateAccount {
            name: Name::parse(name).unwrap(),
            fields,
        };
        let ((id, made), _) = world.execute(create).await.unwrap();
        let kept = world
            .store
            .read(&world.organization, move |at| at.accounts(&[id]));
        assert_eq!(kept.await.unwrap(), [(id, made)]);
    }
    world.execute(contact("a@x.jp")).await.unwrap();
    let subject = format!("{odd}\n\u{1}\u{7f}{}", "長".repeat(SUBJECT_CHARS_MAX - 100));
    let record = Record {
        subject: Some(Subject::parse(&subject).unwrap()),
        ..ticket(odd.trim_end_matches('\u{10ffff}'))
    };
    world
        .execute(RecordTickets {
            tickets: vec![record],
        })
        .await
        .unwrap();
    let one = [TicketNo::new(1)];
    let kept = world
        .store
        .read(&world.organization, move |at| at.tickets(&one));
    assert_eq!(kept.await.unwrap()[0].1.record.subject.as_str(), subject);
    assert_whole(&world, &world.organization).await;
}

async fn what_was_cleared_is_absent_and_not_empty(world: World) {
    world.execute(account("D1")).await.unwrap();
    let clear = UpdateAccount {
        id: AccountId::new(1),
        patch: AccountPatch {
            external_id: Some(None),
            ..AccountPatch::default()
        },
        etag: None,
    };
    let ((_, after), _) = world.execute(clear).await.unwrap();
    assert_eq!(after.record.external_id, None);
    world.execute(account("d1")).await.unwrap();
    assert_whole(&world, &world.organization).await;
}

/// More keys than one statement takes.
const MANY: u64 = 10_001;

async fn more_keys_than_a_statement_takes_are_asked_and_written(world: World) {
    world.execute(contact("a@x.jp")).await.unwrap();
    world.execute(account("D1")).await.unwrap();
    let tickets = (1..=MANY).map(|n| ticket(&format!("T{n}"))).collect();
    let (made, _) = world.execute(RecordTickets { tickets }).await.unwrap();
    assert!(made.iter().all(Result::is_ok));

    let (requester, under) = (ContactId::new(1), AccountId::new(1));
    let associate = AssociateContacts {
        account: under,
        contacts: vec![Wanted {
            contact: requester,
            sees_account_tickets: None,
            role: Role::default(),
        }],
        all_or_nothing: true,
        adopt_unassigned_tickets: true,
    };
    let (answer, at) = world.execute(associate).await.unwrap();
    assert_eq!(answer.tickets_adopted, MANY);

    let asked = world.store.read(&world.organization, move |snapshot| {
        let all: Vec<TicketNo> = (0..=2 * MANY).map(TicketNo::new).collect();
        let tickets = snapshot.tickets(&all)?;
        let numbers: BTreeSet<TicketNo> = tickets.iter().map(|(no, _)| *no).collect();
        assert_eq!(numbers.len() as u64, MANY);
        let moved = |(_, of): &(_, roster_core::record::Stored<roster_core::record::Ticket>)| {
            of.record.account == Some(under) && of.revision == at.revision
        };
        assert!(tickets.iter().all(moved));
        let keys: Vec<UniqueKey> = (0..=2 * MANY)
            .map(|n| UniqueKey::Ticket(format!("T{n}")))
            .collect();
        assert_eq!(snapshot.owners(&keys)?.len() as u64, MANY);
        let ids: Vec<ContactId> = (0..2 * MANY).map(ContactId::new).collect();
        assert_eq!(snapshot.contacts(&ids)?.len(), 1);
        let ids: Vec<AccountId> = (0..2 * MANY).map(AccountId::new).collect();
        assert_eq!(snapshot.accounts(&ids)?.len(), 1);
        let held = Held {
            requester,
            account: Some(under),
        };
        assert_eq!(snapshot.held_tickets(held)?.len() as u64, MANY);
        Ok(())
    });
    asked.await.unwrap();

    let delete = DeleteContact {
        id: requester,
        etag: None,
        dissociate_accounts: true,
        tickets: Some(RequestedTickets::Delete),
    };
    let (answer, _) = world.execute(delete).await.unwrap();
    assert_eq!(answer.tickets_deleted, MANY);
    assert_whole(&world, &world.organization).await;
}
