//! The interface of an engine, free of diesel types: the same source implements it for both.

use std::collections::{BTreeSet, HashMap};

use roster_core::credential::Credential;
use roster_core::fact::{Held, HeldTicket, Namesakes, TicketsOf, UniqueKey};
use roster_core::id::{
    AccountId, ContactId, CredentialId, ImportId, Pair, Revision, TicketNo, Time,
};
use roster_core::names::Heading;
use roster_core::organization::{OrganizationName, OrganizationProfile, RevisionId};
use roster_core::record::{Account, Association, Contact, Sharing, Stored, Ticket};
use roster_core::rules::visibility::{ContactFacts, FactSink};

use crate::error::Result;
use crate::tables::access::{AccessFilter, AccessPlace, AccessRecord};
use crate::tables::cell::{Rows, Table};
use crate::tables::change_set::{LogEntry, LogPage, LoggedSet};
use crate::tables::credential::{AdminEventRow, KeyUse, OrganizationStatus, Proof};
use crate::tables::import_record::{ImportRecord, ImportReject, ImportStep};
use crate::tables::listed::{Listed, Nominated};
use crate::tables::name_list::{ContactAccount, ContactAccountPlace, Looked, NamePlace, Picking};
use crate::tables::organization::{Org, Organization, StoreKeys};
use crate::tables::origin::OriginKind;
use crate::tables::request_answer::KeptAnswer;
use crate::tables::ticket_list::{
    BranchBounds, BranchRows, TicketBranch, TicketPlace, VisibilityRow,
};
use crate::tables::visibility_row::{ContactState, VisibilityPart};

/// How a snapshot reads, as far as it affects an engine's query plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Any reads. An engine that caches plans replans each statement for its keys.
    Facts,
    /// A page in the order of an index, and the few records around it. Indexes serve any keys, so
    /// plans are cached.
    Page,
}

pub(crate) trait Transactions {
    /// Begins a write transaction. On SQLite it is immediate, so that it never conflicts with
    /// another.
    fn begin_write(&mut self) -> Result<()>;
    /// Begins a snapshot: all its reads see one revision.
    fn begin_read(&mut self, reading: Reading) -> Result<()>;
    fn commit(&mut self) -> Result<()>;
    /// Records that the newest write of an organization is about to be acknowledged. Fails if it
    /// must not be, because the next server would not find it (SQLite only).
    fn acknowledge(&mut self, name: &str, organization: &Organization) -> Result<()>;
    /// As [`acknowledge`](Self::acknowledge), for a change of credentials or organizations: the
    /// version of the credentials after it.
    fn acknowledge_administration(&mut self, version: i64) -> Result<()>;
    fn rollback(&mut self) -> Result<()>;
    /// Runs ANALYZE on the tables that imports write (PostgreSQL only).
    fn refresh_statistics(&mut self) -> Result<()>;
}

/// The accounts of a contact, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountSummary {
    pub(crate) accounts: u64,
    pub(crate) primary: Option<AccountId>,
}

pub(crate) trait ReadFacts {
    fn store_keys(&mut self) -> Result<StoreKeys>;
    /// Returns the names of all organizations.
    fn organizations(&mut self) -> Result<Vec<String>>;
    fn organization(&mut self, name: &str) -> Result<Option<Organization>>;
    fn nonce_of(&mut self, org: Org, revision: Revision) -> Result<Option<i64>>;
    /// Returns how many change sets have this kind of origin.
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
    /// Returns the states of these contacts. Omits unknown contacts; in no order.
    fn contact_states(
        &mut self,
        org: Org,
        ids: &[ContactId],
    ) -> Result<Vec<(ContactId, ContactState)>>;
    /// Returns the associations of these pairs. Omits pairs without one; in no order.
    fn associations(
        &mut self,
        org: Org,
        pairs: &[Pair],
    ) -> Result<Vec<(Pair, Stored<Association>)>>;
    /// Returns all associations of these contacts, by account number.
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
    /// Returns the account summaries of these contacts, each of which is given once. Omits contacts
    /// without accounts; in no order.
    fn account_summaries(
        &mut self,
        org: Org,
        contacts: &[ContactId],
    ) -> Result<Vec<(ContactId, AccountSummary)>>;
    fn contacts_with_several_accounts(&mut self, org: Org) -> Result<u64>;
    fn tickets(
        &mut self,
        org: Org,
        numbers: &[TicketNo],
    ) -> Result<Vec<(TicketNo, Stored<Ticket>)>>;
    /// Returns the contacts in CC of these tickets. Omits tickets without any.
    fn cc(&mut self, org: Org, numbers: &[TicketNo]) -> Result<HashMap<TicketNo, Vec<ContactId>>>;
    fn tickets_of(&mut self, org: Org, of: TicketsOf) -> Result<Vec<TicketNo>>;
    /// Returns how many tickets of an account have the contact in CC.
    fn cc_count(&mut self, org: Org, pair: Pair) -> Result<u64>;
    /// Returns the tickets between any of these requesters and any of these accounts.
    fn held_tickets(&mut self, org: Org, asked: &BTreeSet<Held>)
    -> Result<Vec<(Held, HeldTicket)>>;
    /// Returns the accounts of these names, the lowest `limit` of each.
    fn accounts_named(
        &mut self,
        org: Org,
        of: &[Namesakes],
        limit: usize,
    ) -> Result<Vec<(Namesakes, AccountId)>>;
    /// Returns the contacts of these names, the lowest `limit` of each.
    fn contacts_named(
        &mut self,
        org: Org,
        of: &[Namesakes],
        limit: usize,
    ) -> Result<Vec<(Namesakes, ContactId)>>;
    fn owners(&mut self, org: Org, keys: &[UniqueKey]) -> Result<Vec<(UniqueKey, u64)>>;
    fn kept_answers(&mut self, org: Org, request_ids: &[&str]) -> Result<Vec<KeptAnswer>>;
}

/// The reads of the log follower.
pub(crate) trait ReadLog {
    /// Returns a mark of the state of the database: while it is the same, nothing was committed. It
    /// may also change without a commit.
    fn mark(&mut self) -> Result<String>;
    /// Returns the newest revisions of these organizations. Omits unknown ones; in no order.
    fn heads(&mut self, names: &[&str]) -> Result<Vec<(String, RevisionId)>>;
    /// Returns the change sets after a revision, oldest first, at most a page.
    fn change_sets_after(
        &mut self,
        org: Org,
        after: Revision,
        page: LogPage,
    ) -> Result<Vec<LoggedSet>>;
}

/// Walks over the rows of a table: the keys after a given key, in order, at most `limit`.
pub(crate) trait Walks {
    fn accounts_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>>;
    fn contacts_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>>;
    fn pairs_after(&mut self, org: Org, after: Pair, limit: usize) -> Result<Vec<Pair>>;
    fn tickets_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>>;
    fn imports_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>>;
    /// Unique keys as their table holds them.
    fn keys_after(&mut self, org: Org, after: &str, limit: usize) -> Result<Vec<String>>;
    /// Returns tickets that have contacts in CC but do not exist.
    fn cc_without_ticket(&mut self, org: Org, limit: usize) -> Result<Vec<TicketNo>>;
}

pub(crate) trait Write {
    /// Returns the organization's row, locked until the transaction ends. Creates it if it is
    /// missing.
    fn lock_organization(&mut self, name: &str) -> Result<Organization>;
    fn write_organization(&mut self, organization: &Organization) -> Result<()>;
    fn delete(&mut self, org: Org, table: &Table, keys: &Rows<'_>) -> Result<()>;
    /// Writes rows, replacing rows with the same keys. Existing rows keep their stamps.
    fn upsert(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()>;
    /// Writes new rows. A row that already exists is a defect.
    fn insert(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()>;
    /// Updates the columns of existing rows.
    fn update(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()>;
    /// As [`upsert`](Self::upsert), but adds to the stored value of the last column.
    fn add(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()>;
    /// Removes records from the gram index.
    fn delete_grams(&mut self, org: Org, listed: Listed, ids: &[u64]) -> Result<()>;
    /// Replaces the grams of records, including records that had no grams before.
    fn write_grams(&mut self, org: Org, listed: Listed, records: &[Nominated]) -> Result<()>;
    fn append_log(&mut self, org: Org, sets: &[LogEntry]) -> Result<()>;
    /// Stores answers, and deletes the organization's answers that expired before `now`.
    fn keep_answers(&mut self, org: Org, answers: &[KeptAnswer], now: Time) -> Result<()>;
}

/// Where a page of streamed rows ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streamed<K> {
    /// At this key; more rows may follow.
    UpTo(K),
    /// At the last row.
    All,
    /// At a row that the sink had no room for.
    Full,
}

/// Streams visibility facts after a key, by key, at most `limit` rows.
pub(crate) trait StreamsFacts {
    fn stream_contacts(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<u64>>;
    fn stream_accounts(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<u64>>;
    fn stream_associations(
        &mut self,
        org: Org,
        after: Pair,
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<Pair>>;
    fn stream_tickets(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<u64>>;
    fn stream_cc(
        &mut self,
        org: Org,
        after: (TicketNo, ContactId),
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<(TicketNo, ContactId)>>;
}

pub(crate) trait ReadLists {
    /// Returns how an account shares, for the visibility rule: an unknown value denies.
    fn sharing(&mut self, org: Org, account: AccountId) -> Result<Option<Sharing>>;
    /// Returns a contact's accounts for the visibility rule, by one statement; `None` if there is
    /// no such contact.
    fn contact_facts(&mut self, org: Org, contact: ContactId) -> Result<Option<ContactFacts>>;
    fn visibility_rows(
        &mut self,
        org: Org,
        contact: ContactId,
        ids: &[&str],
    ) -> Result<Vec<VisibilityRow>>;
    /// Returns whether an account has more than `than` contacts.
    fn has_more_members(&mut self, org: Org, account: AccountId, than: usize) -> Result<bool>;
    /// Examines the contacts after a place, in order: those of the account pass.
    fn look_for_members(
        &mut self,
        org: Org,
        account: AccountId,
        after: &NamePlace,
        limit: usize,
    ) -> Result<Vec<Looked>>;
    /// Returns the places of an account's contacts, in no order.
    fn member_places(&mut self, org: Org, account: AccountId) -> Result<Vec<NamePlace>>;
    /// Returns the accounts of a contact: on the first page the primary first, then by name.
    fn contact_accounts(
        &mut self,
        org: Org,
        contact: ContactId,
        after: Option<&ContactAccountPlace>,
        limit: usize,
    ) -> Result<Vec<ContactAccount>>;
    /// Returns the next rows of each branch after a place, in the order of the branches, each read
    /// from its index.
    fn ticket_branches(
        &mut self,
        org: Org,
        branches: &[TicketBranch],
        after: Option<&TicketPlace>,
        bounds: BranchBounds<'_>,
    ) -> Result<Vec<BranchRows>>;
    /// Returns the contacts of an account after a number, by number.
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
    /// Advances a running import if it is exactly where the step begins. Returns whether it did.
    fn advance_import(
        &mut self,
        org: Org,
        step: &ImportStep,
        at: RevisionId,
        end_time: Time,
    ) -> Result<bool>;
    fn import(&mut self, org: Org, import: ImportId) -> Result<Option<ImportRecord>>;
    /// Returns the rejects of an import after a row, by row, at most `limit`.
    fn import_rejects(
        &mut self,
        org: Org,
        import: ImportId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ImportReject>>;
    /// Returns the servers whose imports are marked as running.
    fn importing_servers(&mut self) -> Result<Vec<i64>>;
    /// Marks the running imports of a server that is gone as failed.
    fn fail_imports_of(&mut self, server: i64, end_time: Time) -> Result<()>;
}

/// The rows about running servers.
pub(crate) trait Servers {
    /// Whether several servers may use the database.
    fn is_shared(&self) -> bool;
    /// Returns the oldest schema version that a server must know.
    fn schema_floor(&mut self) -> Result<i64>;
    /// Extends the lease of a server to `micros` microseconds from now. Returns whether it held a
    /// lease that had not expired.
    fn renew_lease(&mut self, server: i64, micros: i64) -> Result<bool>;
    /// Whether a server that holds no lease is gone: it ran a version without leases and holds no
    /// lock, or another server found its lease expired.
    fn is_known_gone(&mut self, server: i64) -> Result<bool>;
    /// Returns the servers whose lease has expired.
    fn servers_gone(&mut self) -> Result<Vec<i64>>;
    fn forget_server(&mut self, server: i64) -> Result<()>;
}

/// Credentials, their proofs, and the log of administration. Their transactions change no
/// organization's revision.
pub(crate) trait Credentials {
    /// Locks the store's row until the transaction ends, so that administration is done one call
    /// after another, and adds one to the version that servers poll. Returns the new version.
    fn raise_credentials_version(&mut self) -> Result<i64>;
    fn credentials_version(&mut self) -> Result<i64>;
    /// Returns credentials after a number, by number: of an organization, or all.
    fn credentials_after(
        &mut self,
        organization: Option<&OrganizationName>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(CredentialId, Credential)>>;
    fn credential(&mut self, id: CredentialId) -> Result<Option<Credential>>;
    /// Counts the credentials of an organization, or of no organization.
    fn credentials_count(&mut self, organization: Option<&OrganizationName>) -> Result<u64>;
    /// Returns the credential that a proof belongs to.
    fn proof_owner(&mut self, proof: &Proof<'_>) -> Result<Option<CredentialId>>;
    fn insert_credential(&mut self, credential: &Credential) -> Result<CredentialId>;
    /// Writes all of a credential but its organization, and replaces its proofs.
    fn update_credential(&mut self, id: CredentialId, credential: &Credential) -> Result<()>;
    /// Records when keys were used.
    fn record_key_uses(&mut self, uses: &[KeyUse]) -> Result<()>;
    fn append_admin_event(&mut self, event: &AdminEventRow<'_>) -> Result<()>;
    /// Returns the organizations that are not active, or that have limits.
    fn organization_statuses(&mut self) -> Result<Vec<OrganizationStatus>>;
    fn organization_number(&mut self, name: &OrganizationName) -> Result<Option<Org>>;
    /// Creates an organization. Returns whether it did: the name may be taken.
    fn insert_organization(
        &mut self,
        name: &OrganizationName,
        profile: &OrganizationProfile,
    ) -> Result<bool>;
    /// Returns organizations after a name, by name.
    fn organizations_after(
        &mut self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(OrganizationName, OrganizationProfile)>>;
    fn organization_profile(
        &mut self,
        name: &OrganizationName,
    ) -> Result<Option<OrganizationProfile>>;
}

pub(crate) trait Accesses {
    fn insert_access(&mut self, org: Org, new: &AccessRecord) -> Result<()>;
    /// Returns records within the times of the filter, newest first, before a place.
    fn accesses_before(
        &mut self,
        org: Org,
        filter: &AccessFilter,
        before: Option<AccessPlace>,
        limit: usize,
    ) -> Result<Vec<(AccessPlace, AccessRecord)>>;
    /// Deletes the oldest records from before a time, at most `limit`. Returns how many.
    fn delete_accesses(&mut self, org: Org, before: Time, limit: usize) -> Result<usize>;
}

/// The reads of a picker.
pub(crate) trait ReadNames {
    /// Returns numbers of records that have all these grams, at most `limit`, in no order. The
    /// result may include records that lack grams which most records have.
    fn nominated(
        &mut self,
        org: Org,
        listed: Listed,
        grams: &[u64],
        limit: usize,
    ) -> Result<Vec<u64>>;
    /// Returns the places of these records, in no order.
    fn places(&mut self, org: Org, listed: Listed, ids: &[u64]) -> Result<Vec<NamePlace>>;
    /// Examines these records, in no order.
    fn look_at(&mut self, org: Org, picking: &Picking<'_>, ids: &[u64]) -> Result<Vec<Looked>>;
    /// Examines the records after a place and with a sort key below `end`, in order.
    fn look_along(
        &mut self,
        org: Org,
        picking: &Picking<'_>,
        after: &NamePlace,
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<Looked>>;
    /// Returns the first stretch in `from..end` where each of these grams appears.
    fn next_stretch(
        &mut self,
        org: Org,
        listed: Listed,
        grams: &[u64],
        from: &[u8],
        end: &[u8],
    ) -> Result<Option<Vec<u8>>>;
    /// Returns how many records each heading has, in the order of headings. Omits empty headings.
    fn heading_counts(&mut self, org: Org, listed: Listed) -> Result<Vec<(Heading, u64)>>;
    /// Returns how many contacts of an account each heading has.
    fn member_headings(&mut self, org: Org, account: AccountId) -> Result<Vec<(Heading, u64)>>;
}

/// The reads and writes that keep derived columns at the version of the code.
pub(crate) trait Derivations {
    /// Returns the highest version of any organization.
    fn newest_derivation(&mut self) -> Result<i64>;
    /// Returns the organizations below a version.
    fn organizations_derived_before(&mut self, version: i64) -> Result<Vec<String>>;
    /// Returns the accounts after a number, by number.
    fn account_rows_after(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(AccountId, Stored<Account>)>>;
    /// Returns the contacts after a number, by number.
    fn contact_rows_after(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(ContactId, Stored<Contact>)>>;
    /// Recounts the headings of an organization.
    fn recount_headings(&mut self, org: Org) -> Result<()>;
    fn write_derivation(&mut self, org: Org, version: i64) -> Result<()>;
}

/// A connection to an engine.
pub(crate) trait Connection:
    Transactions
    + ReadFacts
    + ReadLog
    + StreamsFacts
    + Walks
    + Write
    + ReadLists
    + ReadNames
    + Derivations
    + Imports
    + Servers
    + Credentials
    + Accesses
    + Send
{
}
impl<C> Connection for C where
    C: Transactions
        + ReadFacts
        + ReadLog
        + StreamsFacts
        + Walks
        + Write
        + ReadLists
        + ReadNames
        + Derivations
        + Imports
        + Servers
        + Credentials
        + Accesses
        + Send
{
}
