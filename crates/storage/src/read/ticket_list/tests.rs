//! For any sources and filter, pages equal the result of examining every ticket.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use roster_core::id::{ContactId, TicketNo, Time};
use roster_core::record::{Stored, Ticket};
use roster_core::rules::ticket::{Record, RecordTickets};
use roster_core::text::TicketKey;

use super::*;
use crate::testing::{TestStore, on_both_engines};
use crate::{OrganizationName, Snapshot};

const CONTACTS: u64 = 3;
/// More accounts than are read account by account.
const ACCOUNTS: u64 = ACCOUNTS_MERGED_MAX as u64 + 6;

/// Requester, account, contacts in CC, time, closed, private.
type Drawn = (u64, Option<u64>, Vec<u64>, i64, bool, bool);

fn drawn() -> impl Strategy<Value = Drawn> {
    let account = prop_oneof![
        Just(None),
        (1..=3_u64).prop_map(Some),
        (1..=ACCOUNTS).prop_map(Some)
    ];
    let cc = proptest::collection::vec(1..=CONTACTS, 0..3);
    // Few times, so that many tickets have the same time.
    let times = 0..4_i64;
    (
        1..=CONTACTS,
        account,
        cc,
        times,
        any::<bool>(),
        any::<bool>(),
    )
}

fn record(key: String, (requester, account, cc, time, closed, private): &Drawn) -> Record {
    Record {
        key: TicketKey::parse(&key).unwrap(),
        requester: ContactId::new(*requester),
        cc: cc.iter().map(|id| ContactId::new(*id)).collect(),
        allow_unassociated_account: true,
        account: Some(account.map(AccountId::new)),
        subject: None,
        status: Some(if *closed {
            TicketStatus::Closed
        } else {
            TicketStatus::Open
        }),
        private: Some(*private),
        create_time: Some(Time::from_micros(*time)),
    }
}

/// Records the tickets, then the first third again with the values of the last ones, so that their
/// times and contacts in CC change.
fn fill(store: &TestStore, org: &OrganizationName, all: &[Drawn]) {
    store.make_accounts(org, ACCOUNTS);
    store.make_contacts(org, CONTACTS);
    let again = all.iter().rev().take(all.len() / 3);
    for drawn in [all.iter().collect::<Vec<_>>(), again.collect()] {
        let record = |(number, drawn): (usize, &&Drawn)| record(format!("t{number:02}"), drawn);
        let tickets = drawn.iter().enumerate().map(record).collect();
        for result in store.all(org, vec![RecordTickets { tickets }]).remove(0) {
            result.unwrap();
        }
    }
}

fn is_of(source: &TicketSource, ticket: &Ticket) -> bool {
    match source {
        TicketSource::Requester(contact) => ticket.requester == *contact,
        TicketSource::Cc(contact) => ticket.cc.contains(contact),
        TicketSource::Account(account) => ticket.account == Some(*account),
        TicketSource::Shared(accounts) => {
            !ticket.private && ticket.account.is_some_and(|a| accounts.contains(&a))
        }
    }
}

fn naively(
    all: &[(TicketNo, Stored<Ticket>)],
    sources: &[TicketSource],
    filter: &TicketFilter,
) -> Vec<TicketNo> {
    let mut found: Vec<&(TicketNo, Stored<Ticket>)> = all
        .iter()
        .filter(|(_, row)| {
            let ticket = &row.record;
            sources.iter().any(|source| is_of(source, ticket))
                && filter.account.is_none_or(|a| ticket.account == Some(a))
                && filter.requester.is_none_or(|c| ticket.requester == c)
                && filter.status.is_none_or(|s| ticket.status == s)
        })
        .collect();
    found.sort_by_key(|(_, row)| TicketPlace {
        create_time: row.record.create_time,
        id: row.record.key.clone(),
    });
    found.into_iter().map(|(no, _)| *no).collect()
}

fn by_pages(
    at: &mut Snapshot<'_>,
    sources: &[TicketSource],
    filter: &TicketFilter,
    limit: usize,
    hurried: bool,
) -> Vec<FoundTicket> {
    let mut shown = Vec::new();
    let mut after: Option<TicketPlace> = None;
    loop {
        let budget = if hurried {
            Budget::spent()
        } else {
            Budget::of_a_page()
        };
        let page = at
            .ticket_page_within(sources, filter, after.as_ref(), limit, budget)
            .unwrap();
        assert!(page.found.len() <= limit);
        shown.extend(page.found);
        let Some(examined) = page.examined else {
            return shown;
        };
        assert!(
            after.is_none_or(|after| after < examined),
            "a page moves on"
        );
        after = Some(examined);
    }
}

/// Checks that rows hold all of their tickets, and that `in_cc` says whether the contact of a CC
/// source is in CC.
fn check_rows(rows: &[FoundTicket], all: &[(TicketNo, Stored<Ticket>)], sources: &[TicketSource]) {
    let in_cc = |ticket: &Ticket| {
        let of_cc = |source: &&TicketSource| matches!(source, TicketSource::Cc(_));
        let source = sources.iter().find(of_cc);
        source.is_some_and(|source| is_of(source, ticket))
    };
    for row in rows {
        let ticket = all.iter().find(|(no, _)| *no == row.ticket.ticket);
        let stored = &ticket.unwrap().1;
        let cc = stored.record.cc.clone();
        assert_eq!(row.ticket.clone().stored(cc), *stored);
        assert_eq!(row.in_cc, in_cc(&stored.record), "{row:?} {sources:?}");
    }
}

fn check(at: &mut Snapshot<'_>, count: u64, limit: usize) {
    let numbers: Vec<TicketNo> = (1..=count).map(TicketNo::new).collect();
    let all = at.tickets(&numbers).unwrap();
    assert_eq!(all.len() as u64, count);
    let c = ContactId::new(1);
    let shared = |count| TicketSource::Shared((1..=count).map(AccountId::new).collect());
    let own = [TicketSource::Requester(c), TicketSource::Cc(c)];
    let lists = [
        vec![TicketSource::Requester(c)],
        vec![TicketSource::Cc(c)],
        vec![TicketSource::Account(AccountId::new(2))],
        own.iter().cloned().chain([shared(3)]).collect(),
        own.iter()
            .cloned()
            .chain([shared(ACCOUNTS_MERGED_MAX as u64)])
            .collect(),
        own.iter().cloned().chain([shared(ACCOUNTS)]).collect(),
        vec![shared(0)],
    ];
    let filters = [
        (None, None, None),
        (None, None, Some(TicketStatus::Closed)),
        (Some(2), None, None),
        (Some(ACCOUNTS), Some(2), Some(TicketStatus::Open)),
    ];
    for sources in &lists {
        for (account, requester, status) in filters {
            let filter = TicketFilter {
                account: account.map(AccountId::new),
                requester: requester.map(ContactId::new),
                status,
            };
            let expected = naively(&all, sources, &filter);
            for hurried in [false, true] {
                let shown = by_pages(at, sources, &filter, limit, hurried);
                check_rows(&shown, &all, sources);
                let shown: Vec<TicketNo> = shown.iter().map(|row| row.ticket.ticket).collect();
                assert_eq!(shown, expected, "{sources:?} {filter:?}");
            }
        }
    }
}

fn pages_of_tickets_are_what_a_look_at_every_ticket_finds(store: &TestStore) {
    let config = Config {
        cases: 5,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let drawn = proptest::collection::vec(drawn(), 1..40);
    // Pages of one row, of a few, and of all.
    let limits = prop_oneof![Just(1), 2..9_usize, Just(200)];
    let number = Cell::new(0);
    TestRunner::new(config)
        .run(&(drawn, limits), |(all, limit)| {
            number.set(number.get() + 1);
            let org = OrganizationName::parse(&format!("o{}", number.get())).unwrap();
            fill(store, &org, &all);
            let count = all.len() as u64;
            store.read(&org, move |at| {
                check(at, count, limit);
                Ok(())
            });
            Ok(())
        })
        .unwrap();
}

on_both_engines!(
    pages_of_tickets_are_what_a_look_at_every_ticket_finds_on,
    super::pages_of_tickets_are_what_a_look_at_every_ticket_finds
);
