//! Every way to answer a query returns what examining every record returns.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use roster_core::id::{AccountId, ContactId};
use roster_core::names::SearchQuery;
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::association::{AssociateContacts, Wanted};
use roster_core::rules::contact::{ContactPatch, CreateContact, UpdateContact};
use roster_core::rules::deletion::DeleteContact;
use roster_core::text::{Email, ExternalId, Name, Role};

use super::*;
use crate::tables::listed::Listed;
use crate::tables::records::{derived_of_account, derived_of_contact};
use crate::testing::{TestStore, on_both_engines};
use crate::{OrganizationName, Snapshot};

/// So few letters that queries find matches and grams also nominate records that do not match.
const NAME: &str = "(株式会社|㈱)?[あたナ山田中aB1 ]{1,5}( Limited|（株）)?";
const QUERY: &str = "(\\(株\\))?[あたナ山田中aB1 ]{0,3}(㈱| limited)?";

/// Bounds so narrow that a few dozen records take every way.
const NARROW: [Bounds; 3] = [
    Bounds {
        first_look: 1,
        look: 2,
        sorted_max: 3,
        sorted_max_anywhere: 4,
        counted_max: 2,
        sampled: 2,
    },
    Bounds {
        first_look: 2,
        look: 3,
        sorted_max: 0,
        sorted_max_anywhere: 8,
        counted_max: 0,
        sampled: 1,
    },
    Bounds::USUAL,
];

/// A page with time, a page that ends at once, and a page that ends once it has a row.
const BUDGETS: [fn() -> Budget; 3] = [Budget::of_a_page, Budget::spent, Budget::spent_with_rows];

/// The names of a contact, as a test draws them.
type Drawn = (String, String, String, bool);

fn name() -> impl Strategy<Value = String> {
    NAME.prop_filter("not blank", |text: &String| !text.trim().is_empty())
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let reading = "[あたかナ]{0,4}";
    (name(), reading, "[ab1]{0,3}", any::<bool>())
}

fn patch((family, reading, id, _): &Drawn, unique: &str) -> ContactPatch {
    ContactPatch {
        family_name: Some(Name::parse(family).unwrap()),
        family_name_reading: Some(Name::parse(reading).ok()),
        emails: Some(vec![
            Email::parse(&format!("{id}{unique}@ab.example")).unwrap(),
        ]),
        external_id: Some(Some(ExternalId::parse(&format!("{id}-{unique}")).unwrap())),
        ..ContactPatch::default()
    }
}

/// Creates the contacts, changes and deletes some, and makes some members of account 1.
fn fill(store: &TestStore, org: &OrganizationName, all: &[Drawn]) {
    let account = CreateAccount {
        name: Name::parse("山田").unwrap(),
        fields: AccountPatch::default(),
    };
    let account = store.all(org, vec![account]).pop().unwrap().0;
    let create = |(number, drawn): (usize, &Drawn)| CreateContact {
        family_name: Name::parse(&drawn.0).unwrap(),
        fields: patch(drawn, &format!("x{number}")),
    };
    let made = store.all(org, all.iter().enumerate().map(create).collect());
    let ids: Vec<ContactId> = made.into_iter().map(|(id, _)| id).collect();
    let (gone, kept) = ids.split_at(ids.len() / 6);
    let delete = |id: &ContactId| DeleteContact {
        id: *id,
        etag: None,
        dissociate_accounts: false,
        tickets: None,
    };
    store.all(org, gone.iter().map(delete).collect());
    let update = |(id, drawn): (&ContactId, &Drawn)| UpdateContact {
        id: *id,
        patch: patch(drawn, &format!("y{id}")),
        etag: None,
    };
    let changed = kept.iter().zip(all).step_by(4).map(update);
    store.all(org, changed.collect());
    let member = |(id, _): (&ContactId, &Drawn)| Wanted {
        contact: *id,
        sees_account_tickets: None,
        role: Role::parse("").unwrap(),
    };
    let associate = AssociateContacts {
        account,
        contacts: kept
            .iter()
            .zip(all)
            .filter(|(_, d)| d.3)
            .map(member)
            .collect(),
        all_or_nothing: false,
        adopt_unassigned_tickets: false,
    };
    store.all(org, vec![associate]);
}

/// The picker's rows, found by examining every record.
fn naively(at: &mut Snapshot<'_>, picking: &Picking<'_>) -> Vec<NamePlace> {
    let mut all = Vec::new();
    match picking.listed {
        Listed::Accounts => {
            for (id, row) in at.connection.account_rows_after(at.org, 0, 10_000).unwrap() {
                all.push((id.number(), derived_of_account(&row.record)));
            }
        }
        Listed::Contacts => {
            let members = match picking.not_in {
                None => Vec::new(),
                Some(account) => at.connection.contacts_of(at.org, account).unwrap(),
            };
            for (id, row) in at.connection.contact_rows_after(at.org, 0, 10_000).unwrap() {
                if !members.contains(&id) {
                    all.push((id.number(), derived_of_contact(&row.record)));
                }
            }
        }
    }
    all.retain(|(_, derived)| {
        picking.query.matches(&derived.search_text)
            && picking
                .heading
                .is_none_or(|heading| heading == derived.heading)
    });
    let place = |(number, derived): (u64, roster_core::names::Derived)| NamePlace {
        sort_key: derived.sort_key,
        number,
    };
    let mut places: Vec<NamePlace> = all.into_iter().map(place).collect();
    places.sort();
    places
}

/// The picker's rows, page by page.
fn by_pages(
    at: &mut Snapshot<'_>,
    picking: &Picking<'_>,
    limit: usize,
    bounds: Bounds,
    budget: fn() -> Budget,
) -> Vec<NamePlace> {
    let mut shown = Vec::new();
    let mut after = None;
    loop {
        let budget = budget();
        let effort = (budget, bounds);
        let picked = page(
            at.connection,
            at.org,
            picking,
            after.as_ref(),
            limit,
            effort,
        )
        .unwrap();
        assert!(picked.places.len() <= limit);
        assert!(
            !picked.places.is_empty() || picked.examined.is_none() || budget.is_spent_for(false),
            "no page is empty while there is time"
        );
        shown.extend(picked.places);
        assert!(
            picked.examined.is_none() || picked.examined > after,
            "a page moves on"
        );
        if picked.examined.is_none() {
            return shown;
        }
        after = picked.examined;
    }
}

fn check_counts(at: &mut Snapshot<'_>, picking: &Picking<'_>, all: &[NamePlace]) {
    let mut expected: BTreeMap<Heading, u64> = BTreeMap::new();
    for place in all {
        let heading = Heading::from_code(place.sort_key[0]).unwrap();
        *expected.entry(heading).or_default() += 1;
    }
    let few = all.len() <= Bounds::USUAL.counted_max;
    for bounds in NARROW {
        for budget in [Budget::spent(), Budget::of_a_page()] {
            let counts = headings(at.connection, at.org, picking, (budget, bounds)).unwrap();
            assert!(counts.is_sorted_by_key(|count| count.heading));
            let counts: BTreeMap<Heading, HeadingCount> =
                counts.into_iter().map(|c| (c.heading, c)).collect();
            for (heading, count) in &expected {
                let told = counts[heading];
                assert!(told.count == *count || told.at_least && told.count < *count);
            }
            for (heading, told) in &counts {
                assert!(told.at_least || expected.contains_key(heading), "{told:?}");
                assert!(!(told.at_least && few && bounds.counted_max == 2_000));
            }
        }
    }
}

fn check(at: &mut Snapshot<'_>, queries: &[String], limit: usize) {
    for query in queries {
        let query = SearchQuery::parse(query);
        let not_in = [None, Some(AccountId::new(1))];
        for (listed, not_in) in [
            (Listed::Contacts, not_in[0]),
            (Listed::Contacts, not_in[1]),
            (Listed::Accounts, None),
        ] {
            let of = |heading| Picking {
                listed,
                query: &query,
                heading,
                not_in,
            };
            for heading in [
                None,
                Some(Heading::KanaTa),
                Some(Heading::Other),
                Some(Heading::A),
            ] {
                let picking = of(heading);
                let expected = naively(at, &picking);
                for (bounds, budget) in NARROW.into_iter().flat_map(|b| BUDGETS.map(|of| (b, of))) {
                    let shown = by_pages(at, &picking, limit, bounds, budget);
                    assert_eq!(shown, expected, "{query:?} {heading:?} {bounds:?}");
                }
            }
            let picking = of(None);
            let all = naively(at, &picking);
            check_counts(at, &picking, &all);
        }
    }
}

fn pages_of_any_query_are_what_a_look_at_every_record_finds(store: &TestStore) {
    let config = Config {
        cases: 8,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let queries = proptest::collection::vec(QUERY, 4);
    let drawn = proptest::collection::vec(drawn(), 0..40);
    let number = Cell::new(0);
    TestRunner::new(config)
        .run(&(drawn, queries, 1..6_usize), |(all, queries, limit)| {
            number.set(number.get() + 1);
            let org = OrganizationName::parse(&format!("o{}", number.get())).unwrap();
            fill(store, &org, &all);
            store.read(&org, move |at| {
                check(at, &queries, limit);
                Ok(())
            });
            Ok(())
        })
        .unwrap();
}

on_both_engines!(
    pages_of_any_query_are_what_a_look_at_every_record_finds_on,
    super::pages_of_any_query_are_what_a_look_at_every_record_finds
);
