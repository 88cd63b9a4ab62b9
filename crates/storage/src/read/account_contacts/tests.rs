//! Whichever way a page is made, it equals the page from sorting all members.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::association::{AssociateContacts, Wanted};
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::text::{Name, Role};

use super::*;
use crate::tables::records::derived_of_contact;
use crate::testing::{TestStore, on_both_engines};
use crate::{OrganizationName, Snapshot};

/// Always sorts; looks and never stops; looks and stops at once where members are rare.
const REACHES: [Reach; 3] = [
    Reach {
        sorted_at_once: usize::MAX,
        patience: 4,
    },
    Reach {
        sorted_at_once: 0,
        patience: usize::MAX,
    },
    Reach {
        sorted_at_once: 0,
        patience: 1,
    },
];

const CONTACTS: usize = 240;

/// Creates contacts with equal and with distinct names, in no order.
fn contacts(store: &TestStore, org: &OrganizationName) -> Vec<ContactId> {
    let kana = ["た", "な", "あ", "わ", "さ"];
    let create = |number: usize| CreateContact {
        family_name: Name::parse(&kana[number % 5].repeat(1 + number * 7 % 4)).unwrap(),
        fields: ContactPatch::default(),
    };
    let made = store.all(org, (0..CONTACTS).map(create).collect());
    made.into_iter().map(|(id, _)| id).collect()
}

/// Creates an account with these members.
fn account(store: &TestStore, org: &OrganizationName, members: Vec<ContactId>) -> AccountId {
    let account = CreateAccount {
        name: Name::parse("山田").unwrap(),
        fields: AccountPatch::default(),
    };
    let account = store.all(org, vec![account]).pop().unwrap().0;
    let wanted = |contact| Wanted {
        contact,
        sees_account_tickets: None,
        role: Role::parse("").unwrap(),
    };
    let associate = AssociateContacts {
        account,
        contacts: members.into_iter().map(wanted).collect(),
        all_or_nothing: true,
        adopt_unassigned_tickets: false,
    };
    store.all(org, vec![associate]);
    account
}

fn naively(at: &mut Snapshot<'_>, account: AccountId) -> Vec<ContactId> {
    let members = at.connection.contacts_of(at.org, account).unwrap();
    let members: BTreeSet<ContactId> = members.into_iter().collect();
    let all = at.connection.contact_rows_after(at.org, 0, 10_000).unwrap();
    let mut places: Vec<_> = all
        .into_iter()
        .filter(|(id, _)| members.contains(id))
        .map(|(id, row)| (derived_of_contact(&row.record).sort_key, id))
        .collect();
    places.sort_unstable();
    places.into_iter().map(|(_, id)| id).collect()
}

fn by_pages(
    at: &mut Snapshot<'_>,
    account: AccountId,
    limit: usize,
    reach: Reach,
) -> Vec<ContactId> {
    let mut shown = Vec::new();
    let mut after = None;
    loop {
        let found = page(at.connection, at.org, account, after.as_ref(), limit, reach).unwrap();
        assert!(found.len() <= limit);
        shown.extend(found.iter().map(|row| row.id));
        match found.last() {
            Some(last) if found.len() == limit => after = Some(last.place.clone()),
            _ => return shown,
        }
    }
}

fn pages_of_members_are_what_sorting_all_of_them_gives(store: &TestStore) {
    let org = OrganizationName::parse("acme").unwrap();
    let everybody = contacts(store, &org);
    let several = roster_core::rules::settings::UpdateSettings {
        multiple_accounts: Some(true),
        ..Default::default()
    };
    store.all(&org, vec![several]);
    let sorted: Vec<ContactId> = {
        let all = account(store, &org, everybody.clone());
        store.read(&org, move |at| Ok(naively(at, all)))
    };
    assert_eq!(sorted.len(), CONTACTS);
    let accounts = [
        // Spread, clustered at either end of the order, one member, no members.
        everybody.iter().copied().step_by(3).collect(),
        sorted[..60].to_vec(),
        sorted[CONTACTS - 60..].to_vec(),
        vec![sorted[100]],
    ]
    .map(|members: Vec<ContactId>| account(store, &org, members));
    store.read(&org, move |at| {
        for account in accounts
            .into_iter()
            .chain([AccountId::new(1), AccountId::new(99)])
        {
            let expected = naively(at, account);
            for (reach, limit) in REACHES
                .iter()
                .flat_map(|reach| [1, 7, 60, 500].map(|l| (*reach, l)))
            {
                let shown = by_pages(at, account, limit, reach);
                assert_eq!(shown, expected, "{account:?} {reach:?} {limit}");
            }
        }
        Ok(())
    });
}

on_both_engines!(
    pages_of_members_are_what_sorting_all_of_them_gives_on,
    super::pages_of_members_are_what_sorting_all_of_them_gives
);
