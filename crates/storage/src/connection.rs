//! What an engine can do, without any type of diesel: the same source implements it twice.

use std::collections::BTreeSet;

use roster_core::fact::{Held, HeldTicket, TicketsOf, UniqueKey};
use roster_core::id::{AccountId, ContactId, ImportId, Pair, Revision, TicketNo, Time};
use roster_core::names::{Heading, SearchQuery};
use roster_core::record::{Account, Association, Contact, Sharing, Stored, Ticket, TicketStatus};
use roster_core::text::TicketKey;
use serde_json::Value;

use crate::bulk::Table;
use crate::error::StorageError;
use crate::imports::{ImportRecord, ImportReject, ImportStep};
use crate::organization::At;

pub(crate) type Result<T, E = StorageError> = std::result::Result<T, E>;

/// The number of an organization in this store; 0 where there is none yet.
pub(crate) type Org = i64;

/// The row of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Organization {
    pub(crate) org: Org,
    pub(crate) revision: Revision,
    pub(crate) nonce: i64,
    pub(crate) next_account: u64,
    pub(crate) next_contact: u64,
    pub(crate) next_ticket: u64,
    pub(crate) next_import: u64,
    pub(crate) derivation: i64,
    pub(crate) settings_revision: Revision,
    pub(crate) settings: Option<Vec<u8>>,
}

/// What is said of a change set beside its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeSetHead {
    /// Its revision.
    pub(crate) revision: Revision,
    /// When it was committed, by the server's clock.
    pub(crate) create_time: Time,
    /// Who did it.
    pub(crate) actor: String,
    /// The name of the command.
    pub(crate) command: String,
    /// By what way it came: `rpc` or `import`.
    pub(crate) source: String,
    /// The job that it belongs to.
    pub(crate) job: Option<i64>,
    /// The caller's request id.
    pub(crate) request_id: Option<String>,
    /// The batch's random bits: see tokens.
    pub(crate) nonce: i64,
    /// The version of the payload's encoding.
    pub(crate) format: i64,
}

/// The keys of the store: who it is and what it signs with.
#[derive(Clone, Debug)]
pub struct StoreKeys {
    /// Drawn once when the database was made.
    pub store_id: Vec<u8>,
    /// Encrypts page tokens, on every server alike.
    pub page_key: Vec<u8>,
    /// Keys the digest of a preview.
    pub preview_key: Vec<u8>,
}

/// The first answer to a request id.
pub(crate) struct KeptAnswer {
    pub(crate) caller: String,
    pub(crate) rpc: String,
    pub(crate) request_id: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) answer: Vec<u8>,
    pub(crate) expire_time: Time,
}

/// A change set of the log: its revision, the format of its payload, and the payload's parts.
pub(crate) type LoggedSet = (Revision, i64, Vec<Vec<u8>>);

pub(crate) trait Transactions {
    /// Begins a transaction that writes: on SQLite at once, so that it never meets another's.
    fn begin_write(&mut self) -> Result<()>;
    /// Begins a snapshot: all its reads see one moment.
    fn begin_read(&mut self) -> Result<()>;
    fn commit(&mut self) -> Result<()>;
    fn rollback(&mut self) -> Result<()>;
}

pub(crate) trait ReadFacts {
    fn store_keys(&mut self) -> Result<StoreKeys>;
    fn organization(&mut self, name: &str) -> Result<Option<Organization>>;
    fn nonce_of(&mut self, org: Org, revision: Revision) -> Result<Option<i64>>;
    fn accounts(
        &mut self,
        org: Org,
        ids: &[AccountId],
    ) -> Result<Vec<(AccountId, Stored<Account>)>>;
    fn contacts(
        &mut self,
        org: Org,
        ids: &[ContactId],
    ) -> Result<Vec<(ContactId, Stored<Contact>)>>;
    /// The associations between any of these contacts and any of these accounts.
    fn associations(
        &mut self,
        org: Org,
        contacts: &[ContactId],
        accounts: &[AccountId],
    ) -> Result<Vec<(Pair, Stored<Association>)>>;
    fn associations_of(
        &mut self,
        org: Org,
        contact: ContactId,
    ) -> Result<Vec<(AccountId, Stored<Association>)>>;
    fn contacts_of(&mut self, org: Org, account: AccountId) -> Result<Vec<ContactId>>;
    fn primaries(
        &mut self,
        org: Org,
        contacts: &[ContactId],
    ) -> Result<Vec<(ContactId, AccountId)>>;
    fn account_counts(&mut self, org: Org, contacts: &[ContactId])
    -> Result<Vec<(ContactId, u64)>>;
    fn contacts_with_several_accounts(&mut self, org: Org) -> Result<u64>;
    fn tickets(
        &mut self,
        org: Org,
        numbers: &[TicketNo],
    ) -> Result<Vec<(TicketNo, Stored<Ticket>)>>;
    fn tickets_of(&mut self, org: Org, of: TicketsOf) -> Result<Vec<TicketNo>>;
    /// The tickets between any of these requesters and any of these accounts.
    fn held_tickets(&mut self, org: Org, asked: &BTreeSet<Held>)
    -> Result<Vec<(Held, HeldTicket)>>;
    /// The accounts with names of these keys, each with its key.
    fn accounts_named(&mut self, org: Org, keys: &[String]) -> Result<Vec<(String, AccountId)>>;
    /// The contacts with names of these keys, each with its key.
    fn contacts_named(&mut self, org: Org, keys: &[String]) -> Result<Vec<(String, ContactId)>>;
    fn owners(&mut self, org: Org, keys: &[UniqueKey]) -> Result<Vec<(UniqueKey, u64)>>;
    fn kept_answers(&mut self, org: Org, request_ids: &[&str]) -> Result<Vec<KeptAnswer>>;
    /// The change sets after a revision, oldest first, at most `limit`.
    fn change_sets_after(
        &mut self,
        org: Org,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<LoggedSet>>;
}

pub(crate) trait Write {
    /// The organization's row, locked until the transaction ends; made if it is not there.
    fn lock_organization(&mut self, name: &str) -> Result<Organization>;
    fn write_organization(&mut self, organization: &Organization) -> Result<()>;
    fn delete(&mut self, org: Org, table: &Table, keys: &[Value]) -> Result<()>;
    fn upsert(&mut self, org: Org, table: &Table, rows: &[Value]) -> Result<()>;
    /// Writes the columns of rows that are there.
    fn update(&mut self, org: Org, table: &Table, rows: &[Value]) -> Result<()>;
    fn append_log(&mut self, org: Org, sets: &[(ChangeSetHead, Vec<Vec<u8>>)]) -> Result<()>;
    fn keep_answers(&mut self, org: Org, answers: &[KeptAnswer]) -> Result<()>;
}

/// What a list shows.
pub(crate) struct Picking<'a> {
    pub(crate) query: &'a SearchQuery,
    pub(crate) heading: Option<Heading>,
    /// Contacts alone: without those of this account.
    pub(crate) not_in: Option<AccountId>,
}

/// A place in a list by name: the sort key and the number of the last row examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePlace {
    /// The row's sort key.
    pub sort_key: Vec<u8>,
    /// The row's number.
    pub number: u64,
}

/// A place in a list of tickets: newest first, then by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketPlace {
    /// The ticket's time.
    pub create_time: Time,
    /// The ticket's id.
    pub id: TicketKey,
}

/// Tickets that a list is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketSource {
    /// Of one requester.
    Requester(ContactId),
    /// With one contact in copy.
    Copied(ContactId),
    /// Of any of these accounts.
    Accounts(Vec<AccountId>),
    /// Of these accounts, without the private ones.
    Shared(Vec<AccountId>),
}

/// A page of tickets from one source.
pub(crate) struct TicketPage<'a> {
    pub(crate) source: &'a TicketSource,
    /// Only tickets under this account.
    pub(crate) account: Option<AccountId>,
    /// Only tickets of this requester.
    pub(crate) requester: Option<ContactId>,
    pub(crate) status: Option<TicketStatus>,
    pub(crate) after: Option<&'a TicketPlace>,
    pub(crate) limit: usize,
}

/// What a check needs to know of one ticket for one contact, in one row.
pub(crate) struct SightRow {
    pub(crate) ticket: TicketNo,
    pub(crate) key: TicketKey,
    pub(crate) requester: ContactId,
    pub(crate) account: Option<AccountId>,
    pub(crate) private: bool,
    pub(crate) copied: bool,
    pub(crate) sharing: Option<Sharing>,
    pub(crate) association: Option<Association>,
}

/// A contact of an account.
#[derive(Clone, Debug)]
pub struct AccountContact {
    /// Where it stands in the list.
    pub place: NamePlace,
    /// Which contact.
    pub id: ContactId,
    /// The contact.
    pub contact: Stored<Contact>,
    /// Its association with the account.
    pub association: Stored<Association>,
}

/// An account of a contact.
#[derive(Clone, Debug)]
pub struct ContactAccount {
    /// Which account.
    pub id: AccountId,
    /// The account.
    pub account: Stored<Account>,
    /// The contact's association with it.
    pub association: Stored<Association>,
}

pub(crate) trait ReadLists {
    fn sight_rows(&mut self, org: Org, contact: ContactId, ids: &[&str]) -> Result<Vec<SightRow>>;
    fn account_page(
        &mut self,
        org: Org,
        picking: &Picking<'_>,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Vec<(NamePlace, AccountId, Stored<Account>)>>;
    fn contact_page(
        &mut self,
        org: Org,
        picking: &Picking<'_>,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Vec<(NamePlace, ContactId, Stored<Contact>)>>;
    fn account_headings(&mut self, org: Org, picking: &Picking<'_>) -> Result<Vec<(Heading, u64)>>;
    fn contact_headings(&mut self, org: Org, picking: &Picking<'_>) -> Result<Vec<(Heading, u64)>>;
    fn account_contacts(
        &mut self,
        org: Org,
        account: AccountId,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Vec<AccountContact>>;
    /// All accounts of a contact, in the order of their names.
    fn contact_accounts(&mut self, org: Org, contact: ContactId) -> Result<Vec<ContactAccount>>;
    fn ticket_page(
        &mut self,
        org: Org,
        page: &TicketPage<'_>,
    ) -> Result<Vec<(TicketPlace, TicketNo)>>;
    /// The contacts of an account after a number, by number.
    fn members(
        &mut self,
        org: Org,
        account: AccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(ContactId, Association)>>;
}

pub(crate) trait Imports {
    fn insert_import(&mut self, org: Org, import: &ImportRecord, server: i64) -> Result<()>;
    /// Moves a running import on from exactly where the step begins; answers whether it did.
    fn advance_import(
        &mut self,
        org: Org,
        step: &ImportStep,
        at: At,
        end_time: Time,
    ) -> Result<bool>;
    fn import(&mut self, org: Org, import: ImportId) -> Result<Option<ImportRecord>>;
    /// The rejects of an import after a row, by row, at most `limit`.
    fn import_rejects(
        &mut self,
        org: Org,
        import: ImportId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ImportReject>>;
    /// The servers whose imports are marked running.
    fn importing_servers(&mut self) -> Result<Vec<i64>>;
    /// Marks the running imports of a server that is gone as failed.
    fn fail_imports_of(&mut self, server: i64, end_time: Time) -> Result<()>;
}

/// A connection to an engine.
pub(crate) trait Connection:
    Transactions + ReadFacts + Write + ReadLists + Imports + Send
{
}
impl<C: Transactions + ReadFacts + Write + ReadLists + Imports + Send> Connection for C {}
