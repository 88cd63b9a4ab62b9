//! What a batch comes to: each row once, with its last value and the revision that gave it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use roster_core::change::{Change, Row};
use roster_core::fact::UniqueKey;
use roster_core::fact::{account_keys, contact_keys};
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket};
use serde_json::{Value, json};

use crate::engine::interface::Connection;
use crate::error::Result;
use crate::tables::decode::{column, derived_of_account, derived_of_contact, key_column};
use crate::tables::encode::{
    ACCOUNTS, ASSOCIATIONS, CONTACTS, COPIES, COPY_LISTS, MOVED_TICKETS, TICKETS, UNIQUE_KEYS,
    account_row, association_row, contact_row, ticket_row,
};
use crate::tables::listed::Listed;
use crate::tables::organization::Org;
use crate::write::name_index::NameIndex;

type Rows<K, R> = BTreeMap<K, Option<Stored<R>>>;

/// See the module.
pub(crate) struct RowChanges {
    accounts: Rows<AccountId, Account>,
    beside_accounts: NameIndex,
    contacts: Rows<ContactId, Contact>,
    beside_contacts: NameIndex,
    associations: Rows<Pair, Association>,
    tickets: Rows<TicketNo, Ticket>,
    /// Tickets of which nothing but account and revision changes, and which stand in no row.
    moved: BTreeMap<TicketNo, (Option<AccountId>, Revision)>,
    /// Tickets whose copy list is written anew: it changed, or the time that its rows hold did.
    copied: BTreeSet<TicketNo>,
    keys: HashMap<UniqueKey, Option<u64>>,
    settings: Option<Stored<Settings>>,
}

impl Default for RowChanges {
    fn default() -> Self {
        Self {
            accounts: Rows::new(),
            beside_accounts: NameIndex::new(Listed::Accounts),
            contacts: Rows::new(),
            beside_contacts: NameIndex::new(Listed::Contacts),
            associations: Rows::new(),
            tickets: Rows::new(),
            moved: BTreeMap::new(),
            copied: BTreeSet::new(),
            keys: HashMap::new(),
            settings: None,
        }
    }
}

impl RowChanges {
    /// Adds the changes of one change set, after those before it.
    pub(crate) fn add(&mut self, changes: &[Change], revision: Revision) {
        for change in changes {
            match change {
                Change::Account(row) => {
                    self.take_keys(
                        account_keys(row.before()),
                        account_keys(row.after()),
                        row.key().number(),
                    );
                    let before = || row.before().map(derived_of_account);
                    self.beside_accounts.note(row.key().number(), before);
                    self.accounts.insert(row.key(), last(row, revision));
                }
                Change::Contact(row) => {
                    self.take_keys(
                        contact_keys(row.before()),
                        contact_keys(row.after()),
                        row.key().number(),
                    );
                    let before = || row.before().map(derived_of_contact);
                    self.beside_contacts.note(row.key().number(), before);
                    self.contacts.insert(row.key(), last(row, revision));
                }
                Change::Association(row) => {
                    self.associations.insert(row.key(), last(row, revision));
                }
                Change::Ticket(row) => {
                    self.moved.remove(&row.key());
                    if row.before().map(copied) != row.after().map(copied) {
                        self.copied.insert(row.key());
                    }
                    self.tickets.insert(row.key(), last(row, revision));
                }
                Change::Settings { after, .. } => {
                    self.settings = Some(Stored {
                        record: (**after).clone(),
                        revision,
                    });
                }
                Change::TicketsMoved { tickets, after, .. } => {
                    for ticket in tickets {
                        self.move_ticket(*ticket, *after, revision);
                    }
                }
            }
        }
    }

    fn move_ticket(&mut self, ticket: TicketNo, account: Option<AccountId>, revision: Revision) {
        match self.tickets.get_mut(&ticket) {
            Some(Some(written)) => {
                written.record.account = account;
                written.revision = revision;
            }
            Some(None) => {}
            None => {
                self.moved.insert(ticket, (account, revision));
            }
        }
    }

    fn take_keys(&mut self, freed: Vec<UniqueKey>, taken: Vec<UniqueKey>, owner: u64) {
        self.keys.extend(freed.into_iter().map(|key| (key, None)));
        self.keys
            .extend(taken.into_iter().map(|key| (key, Some(owner))));
    }

    /// The settings that the batch leaves, if it wrote them.
    pub(crate) fn settings(&self) -> Option<&Stored<Settings>> {
        self.settings.as_ref()
    }

    /// Writes everything: kind by kind, deletions before what may take their keys.
    pub(crate) fn write(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let (freed, taken) = self.key_rows();
        connection.delete(org, &UNIQUE_KEYS, &freed)?;
        connection.upsert(org, &UNIQUE_KEYS, &taken)?;

        self.write_accounts(connection, org)?;
        self.write_contacts(connection, org)?;
        self.write_associations(connection, org)?;
        self.write_tickets(connection, org)
    }

    fn write_accounts(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let mut derived = BTreeMap::new();
        let (gone, written) = split(&self.accounts, number_of_account, |id, row| {
            let made = derived_of_account(&row.record);
            let value = account_row(*id, row, &made);
            derived.insert(id.number(), made);
            value
        });
        connection.delete(org, &ACCOUNTS, &gone)?;
        connection.upsert(org, &ACCOUNTS, &written)?;
        self.beside_accounts.write(connection, org, &derived)
    }

    fn write_contacts(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let mut derived = BTreeMap::new();
        let (gone, written) = split(&self.contacts, number_of_contact, |id, row| {
            let made = derived_of_contact(&row.record);
            let value = contact_row(*id, row, &made);
            derived.insert(id.number(), made);
            value
        });
        connection.delete(org, &CONTACTS, &gone)?;
        connection.upsert(org, &CONTACTS, &written)?;
        self.beside_contacts.write(connection, org, &derived)
    }

    /// A contact has one primary at every moment, which the database watches row by row: those
    /// that end being primary go before the one that begins.
    fn write_associations(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let (gone, mut written) = split(
            &self.associations,
            |pair| json!([column(pair.contact.number()), column(pair.account.number())]),
            |pair, row| (row.record.primary, association_row(*pair, row)),
        );
        written.sort_by_key(|(primary, _)| *primary);
        let written: Vec<Value> = written.into_iter().map(|(_, row)| row).collect();
        connection.delete(org, &ASSOCIATIONS, &gone)?;
        connection.upsert(org, &ASSOCIATIONS, &written)
    }

    fn write_tickets(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let number = |ticket: &TicketNo| json!([column(ticket.number())]);
        let (gone, written) = split(&self.tickets, number, |no, row| ticket_row(*no, row));
        let lists: Vec<Value> = self.copied.iter().map(number).collect();
        let copies: Vec<Value> = self
            .copied
            .iter()
            .flat_map(|no| self.copy_rows(*no))
            .collect();
        let moved: Vec<Value> = self
            .moved
            .iter()
            .map(|(ticket, (account, revision))| {
                json!([
                    column(ticket.number()),
                    account.map(|id| column(id.number())),
                    column(revision.number()),
                ])
            })
            .collect();
        connection.delete(org, &TICKETS, &gone)?;
        connection.upsert(org, &TICKETS, &written)?;
        connection.update(org, &MOVED_TICKETS, &moved)?;
        connection.delete(org, &COPY_LISTS, &lists)?;
        connection.upsert(org, &COPIES, &copies)
    }

    fn copy_rows(&self, ticket: TicketNo) -> Vec<Value> {
        let written = self.tickets.get(&ticket).and_then(Option::as_ref);
        let rows = |row: &Stored<Ticket>| {
            let of = &row.record;
            let row = |(position, contact): (usize, &ContactId)| {
                json!([
                    column(ticket.number()),
                    column(contact.number()),
                    position,
                    of.create_time.micros(),
                    of.key.as_str(),
                ])
            };
            of.copies.iter().enumerate().map(row).collect()
        };
        written.map_or_else(Vec::new, rows)
    }

    fn key_rows(&self) -> (Vec<Value>, Vec<Value>) {
        let mut freed = Vec::new();
        let mut taken = Vec::new();
        let of_tickets = |key: &UniqueKey| matches!(key, UniqueKey::Ticket(_));
        for (key, owner) in self.keys.iter().filter(|(key, _)| !of_tickets(key)) {
            match owner {
                None => freed.push(json!([key_column(key)])),
                Some(owner) => taken.push(json!([key_column(key), column(*owner)])),
            }
        }
        (freed, taken)
    }
}

/// What the rows of a copy list hold of their ticket.
fn copied(ticket: &Ticket) -> (&[ContactId], Time) {
    (&ticket.copies, ticket.create_time)
}

fn number_of_account(id: &AccountId) -> Value {
    json!([column(id.number())])
}

fn number_of_contact(id: &ContactId) -> Value {
    json!([column(id.number())])
}

fn last<K: Copy, R: Clone>(row: &Row<K, R>, revision: Revision) -> Option<Stored<R>> {
    row.after().map(|after| Stored {
        record: after.clone(),
        revision,
    })
}

/// The keys of rows that are gone, and the rows that stand.
fn split<K, R, T>(
    rows: &Rows<K, R>,
    key: impl Fn(&K) -> Value,
    mut row: impl FnMut(&K, &Stored<R>) -> T,
) -> (Vec<Value>, Vec<T>) {
    let mut gone = Vec::new();
    let mut written = Vec::new();
    for (id, stored) in rows {
        match stored {
            None => gone.push(key(id)),
            Some(stored) => written.push(row(id, stored)),
        }
    }
    (gone, written)
}
