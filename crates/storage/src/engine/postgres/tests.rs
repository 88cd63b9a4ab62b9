//! How PostgreSQL runs the statements: the indexes that pages use, and the grams that searches use.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::ops::Range;

use diesel::sql_types::BigInt;
use roster_core::fact::Namesakes;
use roster_core::id::{AccountId, ContactId, Revision, Time};
use roster_core::names::{Gram, SearchQuery};
use roster_core::organization::OrganizationName;
use roster_core::rules::association::{AssociateContacts, Wanted};
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::rules::ticket::{Record, RecordTickets};
use roster_core::text::{Email, Name, Role, TicketKey};

use super::*;
use crate::engine::interface::{ReadFacts, ReadLists, ReadNames, Reading, Transactions};
use crate::tables::listed::Listed;
use crate::tables::organization::Org;
use crate::tables::ticket_list::{BranchBounds, TicketBranch, TicketPlace};
use crate::testing::TestStore;

/// One account has nearly all tickets; the other accounts, and each contact, have few.
const TICKETS: u64 = 4_000;
const CONTACTS: u64 = 8;
const ACCOUNTS: u64 = 3;
/// Rows that a page requests from each branch.
const ROWS: usize = 62;
/// Rows that are read before the tickets.
const FIRST: i64 = 16;

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = BigInt)]
    whole: i64,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn make_people(store: &TestStore, organization: &OrganizationName) {
    store.make_accounts(organization, ACCOUNTS);
    store.make_contacts(organization, CONTACTS);
    let wanted = |contact| Wanted {
        contact: ContactId::new(contact),
        sees_account_tickets: Some(true),
        role: Role::default(),
    };
    let associate = AssociateContacts {
        account: AccountId::new(1),
        contacts: (1..=CONTACTS).map(wanted).collect(),
        all_or_nothing: true,
        adopt_unassigned_tickets: false,
    };
    store.all(organization, vec![associate]);
}

fn record(store: &TestStore, organization: &OrganizationName, numbers: Range<u64>) {
    let record = |number: u64| Record {
        key: TicketKey::parse(&format!("t{number}")).unwrap(),
        requester: ContactId::new(1 + number % CONTACTS),
        cc: vec![ContactId::new(1 + (number + 1) % CONTACTS)],
        allow_unassociated_account: true,
        account: Some(Some(AccountId::new(if number % 20 == 19 { 2 } else { 1 }))),
        subject: None,
        status: None,
        private: None,
        create_time: Some(Time::from_micros((number / 3) as i64)),
    };
    let tickets: Vec<Record> = numbers.map(record).collect();
    for tickets in tickets.chunks(1_000) {
        let tickets = tickets.to_vec();
        store.all(organization, vec![RecordTickets { tickets }]);
    }
}

/// How many sequential scans ran and how many rows were fetched: cumulative counts.
fn touched(session: &mut Session) -> (i64, i64) {
    let touched = diesel::sql_query(
        "SELECT CAST(sum(seq_scan) AS BIGINT) AS whole, \
         CAST(sum(idx_tup_fetch) AS BIGINT) AS rows FROM pg_stat_xact_user_tables",
    );
    let touched: Touched = touched.get_result(&mut session.conn).unwrap();
    (touched.whole, touched.rows)
}

/// Reads a page of each branch, and the rows before it. Returns the sequential scans that this
/// took, and the rows fetched beside the tickets found.
fn page(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    after: Option<&TicketPlace>,
) -> (i64, i64) {
    session.begin_read(Reading::Page).unwrap();
    let before = touched(session);
    session.organization("acme").unwrap();
    session.accounts(org, &[AccountId::new(1)]).unwrap();
    session.contact_facts(org, ContactId::new(1)).unwrap();
    session.nonce_of(org, Revision::new(1)).unwrap();
    let bounds = BranchBounds {
        rows_max: ROWS,
        enough: ROWS,
        counts: &|_, _| true,
    };
    let found = session
        .ticket_branches(org, branches, after, bounds)
        .unwrap();
    let found: usize = found.iter().map(|branch| branch.rows.len()).sum();
    let (whole, rows) = touched(session);
    session.rollback().unwrap();
    (whole - before.0, rows - before.1 - found as i64)
}

/// Plans were made while there were few tickets, with or without statistics.
fn plans_lead_through_indexes_alone(few: u64, counted: bool) {
    let store = TestStore::postgres();
    let pool = pool(store.url(), 1).unwrap();
    let mut session = session(&pool).unwrap();
    let acme = OrganizationName::parse("acme").unwrap();
    make_people(&store, &acme);
    let org = session.organization("acme").unwrap().unwrap().org;
    let contact = ContactId::new(1);
    let of_contact = [
        TicketBranch::Requester(contact),
        TicketBranch::Cc(contact),
        TicketBranch::Account(AccountId::new(1)),
        TicketBranch::Account(AccountId::new(2)),
    ];
    let of_all = [TicketBranch::Organization];
    let middle = TicketPlace {
        create_time: Time::from_micros(400),
        id: TicketKey::parse("t1201").unwrap(),
    };
    record(&store, &acme, 0..few);
    if counted {
        session.conn.batch_execute("ANALYZE").unwrap();
    }
    for after in [None, Some(&middle)] {
        page(&mut session, org, &of_contact, after);
        page(&mut session, org, &of_all, after);
    }
    record(&store, &acme, few..TICKETS);
    PooledConnection::extensions_mut(&mut session.conn).remove::<PlansKeptSince>();
    for after in [None, Some(&middle)] {
        // A ticket in CC is fetched beside its CC row; so are the rows before the page.
        let (whole, beside) = page(&mut session, org, &of_contact, after);
        assert_eq!(whole, 0, "{few} {counted} {after:?}");
        assert!(
            beside <= ROWS as i64 + FIRST,
            "{beside} rows beside those found: {few} {counted} {after:?}"
        );
        let (whole, beside) = page(&mut session, org, &of_all, after);
        assert!(
            whole == 0 && beside <= FIRST,
            "{few} {counted} {after:?}: {beside}"
        );
    }
}

/// PostgreSQL itself knows the size of a table. Its autovacuum renews the statistics of a table
/// that has grown within a minute or two.
#[test]
fn plans_that_pages_keep_from_when_tables_were_small_are_made_anew_and_lead_through_indexes_alone()
{
    for few in [0, 1, 8, 40] {
        plans_lead_through_indexes_alone(few, false);
    }
    plans_lead_through_indexes_alone(0, true);
}

/// Returns how many records are nominated for a whole address that no contact has, though one
/// contact has its first part.
fn nominated(session: &mut Session, org: Org) -> usize {
    let query = SearchQuery::parse("u999@example.co.jp");
    let grams = query.grams().remove(0).into_iter().map(Gram::code);
    let grams: Vec<u64> = grams.collect();
    let nominated = session.nominated(org, Listed::Contacts, &grams, 400);
    nominated.unwrap().len()
}

#[test]
fn a_search_for_an_address_uses_its_rare_grams_once_there_are_statistics() {
    let store = TestStore::postgres();
    let acme = OrganizationName::parse("acme").unwrap();
    let contact = |address: String| CreateContact {
        family_name: Name::parse("C").unwrap(),
        fields: ContactPatch {
            emails: Some(vec![Email::parse(&address).unwrap()]),
            ..ContactPatch::default()
        },
    };
    let addresses = (100..400).map(|number| format!("u{number}@example.co.jp"));
    let addresses = addresses.chain(["u999@other.org".to_owned()]);
    let made = store.all(&acme, addresses.map(contact).collect());
    let found = |query: &'static str| -> Vec<ContactId> {
        store.read(&acme, move |at| {
            let page = at.contact_page(&SearchQuery::parse(query), None, None, None, 400)?;
            Ok(page.items.into_iter().map(|(_, id, _)| id).collect())
        })
    };
    let pool = pool(store.url(), 1).unwrap();
    let mut session = session(&pool).unwrap();
    let org = session.organization("acme").unwrap().unwrap().org;
    for (counted, expected) in [(false, 0), (true, 1)] {
        if counted {
            session.conn.batch_execute("ANALYZE contact_grams").unwrap();
        }
        assert_eq!(nominated(&mut session, org), expected, "{counted}");
        assert_eq!(found("u111@example.co.jp"), [made[11].0], "{counted}");
        assert_eq!(found("u999@example.co.jp"), [], "{counted}");
        // All of its grams are common.
        assert_eq!(found("@example.co.jp").len(), 300, "{counted}");
    }
}

/// Returns the rows fetched to look for namesakes of a name that no contact has.
fn fetched_for_a_name(session: &mut Session, org: Org) -> i64 {
    let wanted = Namesakes {
        key: "nobody".into(),
        with_external_id: false,
        with_email: false,
    };
    session.begin_write().unwrap();
    let before = touched(session).1;
    let found = session.namesakes(org, Listed::Contacts, &[wanted], 2);
    assert_eq!(found.unwrap(), []);
    let rows = touched(session).1 - before;
    session.rollback().unwrap();
    rows
}

#[test]
fn an_organization_that_statistics_do_not_know_is_searched_whole_until_they_are_made_anew() {
    let store = TestStore::postgres();
    let pool = pool(store.url(), 1).unwrap();
    let mut session = session(&pool).unwrap();
    let by_itself = "ALTER TABLE contacts SET (autovacuum_enabled = false)";
    session.conn.batch_execute(by_itself).unwrap();
    let [acme, new] = ["acme", "new"].map(|name| OrganizationName::parse(name).unwrap());
    store.make_contacts(&acme, 200);
    session.refresh_statistics().unwrap();
    store.make_contacts(&new, 2_000);
    let org = session.organization("new").unwrap().unwrap().org;
    let unknown = fetched_for_a_name(&mut session, org);
    store.wait(store.store.refresh_statistics()).unwrap();
    let known = fetched_for_a_name(&mut session, org);
    assert!(unknown >= 2_000, "the trap is gone: {unknown}");
    assert_eq!(known, 0);
}
