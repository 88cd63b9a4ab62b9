//! The facts of one organization within one transaction: prefetched by need, and loaded on a miss,
//! so that a rule is right whatever was prefetched.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use roster_core::fact::{
    Facts, Held, HeldTicket, NAMESAKES_MAX, Namesakes, Needs, TicketsOf, Unavailable, UniqueKey,
};
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket};

use crate::engine::interface::{AccountSummary, Connection};
use crate::error::Result;
use crate::tables::organization::Org;

type Cache<K, V> = RefCell<HashMap<K, V>>;

/// The lowest records of a name: as many as were requested.
#[derive(Default)]
struct Lowest<K> {
    ids: Vec<K>,
    limit: usize,
}

/// See the module. Invariant: every cached value equals the transaction's snapshot.
pub(crate) struct WorkingSet<'c> {
    connection: RefCell<&'c mut dyn Connection>,
    org: Org,
    settings: Stored<Settings>,
    accounts: Cache<AccountId, Option<Stored<Account>>>,
    contacts: Cache<ContactId, Option<Stored<Contact>>>,
    existing: Cache<ContactId, bool>,
    associations: Cache<Pair, Option<Stored<Association>>>,
    lists: Cache<ContactId, Vec<(AccountId, Stored<Association>)>>,
    primaries: Cache<ContactId, Option<AccountId>>,
    account_counts: Cache<ContactId, u64>,
    tickets: Cache<TicketNo, Option<Stored<Ticket>>>,
    held: Cache<Held, Vec<HeldTicket>>,
    owners: Cache<UniqueKey, Option<u64>>,
    account_names: Cache<Namesakes, Lowest<AccountId>>,
    contact_names: Cache<Namesakes, Lowest<ContactId>>,
}

impl<'c> WorkingSet<'c> {
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
            existing: Cache::default(),
            associations: Cache::default(),
            lists: Cache::default(),
            primaries: Cache::default(),
            account_counts: Cache::default(),
            tickets: Cache::default(),
            held: Cache::default(),
            owners: Cache::default(),
            account_names: Cache::default(),
            contact_names: Cache::default(),
        }
    }

    /// Loads everything that commands say they need, with one statement per kind.
    pub(crate) fn prefetch(&self, needs: &Needs) -> Result<()> {
        let account_summaries: Vec<ContactId> = needs.account_summaries.iter().copied().collect();
        self.load_account_summaries(account_summaries)?;
        let of_primaries = needs.primaries.union(&needs.primary_tickets);
        self.load_primaries(of_primaries.copied().collect())?;
        let primaries: Vec<Pair> = self.primaries_of(&needs.primaries);
        let accounts = primaries.iter().map(|pair| pair.account);
        self.load_accounts(accounts.chain(needs.accounts.iter().copied()).collect())?;
        self.load_contacts(needs.contacts.iter().copied().collect())?;
        self.load_existing(needs.existing.iter().copied().collect())?;
        self.load_associations(
            primaries
                .into_iter()
                .chain(needs.pairs.iter().copied())
                .collect(),
        )?;
        self.load_lists(needs.lists.iter().copied().collect())?;
        let under_primaries = self.primaries_of(&needs.primary_tickets);
        let under_primaries = under_primaries.into_iter().map(|pair| Held {
            requester: pair.contact,
            account: Some(pair.account),
        });
        self.load_held(under_primaries.chain(needs.held.iter().copied()).collect())?;
        self.load_owners(needs.keys.iter().cloned().collect())?;
        self.load_account_names(&needs.account_names, NAMESAKES_MAX)?;
        self.load_contact_names(&needs.contact_names, NAMESAKES_MAX)?;
        let behind: Vec<TicketNo> = needs
            .keys
            .iter()
            .filter(|key| matches!(key, UniqueKey::Ticket(_)))
            .filter_map(|key| self.owners.borrow().get(key).copied().flatten())
            .map(TicketNo::new)
            .chain(needs.tickets.iter().copied())
            .collect();
        self.load_tickets(behind)
    }

    /// The primary associations of contacts, once the contacts are loaded.
    fn primaries_of(&self, contacts: &BTreeSet<ContactId>) -> Vec<Pair> {
        let primary = |contact: &ContactId| {
            let account = held_by(&self.primaries, contact)?;
            let contact = *contact;
            Some(Pair { contact, account })
        };
        contacts.iter().filter_map(primary).collect()
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

    fn load_existing(&self, wanted: Vec<ContactId>) -> Result<()> {
        load(&self.existing, wanted, |ids| {
            let mut connection = self.connection.borrow_mut();
            let found = connection.contact_states(self.org, ids)?;
            Ok(found.into_iter().map(|(id, _)| (id, true)).collect())
        })
    }

    fn load_associations(&self, wanted: Vec<Pair>) -> Result<()> {
        load(&self.associations, wanted, |pairs| {
            let found = self.connection.borrow_mut().associations(self.org, pairs)?;
            Ok(found
                .into_iter()
                .map(|(pair, row)| (pair, Some(row)))
                .collect())
        })
    }

    fn load_lists(&self, wanted: Vec<ContactId>) -> Result<()> {
        load(&self.lists, wanted, |ids| {
            let found = self
                .connection
                .borrow_mut()
                .associations_of(self.org, ids)?;
            let mut lists: HashMap<ContactId, Vec<_>> = HashMap::new();
            for (pair, row) in found {
                lists
                    .entry(pair.contact)
                    .or_default()
                    .push((pair.account, row));
            }
            Ok(lists.into_iter().collect())
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

    /// Loads the account counts of contacts, and with the same statement their primary accounts.
    fn load_account_summaries(&self, wanted: Vec<ContactId>) -> Result<()> {
        load(&self.account_counts, wanted, |ids| {
            let found = self
                .connection
                .borrow_mut()
                .account_summaries(self.org, ids)?;
            let mut primaries = self.primaries.borrow_mut();
            primaries.extend(ids.iter().map(|contact| (*contact, None)));
            let count = |(contact, summary): (ContactId, AccountSummary)| {
                primaries.insert(contact, summary.primary);
                (contact, summary.accounts)
            };
            Ok(found.into_iter().map(count).collect())
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
            // The statement may return groups that were not requested.
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

    fn load_account_names(&self, wanted: &BTreeSet<Namesakes>, limit: usize) -> Result<()> {
        load_lowest(&self.account_names, wanted, limit, |of| {
            let mut connection = self.connection.borrow_mut();
            connection.accounts_named(self.org, of, limit)
        })
    }

    fn load_contact_names(&self, wanted: &BTreeSet<Namesakes>, limit: usize) -> Result<()> {
        load_lowest(&self.contact_names, wanted, limit, |of| {
            let mut connection = self.connection.borrow_mut();
            connection.contacts_named(self.org, of, limit)
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

/// Loads the keys that the cache lacks; a key without a row is cached as absent.
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

/// Loads the names for which the cache has too few records.
fn load_lowest<K: Ord>(
    cache: &Cache<Namesakes, Lowest<K>>,
    wanted: &BTreeSet<Namesakes>,
    limit: usize,
    fetch: impl FnOnce(&[Namesakes]) -> Result<Vec<(Namesakes, K)>>,
) -> Result<()> {
    let mut cache = cache.borrow_mut();
    let missing = |of: &&Namesakes| cache.get(of).is_none_or(|lowest| !lowest.answers(limit));
    let missing: Vec<Namesakes> = wanted.iter().filter(missing).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let found = fetch(&missing)?;
    let none = |of| {
        let ids = Vec::new();
        (of, Lowest { ids, limit })
    };
    cache.extend(missing.into_iter().map(none));
    for (of, id) in found {
        if let Some(lowest) = cache.get_mut(&of) {
            lowest.ids.push(id);
        }
    }
    for of in wanted {
        if let Some(lowest) = cache.get_mut(of) {
            lowest.ids.sort_unstable();
        }
    }
    Ok(())
}

impl<K> Lowest<K> {
    /// Whether this holds the lowest `limit` records. If fewer were found than requested, there are
    /// no more.
    fn answers(&self, limit: usize) -> bool {
        limit <= self.limit || self.ids.len() < self.limit
    }
}

/// Returns the cached value of a key, loaded on a miss.
fn cached<K: Eq + Hash, V: Clone + Default>(
    cache: &Cache<K, V>,
    key: &K,
    load: impl FnOnce() -> Result<()>,
) -> Result<V, Unavailable> {
    if let Some(held) = cache.borrow().get(key) {
        return Ok(held.clone());
    }
    load()?;
    Ok(held_by(cache, key))
}

fn held_by<K: Eq + Hash, V: Clone + Default>(cache: &Cache<K, V>, key: &K) -> V {
    cache.borrow().get(key).cloned().unwrap_or_default()
}

impl Facts for WorkingSet<'_> {
    fn settings(&self) -> Result<Stored<Settings>, Unavailable> {
        Ok(self.settings.clone())
    }

    fn account(&self, id: AccountId) -> Result<Option<Stored<Account>>, Unavailable> {
        cached(&self.accounts, &id, || self.load_accounts(vec![id]))
    }

    fn contact(&self, id: ContactId) -> Result<Option<Stored<Contact>>, Unavailable> {
        cached(&self.contacts, &id, || self.load_contacts(vec![id]))
    }

    fn contact_exists(&self, id: ContactId) -> Result<bool, Unavailable> {
        if let Some(contact) = self.contacts.borrow().get(&id) {
            return Ok(contact.is_some());
        }
        cached(&self.existing, &id, || self.load_existing(vec![id]))
    }

    fn association(&self, pair: Pair) -> Result<Option<Stored<Association>>, Unavailable> {
        cached(&self.associations, &pair, || {
            self.load_associations(vec![pair])
        })
    }

    fn primary_account(&self, contact: ContactId) -> Result<Option<AccountId>, Unavailable> {
        cached(&self.primaries, &contact, || {
            self.load_primaries(vec![contact])
        })
    }

    fn account_count(&self, contact: ContactId) -> Result<u64, Unavailable> {
        cached(&self.account_counts, &contact, || {
            self.load_account_summaries(vec![contact])
        })
    }

    fn associations_of(
        &self,
        contact: ContactId,
    ) -> Result<Vec<(AccountId, Stored<Association>)>, Unavailable> {
        self.load_lists(vec![contact])?;
        Ok(held_by(&self.lists, &contact))
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
        cached(&self.tickets, &ticket, || self.load_tickets(vec![ticket]))
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
        cached(&self.owners, key, || self.load_owners(vec![key.clone()]))
    }

    fn accounts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<AccountId>, Unavailable> {
        named(&self.account_names, of, limit, |of, limit| {
            self.load_account_names(of, limit)
        })
    }

    fn contacts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<ContactId>, Unavailable> {
        named(&self.contact_names, of, limit, |of, limit| {
            self.load_contact_names(of, limit)
        })
    }
}

/// Returns the lowest records of a name, loaded on a miss. A miss loads twice as many as requested,
/// so that callers which ask for one more each time do not cause a load each time.
fn named<K: Copy>(
    cache: &Cache<Namesakes, Lowest<K>>,
    of: &Namesakes,
    limit: usize,
    load: impl FnOnce(&BTreeSet<Namesakes>, usize) -> Result<()>,
) -> Result<Vec<K>, Unavailable> {
    let is_there = cache
        .borrow()
        .get(of)
        .is_some_and(|lowest| lowest.answers(limit));
    if !is_there {
        load(&BTreeSet::from([of.clone()]), limit.saturating_mul(2))?;
    }
    let cache = cache.borrow();
    let ids = cache.get(of).map_or(&[][..], |lowest| &lowest.ids);
    Ok(ids.iter().copied().take(limit).collect())
}
