//! The facts of one organization within one transaction: prefetched by need, read through on a
//! miss, so that a rule is right whatever was fetched beforehand.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use roster_core::fact::{Facts, Held, HeldTicket, Needs, TicketsOf, Unavailable, UniqueKey};
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket};

use crate::connection::{Connection, Org, Result};

type Cache<K, V> = RefCell<HashMap<K, V>>;

/// See the module. Invariant: what stands in a cache is what the transaction's snapshot holds.
pub(crate) struct Loaded<'c> {
    connection: RefCell<&'c mut dyn Connection>,
    org: Org,
    settings: Stored<Settings>,
    accounts: Cache<AccountId, Option<Stored<Account>>>,
    contacts: Cache<ContactId, Option<Stored<Contact>>>,
    associations: Cache<Pair, Option<Stored<Association>>>,
    primaries: Cache<ContactId, Option<AccountId>>,
    account_counts: Cache<ContactId, u64>,
    tickets: Cache<TicketNo, Option<Stored<Ticket>>>,
    held: Cache<Held, Vec<HeldTicket>>,
    owners: Cache<UniqueKey, Option<u64>>,
    account_names: Cache<String, Vec<AccountId>>,
    contact_names: Cache<String, Vec<ContactId>>,
}

impl<'c> Loaded<'c> {
    pub(crate) fn new(
        connection: &'c mut dyn Connection,
        org: Org,
        settings: Stored<Settings>,
    ) -> Self {
        Self {
            connection: RefCell::new(connection),
            org,
            settings,
            accounts: Cache::default(),
            contacts: Cache::default(),
            associations: Cache::default(),
            primaries: Cache::default(),
            account_counts: Cache::default(),
            tickets: Cache::default(),
            held: Cache::default(),
            owners: Cache::default(),
            account_names: Cache::default(),
            contact_names: Cache::default(),
        }
    }

    /// Loads everything that commands say they need: one statement a kind.
    pub(crate) fn prefetch(&self, needs: &Needs) -> Result<()> {
        self.load_accounts(needs.accounts.iter().copied().collect())?;
        self.load_contacts(needs.contacts.iter().copied().collect())?;
        self.load_associations(needs.pairs.iter().copied().collect())?;
        let standings: Vec<ContactId> = needs.standings.iter().copied().collect();
        self.load_primaries(standings.clone())?;
        self.load_account_counts(standings)?;
        self.load_held(needs.held.clone())?;
        self.load_owners(needs.keys.iter().cloned().collect())?;
        self.load_account_names(needs.account_names.iter().cloned().collect())?;
        self.load_contact_names(needs.contact_names.iter().cloned().collect())?;
        let behind: Vec<TicketNo> = needs
            .keys
            .iter()
            .filter(|key| matches!(key, UniqueKey::Ticket(_)))
            .filter_map(|key| self.owners.borrow().get(key).copied().flatten())
            .map(TicketNo::new)
            .collect();
        self.load_tickets(behind)
    }

    fn load_accounts(&self, wanted: Vec<AccountId>) -> Result<()> {
        load(&self.accounts, wanted, |ids| {
            let found = self.connection.borrow_mut().accounts(self.org, ids)?;
            Ok(found.into_iter().map(|(id, row)| (id, Some(row))).collect())
        })
    }

    fn load_contacts(&self, wanted: Vec<ContactId>) -> Result<()> {
        load(&self.contacts, wanted, |ids| {
            let found = self.connection.borrow_mut().contacts(self.org, ids)?;
            Ok(found.into_iter().map(|(id, row)| (id, Some(row))).collect())
        })
    }

    fn load_associations(&self, wanted: Vec<Pair>) -> Result<()> {
        load(&self.associations, wanted, |pairs| {
            let contacts: BTreeSet<ContactId> = pairs.iter().map(|pair| pair.contact).collect();
            let accounts: BTreeSet<AccountId> = pairs.iter().map(|pair| pair.account).collect();
            let found = self.connection.borrow_mut().associations(
                self.org,
                &contacts.into_iter().collect::<Vec<_>>(),
                &accounts.into_iter().collect::<Vec<_>>(),
            )?;
            Ok(found
                .into_iter()
                .map(|(pair, row)| (pair, Some(row)))
                .collect())
        })
    }

    fn load_primaries(&self, wanted: Vec<ContactId>) -> Result<()> {
        load(&self.primaries, wanted, |ids| {
            let found = self.connection.borrow_mut().primaries(self.org, ids)?;
            Ok(found
                .into_iter()
                .map(|(contact, account)| (contact, Some(account)))
                .collect())
        })
    }

    fn load_account_counts(&self, wanted: Vec<ContactId>) -> Result<()> {
        load(&self.account_counts, wanted, |ids| {
            self.connection.borrow_mut().account_counts(self.org, ids)
        })
    }

    fn load_tickets(&self, wanted: Vec<TicketNo>) -> Result<()> {
        load(&self.tickets, wanted, |numbers| {
            let found = self.connection.borrow_mut().tickets(self.org, numbers)?;
            Ok(found.into_iter().map(|(no, row)| (no, Some(row))).collect())
        })
    }

    fn load_held(&self, wanted: BTreeSet<Held>) -> Result<()> {
        let mut cache = self.held.borrow_mut();
        let missing: BTreeSet<Held> = wanted
            .into_iter()
            .filter(|held| !cache.contains_key(held))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = self
            .connection
            .borrow_mut()
            .held_tickets(self.org, &missing)?;
        let mut groups: HashMap<Held, Vec<HeldTicket>> =
            missing.into_iter().map(|held| (held, Vec::new())).collect();
        for (held, ticket) in found {
            // The statement may find groups between those asked that nobody asked for.
            if let Some(group) = groups.get_mut(&held) {
                group.push(ticket);
            }
        }
        for group in groups.values_mut() {
            group.sort_by_key(|ticket| ticket.ticket);
        }
        cache.extend(groups);
        Ok(())
    }

    fn load_account_names(&self, wanted: Vec<String>) -> Result<()> {
        load(&self.account_names, wanted, |keys| {
            let found = self
                .connection
                .borrow_mut()
                .accounts_named(self.org, keys)?;
            Ok(by_name(found))
        })
    }

    fn load_contact_names(&self, wanted: Vec<String>) -> Result<()> {
        load(&self.contact_names, wanted, |keys| {
            let found = self
                .connection
                .borrow_mut()
                .contacts_named(self.org, keys)?;
            Ok(by_name(found))
        })
    }

    fn load_owners(&self, wanted: Vec<UniqueKey>) -> Result<()> {
        load(&self.owners, wanted, |keys| {
            let found = self.connection.borrow_mut().owners(self.org, keys)?;
            Ok(found
                .into_iter()
                .map(|(key, owner)| (key, Some(owner)))
                .collect())
        })
    }
}

/// Fetches what the cache does not hold; what was not found is remembered as absent.
fn load<K: Clone + Eq + Hash, V: Default>(
    cache: &Cache<K, V>,
    mut wanted: Vec<K>,
    fetch: impl FnOnce(&[K]) -> Result<Vec<(K, V)>>,
) -> Result<()> {
    let mut cache = cache.borrow_mut();
    wanted.retain(|key| !cache.contains_key(key));
    if wanted.is_empty() {
        return Ok(());
    }
    let found = fetch(&wanted)?;
    cache.extend(wanted.into_iter().map(|key| (key, V::default())));
    cache.extend(found);
    Ok(())
}

/// Those that share a name, by number.
fn by_name<K: Ord>(found: Vec<(String, K)>) -> Vec<(String, Vec<K>)> {
    let mut groups: HashMap<String, Vec<K>> = HashMap::new();
    for (key, id) in found {
        groups.entry(key).or_default().push(id);
    }
    groups.values_mut().for_each(|ids| ids.sort_unstable());
    groups.into_iter().collect()
}

fn held_by<K: Eq + Hash, V: Clone + Default>(cache: &Cache<K, V>, key: &K) -> V {
    cache.borrow().get(key).cloned().unwrap_or_default()
}

impl Facts for Loaded<'_> {
    fn settings(&self) -> Result<Stored<Settings>, Unavailable> {
        Ok(self.settings.clone())
    }

    fn account(&self, id: AccountId) -> Result<Option<Stored<Account>>, Unavailable> {
        self.load_accounts(vec![id])?;
        Ok(held_by(&self.accounts, &id))
    }

    fn contact(&self, id: ContactId) -> Result<Option<Stored<Contact>>, Unavailable> {
        self.load_contacts(vec![id])?;
        Ok(held_by(&self.contacts, &id))
    }

    fn association(&self, pair: Pair) -> Result<Option<Stored<Association>>, Unavailable> {
        self.load_associations(vec![pair])?;
        Ok(held_by(&self.associations, &pair))
    }

    fn primary_account(&self, contact: ContactId) -> Result<Option<AccountId>, Unavailable> {
        self.load_primaries(vec![contact])?;
        Ok(held_by(&self.primaries, &contact))
    }

    fn account_count(&self, contact: ContactId) -> Result<u64, Unavailable> {
        self.load_account_counts(vec![contact])?;
        Ok(held_by(&self.account_counts, &contact))
    }

    fn associations_of(
        &self,
        contact: ContactId,
    ) -> Result<Vec<(AccountId, Stored<Association>)>, Unavailable> {
        let mut connection = self.connection.borrow_mut();
        Ok(connection.associations_of(self.org, contact)?)
    }

    fn contacts_of(&self, account: AccountId) -> Result<Vec<ContactId>, Unavailable> {
        Ok(self
            .connection
            .borrow_mut()
            .contacts_of(self.org, account)?)
    }

    fn contacts_with_several_accounts(&self) -> Result<u64, Unavailable> {
        let mut connection = self.connection.borrow_mut();
        Ok(connection.contacts_with_several_accounts(self.org)?)
    }

    fn ticket(&self, ticket: TicketNo) -> Result<Option<Stored<Ticket>>, Unavailable> {
        self.load_tickets(vec![ticket])?;
        Ok(held_by(&self.tickets, &ticket))
    }

    fn tickets(
        &self,
        tickets: &[TicketNo],
    ) -> Result<Vec<(TicketNo, Stored<Ticket>)>, Unavailable> {
        self.load_tickets(tickets.to_vec())?;
        let held = |no: &TicketNo| held_by(&self.tickets, no).map(|ticket| (*no, ticket));
        Ok(tickets.iter().filter_map(held).collect())
    }

    fn held_tickets(&self, held: Held) -> Result<Vec<HeldTicket>, Unavailable> {
        self.load_held(BTreeSet::from([held]))?;
        Ok(held_by(&self.held, &held))
    }

    fn tickets_of(&self, of: TicketsOf) -> Result<Vec<TicketNo>, Unavailable> {
        Ok(self.connection.borrow_mut().tickets_of(self.org, of)?)
    }

    fn owner(&self, key: &UniqueKey) -> Result<Option<u64>, Unavailable> {
        self.load_owners(vec![key.clone()])?;
        Ok(held_by(&self.owners, key))
    }

    fn accounts_named(&self, key: &str) -> Result<Vec<AccountId>, Unavailable> {
        self.load_account_names(vec![key.to_owned()])?;
        Ok(named(&self.account_names, key))
    }

    fn contacts_named(&self, key: &str) -> Result<Vec<ContactId>, Unavailable> {
        self.load_contact_names(vec![key.to_owned()])?;
        Ok(named(&self.contact_names, key))
    }
}

fn named<K: Clone>(cache: &Cache<String, Vec<K>>, key: &str) -> Vec<K> {
    cache.borrow().get(key).cloned().unwrap_or_default()
}
