//! Facts as plain maps. Changes apply one by one: slow, obvious and strict. A change whose "before"
//! differs from the stored row fails the test.

use std::collections::BTreeMap;

use roster_core::change::{Change, Row};
use roster_core::fact::{Facts, Held, HeldTicket, Namesakes, TicketsOf, Unavailable, UniqueKey};
use roster_core::fact::{account_keys, contact_keys};
use roster_core::guard::{Bounds, Found, Subject, Violation, check};
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use roster_core::names::{name_key, person_key};
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket};

/// All data of an organization.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    pub settings: Option<Stored<Settings>>,
    pub accounts: BTreeMap<AccountId, Stored<Account>>,
    pub contacts: BTreeMap<ContactId, Stored<Contact>>,
    pub associations: BTreeMap<Pair, Stored<Association>>,
    pub tickets: BTreeMap<TicketNo, Stored<Ticket>>,
    /// The record of each key: stored separately from the records, as in the databases, so that
    /// guards can detect a difference.
    pub keys: BTreeMap<UniqueKey, u64>,
    /// The last applied revision.
    pub revision: Revision,
}

/// Compares only the records.
impl PartialEq for Maps {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
            && self.accounts == other.accounts
            && self.contacts == other.contacts
            && self.associations == other.associations
            && self.tickets == other.tickets
    }
}

impl Maps {
    /// Writes changes as a revision does.
    pub fn apply(&mut self, changes: &[Change], revision: Revision) {
        self.revision = revision;
        for change in changes {
            match change {
                Change::Account(row) => {
                    let (freed, taken) = (account_keys(row.before()), account_keys(row.after()));
                    self.move_keys(freed, taken, row.key().number());
                    write(&mut self.accounts, row, revision);
                }
                Change::Contact(row) => {
                    let (freed, taken) = (contact_keys(row.before()), contact_keys(row.after()));
                    self.move_keys(freed, taken, row.key().number());
                    write(&mut self.contacts, row, revision);
                }
                Change::Association(row) => write(&mut self.associations, row, revision),
                Change::Ticket(row) => {
                    let key = |ticket: &Ticket| UniqueKey::of_ticket(&ticket.key);
                    let freed = row.before().map(key).into_iter().collect();
                    let taken = row.after().map(key).into_iter().collect();
                    self.move_keys(freed, taken, row.key().number());
                    write(&mut self.tickets, row, revision);
                }
                Change::Settings { before, after } => {
                    assert_eq!(self.settings_now().record, **before);
                    let record = (**after).clone();
                    self.settings = Some(Stored { record, revision });
                }
                Change::TicketsMoved {
                    held,
                    tickets,
                    after,
                } => {
                    for no in tickets {
                        let moved = self.tickets.get_mut(no).expect("a ticket that is there");
                        assert_eq!(moved.record.requester, held.requester);
                        assert_eq!(moved.record.account, held.account);
                        moved.record.account = *after;
                        moved.revision = revision;
                    }
                }
            }
        }
    }

    pub fn settings_now(&self) -> Stored<Settings> {
        self.settings.clone().unwrap_or(Stored {
            record: Settings::default(),
            revision: Revision::ZERO,
        })
    }

    /// Returns all subjects of guards.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut all = vec![Subject::Settings];
        all.extend(self.accounts.keys().copied().map(Subject::Account));
        all.extend(self.contacts.keys().copied().map(Subject::Contact));
        all.extend(self.associations.keys().copied().map(Subject::Association));
        all.extend(self.tickets.keys().copied().map(Subject::Ticket));
        all.extend(self.keys.keys().cloned().map(Subject::Key));
        all
    }

    fn move_keys(&mut self, freed: Vec<UniqueKey>, taken: Vec<UniqueKey>, owner: u64) {
        for key in freed {
            assert_eq!(self.keys.remove(&key), Some(owner), "who had {key:?}");
        }
        for key in taken {
            let before = self.keys.insert(key.clone(), owner);
            assert_eq!(before, None, "who had {key:?}");
        }
    }

    /// Returns all violations.
    pub fn violations(&self, bounds: &Bounds) -> Vec<Violation> {
        violations(self, bounds, &self.subjects())
    }
}

/// Returns the violations of these subjects.
pub fn violations<F: Facts>(facts: &F, bounds: &Bounds, subjects: &[Subject]) -> Vec<Violation> {
    let mut found = Found::default();
    for subject in subjects {
        check(facts, bounds, subject, &mut found).expect("maps never fail");
    }
    found.violations
}

fn write<K: Copy + Ord, R: Clone + PartialEq + std::fmt::Debug>(
    rows: &mut BTreeMap<K, Stored<R>>,
    row: &Row<K, R>,
    revision: Revision,
) {
    let before = rows.remove(&row.key()).map(|stored| stored.record);
    assert_eq!(
        before.as_ref(),
        row.before(),
        "what a change says was there"
    );
    if let Some(after) = row.after() {
        let record = after.clone();
        rows.insert(row.key(), Stored { record, revision });
    }
}

impl Facts for Maps {
    fn settings(&self) -> Result<Stored<Settings>, Unavailable> {
        Ok(self.settings_now())
    }

    fn account(&self, id: AccountId) -> Result<Option<Stored<Account>>, Unavailable> {
        Ok(self.accounts.get(&id).cloned())
    }

    fn contact(&self, id: ContactId) -> Result<Option<Stored<Contact>>, Unavailable> {
        Ok(self.contacts.get(&id).cloned())
    }

    fn association(&self, pair: Pair) -> Result<Option<Stored<Association>>, Unavailable> {
        Ok(self.associations.get(&pair).cloned())
    }

    fn primary_account(&self, contact: ContactId) -> Result<Option<AccountId>, Unavailable> {
        let all = self.associations_of(contact)?;
        let primary = all.into_iter().find(|(_, of)| of.record.primary);
        Ok(primary.map(|(account, _)| account))
    }

    fn account_count(&self, contact: ContactId) -> Result<u64, Unavailable> {
        Ok(self.associations_of(contact)?.len() as u64)
    }

    fn associations_of(
        &self,
        contact: ContactId,
    ) -> Result<Vec<(AccountId, Stored<Association>)>, Unavailable> {
        let all = self.associations.iter();
        let its = all.filter(|(pair, _)| pair.contact == contact);
        Ok(its.map(|(pair, of)| (pair.account, of.clone())).collect())
    }

    fn contacts_of(&self, account: AccountId) -> Result<Vec<ContactId>, Unavailable> {
        let all = self.associations.keys();
        let its = all.filter(|pair| pair.account == account);
        Ok(its.map(|pair| pair.contact).collect())
    }

    fn contacts_with_several_accounts(&self) -> Result<u64, Unavailable> {
        let several = |id: &&ContactId| {
            let its = self.associations.keys().filter(|pair| pair.contact == **id);
            its.count() > 1
        };
        Ok(self.contacts.keys().filter(several).count() as u64)
    }

    fn ticket(&self, ticket: TicketNo) -> Result<Option<Stored<Ticket>>, Unavailable> {
        Ok(self.tickets.get(&ticket).cloned())
    }

    fn held_tickets(&self, held: Held) -> Result<Vec<HeldTicket>, Unavailable> {
        let its = self.tickets.iter().filter(|(_, ticket)| {
            ticket.record.requester == held.requester && ticket.record.account == held.account
        });
        let held = its.map(|(no, ticket)| HeldTicket {
            ticket: *no,
            status: ticket.record.status,
            revision: ticket.revision,
        });
        Ok(held.collect())
    }

    fn tickets_of(&self, of: TicketsOf) -> Result<Vec<TicketNo>, Unavailable> {
        let its = self.tickets.iter().filter(|(_, ticket)| match of {
            TicketsOf::Account(account) => ticket.record.account == Some(account),
            TicketsOf::Requester(contact) => ticket.record.requester == contact,
            TicketsOf::Cc(contact) => ticket.record.cc.contains(&contact),
        });
        Ok(its.map(|(no, _)| *no).collect())
    }

    fn owner(&self, key: &UniqueKey) -> Result<Option<u64>, Unavailable> {
        Ok(self.keys.get(key).copied())
    }

    fn accounts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<AccountId>, Unavailable> {
        let is = |stored: &Stored<Account>| {
            let Account {
                name, external_id, ..
            } = &stored.record;
            let is_known = external_id.is_some() == of.with_external_id && !of.with_email;
            is_known && name_key(name.as_str()) == of.key
        };
        let named = self.accounts.iter().filter(|(_, stored)| is(stored));
        Ok(named.map(|(id, _)| *id).take(limit).collect())
    }

    fn contacts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<ContactId>, Unavailable> {
        let is = |stored: &Stored<Contact>| {
            let contact = &stored.record;
            let given = contact.given_name.as_ref().map_or("", |name| name.as_str());
            contact.external_id.is_some() == of.with_external_id
                && contact.emails.is_empty() != of.with_email
                && person_key(&format!("{}{given}", contact.family_name)) == of.key
        };
        let named = self.contacts.iter().filter(|(_, stored)| is(stored));
        Ok(named.map(|(id, _)| *id).take(limit).collect())
    }
}
