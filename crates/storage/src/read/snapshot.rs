//! Reads one revision of an organization.

use std::collections::HashMap;
use std::hash::Hash;

use roster_core::fact::{Held, HeldTicket, UniqueKey};
use roster_core::id::{AccountId, ContactId, ImportId, Pair, Revision, TicketNo};
use roster_core::names::{Heading, SearchQuery};
use roster_core::organization::{OrganizationName, RevisionId};
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket};
use roster_core::refusal::Refusal;
use roster_core::rules::disposition::{Preview, preview};
use roster_core::text::TicketKey;

use crate::engine::interface::Connection;
use crate::error::{NotUnderstood, Result, StorageError};
use crate::log::{settings_of, visibility_settings};
use crate::read::account_contacts::{self, Reach};
use crate::read::inline_reads::BRIEF_ROWS_MAX;
use crate::read::page_budget::{Budget, Filtered};
use crate::read::picker::{self, Bounds, HeadingCount, Picked};
use crate::read::ticket_list::{self, FoundTickets, TicketFilter};
use crate::tables::import_record::{ImportRecord, ImportReject};
use crate::tables::listed::Listed;
use crate::tables::name_list::{
    AccountContact, ContactAccount, ContactAccountPlace, NamePlace, Picking,
};
use crate::tables::organization::Org;
use crate::tables::origin::OriginKind;
use crate::tables::request_answer::RequestKey;
use crate::tables::ticket_list::{TicketPlace, TicketSource};

/// One revision of an organization. It cannot write.
pub struct Snapshot<'c> {
    pub(crate) connection: &'c mut dyn Connection,
    pub(crate) org: Org,
    at: RevisionId,
    /// As the visibility rule reads them.
    settings: Stored<Settings>,
    /// The stored value of the settings that is not understood, if any.
    settings_fault: Option<NotUnderstood>,
    /// In an inline read: how many rows of lists may still be requested.
    rows_left: Option<usize>,
}

/// The number of no organization: no row is ever stored under it.
const NOBODY: Org = 0;

impl<'c> Snapshot<'c> {
    pub(crate) fn of(connection: &'c mut dyn Connection, name: &OrganizationName) -> Result<Self> {
        let found = connection.organization(name.as_str())?;
        let (org, at, settings, settings_fault) = match found {
            None => (
                NOBODY,
                RevisionId::default(),
                Stored {
                    record: Settings::default(),
                    revision: Revision::ZERO,
                },
                None,
            ),
            Some(found) => match settings_of(&found) {
                Ok(settings) => (found.org, found.at(), settings, None),
                Err(fault) => {
                    let settings = visibility_settings(&found)?;
                    (found.org, found.at(), settings, Some(fault))
                }
            },
        };
        Ok(Self {
            connection,
            org,
            at,
            settings,
            settings_fault,
            rows_left: None,
        })
    }

    /// Limits the reads to those of an inline read; a larger one fails with
    /// [`StorageError::Outgrown`].
    pub(crate) fn briefly(mut self) -> Self {
        self.rows_left = Some(BRIEF_ROWS_MAX);
        self
    }

    /// Deducts rows from those that an inline read may request. Call it before the rows are read.
    pub(crate) fn take_rows(&mut self, rows: usize) -> Result<()> {
        if let Some(left) = &mut self.rows_left {
            *left = left.checked_sub(rows).ok_or(StorageError::Outgrown)?;
        }
        Ok(())
    }

    /// Whether anything was ever written to the organization.
    pub fn exists(&self) -> bool {
        self.org != NOBODY
    }

    /// The revision of this snapshot.
    pub fn at(&self) -> RevisionId {
        self.at
    }

    /// Whether the organization has ever been at this revision. Assumes so for a revision older
    /// than the kept log.
    pub fn has_been(&mut self, wanted: RevisionId) -> Result<bool> {
        let head = self.at;
        if wanted.revision >= head.revision {
            return Ok(wanted == head);
        }
        if wanted.revision == Revision::ZERO {
            return Ok(wanted.nonce == 0);
        }
        let logged = self.connection.nonce_of(self.org, wanted.revision)?;
        Ok(logged.is_none_or(|nonce| nonce == wanted.nonce))
    }

    /// Returns how many change sets of the log have this kind of origin (see
    /// [`Origin`](crate::Origin)).
    pub fn change_sets_from(&mut self, kind: OriginKind) -> Result<u64> {
        self.connection.change_sets_from(self.org, kind)
    }

    /// Returns the settings. Fails if this version does not understand all of them.
    pub fn settings(&self) -> Result<&Stored<Settings>> {
        match &self.settings_fault {
            None => Ok(&self.settings),
            Some(fault) => Err(fault.clone().into()),
        }
    }

    /// Returns the settings as the visibility rule reads them: a default sharing mode that this
    /// version does not understand shares nothing.
    pub fn visibility_settings(&self) -> &Settings {
        &self.settings.record
    }

    /// Returns these accounts. Omits unknown ones; in no order.
    pub fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<(AccountId, Stored<Account>)>> {
        self.connection.accounts(self.org, ids)
    }

    /// Returns these contacts. Omits unknown ones; in no order.
    pub fn contacts(&mut self, ids: &[ContactId]) -> Result<Vec<(ContactId, Stored<Contact>)>> {
        self.connection.contacts(self.org, ids)
    }

    /// Returns these tickets. Omits unknown ones; in no order.
    pub fn tickets(&mut self, numbers: &[TicketNo]) -> Result<Vec<(TicketNo, Stored<Ticket>)>> {
        self.connection.tickets(self.org, numbers)
    }

    /// Returns the contacts in CC of these tickets. Omits tickets without any.
    pub fn cc(&mut self, numbers: &[TicketNo]) -> Result<HashMap<TicketNo, Vec<ContactId>>> {
        self.connection.cc(self.org, numbers)
    }

    /// Returns the owners of these keys.
    pub fn owners(&mut self, keys: &[UniqueKey]) -> Result<Vec<(UniqueKey, u64)>> {
        self.connection.owners(self.org, keys)
    }

    /// Returns an import.
    pub fn import(&mut self, import: ImportId) -> Result<Option<ImportRecord>> {
        self.connection.import(self.org, import)
    }

    /// Returns the rejects of an import after a row, by row, at most `limit`.
    pub fn import_rejects(
        &mut self,
        import: ImportId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ImportReject>> {
        self.connection
            .import_rejects(self.org, import, after, limit)
    }

    /// Returns the first answer to a request. Fails if its id was used with another request.
    pub fn first_answer(&mut self, request: &RequestKey) -> Result<Option<Vec<u8>>> {
        let kept = self
            .connection
            .kept_answers(self.org, &[request.request_id.as_str()])?;
        let same = kept
            .into_iter()
            .find(|kept| kept.caller == request.caller && kept.rpc == request.rpc);
        match same {
            Some(kept) if kept.hash != request.hash => Err(StorageError::RequestIdReused),
            same => Ok(same.map(|kept| kept.answer)),
        }
    }

    /// Returns a ticket by the caller's id.
    pub fn ticket(&mut self, key: &TicketKey) -> Result<Option<(TicketNo, Stored<Ticket>)>> {
        let owner = self.owners(&[UniqueKey::of_ticket(key)])?;
        let numbers: Vec<TicketNo> = owner.iter().map(|(_, no)| TicketNo::new(*no)).collect();
        Ok(self.tickets(&numbers)?.pop())
    }

    /// Returns the association of a pair.
    pub fn association(&mut self, pair: Pair) -> Result<Option<Stored<Association>>> {
        let found = self.connection.associations(self.org, &[pair])?;
        Ok(found.into_iter().next().map(|(_, row)| row))
    }

    /// Returns the tickets of one requester under one account.
    pub fn held_tickets(&mut self, held: Held) -> Result<Vec<HeldTicket>> {
        let found = self.connection.held_tickets(self.org, &[held].into())?;
        let mut tickets: Vec<HeldTicket> = found
            .into_iter()
            .filter(|(of, _)| *of == held)
            .map(|(_, ticket)| ticket)
            .collect();
        tickets.sort_by_key(|ticket| ticket.ticket);
        Ok(tickets)
    }

    /// Previews a dissociation: returns the facts that it would use, or a refusal that names the
    /// missing record.
    pub fn preview(&mut self, pair: Pair, key: &[u8; 32]) -> Result<Result<Preview, Refusal>> {
        let Some((_, contact)) = self.contacts(&[pair.contact])?.pop() else {
            return Ok(Err(Refusal::ContactNotFound(pair.contact)));
        };
        if self.accounts(&[pair.account])?.is_empty() {
            return Ok(Err(Refusal::AccountNotFound(pair.account)));
        }
        let Some(association) = self.association(pair)? else {
            return Ok(Err(Refusal::AssociationNotFound(pair)));
        };
        let held = self.held_tickets(Held {
            requester: pair.contact,
            account: Some(pair.account),
        })?;
        let cc = self.connection.cc_count(self.org, pair)?;
        Ok(Ok(preview(
            key,
            pair,
            &association,
            &held,
            cc,
            contact.record.blocked,
        )))
    }

    /// Returns a page of accounts by name. It may be short or even empty without being the last.
    pub fn account_page(
        &mut self,
        query: &SearchQuery,
        heading: Option<Heading>,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Filtered<PickedAccount, NamePlace>> {
        let picking = Picking {
            listed: Listed::Accounts,
            query,
            heading,
            not_in: None,
        };
        let picked = self.pick(&picking, after, limit)?;
        let ids: Vec<_> = picked
            .places
            .iter()
            .map(|p| AccountId::new(p.number))
            .collect();
        let rows = self.accounts(&ids)?;
        Ok(arranged(picked, rows, AccountId::new))
    }

    /// Returns a page of contacts by name. It may be short or even empty without being the last.
    pub fn contact_page(
        &mut self,
        query: &SearchQuery,
        heading: Option<Heading>,
        not_in: Option<AccountId>,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Filtered<PickedContact, NamePlace>> {
        let picking = Picking {
            listed: Listed::Contacts,
            query,
            heading,
            not_in,
        };
        let picked = self.pick(&picking, after, limit)?;
        let ids: Vec<_> = picked
            .places
            .iter()
            .map(|p| ContactId::new(p.number))
            .collect();
        let rows = self.contacts(&ids)?;
        Ok(arranged(picked, rows, ContactId::new))
    }

    fn pick(
        &mut self,
        picking: &Picking<'_>,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Picked> {
        let effort = (Budget::of_a_page(), Bounds::USUAL);
        picker::page(self.connection, self.org, picking, after, limit, effort)
    }

    fn count_headings(&mut self, picking: &Picking<'_>) -> Result<Vec<HeadingCount>> {
        let effort = (Budget::of_a_page(), Bounds::USUAL);
        picker::headings(self.connection, self.org, picking, effort)
    }

    /// Returns how many accounts each heading has.
    pub fn account_headings(&mut self, query: &SearchQuery) -> Result<Vec<HeadingCount>> {
        let picking = Picking {
            listed: Listed::Accounts,
            query,
            heading: None,
            not_in: None,
        };
        self.count_headings(&picking)
    }

    /// Returns how many contacts each heading has.
    pub fn contact_headings(
        &mut self,
        query: &SearchQuery,
        not_in: Option<AccountId>,
    ) -> Result<Vec<HeadingCount>> {
        let picking = Picking {
            listed: Listed::Contacts,
            query,
            heading: None,
            not_in,
        };
        self.count_headings(&picking)
    }

    /// Returns a page of an account's contacts by name. A short page is the last.
    pub fn account_contacts(
        &mut self,
        account: AccountId,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Vec<AccountContact>> {
        let reach = Reach::USUAL;
        account_contacts::page(self.connection, self.org, account, after, limit, reach)
    }

    /// Returns a page of a contact's accounts: the primary first, then by name.
    pub fn contact_accounts(
        &mut self,
        contact: ContactId,
        after: Option<&ContactAccountPlace>,
        limit: usize,
    ) -> Result<Vec<ContactAccount>> {
        self.connection
            .contact_accounts(self.org, contact, after, limit)
    }

    /// Returns a page of the tickets of any of these sources, newest first, without duplicates. It
    /// may be short or even empty without being the last.
    pub fn ticket_page(
        &mut self,
        sources: &[TicketSource],
        filter: &TicketFilter,
        after: Option<&TicketPlace>,
        limit: usize,
    ) -> Result<FoundTickets> {
        let budget = Budget::of_a_page();
        self.ticket_page_within(sources, filter, after, limit, budget)
    }

    pub(crate) fn ticket_page_within(
        &mut self,
        sources: &[TicketSource],
        filter: &TicketFilter,
        after: Option<&TicketPlace>,
        limit: usize,
        budget: Budget,
    ) -> Result<FoundTickets> {
        ticket_list::page(self, sources, filter, after, limit, budget)
    }
}

/// An account of a picker and its place.
pub type PickedAccount = (NamePlace, AccountId, Stored<Account>);
/// A contact of a picker and its place.
pub type PickedContact = (NamePlace, ContactId, Stored<Contact>);

/// Rows in the order of their places.
fn arranged<K: Copy + Eq + Hash, R>(
    picked: Picked,
    rows: Vec<(K, Stored<R>)>,
    id: fn(u64) -> K,
) -> Filtered<(NamePlace, K, Stored<R>), NamePlace> {
    let mut rows: HashMap<K, Stored<R>> = rows.into_iter().collect();
    let row = |place: NamePlace| {
        let id = id(place.number);
        Some((place, id, rows.remove(&id)?))
    };
    Filtered {
        items: picked.places.into_iter().filter_map(row).collect(),
        examined: picked.examined,
    }
}
