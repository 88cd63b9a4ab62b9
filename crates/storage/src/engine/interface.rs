//! What an engine can do, without any type of diesel: the same source implements it twice.

use std::collections::{BTreeSet, HashMap};

use roster_core::fact::{Held, HeldTicket, Namesakes, TicketsOf, UniqueKey};
use roster_core::id::{AccountId, ContactId, ImportId, Pair, Revision, TicketNo, Time};
use roster_core::names::{Heading, SearchQuery};
use roster_core::organization::At;
use roster_core::record::{Account, Association, Contact, Sharing, Stored, Ticket, TicketStatus};
use roster_core::rules::visibility::Standing;
use roster_core::text::{Subject, TicketKey};
use serde_json::Value;

use crate::error::StorageError;
use crate::read::fact_stream::Pours;
use crate::tables::encode::Table;
use crate::tables::listed::{Listed, Nominated};
use crate::write::imports::{ImportRecord, ImportReject, ImportStep};

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

/// A change set of the log.
#[derive(Debug)]
pub(crate) struct LoggedSet {
    /// Its moment.
    pub(crate) at: At,
    /// The version of the payload's encoding.
    pub(crate) format: i64,
    /// The payload's parts.
    pub(crate) parts: Vec<Vec<u8>>,
}

/// How much of the log is read at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogPage {
    /// How many change sets.
    pub(crate) sets_max: usize,
    /// How many bytes of payload, but for a single change set that has more.
    pub(crate) bytes_max: usize,
}

/// What a snapshot is asked, as far as an engine plans by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Anything. Where an engine keeps plans, each statement is planned for the keys it is given.
    Facts,
    /// A page in the order of an index and the few records around it: whatever the keys, indexes
    /// lead to them, so that plans are kept.
    Page,
}

pub(crate) trait Transactions {
    /// Begins a transaction that writes: on SQLite at once, so that it never meets another's.
    fn begin_write(&mut self) -> Result<()>;
    /// Begins a snapshot: all its reads see one moment.
    fn begin_read(&mut self, reading: Reading) -> Result<()>;
    fn commit(&mut self) -> Result<()>;
    fn rollback(&mut self) -> Result<()>;
    /// Has an engine that plans by statistics make those of what imports write anew.
    fn refresh_statistics(&mut self) -> Result<()>;
}

pub(crate) trait ReadFacts {
    fn store_keys(&mut self) -> Result<StoreKeys>;
    /// The names of all organizations.
    fn organizations(&mut self) -> Result<Vec<String>>;
    fn organization(&mut self, name: &str) -> Result<Option<Organization>>;
    fn nonce_of(&mut self, org: Org, revision: Revision) -> Result<Option<i64>>;
    /// How many change sets came by this way.
    fn change_sets_from(&mut self, org: Org, source: &str) -> Result<u64>;
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
    /// Whether these contacts are blocked, those that exist, in no order.
    fn blocked(&mut self, org: Org, ids: &[ContactId]) -> Result<Vec<(ContactId, bool)>>;
    /// The associations of these pairs, those that exist, in no order.
    fn associations(
        &mut self,
        org: Org,
        pairs: &[Pair],
    ) -> Result<Vec<(Pair, Stored<Association>)>>;
    /// All associations of these contacts, by account number.
    fn associations_of(
        &mut self,
        org: Org,
        contacts: &[ContactId],
    ) -> Result<Vec<(Pair, Stored<Association>)>>;
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
    /// The copy lists of these tickets, of those that have one.
    fn copies(
        &mut self,
        org: Org,
        numbers: &[TicketNo],
    ) -> Result<HashMap<TicketNo, Vec<ContactId>>>;
    fn tickets_of(&mut self, org: Org, of: TicketsOf) -> Result<Vec<TicketNo>>;
    /// How many tickets of an account have the contact in copy.
    fn copied_count(&mut self, org: Org, pair: Pair) -> Result<u64>;
    /// The tickets between any of these requesters and any of these accounts.
    fn held_tickets(&mut self, org: Org, asked: &BTreeSet<Held>)
    -> Result<Vec<(Held, HeldTicket)>>;
    /// The accounts of these names, the lowest `limit` of each.
    fn accounts_named(
        &mut self,
        org: Org,
        of: &[Namesakes],
        limit: usize,
    ) -> Result<Vec<(Namesakes, AccountId)>>;
    /// The contacts of these names, the lowest `limit` of each.
    fn contacts_named(
        &mut self,
        org: Org,
        of: &[Namesakes],
        limit: usize,
    ) -> Result<Vec<(Namesakes, ContactId)>>;
    fn owners(&mut self, org: Org, keys: &[UniqueKey]) -> Result<Vec<(UniqueKey, u64)>>;
    fn kept_answers(&mut self, org: Org, request_ids: &[&str]) -> Result<Vec<KeptAnswer>>;
}

/// What whoever follows the change log reads.
pub(crate) trait ReadLog {
    /// The newest moments of these organizations, those that exist, in no order.
    fn heads(&mut self, names: &[&str]) -> Result<Vec<(String, At)>>;
    /// The change sets after a revision, oldest first, at most a page of them.
    fn change_sets_after(
        &mut self,
        org: Org,
        after: Revision,
        page: LogPage,
    ) -> Result<Vec<LoggedSet>>;
}

/// Walks over the rows of a table: the keys after one, in order, at most `limit`.
pub(crate) trait Walks {
    fn accounts_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>>;
    fn contacts_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>>;
    fn pairs_after(&mut self, org: Org, after: Pair, limit: usize) -> Result<Vec<Pair>>;
    fn tickets_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>>;
    /// Unique keys as their table holds them.
    fn keys_after(&mut self, org: Org, after: &str, limit: usize) -> Result<Vec<String>>;
    /// Tickets that have a copy list and do not exist.
    fn copies_without_ticket(&mut self, org: Org, limit: usize) -> Result<Vec<TicketNo>>;
}

pub(crate) trait Write {
    /// The organization's row, locked until the transaction ends; made if it is not there.
    fn lock_organization(&mut self, name: &str) -> Result<Organization>;
    fn write_organization(&mut self, organization: &Organization) -> Result<()>;
    fn delete(&mut self, org: Org, table: &Table, keys: &[Value]) -> Result<()>;
    fn upsert(&mut self, org: Org, table: &Table, rows: &[Value]) -> Result<()>;
    /// Writes rows that are not there yet: one that is, is a defect.
    fn insert(&mut self, org: Org, table: &Table, rows: &[Value]) -> Result<()>;
    /// Writes the columns of rows that are there.
    fn update(&mut self, org: Org, table: &Table, rows: &[Value]) -> Result<()>;
    /// As [`upsert`](Self::upsert), but adds to the last column what is there.
    fn add(&mut self, org: Org, table: &Table, rows: &[Value]) -> Result<()>;
    /// Takes records from the index of grams.
    fn delete_grams(&mut self, org: Org, listed: Listed, ids: &[u64]) -> Result<()>;
    /// Writes the grams of records, whether or not they have some.
    fn write_grams(&mut self, org: Org, listed: Listed, records: &[Nominated]) -> Result<()>;
    fn append_log(&mut self, org: Org, sets: &[(ChangeSetHead, Vec<Vec<u8>>)]) -> Result<()>;
    /// Keeps answers, and forgets those of the organization that expired before `now`.
    fn keep_answers(&mut self, org: Org, answers: &[KeptAnswer], now: Time) -> Result<()>;
}

/// What a picker shows.
pub(crate) struct Picking<'a> {
    pub(crate) listed: Listed,
    pub(crate) query: &'a SearchQuery,
    pub(crate) heading: Option<Heading>,
    /// Contacts alone: without those of this account.
    pub(crate) not_in: Option<AccountId>,
}

/// A place in a list by name: the sort key and the number of the last row examined.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamePlace {
    /// The row's sort key.
    pub sort_key: Vec<u8>,
    /// The row's number.
    pub number: u64,
}

/// A place in the list of a contact's accounts, whose first page begins with the primary.
///
/// Invariant: none is skipped or repeated, whatever becomes primary between two pages, since what
/// the list began with does not come again and all others come by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactAccountPlace {
    /// The account that the list began with.
    pub first: Option<AccountId>,
    /// The last name examined; the default, which is before every name, where that was the first.
    pub name: NamePlace,
}

/// A place in a list of tickets: newest first, then by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketPlace {
    /// The ticket's time.
    pub create_time: Time,
    /// The ticket's id.
    pub id: TicketKey,
}

/// The order of lists.
impl Ord for TicketPlace {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_id = || self.id.cmp(&other.id);
        other.create_time.cmp(&self.create_time).then_with(by_id)
    }
}

impl PartialOrd for TicketPlace {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Tickets that a list is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketSource {
    /// Of one requester.
    Requester(ContactId),
    /// With one contact in copy.
    Copied(ContactId),
    /// Of one account.
    Account(AccountId),
    /// Of these accounts, without the private ones.
    Shared(Vec<AccountId>),
}

/// A row of a picker's list that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) place: NamePlace,
    /// Whether the picker shows it, its heading aside.
    pub(crate) passes: bool,
}

impl Looked {
    /// What it is filed under: a sort key begins with its heading.
    pub(crate) fn heading(&self) -> Heading {
        let code = self.place.sort_key.first().copied();
        code.and_then(Heading::from_code).unwrap_or(Heading::Other)
    }
}

/// Tickets that an index holds in the order of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TicketBranch {
    Requester(ContactId),
    Copied(ContactId),
    Account(AccountId),
    Organization,
}

/// A ticket as a list reads it: all but its copy list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTicket {
    /// Where it stands: its time and its id.
    pub place: TicketPlace,
    /// Which ticket.
    pub ticket: TicketNo,
    /// Who asked.
    pub requester: ContactId,
    /// Under which account.
    pub account: Option<AccountId>,
    /// What it is about.
    pub subject: Subject,
    /// Open or closed.
    pub status: TicketStatus,
    /// Whether it is shared with nobody.
    pub private: bool,
    /// The revision that last wrote it.
    pub revision: Revision,
}

impl ListedTicket {
    /// The ticket with its copy list.
    pub fn stored(self, copies: Vec<ContactId>) -> Stored<Ticket> {
        Stored {
            record: Ticket {
                key: self.place.id,
                requester: self.requester,
                account: self.account,
                subject: self.subject,
                status: self.status,
                private: self.private,
                copies,
                create_time: self.place.create_time,
            },
            revision: self.revision,
        }
    }
}

/// How far branches are read.
#[derive(Clone, Copy)]
pub(crate) struct BranchBounds<'a> {
    /// At most so many rows of each, or twice as many from a place in its middle.
    pub(crate) rows_max: usize,
    /// One that has so many rows that count need not be read further.
    pub(crate) enough: usize,
    /// Whether a row of a branch counts.
    pub(crate) counts: &'a dyn Fn(TicketBranch, &ListedTicket) -> bool,
}

/// The next rows of one branch.
#[derive(Clone, Debug, Default)]
pub(crate) struct BranchRows {
    /// In the order of lists.
    pub(crate) rows: Vec<ListedTicket>,
    /// All rows up to this place are here; none: all that the branch has, or all up to the least
    /// such place of the other branches, behind which nothing is known of any.
    pub(crate) known_to: Option<TicketPlace>,
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
    /// Where it stands by name.
    pub place: NamePlace,
    /// Which account.
    pub id: AccountId,
    /// The account.
    pub account: Stored<Account>,
    /// The contact's association with it.
    pub association: Stored<Association>,
}

pub(crate) trait ReadLists {
    /// How a contact stands, by one statement; none where there is no such contact.
    fn standing(&mut self, org: Org, contact: ContactId) -> Result<Option<Standing>>;
    fn sight_rows(&mut self, org: Org, contact: ContactId, ids: &[&str]) -> Result<Vec<SightRow>>;
    /// Whether an account has more contacts than so many.
    fn has_more_members(&mut self, org: Org, account: AccountId, than: usize) -> Result<bool>;
    /// Looks at the contacts after a place, in order: those of the account pass.
    fn look_for_members(
        &mut self,
        org: Org,
        account: AccountId,
        after: &NamePlace,
        limit: usize,
    ) -> Result<Vec<Looked>>;
    /// Where the contacts of an account stand, in no order.
    fn member_places(&mut self, org: Org, account: AccountId) -> Result<Vec<NamePlace>>;
    /// The accounts of a contact: from the beginning the primary first, then by name.
    fn contact_accounts(
        &mut self,
        org: Org,
        contact: ContactId,
        after: Option<&ContactAccountPlace>,
        limit: usize,
    ) -> Result<Vec<ContactAccount>>;
    /// The next rows of each branch after a place, in the order of the branches, each read from its
    /// index.
    fn ticket_branches(
        &mut self,
        org: Org,
        branches: &[TicketBranch],
        after: Option<&TicketPlace>,
        bounds: BranchBounds<'_>,
    ) -> Result<Vec<BranchRows>>;
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

/// What a picker reads.
pub(crate) trait ReadNames {
    /// Numbers of records that have all these grams, at most `limit`, in no order. There may be some
    /// among them that lack grams which most records have.
    fn nominated(
        &mut self,
        org: Org,
        listed: Listed,
        grams: &[u64],
        limit: usize,
    ) -> Result<Vec<u64>>;
    /// Where these records stand, in no order.
    fn places(&mut self, org: Org, listed: Listed, ids: &[u64]) -> Result<Vec<NamePlace>>;
    /// Looks at these records, in no order.
    fn look_at(&mut self, org: Org, picking: &Picking<'_>, ids: &[u64]) -> Result<Vec<Looked>>;
    /// Looks at the records after a place and with a sort key below `end`, in order.
    fn look_along(
        &mut self,
        org: Org,
        picking: &Picking<'_>,
        after: &NamePlace,
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<Looked>>;
    /// The first stretch from `from` on and below `end` where each of these grams stands.
    fn next_stretch(
        &mut self,
        org: Org,
        listed: Listed,
        grams: &[u64],
        from: &[u8],
        end: &[u8],
    ) -> Result<Option<Vec<u8>>>;
    /// How many stand under each heading that has any, in the order of headings.
    fn heading_counts(&mut self, org: Org, listed: Listed) -> Result<Vec<(Heading, u64)>>;
    /// How many contacts of an account stand under each heading.
    fn member_headings(&mut self, org: Org, account: AccountId) -> Result<Vec<(Heading, u64)>>;
}

/// What keeps derived columns at their version.
pub(crate) trait Derivations {
    /// The highest version of any organization.
    fn newest_derivation(&mut self) -> Result<i64>;
    /// The organizations below a version.
    fn organizations_derived_before(&mut self, version: i64) -> Result<Vec<String>>;
    /// The accounts after a number, by number.
    fn account_rows_after(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(AccountId, Stored<Account>)>>;
    /// The contacts after a number, by number.
    fn contact_rows_after(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(ContactId, Stored<Contact>)>>;
    /// Counts the headings of an organization anew.
    fn recount_headings(&mut self, org: Org) -> Result<()>;
    fn write_derivation(&mut self, org: Org, version: i64) -> Result<()>;
}

/// A connection to an engine.
pub(crate) trait Connection:
    Transactions
    + ReadFacts
    + ReadLog
    + Pours
    + Walks
    + Write
    + ReadLists
    + ReadNames
    + Derivations
    + Imports
    + Send
{
}
impl<C> Connection for C where
    C: Transactions
        + ReadFacts
        + ReadLog
        + Pours
        + Walks
        + Write
        + ReadLists
        + ReadNames
        + Derivations
        + Imports
        + Send
{
}
