//! Pages of any size stream the same rows, each once, and a full sink stops them.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use roster_core::id::Time;
use roster_core::organization::OrganizationName;
use roster_core::record::{Sharing, SharingMode};
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::association::{AssociateContacts, Wanted};
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::rules::settings::UpdateSettings;
use roster_core::rules::ticket::{Record, RecordTickets};
use roster_core::rules::visibility::{StreamedAssociation, TicketFacts};
use roster_core::text::{Name, Role, TicketKey};

use super::*;
use crate::testing::{TestStore, on_both_engines};

const CONTACTS: u64 = 4;
const ACCOUNTS: u64 = 3;
const TICKETS: u64 = 5;

/// A sink that writes each row as text and has room for a limited number of rows.
struct Words {
    rows: Vec<String>,
    room: usize,
}

impl Words {
    fn row(&mut self, row: String) -> Result<(), SinkFull> {
        if self.rows.len() == self.room {
            return Err(SinkFull);
        }
        self.rows.push(row);
        Ok(())
    }
}

impl FactSink for Words {
    fn contact(&mut self, contact: ContactId, blocked: bool) -> Result<(), SinkFull> {
        self.row(format!("{contact} {blocked}"))
    }

    fn visitors_not_before(&mut self, contact: ContactId, time: Time) -> Result<(), SinkFull> {
        self.row(format!("{contact} revoked until {}", time.micros()))
    }

    fn account(&mut self, account: AccountId, sharing: &Sharing) -> Result<(), SinkFull> {
        self.row(format!("{account} {sharing:?}"))
    }

    fn association(&mut self, pair: Pair, part: StreamedAssociation<'_>) -> Result<(), SinkFull> {
        self.row(format!("{} at {}: {part:?}", pair.contact, pair.account))
    }

    fn ticket(&mut self, key: &str, ticket: TicketFacts) -> Result<(), SinkFull> {
        self.row(format!("{key} {ticket:?}"))
    }

    fn cc(&mut self, ticket: TicketNo, contact: ContactId) -> Result<(), SinkFull> {
        self.row(format!("{} in CC: {contact}", ticket.number()))
    }
}

fn ticket(number: u64) -> Record {
    Record {
        key: TicketKey::parse(&format!("T{number}")).unwrap(),
        requester: ContactId::new(1 + number % CONTACTS),
        cc: (1..=CONTACTS).rev().map(ContactId::new).collect(),
        allow_unassociated_account: true,
        account: Some((number > 1).then(|| AccountId::new(1))),
        subject: None,
        status: None,
        private: Some(number == 3),
        create_time: None,
    }
}

/// Puts every contact in every account, and in CC of every ticket.
fn fill(store: &TestStore, org: &OrganizationName) {
    let settings = UpdateSettings {
        multiple_accounts: Some(true),
        ..UpdateSettings::default()
    };
    store.all(org, vec![settings]);
    let roles = vec![
        Role::parse("部長").unwrap(),
        Role::parse("Manager").unwrap(),
    ];
    let account = |number: u64| CreateAccount {
        name: Name::parse(&format!("A{number}")).unwrap(),
        fields: AccountPatch {
            sharing_mode: Some((number == 1).then_some(SharingMode::Roles)),
            sharing_roles: (number == 1).then(|| roles.clone()),
            ..AccountPatch::default()
        },
    };
    for number in 1..=ACCOUNTS {
        store.all(org, vec![account(number)]);
    }
    for number in 1..=CONTACTS {
        let contact = CreateContact {
            family_name: Name::parse(&format!("C{number}")).unwrap(),
            fields: ContactPatch {
                blocked: Some(number == 2),
                ..ContactPatch::default()
            },
        };
        store.all(org, vec![contact]);
    }
    for account in 1..=ACCOUNTS {
        let wanted = |contact: u64| Wanted {
            contact: ContactId::new(contact),
            sees_account_tickets: Some(contact == account),
            role: Role::parse(["", "部長", "Manager"][contact as usize % 3]).unwrap(),
        };
        let command = AssociateContacts {
            account: AccountId::new(account),
            contacts: (1..=CONTACTS).map(wanted).collect(),
            all_or_nothing: true,
            adopt_unassigned_tickets: false,
        };
        store.all(org, vec![command]);
    }
    let tickets = (1..=TICKETS).map(ticket).collect();
    for result in store.all(org, vec![RecordTickets { tickets }]).remove(0) {
        result.unwrap();
    }
}

fn streamed(
    store: &TestStore,
    rows: usize,
    room: usize,
) -> (std::result::Result<(), SinkFull>, Vec<String>) {
    let acme = OrganizationName::parse("acme").unwrap();
    store.read(&acme, move |snapshot| {
        let mut words = Words {
            rows: Vec::new(),
            room,
        };
        let ended = snapshot.stream_by(rows, &mut words)?;
        Ok((ended, words.rows))
    })
}

on_both_engines!(
    pages_of_any_size_pour_each_row_once_until_the_sink_is_full,
    super::streams
);

fn streams(store: &TestStore) {
    let nothing = streamed(store, ROWS, 0);
    assert_eq!(nothing, (Ok(()), Vec::new()));
    let acme = OrganizationName::parse("acme").unwrap();
    fill(store, &acme);
    store.all(
        &OrganizationName::parse("other").unwrap(),
        vec![CreateAccount {
            name: Name::parse("Other").unwrap(),
            fields: AccountPatch::default(),
        }],
    );
    let (ended, all) = streamed(store, ROWS, usize::MAX);
    assert_eq!(ended, Ok(()));
    let rows = TICKETS + CONTACTS * ACCOUNTS + CONTACTS + CONTACTS * TICKETS + ACCOUNTS;
    assert_eq!(all.len() as u64, rows, "{all:#?}");
    for said in [
        r#"a1 Sharing { mode: Some(Roles), roles: [Role("部長"), Role("Manager")] }"#,
        "a2 Sharing { mode: None, roles: [] }",
        "c2 true",
        "c3 false",
        r#"c2 at a2: StreamedAssociation { primary: false, sees_account_tickets: true, role: Role("Manager") }"#,
        "T3 TicketFacts { number: TicketNo(3), requester: ContactId(4), account: \
         Some(AccountId(1)), private: true }",
        "5 in CC: c1",
    ] {
        assert!(all.iter().any(|row| row == said), "{said} in {all:#?}");
    }
    for size in 1..=all.len() + 1 {
        assert_eq!(streamed(store, size, usize::MAX), (Ok(()), all.clone()));
    }
    for room in 0..=all.len() {
        let ended = if room < all.len() {
            Err(SinkFull)
        } else {
            Ok(())
        };
        let expected = (ended, all[..room].to_vec());
        assert_eq!(streamed(store, 3, room), expected, "{room}");
    }
}
