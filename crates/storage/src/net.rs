//! What a batch comes to: each row once, with its last value and the revision that gave it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use roster_core::change::{Change, Row};
use roster_core::draft::{account_keys, contact_keys};
use roster_core::fact::UniqueKey;
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket};
use serde_json::{Value, json};

use crate::bulk::{
    ACCOUNTS, ASSOCIATIONS, CONTACTS, COPIES, COPY_LISTS, MOVED_TICKETS, TICKETS, UNIQUE_KEYS,
    account_row, association_row, contact_row, ticket_row,
};
use crate::connection::{Connection, Org, Result};
use crate::rows::{column, key_column};

type Rows<K, R> = BTreeMap<K, Option<Stored<R>>>;

/// See the module.
#[derive(Default)]
pub(crate) struct Net {
    accounts: Rows<AccountId, Account>,
    contacts: Rows<ContactId, Contact>,
    associations: Rows<Pair, Association>,
    tickets: Rows<TicketNo, Ticket>,
    /// Tickets of which nothing but account and revision changes, and which stand in no row.
    moved: BTreeMap<TicketNo, (Option<AccountId>, Revision)>,
    /// Tickets that were there before the batch and whose copy list was written.
    copied: BTreeSet<TicketNo>,
    keys: HashMap<UniqueKey, Option<u64>>,
    settings: Option<Stored<Settings>>,
}

impl Net {
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
                    self.accounts.insert(row.key(), last(row, revision));
                }
                Change::Contact(row) => {
                    self.take_keys(
                        contact_keys(row.before()),
                        contact_keys(row.after()),
                        row.key().number(),
                    );
                    self.contacts.insert(row.key(), last(row, revision));
                }
                Change::Association(row) => {
                    self.associations.insert(row.key(), last(row, revision));
                }
                Change::Ticket(row) => {
                    self.moved.remove(&row.key());
                    if row.before().map(|t| &t.copies) != row.after().map(|t| &t.copies) {
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

    /// Writes everything: one statement a kind, deletions before what may take their keys.
    pub(crate) fn write(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let (freed, taken) = self.key_rows();
        connection.delete(org, &UNIQUE_KEYS, &freed)?;
        connection.upsert(org, &UNIQUE_KEYS, &taken)?;

        let (gone, written) = split(&self.accounts, number_of_account, |id, row| {
            account_row(*id, &row.record, row.revision)
        });
        connection.delete(org, &ACCOUNTS, &gone)?;
        connection.upsert(org, &ACCOUNTS, &written)?;

        let (gone, written) = split(&self.contacts, number_of_contact, |id, row| {
            contact_row(*id, &row.record, row.revision)
        });
        connection.delete(org, &CONTACTS, &gone)?;
        connection.upsert(org, &CONTACTS, &written)?;

        self.write_associations(connection, org)?;
        self.write_tickets(connection, org)
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
        let copies = written.map_or(&[][..], |row| &row.record.copies);
        copies
            .iter()
            .enumerate()
            .map(|(position, contact)| {
                json!([column(ticket.number()), column(contact.number()), position])
            })
            .collect()
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
    row: impl Fn(&K, &Stored<R>) -> T,
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
