//! Facts with changes on top that are decided but not yet written.
//!
//! Invariant: a draft answers as its base would answer after the changes are written. So a batch
//! decides each command after the commands before it, a command decides each item in the same way,
//! and dropping the draft undoes a refused command.

mod names;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::change::{Change, Row};
use crate::fact::{
    Facts, Held, HeldTicket, Namesakes, TicketsOf, Unavailable, UniqueKey, account_keys,
    contact_keys,
};
use crate::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use crate::record::{Account, Association, Contact, Settings, Stored, Ticket};
use names::{NameDelta, rename};

type Overlay<K, R> = HashMap<K, Option<Stored<R>>>;

/// The changes of one group of held tickets.
#[derive(Default)]
struct HeldDelta {
    left: HashSet<TicketNo>,
    came: BTreeMap<TicketNo, HeldTicket>,
}

/// The state of a ticket after a move.
#[derive(Clone, Copy)]
struct Moved {
    to: Held,
    revision: Revision,
}

/// Changes on top of facts. See the module documentation.
pub struct Draft<'f, F> {
    base: &'f F,
    settings: Option<Stored<Settings>>,
    accounts: Overlay<AccountId, Account>,
    contacts: Overlay<ContactId, Contact>,
    /// By contact, because counts and the primary are read by contact.
    associations: HashMap<ContactId, Overlay<AccountId, Association>>,
    /// The change of each contact's number of accounts against the base.
    account_counts: HashMap<ContactId, i64>,
    tickets: Overlay<TicketNo, Ticket>,
    /// The current account of each ticket whose only changes since it was loaded or written above
    /// are its account and etag. Invariant: a ticket that was written after its last move is not in
    /// this map.
    moved: HashMap<TicketNo, Moved>,
    held: HashMap<Held, HeldDelta>,
    keys: HashMap<UniqueKey, Option<u64>>,
    account_names: HashMap<Namesakes, NameDelta<AccountId>>,
    contact_names: HashMap<Namesakes, NameDelta<ContactId>>,
    /// Records created in this draft. Ids are never reused, so the base has no facts about these
    /// records and is not read for them.
    new_accounts: HashSet<AccountId>,
    new_contacts: HashSet<ContactId>,
}

impl<'f, F: Facts> Draft<'f, F> {
    /// Creates a draft without changes.
    pub fn over(base: &'f F) -> Self {
        Self {
            base,
            settings: None,
            accounts: HashMap::new(),
            contacts: HashMap::new(),
            associations: HashMap::new(),
            account_counts: HashMap::new(),
            tickets: HashMap::new(),
            moved: HashMap::new(),
            held: HashMap::new(),
            keys: HashMap::new(),
            account_names: HashMap::new(),
            contact_names: HashMap::new(),
            new_accounts: HashSet::new(),
            new_contacts: HashSet::new(),
        }
    }

    /// Applies changes, as written by `revision`.
    pub fn apply(&mut self, changes: &[Change], revision: Revision) -> Result<(), Unavailable> {
        changes
            .iter()
            .try_for_each(|change| self.apply_one(change, revision))
    }

    fn apply_one(&mut self, change: &Change, revision: Revision) -> Result<(), Unavailable> {
        match change {
            Change::Account(row) => {
                self.move_keys(
                    account_keys(row.before()),
                    account_keys(row.after()),
                    row.key().number(),
                );
                let told =
                    |account: &Account| (account.name.clone(), account.external_id.is_some());
                if row.before().map(told) != row.after().map(told) {
                    rename(&mut self.account_names, row, Namesakes::of_account);
                }
                if matches!(row, Row::Created(..)) {
                    self.new_accounts.insert(row.key());
                }
                self.accounts.insert(row.key(), stored(row, revision));
            }
            Change::Contact(row) => {
                self.move_keys(
                    contact_keys(row.before()),
                    contact_keys(row.after()),
                    row.key().number(),
                );
                let told = |contact: &Contact| {
                    let (id, emails) = (&contact.external_id, &contact.emails);
                    (contact.full_name(), id.is_some(), emails.is_empty())
                };
                if row.before().map(told) != row.after().map(told) {
                    rename(&mut self.contact_names, row, Namesakes::of_contact);
                }
                if matches!(row, Row::Created(..)) {
                    self.new_contacts.insert(row.key());
                }
                self.contacts.insert(row.key(), stored(row, revision));
            }
            Change::Association(row) => {
                let Pair { contact, account } = row.key();
                let delta = i64::from(row.after().is_some()) - i64::from(row.before().is_some());
                *self.account_counts.entry(contact).or_default() += delta;
                self.associations
                    .entry(contact)
                    .or_default()
                    .insert(account, stored(row, revision));
            }
            Change::Ticket(row) => self.apply_ticket(row, revision),
            Change::Settings { after, .. } => {
                self.settings = Some(Stored {
                    record: (**after).clone(),
                    revision,
                });
            }
            Change::TicketsMoved {
                held,
                tickets,
                after,
            } => {
                self.move_tickets(*held, tickets, *after, revision)?;
            }
        }
        Ok(())
    }

    fn apply_ticket(&mut self, row: &Row<TicketNo, Ticket>, revision: Revision) {
        let keys = |ticket: Option<&Ticket>| -> Vec<UniqueKey> {
            ticket
                .map(|t| UniqueKey::of_ticket(&t.key))
                .into_iter()
                .collect()
        };
        self.move_keys(keys(row.before()), keys(row.after()), row.key().number());
        if let Some(before) = row.before() {
            self.leave(held_of(before), row.key());
        }
        if let Some(after) = row.after() {
            let held = HeldTicket {
                ticket: row.key(),
                status: after.status,
                revision,
            };
            self.come(held_of(after), held);
        }
        self.moved.remove(&row.key());
        self.tickets.insert(row.key(), stored(row, revision));
    }

    fn move_tickets(
        &mut self,
        from: Held,
        tickets: &[TicketNo],
        account: Option<AccountId>,
        revision: Revision,
    ) -> Result<(), Unavailable> {
        let to = Held { account, ..from };
        let moved: HashSet<TicketNo> = tickets.iter().copied().collect();
        for held in self.held_tickets(from)? {
            if moved.contains(&held.ticket) {
                self.leave(from, held.ticket);
                self.come(to, HeldTicket { revision, ..held });
                self.moved.insert(held.ticket, Moved { to, revision });
            }
        }
        Ok(())
    }

    /// Returns the primary account of a contact in the base.
    fn primary_before(&self, contact: ContactId) -> Result<Option<AccountId>, Unavailable> {
        if self.new_contacts.contains(&contact) {
            return Ok(None);
        }
        self.base.primary_account(contact)
    }

    fn leave(&mut self, held: Held, ticket: TicketNo) {
        let delta = self.held.entry(held).or_default();
        delta.came.remove(&ticket);
        delta.left.insert(ticket);
    }

    fn come(&mut self, held: Held, ticket: HeldTicket) {
        self.held
            .entry(held)
            .or_default()
            .came
            .insert(ticket.ticket, ticket);
    }

    fn move_keys(&mut self, freed: Vec<UniqueKey>, taken: Vec<UniqueKey>, owner: u64) {
        self.keys.extend(freed.into_iter().map(|key| (key, None)));
        self.keys
            .extend(taken.into_iter().map(|key| (key, Some(owner))));
    }
}

fn held_of(ticket: &Ticket) -> Held {
    Held {
        requester: ticket.requester,
        account: ticket.account,
    }
}

fn is_of(ticket: &Ticket, of: TicketsOf) -> bool {
    match of {
        TicketsOf::Account(account) => ticket.account == Some(account),
        TicketsOf::Requester(contact) => ticket.requester == contact,
        TicketsOf::Cc(contact) => ticket.cc.contains(&contact),
    }
}

fn stored<K: Copy, R: Clone>(row: &Row<K, R>, revision: Revision) -> Option<Stored<R>> {
    row.after().map(|after| Stored {
        record: after.clone(),
        revision,
    })
}

impl<F: Facts> Facts for Draft<'_, F> {
    fn settings(&self) -> Result<Stored<Settings>, Unavailable> {
        self.settings
            .clone()
            .map_or_else(|| self.base.settings(), Ok)
    }

    fn account(&self, id: AccountId) -> Result<Option<Stored<Account>>, Unavailable> {
        self.accounts
            .get(&id)
            .cloned()
            .map_or_else(|| self.base.account(id), Ok)
    }

    fn contact(&self, id: ContactId) -> Result<Option<Stored<Contact>>, Unavailable> {
        self.contacts
            .get(&id)
            .cloned()
            .map_or_else(|| self.base.contact(id), Ok)
    }

    fn contact_exists(&self, id: ContactId) -> Result<bool, Unavailable> {
        match self.contacts.get(&id) {
            Some(written) => Ok(written.is_some()),
            None => self.base.contact_exists(id),
        }
    }

    fn association(&self, pair: Pair) -> Result<Option<Stored<Association>>, Unavailable> {
        let changed = self
            .associations
            .get(&pair.contact)
            .and_then(|of| of.get(&pair.account));
        let is_new =
            self.new_contacts.contains(&pair.contact) || self.new_accounts.contains(&pair.account);
        match changed {
            Some(changed) => Ok(changed.clone()),
            None if is_new => Ok(None),
            None => self.base.association(pair),
        }
    }

    fn primary_account(&self, contact: ContactId) -> Result<Option<AccountId>, Unavailable> {
        let Some(changed) = self.associations.get(&contact) else {
            return self.primary_before(contact);
        };
        let is_primary = |held: &Option<Stored<Association>>| {
            held.as_ref()
                .is_some_and(|association| association.record.primary)
        };
        if let Some((account, _)) = changed.iter().find(|(_, held)| is_primary(held)) {
            return Ok(Some(*account));
        }
        // The base's primary stays unless a change on top ended or demoted it.
        let before = self.primary_before(contact)?;
        Ok(before.filter(|account| !changed.contains_key(account)))
    }

    fn account_count(&self, contact: ContactId) -> Result<u64, Unavailable> {
        let before = if self.new_contacts.contains(&contact) {
            0
        } else {
            self.base.account_count(contact)?
        };
        Ok(before.saturating_add_signed(self.account_counts.get(&contact).copied().unwrap_or(0)))
    }

    fn associations_of(
        &self,
        contact: ContactId,
    ) -> Result<Vec<(AccountId, Stored<Association>)>, Unavailable> {
        let mut now: BTreeMap<AccountId, Stored<Association>> =
            self.base.associations_of(contact)?.into_iter().collect();
        for (account, changed) in self.associations.get(&contact).into_iter().flatten() {
            match changed {
                Some(changed) => now.insert(*account, changed.clone()),
                None => now.remove(account),
            };
        }
        Ok(now.into_iter().collect())
    }

    fn contacts_of(&self, account: AccountId) -> Result<Vec<ContactId>, Unavailable> {
        let mut now: BTreeSet<ContactId> = self.base.contacts_of(account)?.into_iter().collect();
        for (contact, changed) in &self.associations {
            match changed.get(&account) {
                Some(Some(_)) => now.insert(*contact),
                Some(None) => now.remove(contact),
                None => false,
            };
        }
        Ok(now.into_iter().collect())
    }

    fn contacts_with_several_accounts(&self) -> Result<u64, Unavailable> {
        let mut several = self.base.contacts_with_several_accounts()?;
        for (contact, delta) in self.account_counts.iter().filter(|(_, delta)| **delta != 0) {
            let before = self.base.account_count(*contact)?;
            let after = before.saturating_add_signed(*delta);
            several = several.saturating_add_signed(i64::from(after > 1) - i64::from(before > 1));
        }
        Ok(several)
    }

    fn ticket(&self, ticket: TicketNo) -> Result<Option<Stored<Ticket>>, Unavailable> {
        let found = match self.tickets.get(&ticket) {
            Some(changed) => changed.clone(),
            None => self.base.ticket(ticket)?,
        };
        // A move changes the account and etag of a ticket without carrying its row.
        Ok(found.map(|mut found| {
            if let Some(moved) = self.moved.get(&ticket) {
                found.record.account = moved.to.account;
                found.revision = moved.revision;
            }
            found
        }))
    }

    fn tickets(
        &self,
        tickets: &[TicketNo],
    ) -> Result<Vec<(TicketNo, Stored<Ticket>)>, Unavailable> {
        let mut found: BTreeMap<TicketNo, Stored<Ticket>> =
            self.base.tickets(tickets)?.into_iter().collect();
        for no in tickets {
            if self.tickets.contains_key(no) || self.moved.contains_key(no) {
                match self.ticket(*no)? {
                    Some(changed) => found.insert(*no, changed),
                    None => found.remove(no),
                };
            }
        }
        Ok(found.into_iter().collect())
    }

    fn tickets_of(&self, of: TicketsOf) -> Result<Vec<TicketNo>, Unavailable> {
        let base = self.base.tickets_of(of)?;
        let mut now: BTreeSet<TicketNo> = base
            .into_iter()
            .filter(|no| !self.tickets.contains_key(no))
            .collect();
        for (no, written) in &self.tickets {
            if written.as_ref().is_some_and(|t| is_of(&t.record, of)) {
                now.insert(*no);
            }
        }
        if let TicketsOf::Account(account) = of {
            for (no, moved) in &self.moved {
                if moved.to.account == Some(account) {
                    now.insert(*no);
                } else {
                    now.remove(no);
                }
            }
        }
        Ok(now.into_iter().collect())
    }

    fn held_tickets(&self, held: Held) -> Result<Vec<HeldTicket>, Unavailable> {
        let before = if self.new_contacts.contains(&held.requester) {
            Vec::new()
        } else {
            self.base.held_tickets(held)?
        };
        let Some(delta) = self.held.get(&held) else {
            return Ok(before);
        };
        let stayed = before
            .into_iter()
            .filter(|t| !delta.left.contains(&t.ticket) && !delta.came.contains_key(&t.ticket));
        let mut now: Vec<HeldTicket> = stayed.chain(delta.came.values().copied()).collect();
        now.sort_by_key(|t| t.ticket);
        Ok(now)
    }

    fn owner(&self, key: &UniqueKey) -> Result<Option<u64>, Unavailable> {
        self.keys
            .get(key)
            .copied()
            .map_or_else(|| self.base.owner(key), Ok)
    }

    fn accounts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<AccountId>, Unavailable> {
        let before = |limit| self.base.accounts_named(of, limit);
        NameDelta::onto(self.account_names.get(of), limit, before)
    }

    fn contacts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<ContactId>, Unavailable> {
        let before = |limit| self.base.contacts_named(of, limit);
        NameDelta::onto(self.contact_names.get(of), limit, before)
    }
}
