//! The facts that rules read. A rule reads only the facts that it needs.

use std::collections::BTreeSet;
use std::error::Error;

use crate::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use crate::names::{name_key, person_key};
use crate::record::{Account, Association, Contact, Settings, Stored, Ticket, TicketStatus};
use crate::text::{Email, ExternalId, TicketKey};

/// The facts could not be read. Their source reports the cause.
#[derive(Debug, thiserror::Error)]
#[error("the facts that a rule needs could not be read")]
pub struct Unavailable(#[source] pub Box<dyn Error + Send + Sync>);

/// A key that at most one record of an organization may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UniqueKey {
    /// The folded external id of an account.
    AccountExternalId(String),
    /// The folded external id of a contact.
    ContactExternalId(String),
    /// A folded e-mail address of a contact.
    Email(String),
    /// A caller's ticket id, compared byte by byte.
    Ticket(String),
}

impl UniqueKey {
    /// Returns the key of an account's external id.
    pub fn of_account(id: &ExternalId) -> Self {
        Self::AccountExternalId(crate::names::fold(id.as_str()))
    }

    /// Returns the key of a contact's external id.
    pub fn of_contact(id: &ExternalId) -> Self {
        Self::ContactExternalId(crate::names::fold(id.as_str()))
    }

    /// Returns the key of an e-mail address.
    pub fn of_email(email: &Email) -> Self {
        Self::Email(crate::names::fold(email.as_str()))
    }

    /// Returns the text that is compared: folded, except for a ticket id.
    pub fn text(&self) -> &str {
        match self {
            Self::AccountExternalId(text)
            | Self::ContactExternalId(text)
            | Self::Email(text)
            | Self::Ticket(text) => text,
        }
    }

    /// Returns the key of a ticket id.
    pub fn of_ticket(key: &TicketKey) -> Self {
        Self::Ticket(key.as_str().to_owned())
    }
}

/// Returns the unique keys of an account.
pub fn account_keys(account: Option<&Account>) -> Vec<UniqueKey> {
    account
        .and_then(|a| a.external_id.as_ref())
        .map(UniqueKey::of_account)
        .into_iter()
        .collect()
}

/// Returns the unique keys of a contact.
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

/// The tickets of one requester that have one account, or have no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// The requester.
    pub requester: ContactId,
    /// The account; `None` for tickets without an account.
    pub account: Option<AccountId>,
}

/// All tickets of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketsOf {
    /// The tickets of an account.
    Account(AccountId),
    /// The tickets of a requester.
    Requester(ContactId),
    /// The tickets that have a contact in CC.
    Cc(ContactId),
}

/// The records that share a name and either have or lack other identifiers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namesakes {
    /// The key of the name: [`name_key`] of an account, [`person_key`] of a contact.
    pub key: String,
    /// Whether they have an external id.
    pub with_external_id: bool,
    /// Whether they have an e-mail address; false for accounts.
    pub with_email: bool,
}

/// The number of namesakes that a rule needs: two are enough to make a name ambiguous.
pub const NAMESAKES_MAX: usize = 2;

impl Namesakes {
    /// Returns the group of namesakes that an account belongs to.
    pub fn of_account(account: &Account) -> Self {
        Self {
            key: name_key(account.name.as_str()),
            with_external_id: account.external_id.is_some(),
            with_email: false,
        }
    }

    /// Returns the group of namesakes that a contact belongs to.
    pub fn of_contact(contact: &Contact) -> Self {
        Self {
            key: person_key(&contact.full_name()),
            with_external_id: contact.external_id.is_some(),
            with_email: !contact.emails.is_empty(),
        }
    }
}

/// The facts of one ticket that a disposition needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldTicket {
    /// The ticket's number.
    pub ticket: TicketNo,
    /// Open or closed.
    pub status: TicketStatus,
    /// Its etag.
    pub revision: Revision,
}

/// The facts of one organization at one revision.
///
/// Storage answers from its working set and reads the database on a miss; tests answer from maps.
/// All methods answer at the same revision.
pub trait Facts {
    /// Returns the settings, or the defaults at revision 0 if no settings were written.
    fn settings(&self) -> Result<Stored<Settings>, Unavailable>;
    /// Returns an account.
    fn account(&self, id: AccountId) -> Result<Option<Stored<Account>>, Unavailable>;
    /// Returns a contact.
    fn contact(&self, id: ContactId) -> Result<Option<Stored<Contact>>, Unavailable>;
    /// Returns whether a contact exists, without reading the record.
    fn contact_exists(&self, id: ContactId) -> Result<bool, Unavailable> {
        Ok(self.contact(id)?.is_some())
    }
    /// Returns the association of a pair.
    fn association(&self, pair: Pair) -> Result<Option<Stored<Association>>, Unavailable>;
    /// Returns the primary account of a contact.
    fn primary_account(&self, contact: ContactId) -> Result<Option<AccountId>, Unavailable>;
    /// Returns the number of accounts of a contact.
    fn account_count(&self, contact: ContactId) -> Result<u64, Unavailable>;
    /// Returns the associations of a contact, by account number.
    fn associations_of(
        &self,
        contact: ContactId,
    ) -> Result<Vec<(AccountId, Stored<Association>)>, Unavailable>;
    /// Returns the contacts of an account, by number. Only `deletion` and guards call this.
    fn contacts_of(&self, account: AccountId) -> Result<Vec<ContactId>, Unavailable>;
    /// Returns the number of contacts that have more than one account.
    fn contacts_with_several_accounts(&self) -> Result<u64, Unavailable>;
    /// Returns a ticket.
    fn ticket(&self, ticket: TicketNo) -> Result<Option<Stored<Ticket>>, Unavailable>;
    /// Returns the tickets that exist among several: as [`ticket`](Self::ticket), but loaded
    /// together.
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
    /// Returns the tickets of one requester under one account, by number.
    fn held_tickets(&self, held: Held) -> Result<Vec<HeldTicket>, Unavailable>;
    /// Returns the tickets of a group, by number. Only `deletion` and guards call this.
    fn tickets_of(&self, of: TicketsOf) -> Result<Vec<TicketNo>, Unavailable>;
    /// Returns the number of the record that has a key.
    fn owner(&self, key: &UniqueKey) -> Result<Option<u64>, Unavailable>;
    /// Returns the lowest `limit` accounts of one name, by number.
    fn accounts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<AccountId>, Unavailable>;
    /// Returns the lowest `limit` contacts of one name, by number.
    fn contacts_named(&self, of: &Namesakes, limit: usize) -> Result<Vec<ContactId>, Unavailable>;
}

/// The facts that a command will read. Loading them beforehand affects speed, never the result.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Contacts.
    pub contacts: BTreeSet<ContactId>,
    /// Contacts of which only the existence is read.
    pub existing: BTreeSet<ContactId>,
    /// Associations.
    pub pairs: BTreeSet<Pair>,
    /// Contacts whose primary account and number of accounts are read.
    pub account_summaries: BTreeSet<ContactId>,
    /// Contacts whose primary association and its account are read.
    pub primaries: BTreeSet<ContactId>,
    /// Contacts whose tickets under their primary account are read.
    pub primary_tickets: BTreeSet<ContactId>,
    /// Groups of tickets.
    pub held: BTreeSet<Held>,
    /// Contacts whose associations are all read.
    pub lists: BTreeSet<ContactId>,
    /// Unique keys. The tickets of ticket keys are loaded with them.
    pub keys: BTreeSet<UniqueKey>,
    /// Accounts by name, [`NAMESAKES_MAX`] of each.
    pub account_names: BTreeSet<Namesakes>,
    /// Contacts by name, [`NAMESAKES_MAX`] of each.
    pub contact_names: BTreeSet<Namesakes>,
    /// Tickets by number.
    pub tickets: BTreeSet<TicketNo>,
}
