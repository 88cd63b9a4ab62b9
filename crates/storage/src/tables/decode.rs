//! Rows as the tables hold them, and the records that they stand for.

use diesel::prelude::*;
use roster_core::fact::UniqueKey;
use roster_core::id::{AccountId, ContactId, Pair, Revision, Time};
use roster_core::names::{AccountNames, ContactNames, Derived};
use roster_core::record::{
    Account, Association, Attributes, Contact, Sharing, SharingMode, Stored, Ticket, TicketStatus,
};
use roster_core::text::{Email, ExternalId, Name, Role, Subject, TicketKey};

use crate::tables::schema::{accounts, associations, contacts, tickets};

/// Numbers are stored as signed 64 bits and are never negative.
pub(crate) fn number(stored: i64) -> u64 {
    stored.unsigned_abs()
}

/// See [`number`].
pub(crate) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(crate) struct AccountRow {
    account: i64,
    name: String,
    name_reading: Option<String>,
    external_id: Option<String>,
    attributes: String,
    sharing_mode: Option<i64>,
    sharing_roles: String,
    create_time: i64,
    update_time: i64,
    revision: i64,
}

impl AccountRow {
    pub(crate) fn record(self) -> (AccountId, Stored<Account>) {
        let record = Account {
            name: Name::trusted(self.name),
            name_reading: self.name_reading.map(Name::trusted),
            external_id: self.external_id.map(ExternalId::trusted),
            attributes: attributes(&self.attributes),
            sharing_mode: self.sharing_mode.map(sharing_mode),
            sharing_roles: roles(&self.sharing_roles),
            create_time: Time::from_micros(self.create_time),
            update_time: Time::from_micros(self.update_time),
        };
        (
            AccountId::new(number(self.account)),
            stored(record, self.revision),
        )
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts)]
pub(crate) struct ContactRow {
    contact: i64,
    family_name: String,
    given_name: Option<String>,
    family_name_reading: Option<String>,
    given_name_reading: Option<String>,
    emails: String,
    external_id: Option<String>,
    attributes: String,
    blocked: bool,
    create_time: i64,
    update_time: i64,
    revision: i64,
}

impl ContactRow {
    pub(crate) fn record(self) -> (ContactId, Stored<Contact>) {
        let record = Contact {
            family_name: Name::trusted(self.family_name),
            given_name: self.given_name.map(Name::trusted),
            family_name_reading: self.family_name_reading.map(Name::trusted),
            given_name_reading: self.given_name_reading.map(Name::trusted),
            emails: texts(&self.emails)
                .into_iter()
                .map(Email::trusted)
                .collect(),
            external_id: self.external_id.map(ExternalId::trusted),
            attributes: attributes(&self.attributes),
            blocked: self.blocked,
            create_time: Time::from_micros(self.create_time),
            update_time: Time::from_micros(self.update_time),
        };
        (
            ContactId::new(number(self.contact)),
            stored(record, self.revision),
        )
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = associations)]
pub(crate) struct AssociationRow {
    pub(crate) contact: i64,
    pub(crate) account: i64,
    is_primary: bool,
    sees_account_tickets: bool,
    role: String,
    create_time: i64,
    revision: i64,
}

impl AssociationRow {
    pub(crate) fn with_pair(self) -> (Pair, Stored<Association>) {
        let pair = Pair {
            contact: ContactId::new(number(self.contact)),
            account: AccountId::new(number(self.account)),
        };
        (pair, self.record())
    }

    pub(crate) fn record(self) -> Stored<Association> {
        let record = Association {
            primary: self.is_primary,
            sees_account_tickets: self.sees_account_tickets,
            role: Role::trusted(self.role),
            create_time: Time::from_micros(self.create_time),
        };
        stored(record, self.revision)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tickets)]
pub(crate) struct TicketRow {
    pub(crate) ticket: i64,
    id: String,
    requester: i64,
    account: Option<i64>,
    subject: String,
    closed: bool,
    is_private: bool,
    create_time: i64,
    revision: i64,
}

impl TicketRow {
    pub(crate) fn record(self, copies: Vec<ContactId>) -> Stored<Ticket> {
        let record = Ticket {
            key: TicketKey::trusted(self.id),
            requester: ContactId::new(number(self.requester)),
            account: self.account.map(|a| AccountId::new(number(a))),
            subject: Subject::trusted(self.subject),
            status: status(self.closed),
            private: self.is_private,
            copies,
            create_time: Time::from_micros(self.create_time),
        };
        stored(record, self.revision)
    }
}

pub(crate) fn stored<R>(record: R, revision: i64) -> Stored<R> {
    Stored {
        record,
        revision: Revision::new(number(revision)),
    }
}

pub(crate) fn status(closed: bool) -> TicketStatus {
    if closed {
        TicketStatus::Closed
    } else {
        TicketStatus::Open
    }
}

/// The stored number of a mode.
pub(crate) fn mode_number(mode: SharingMode) -> i64 {
    match mode {
        SharingMode::Nobody => 1,
        SharingMode::Granted => 2,
        SharingMode::Roles => 3,
        SharingMode::Everyone => 4,
    }
}

/// The mode with a stored number; one that is none shows nothing to anybody.
pub(crate) fn sharing_mode(stored: i64) -> SharingMode {
    [
        SharingMode::Nobody,
        SharingMode::Granted,
        SharingMode::Roles,
        SharingMode::Everyone,
    ]
    .into_iter()
    .find(|mode| mode_number(*mode) == stored)
    .unwrap_or(SharingMode::Nobody)
}

pub(crate) fn sharing(mode: Option<i64>, roles_text: &str) -> Sharing {
    Sharing {
        mode: mode.map(sharing_mode),
        roles: roles(roles_text),
    }
}

pub(crate) fn roles(text: &str) -> Vec<Role> {
    texts(text).into_iter().map(Role::trusted).collect()
}

/// Lists and maps stand as JSON: written by us alone, so a text that is none reads as empty.
fn texts(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

fn attributes(json: &str) -> Attributes {
    serde_json::from_str(json).unwrap_or_default()
}

/// A unique key as its table holds it. Those of tickets stand with their tickets.
pub(crate) fn key_column(key: &UniqueKey) -> String {
    format!("{}{}", key_prefix(key), key.text())
}

/// The unique key that a table holds so.
pub(crate) fn key_of_column(column: &str) -> Option<UniqueKey> {
    let kinds = [
        UniqueKey::AccountExternalId,
        UniqueKey::ContactExternalId,
        UniqueKey::Email,
    ];
    kinds.into_iter().find_map(|of| {
        let text = column.strip_prefix(key_prefix(&of(String::new())))?;
        Some(of(text.to_owned()))
    })
}

fn key_prefix(key: &UniqueKey) -> &'static str {
    match key {
        UniqueKey::AccountExternalId(_) => "a:",
        UniqueKey::ContactExternalId(_) => "c:",
        UniqueKey::Email(_) => "e:",
        UniqueKey::Ticket(_) => "t:",
    }
}

/// What a database derives from an account's names.
pub(crate) fn derived_of_account(account: &Account) -> Derived {
    Derived::of_account(&AccountNames {
        name: account.name.as_str(),
        reading: account.name_reading.as_ref().map(Name::as_str),
        external_id: account.external_id.as_ref().map(ExternalId::as_str),
    })
}

/// What a database derives from a contact's names.
pub(crate) fn derived_of_contact(contact: &Contact) -> Derived {
    let emails: Vec<&str> = contact.emails.iter().map(Email::as_str).collect();
    Derived::of_contact(
        &ContactNames {
            family: contact.family_name.as_str(),
            given: contact.given_name.as_ref().map(Name::as_str),
            family_reading: contact.family_name_reading.as_ref().map(Name::as_str),
            given_reading: contact.given_name_reading.as_ref().map(Name::as_str),
            external_id: contact.external_id.as_ref().map(ExternalId::as_str),
        },
        &emails,
    )
}
