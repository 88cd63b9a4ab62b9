//! What an engine can do, without any type of diesel: the same source implements it twice.

use std::collections::{BTreeSet, HashMap};

use roster_core::fact::{Held, HeldTicket, Namesakes, TicketsOf, UniqueKey};
use roster_core::id::{AccountId, ContactId, ImportId, Pair, Revision, TicketNo, Time};
use roster_core::names::Heading;
use roster_core::organization::At;
use roster_core::record::{Account, Association, Contact, Sharing, Stored, Ticket};
use roster_core::rules::visibility::{SightSink, Standing};

use crate::error::Result;
use crate::tables::cell::{Rows, Table};
use crate::tables::change_set::{LogEntry, LogPage, LoggedSet};
use crate::tables::import_record::{ImportRecord, ImportReject, ImportStep};
use crate::tables::listed::{Listed, Nominated};
use crate::tables::name_list::{ContactAccount, ContactAccountPlace, Looked, NamePlace, Picking};
use crate::tables::organization::{Org, Organization, StoreKeys};
use crate::tables::origin::OriginKind;
use crate::tables::request_answer::KeptAnswer;
use crate::tables::ticket_list::{BranchBounds, BranchRows, SightRow, TicketBranch, TicketPlace};
use crate::tables::visibility_row::VisibilityPart;

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
    fn change_sets_from(&mut self, org: Org, kind: OriginKind) -> Result<u64>;
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
    fn imports_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>>;
    /// Unique keys as their table holds them.
    fn keys_after(&mut self, org: Org, after: &str, limit: usize) -> Result<Vec<String>>;
    /// Tickets that have a copy list and do not exist.
    fn copies_without_ticket(&mut self, org: Org, limit: usize) -> Result<Vec<TicketNo>>;
}

pub(crate) trait Write {
    /// The organization's row, locked until the transaction ends; made if it is not there.
    fn lock_organization(&mut self, name: &str) -> Result<Organization>;
    fn write_organization(&mut self, organization: &Organization) -> Result<()>;
    fn delete(&mut self, org: Org, table: &Table, keys: &Rows<'_>) -> Result<()>;
    /// Writes rows, over those that have their keys. Stamps of rows that are there stay.
    fn upsert(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()>;
    /// Writes rows that are not there yet: one that is, is a defect.
    fn insert(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()>;
    /// Writes the columns of rows that are there.
    fn update(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()>;
    /// As [`upsert`](Self::upsert), but adds to the last column what is there.
    fn add(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()>;
    /// Takes records from the index of grams.
    fn delete_grams(&mut self, org: Org, listed: Listed, ids: &[u64]) -> Result<()>;
    /// Writes the grams of records, whether or not they have some.
    fn write_grams(&mut self, org: Org, listed: Listed, records: &[Nominated]) -> Result<()>;
    fn append_log(&mut self, org: Org, sets: &[LogEntry]) -> Result<()>;
    /// Keeps answers, and forgets those of the organization that expired before `now`.
    fn keep_answers(&mut self, org: Org, answers: &[KeptAnswer], now: Time) -> Result<()>;
}

/// How a page of rows was poured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poured<K> {
    /// Up to this key; there may be more behind it.
    UpTo(K),
    /// There are no more.
    All,
    /// The sink is full.
    Full,
}

/// Pours facts of sight after a key, by key, at most `limit` rows.
pub(crate) trait Pours {
    fn pour_contacts(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<u64>>;
    fn pour_accounts(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<u64>>;
    fn pour_associations(
        &mut self,
        org: Org,
        after: Pair,
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<Pair>>;
    fn pour_tickets(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<u64>>;
    fn pour_copies(
        &mut self,
        org: Org,
        after: (TicketNo, ContactId),
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<(TicketNo, ContactId)>>;
}

pub(crate) trait ReadLists {
    /// How an account shares, for the rule of visibility: what is not understood denies.
    fn sharing(&mut self, org: Org, account: AccountId) -> Result<Option<Sharing>>;
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
    ) -> Result<Vec<(ContactId, VisibilityPart)>>;
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

/// What is kept of the servers at work.
pub(crate) trait Servers {
    /// Whether several servers may work on the database.
    fn is_shared(&self) -> bool;
    /// The oldest version of the schema that a server must know.
    fn schema_floor(&mut self) -> Result<i64>;
    /// Has the lease of a server end so many microseconds from now; answers whether it held one
    /// that was not over.
    fn renew_lease(&mut self, server: i64, micros: i64) -> Result<bool>;
    /// Whether a server that holds no lease is not at work any more: one of before leases, or one
    /// whose lease another server has found to be over.
    fn is_known_gone(&mut self, server: i64) -> Result<bool>;
    /// The servers whose lease is over.
    fn servers_gone(&mut self) -> Result<Vec<i64>>;
    fn forget_server(&mut self, server: i64) -> Result<()>;
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
    + Servers
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
        + Servers
        + Send
{
}
