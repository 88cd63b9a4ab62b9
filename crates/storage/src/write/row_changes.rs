//! The net effect of a batch: each row once, with its last value and the revision that wrote it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use roster_core::change::{Change, Row};
use roster_core::fact::{UniqueKey, account_keys, contact_keys};
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::names::Derived;
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket};

use crate::engine::interface::Connection;
use crate::error::Result;
use crate::tables::cell::{Rows, Table};
use crate::tables::codec::{push_derived, push_stamp};
use crate::tables::column::RowKey;
use crate::tables::listed::Listed;
use crate::tables::organization::Org;
use crate::tables::origin::Stamp;
use crate::tables::records::{
    AccountRow, AssociationRow, ContactRow, TicketRow, derived_of_account, derived_of_contact,
};
use crate::tables::rows::{
    CC, CC_LISTS, MOVED_TICKETS, UNIQUE_KEYS, push_cc, push_moved_ticket, push_unique_key,
    unique_key_cell,
};
use crate::write::name_index::NameIndex;

/// The effect of a batch on one row.
struct Written<R> {
    /// Whether the row existed before the batch.
    was_there: bool,
    /// Set if the batch creates the row, possibly in place of a row that it deletes.
    stamp: Option<Stamp>,
    /// The row after the batch, if it exists.
    last: Option<Stored<R>>,
}

/// The rows of one kind.
struct Kind<K, R>(BTreeMap<K, Written<R>>);

impl<K, R> Default for Kind<K, R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: RowKey + Ord, R: Clone> Kind<K, R> {
    fn add(&mut self, row: &Row<K, R>, stamp: Stamp) {
        let last = row.after().map(|after| Stored {
            record: after.clone(),
            revision: stamp.revision,
        });
        let created = matches!(row, Row::Created(..));
        match self.0.entry(row.key()) {
            Entry::Vacant(first) => {
                first.insert(Written {
                    was_there: !created,
                    stamp: created.then_some(stamp),
                    last,
                });
            }
            Entry::Occupied(again) => {
                let written = again.into_mut();
                if created {
                    written.stamp = Some(stamp);
                }
                written.last = last;
            }
        }
    }

    /// The keys of the rows to delete: rows that do not exist after the batch, and rows that the
    /// batch replaces by new ones, which must not inherit the old stamp.
    fn gone(&self, table: &Table) -> Rows<'_> {
        let mut keys = table.key_rows();
        for (key, written) in &self.0 {
            let replaced = written.was_there && written.stamp.is_some();
            if written.last.is_none() || replaced {
                for number in key.numbers() {
                    keys.push(crate::tables::cell::Cell::Int(Some(number)));
                }
            }
        }
        keys
    }

    /// The rows that exist after the batch.
    fn left(&self) -> impl Iterator<Item = (K, &Stored<R>, Option<Stamp>)> {
        self.0
            .iter()
            .filter_map(|(key, written)| Some((*key, written.last.as_ref()?, written.stamp)))
    }
}

/// See the module.
pub(crate) struct RowChanges {
    accounts: Kind<AccountId, Account>,
    account_index: NameIndex,
    contacts: Kind<ContactId, Contact>,
    contact_index: NameIndex,
    associations: Kind<Pair, Association>,
    tickets: Kind<TicketNo, Ticket>,
    /// Tickets of which only account and revision change, and which have no entry in `tickets`.
    moved: BTreeMap<TicketNo, (Option<AccountId>, Revision)>,
    /// Tickets whose CC rows are rewritten: the contacts in CC changed, or the time that the rows
    /// repeat.
    cc: BTreeSet<TicketNo>,
    keys: HashMap<UniqueKey, Option<u64>>,
    settings: Option<Stored<Settings>>,
}

impl Default for RowChanges {
    fn default() -> Self {
        Self {
            accounts: Kind::default(),
            account_index: NameIndex::new(Listed::Accounts),
            contacts: Kind::default(),
            contact_index: NameIndex::new(Listed::Contacts),
            associations: Kind::default(),
            tickets: Kind::default(),
            moved: BTreeMap::new(),
            cc: BTreeSet::new(),
            keys: HashMap::new(),
            settings: None,
        }
    }
}

impl RowChanges {
    /// Adds the changes of the next change set.
    pub(crate) fn add(&mut self, changes: &[Change], stamp: Stamp) {
        for change in changes {
            match change {
                Change::Account(row) => {
                    self.take_keys(
                        account_keys(row.before()),
                        account_keys(row.after()),
                        row.key().number(),
                    );
                    let before = || row.before().map(derived_of_account);
                    self.account_index.note(row.key().number(), before);
                    self.accounts.add(row, stamp);
                }
                Change::Contact(row) => {
                    self.take_keys(
                        contact_keys(row.before()),
                        contact_keys(row.after()),
                        row.key().number(),
                    );
                    let before = || row.before().map(derived_of_contact);
                    self.contact_index.note(row.key().number(), before);
                    self.contacts.add(row, stamp);
                }
                Change::Association(row) => self.associations.add(row, stamp),
                Change::Ticket(row) => {
                    self.moved.remove(&row.key());
                    if row.before().map(cc_of) != row.after().map(cc_of) {
                        self.cc.insert(row.key());
                    }
                    self.tickets.add(row, stamp);
                }
                Change::Settings { after, .. } => {
                    self.settings = Some(Stored {
                        record: (**after).clone(),
                        revision: stamp.revision,
                    });
                }
                Change::TicketsMoved { tickets, after, .. } => {
                    for ticket in tickets {
                        self.move_ticket(*ticket, *after, stamp.revision);
                    }
                }
            }
        }
    }

    fn move_ticket(&mut self, ticket: TicketNo, account: Option<AccountId>, revision: Revision) {
        match self.tickets.0.get_mut(&ticket) {
            Some(written) => {
                if let Some(last) = &mut written.last {
                    last.record.account = account;
                    last.revision = revision;
                }
            }
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

    /// The settings after the batch, if it wrote them.
    pub(crate) fn settings(&self) -> Option<&Stored<Settings>> {
        self.settings.as_ref()
    }

    /// Writes everything, kind by kind; deletions before rows that may reuse their keys.
    pub(crate) fn write(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        self.write_keys(connection, org)?;
        self.write_accounts(connection, org)?;
        self.write_contacts(connection, org)?;
        self.write_associations(connection, org)?;
        self.write_tickets(connection, org)
    }

    fn write_keys(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let mut freed = UNIQUE_KEYS.key_rows();
        let mut taken = UNIQUE_KEYS.rows();
        let of_tickets = |key: &UniqueKey| matches!(key, UniqueKey::Ticket(_));
        for (key, owner) in self.keys.iter().filter(|(key, _)| !of_tickets(key)) {
            match owner {
                None => freed.push(unique_key_cell(key)),
                Some(owner) => push_unique_key(&mut taken, key, *owner),
            }
        }
        connection.delete(org, &UNIQUE_KEYS, &freed)?;
        connection.upsert(org, &UNIQUE_KEYS, &taken)
    }

    fn write_accounts(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let derived: BTreeMap<u64, Derived> = self
            .accounts
            .left()
            .map(|(id, row, _)| (id.number(), derived_of_account(&row.record)))
            .collect();
        let mut rows = AccountRow::TABLE.rows();
        for ((id, row, stamp), derived) in self.accounts.left().zip(derived.values()) {
            AccountRow::push(&mut rows, id, row);
            push_derived(&mut rows, derived);
            push_stamp(&mut rows, stamp);
        }
        let gone = self.accounts.gone(&AccountRow::TABLE);
        connection.delete(org, &AccountRow::TABLE, &gone)?;
        connection.upsert(org, &AccountRow::TABLE, &rows)?;
        self.account_index.write(connection, org, &derived)
    }

    fn write_contacts(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let derived: BTreeMap<u64, Derived> = self
            .contacts
            .left()
            .map(|(id, row, _)| (id.number(), derived_of_contact(&row.record)))
            .collect();
        let mut rows = ContactRow::TABLE.rows();
        for ((id, row, stamp), derived) in self.contacts.left().zip(derived.values()) {
            ContactRow::push(&mut rows, id, row);
            push_derived(&mut rows, derived);
            push_stamp(&mut rows, stamp);
        }
        let gone = self.contacts.gone(&ContactRow::TABLE);
        connection.delete(org, &ContactRow::TABLE, &gone)?;
        connection.upsert(org, &ContactRow::TABLE, &rows)?;
        self.contact_index.write(connection, org, &derived)
    }

    /// A contact has one primary at any time, and the database checks it row by row: so
    /// associations that stop being primary are written before the one that becomes primary.
    fn write_associations(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let mut rows = AssociationRow::TABLE.rows();
        for primary in [false, true] {
            let of_turn = |(_, row, _): &(Pair, &Stored<Association>, Option<Stamp>)| {
                row.record.primary == primary
            };
            for (pair, row, stamp) in self.associations.left().filter(of_turn) {
                AssociationRow::push(&mut rows, pair, row);
                push_stamp(&mut rows, stamp);
            }
        }
        let gone = self.associations.gone(&AssociationRow::TABLE);
        connection.delete(org, &AssociationRow::TABLE, &gone)?;
        connection.upsert(org, &AssociationRow::TABLE, &rows)
    }

    fn write_tickets(&self, connection: &mut dyn Connection, org: Org) -> Result<()> {
        let mut rows = TicketRow::TABLE.rows();
        for (no, row, _) in self.tickets.left() {
            TicketRow::push(&mut rows, no, row);
        }
        let mut moved = MOVED_TICKETS.rows();
        for (ticket, (account, revision)) in &self.moved {
            push_moved_ticket(&mut moved, *ticket, *account, *revision);
        }
        let mut cc = CC.rows();
        for no in &self.cc {
            if let Some(row) = self.tickets.0.get(no).and_then(|row| row.last.as_ref()) {
                push_cc(&mut cc, *no, &row.record);
            }
        }
        let numbers = self.cc.iter().flat_map(|no| no.numbers());
        connection.delete(
            org,
            &TicketRow::TABLE,
            &self.tickets.gone(&TicketRow::TABLE),
        )?;
        connection.upsert(org, &TicketRow::TABLE, &rows)?;
        connection.update(org, &MOVED_TICKETS, &moved)?;
        connection.delete(org, &CC_LISTS, &Rows::of_numbers(numbers))?;
        connection.upsert(org, &CC, &cc)
    }
}

/// The values of a ticket that its CC rows hold.
fn cc_of(ticket: &Ticket) -> (&[ContactId], Time) {
    (&ticket.cc, ticket.create_time)
}
