//! What rules read. A rule asks for what it needs and for nothing wider.

use std::collections::BTreeSet;
use std::error::Error;

use crate::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use crate::names::{name_key, person_key};
use crate::record::{Account, Association, Contact, Settings, Stored, Ticket, TicketStatus};
use crate::text::{Email, ExternalId, TicketKey};

/// The facts could not be had: whoever holds them says why.
#[derive(Debug, thiserror::Error)]
#[error("the facts that a rule needs could not be read")]
pub struct Unavailable(#[source] pub Box<dyn Error + Send + Sync>);

/// A key that one record of an organization has and no other may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UniqueKey {
    /// The folded external id of an account.
    AccountExternalId(String),
    /// The folded external id of a contact.
    ContactExternalId(String),
    /// A folded e-mail address of a contact.
    Email(String),
    /// A caller's ticket id, byte by byte.
    Ticket(String),
}

impl UniqueKey {
    /// The key that an account's external id takes.
    pub fn of_account(id: &ExternalId) -> Self {
        Self::AccountExternalId(crate::names::fold(id.as_str()))
    }

    /// The key that a contact's external id takes.
    pub fn of_contact(id: &ExternalId) -> Self {
        Self::ContactExternalId(crate::names::fold(id.as_str()))
    }

    /// The key that an e-mail address takes.
    pub fn of_email(email: &Email) -> Self {
        Self::Email(crate::names::fold(email.as_str()))
    }

    /// What is compared: folded, but for a ticket's id.
    pub fn text(&self) -> &str {
        match self {
            Self::AccountExternalId(text)
            | Self::ContactExternalId(text)
            | Self::Email(text)
            | Self::Ticket(text) => text,
        }
    }

    /// The key that a ticket's id takes.
    pub fn of_ticket(key: &TicketKey) -> Self {
        Self::Ticket(key.as_str().to_owned())
    }
}

/// The unique keys that an account takes.
pub fn account_keys(account: Option<&Account>) -> Vec<UniqueKey> {
    account
        .and_then(|a| a.external_id.as_ref())
        .map(UniqueKey::of_account)
        .into_iter()
        .collect()
}

/// The unique keys that a contact takes.
pub fn contact_keys(contact: Option<&Contact>) -> Vec<UniqueKey> {
    contact.map_or_else(Vec::new, |contact| {
        let external = contact.external_id.iter().map(UniqueKey::of_contact);
        contact
            .emails
            .iter()
            .map(UniqueKey::of_email)
            .chain(external)
            .collect()
    })
}

/// The tickets that a contact requested and that carry one account (or none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// Whose tickets.
    pub requester: ContactId,
    /// Under which account; none: those without one.
    pub account: Option<AccountId>,
}

/// All tickets of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketsOf {
    /// Those that stand under an account.
    Account(AccountId),
    /// Those that a contact requested.
    Requester(ContactId),
    /// Those with a contact on the copy list.
    Copied(ContactId),
}

/// The records that share a name and have, or have not, what tells namesakes apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namesakes {
    /// The key of their name: [`name_key`] of an account, [`person_key`] of a contact.
    pub key: String,
    /// Whether they have an external id.
    pub with_external_id: bool,
    /// Whether they have an address; accounts have none.
    pub with_email: bool,
}

/// How many namesakes a rule needs to know: two make a name ambiguous, however many more there are.
pub const NAMESAKES_MAX: usize = 2;

impl Namesakes {
    /// Those among whom an account is.
    pub fn of_account(account: &Account) -> Self {
        Self {
            key: name_key(account.name.as_str()),
            with_external_id: account.external_id.is_some(),
            with_email: false,
        }
    }

    /// Those among whom a contact is.
    pub fn of_contact(contact: &Contact) -> Self {
        Self {
            key: person_key(&contact.full_name()),
            with_external_id: contact.external_id.is_some(),
            with_email: !contact.emails.is_empty(),
        }
    }
}

/// What a disposition needs of one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldTicket {
    /// Which ticket.
    pub ticket: TicketNo,
    /// Open or closed.
    pub status: TicketStatus,
    /// Its etag.
    pub revision: Revision,
}

/// The facts of one organization at one moment.
///
/// Storage answers from its working set and reads through on a miss; tests answer from maps.
/// Every method answers by the same moment.
pub trait Facts {
    /// The settings; the defaults at revision 0 where none were written.
    fn settings(&self) -> Result<Stored<Settings>, Unavailable>;
    /// An account.
    fn account(&self, id: AccountId) -> Result<Option<Stored<Account>>, Unavailable>;
    /// A contact.
    fn contact(&self, id: ContactId) -> Result<Option<Stored<Contact>>, Unavailable>;
    /// Whether a contact exists: as [`contact`](Self::contact), without reading the record.
    fn contact_exists(&self, id: ContactId) -> Result<bool, Unavailable> {
        Ok(self.contact(id)?.is_some())
    }
    /// The association of a pair.
    fn association(&self, pair: Pair) -> Result<Option<Stored<Association>>, Unavailable>;
    /// The primary account of a contact.
    fn primary_account(&self, contact: ContactId) -> Result<Option<AccountId>, Unavailable>;
    /// How many accounts a contact has.
    fn account_count(&self, contact: ContactId) -> Result<u64, Unavailable>;
    /// The associations of a contact, by account number.
    fn associations_of(
        &self,
        contact: ContactId,
    ) -> Result<Vec<(AccountId, Stored<Association>)>, Unavailable>;
    /// The contacts of an account, by number: asked by `deletion` and by guards alone.
    fn contacts_of(&self, account: AccountId) -> Result<Vec<ContactId>, Unavailable>;
    /// How many contacts have more than one account.
    fn contacts_with_several_accounts(&self) -> Result<u64, Unavailable>;
    /// A ticket.
    fn ticket(&self, ticket: TicketNo) -> Result<Option<Stored<Ticket>>, Unavailable>;
    /// Several tickets, those that exist: as [`ticket`](Self::ticket), and loaded together.
    fn tickets(
        &self,
        tickets: &[TicketNo],
    ) -> Result<Vec<(TicketNo, Stored<Ticket>)>, Unavailable> {
        let mut found = Vec::with_capacity(tickets.len());
        for no in tickets {
            found.extend(self.ticket(*no)?.map(|ticket| (*no, ticket)));
        }
        Ok(found)
    }
    /// The tickets of one requester under one account, by number.
    fn held_tickets(&self, held: Held) -> Result<Vec<HeldTicket>, Unavailable>;
    /// The tickets that a group of records touches, by number: asked by `deletion` and by guards
    /// alone.
    fn tickets_of(&self, of: TicketsOf) -> Result<Vec<TicketNo>, Unavailable>;
    /// The number of the record that has a key.
    fn owner(&self, key: &UniqueKey) -> Result<Option<u64>, Unavailable>;
    /// The accounts of one name, by number, the lowest `limit` of them.
    fn accounts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<AccountId>, Unavailable>;
    /// The contacts of one name, by number, the lowest `limit` of them.
    fn contacts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<ContactId>, Unavailable>;
}

/// What a command is going to ask for: loading it beforehand makes a batch fast, never right.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Contacts.
    pub contacts: BTreeSet<ContactId>,
    /// Contacts of which only the existence is asked.
    pub existing: BTreeSet<ContactId>,
    /// Associations.
    pub pairs: BTreeSet<Pair>,
    /// Contacts whose primary account and number of accounts are asked.
    pub standings: BTreeSet<ContactId>,
    /// Contacts whose primary association and its account are asked.
    pub primaries: BTreeSet<ContactId>,
    /// Contacts whose tickets under their primary account are asked.
    pub primary_tickets: BTreeSet<ContactId>,
    /// Groups of tickets.
    pub held: BTreeSet<Held>,
    /// Contacts whose associations are all asked.
    pub lists: BTreeSet<ContactId>,
    /// Keys; the tickets behind ticket keys are loaded with them.
    pub keys: BTreeSet<UniqueKey>,
    /// Accounts by name, [`NAMESAKES_MAX`] of each.
    pub account_names: BTreeSet<Namesakes>,
    /// Contacts by name, [`NAMESAKES_MAX`] of each.
    pub contact_names: BTreeSet<Namesakes>,
    /// Tickets by number.
    pub tickets: BTreeSet<TicketNo>,
}
