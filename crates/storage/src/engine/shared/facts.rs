//! Loads facts with one statement per kind, however many they are.

use std::collections::{BTreeSet, HashMap};

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use roster_core::fact::{Held, HeldTicket, Namesakes, TicketsOf, UniqueKey};
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::organization::OrganizationState;
use roster_core::record::{Account, Association, Contact, Stored, Ticket};

use super::Conn;
use super::keys::{
    account_columns, account_id, contact_columns, contact_id, given, ticket_no, wanted,
};
use super::session::Session;
use crate::engine::interface::{AccountSummary, ReadFacts};
use crate::engine::statement::Statement;
use crate::error::Result;
use crate::tables::cell::{Cell, Rows};
use crate::tables::codec::not_understood;
use crate::tables::column::{LogValue, RowKey, column, number, status};
use crate::tables::credential::state_number;
use crate::tables::listed::Listed;
use crate::tables::organization::{Org, Organization, StoreKeys};
use crate::tables::origin::OriginKind;
use crate::tables::records::{AccountRow, AssociationRow, ContactRow, TicketRow};
use crate::tables::request_answer::KeptAnswer;
use crate::tables::rows::{CONTACT_KEYS, PAIRS};
use crate::tables::schema::{
    accounts, associations, change_sets, contacts, organizations, request_answers, store,
    ticket_copies, tickets, unique_keys,
};
use crate::tables::unique_key::{key_column, key_of_column};
use crate::tables::visibility_row::ContactState;

/// Keys per statement: far below the 32,766 parameters of SQLite.
const KEYS_MAX: usize = 10_000;

/// The columns of [`AssociationRow`].
type AssociationColumns =
    <<AssociationRow as Selectable<<Conn as diesel::Connection>::Backend>>::SelectExpression as Expression>::SqlType;

/// Converts rows to records. Fails if any value of any row is not understood.
pub(crate) fn records<R, T>(rows: Vec<R>, record: impl FnMut(R) -> Result<T>) -> Result<Vec<T>> {
    rows.into_iter().map(record).collect()
}

impl Session {
    /// Returns the contacts in CC of tickets. Omits tickets without any.
    fn cc_of(&mut self, org: Org, tickets: &[i64]) -> Result<HashMap<i64, Vec<ContactId>>> {
        let rows: Vec<(i64, i64)> = ticket_copies::table
            .filter(ticket_copies::org.eq(org))
            .filter(ticket_copies::ticket.eq_any(tickets))
            .order((ticket_copies::ticket, ticket_copies::position))
            .select((ticket_copies::ticket, ticket_copies::contact))
            .load(&mut self.conn)?;
        let mut cc: HashMap<i64, Vec<ContactId>> = HashMap::new();
        for (ticket, contact) in rows {
            let id = ContactId::from_log(contact);
            let unclear = || not_understood("ticket_copies", "contact", &[ticket, contact]);
            let id = id.ok_or_else(unclear)?;
            cc.entry(ticket).or_default().push(id);
        }
        Ok(cc)
    }
}

impl ReadFacts for Session {
    fn store_keys(&mut self) -> Result<StoreKeys> {
        let (store_id, page_key, preview_key) = store::table
            .select((store::store_id, store::page_key, store::preview_key))
            .first(&mut self.conn)?;
        Ok(StoreKeys {
            store_id,
            page_key,
            preview_key,
        })
    }

    fn organizations(&mut self) -> Result<Vec<String>> {
        Ok(organizations::table
            .filter(organizations::state.ne(state_number(OrganizationState::Removing)))
            .order(organizations::name)
            .select(organizations::name)
            .load(&mut self.conn)?)
    }

    fn organization(&mut self, name: &str) -> Result<Option<Organization>> {
        self.organization_row(name, "")
    }

    fn nonce_of(&mut self, org: Org, revision: Revision) -> Result<Option<i64>> {
        Ok(change_sets::table
            .find((org, column(revision.number())))
            .select(change_sets::nonce)
            .first(&mut self.conn)
            .optional()?)
    }

    fn change_sets_from(&mut self, org: Org, kind: OriginKind) -> Result<u64> {
        let count: i64 = change_sets::table
            .filter(change_sets::org.eq(org))
            .filter(change_sets::source.eq(kind.source()))
            .count()
            .get_result(&mut self.conn)?;
        Ok(number(count))
    }

    fn accounts(
        &mut self,
        org: Org,
        ids: &[AccountId],
    ) -> Result<Vec<(AccountId, Stored<Account>)>> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in account_columns(ids).chunks(KEYS_MAX) {
            let rows: Vec<AccountRow> = accounts::table
                .filter(accounts::org.eq(org))
                .filter(accounts::account.eq_any(ids))
                .select(AccountRow::as_select())
                .load(&mut self.conn)?;
            found.extend(records(rows, AccountRow::record)?);
        }
        Ok(found)
    }

    fn contacts(
        &mut self,
        org: Org,
        ids: &[ContactId],
    ) -> Result<Vec<(ContactId, Stored<Contact>)>> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in contact_columns(ids).chunks(KEYS_MAX) {
            let rows: Vec<ContactRow> = contacts::table
                .filter(contacts::org.eq(org))
                .filter(contacts::contact.eq_any(ids))
                .select(ContactRow::as_select())
                .load(&mut self.conn)?;
            found.extend(records(rows, ContactRow::record)?);
        }
        Ok(found)
    }

    fn contact_states(
        &mut self,
        org: Org,
        ids: &[ContactId],
    ) -> Result<Vec<(ContactId, ContactState)>> {
        type Row = (i64, bool, Option<i64>);
        let of = contacts::table.select((
            contacts::contact,
            contacts::blocked,
            contacts::visitors_not_before,
        ));
        let mut found: Vec<Row> = Vec::with_capacity(ids.len());
        if let [one] = contact_columns(ids)[..] {
            // Most often there is one key, and this statement is kept prepared.
            let one = of.find((org, one)).first::<Row>(&mut self.conn);
            found.extend(one.optional()?);
        } else {
            for ids in contact_columns(ids).chunks(KEYS_MAX) {
                let rows: Vec<Row> = of
                    .filter(contacts::org.eq(org))
                    .filter(contacts::contact.eq_any(ids))
                    .load(&mut self.conn)?;
                found.extend(rows);
            }
        }
        let state = |(id, blocked, not_before): Row| {
            let visitors_not_before = not_before.map(Time::from_micros);
            let state = ContactState {
                blocked,
                visitors_not_before,
            };
            (contact_id(id), state)
        };
        Ok(found.into_iter().map(state).collect())
    }

    fn associations(
        &mut self,
        org: Org,
        pairs: &[Pair],
    ) -> Result<Vec<(Pair, Stored<Association>)>> {
        // Looks up each pair by its key: of a contact with many accounts, few are wanted.
        let sql = format!(
            "SELECT found.contact, found.account, is_primary, sees_account_tickets, role, \
             create_time, revision FROM {} JOIN associations AS found ON found.org = wanted.org \
             AND found.contact = wanted.contact AND found.account = wanted.account",
            wanted(&PAIRS),
        );
        let mut keys = Rows::of_width(PAIRS.len());
        for pair in pairs {
            keys.push_row(pair.numbers().map(|number| Cell::Int(Some(number))));
        }
        let found = Statement::<AssociationColumns>::numbered(&sql, given(org, &keys))
            .load::<AssociationRow>(&mut self.conn)?;
        records(found, AssociationRow::record)
    }

    fn associations_of(
        &mut self,
        org: Org,
        of: &[ContactId],
    ) -> Result<Vec<(Pair, Stored<Association>)>> {
        let mut found = Vec::new();
        for of in contact_columns(of).chunks(KEYS_MAX) {
            let rows: Vec<AssociationRow> = associations::table
                .filter(associations::org.eq(org))
                .filter(associations::contact.eq_any(of))
                .order((associations::contact, associations::account))
                .select(AssociationRow::as_select())
                .load(&mut self.conn)?;
            found.extend(records(rows, AssociationRow::record)?);
        }
        Ok(found)
    }

    fn contacts_of(&mut self, org: Org, account: AccountId) -> Result<Vec<ContactId>> {
        let found: Vec<i64> = associations::table
            .filter(associations::org.eq(org))
            .filter(associations::account.eq(column(account.number())))
            .order(associations::contact)
            .select(associations::contact)
            .load(&mut self.conn)?;
        Ok(found.into_iter().map(contact_id).collect())
    }

    fn primaries(&mut self, org: Org, of: &[ContactId]) -> Result<Vec<(ContactId, AccountId)>> {
        let mut found = Vec::with_capacity(of.len());
        for of in contact_columns(of).chunks(KEYS_MAX) {
            let rows: Vec<(i64, i64)> = associations::table
                .filter(associations::org.eq(org))
                .filter(associations::contact.eq_any(of))
                .filter(associations::is_primary.eq(true))
                .select((associations::contact, associations::account))
                .load(&mut self.conn)?;
            found.extend(
                rows.into_iter()
                    .map(|(c, a)| (contact_id(c), account_id(a))),
            );
        }
        Ok(found)
    }

    fn account_summaries(
        &mut self,
        org: Org,
        of: &[ContactId],
    ) -> Result<Vec<(ContactId, AccountSummary)>> {
        let sql = format!(
            "SELECT found.contact, COUNT(*), MAX(CASE WHEN is_primary THEN found.account END) \
             FROM {} JOIN associations AS found ON found.org = wanted.org \
             AND found.contact = wanted.contact GROUP BY found.contact",
            wanted(&CONTACT_KEYS),
        );
        let keys = Rows::of_numbers(contact_columns(of));
        let found =
            Statement::<(BigInt, BigInt, Nullable<BigInt>)>::numbered(&sql, given(org, &keys))
                .load::<(i64, i64, Option<i64>)>(&mut self.conn)?;
        let summary = |(contact, accounts, primary): (i64, i64, Option<i64>)| {
            let summary = AccountSummary {
                accounts: number(accounts),
                primary: primary.map(account_id),
            };
            (contact_id(contact), summary)
        };
        Ok(found.into_iter().map(summary).collect())
    }

    fn contacts_with_several_accounts(&mut self, org: Org) -> Result<u64> {
        // A contact with several accounts has exactly one primary among them.
        let found: i64 = associations::table
            .filter(associations::org.eq(org))
            .filter(associations::is_primary.eq(false))
            .select(diesel::dsl::count(associations::contact).aggregate_distinct())
            .first(&mut self.conn)?;
        Ok(number(found))
    }

    fn tickets(
        &mut self,
        org: Org,
        numbers: &[TicketNo],
    ) -> Result<Vec<(TicketNo, Stored<Ticket>)>> {
        let wanted: Vec<i64> = numbers.iter().map(|no| column(no.number())).collect();
        let mut found = Vec::with_capacity(wanted.len());
        for wanted in wanted.chunks(KEYS_MAX) {
            let rows: Vec<TicketRow> = tickets::table
                .filter(tickets::org.eq(org))
                .filter(tickets::ticket.eq_any(wanted))
                .select(TicketRow::as_select())
                .load(&mut self.conn)?;
            let mut cc = self.cc_of(org, wanted)?;
            let record = |row: TicketRow| {
                let cc = cc.remove(&column(row.key().number()));
                row.record(cc.unwrap_or_default())
            };
            found.extend(records(rows, record)?);
        }
        Ok(found)
    }

    fn cc(&mut self, org: Org, numbers: &[TicketNo]) -> Result<HashMap<TicketNo, Vec<ContactId>>> {
        let wanted: Vec<i64> = numbers.iter().map(|no| column(no.number())).collect();
        let mut found = HashMap::new();
        for wanted in wanted.chunks(KEYS_MAX) {
            let cc = self.cc_of(org, wanted)?.into_iter();
            found.extend(cc.map(|(ticket, contacts)| (ticket_no(ticket), contacts)));
        }
        Ok(found)
    }

    fn tickets_of(&mut self, org: Org, of: TicketsOf) -> Result<Vec<TicketNo>> {
        let all = tickets::table
            .filter(tickets::org.eq(org))
            .order(tickets::ticket)
            .select(tickets::ticket);
        let found: Vec<i64> = match of {
            TicketsOf::Account(account) => all
                .filter(tickets::account.eq(column(account.number())))
                .load(&mut self.conn)?,
            TicketsOf::Requester(contact) => all
                .filter(tickets::requester.eq(column(contact.number())))
                .load(&mut self.conn)?,
            TicketsOf::Cc(contact) => ticket_copies::table
                .filter(ticket_copies::org.eq(org))
                .filter(ticket_copies::contact.eq(column(contact.number())))
                .order(ticket_copies::ticket)
                .select(ticket_copies::ticket)
                .load(&mut self.conn)?,
        };
        Ok(found.into_iter().map(ticket_no).collect())
    }

    fn cc_count(&mut self, org: Org, pair: Pair) -> Result<u64> {
        let found: i64 = ticket_copies::table
            .inner_join(
                tickets::table.on(tickets::org
                    .eq(ticket_copies::org)
                    .and(tickets::ticket.eq(ticket_copies::ticket))),
            )
            .filter(ticket_copies::org.eq(org))
            .filter(ticket_copies::contact.eq(column(pair.contact.number())))
            .filter(tickets::account.eq(column(pair.account.number())))
            .select(count_star())
            .first(&mut self.conn)?;
        Ok(number(found))
    }

    fn held_tickets(
        &mut self,
        org: Org,
        asked: &BTreeSet<Held>,
    ) -> Result<Vec<(Held, HeldTicket)>> {
        let mut found = Vec::new();
        let (under, without): (Vec<&Held>, Vec<&Held>) =
            asked.iter().partition(|held| held.account.is_some());
        let mut take = |rows: Vec<(i64, Option<i64>, i64, bool, i64)>| {
            found.extend(
                rows.into_iter()
                    .map(|(requester, account, ticket, closed, revision)| {
                        let held = Held {
                            requester: contact_id(requester),
                            account: account.map(account_id),
                        };
                        let ticket = HeldTicket {
                            ticket: ticket_no(ticket),
                            status: status(closed),
                            revision: Revision::new(number(revision)),
                        };
                        (held, ticket)
                    }),
            );
        };
        for (group, has_account) in [(under, true), (without, false)] {
            for chunk in group.chunks(KEYS_MAX) {
                let requesters: BTreeSet<i64> = chunk
                    .iter()
                    .map(|held| column(held.requester.number()))
                    .collect();
                let of = tickets::table
                    .filter(tickets::org.eq(org))
                    .filter(tickets::requester.eq_any(requesters))
                    .select((
                        tickets::requester,
                        tickets::account,
                        tickets::ticket,
                        tickets::closed,
                        tickets::revision,
                    ));
                if has_account {
                    let accounts: BTreeSet<i64> = chunk
                        .iter()
                        .filter_map(|held| held.account)
                        .map(|account| column(account.number()))
                        .collect();
                    take(
                        of.filter(tickets::account.eq_any(accounts))
                            .load(&mut self.conn)?,
                    );
                } else {
                    take(of.filter(tickets::account.is_null()).load(&mut self.conn)?);
                }
            }
        }
        Ok(found)
    }

    fn accounts_named(
        &mut self,
        org: Org,
        of: &[Namesakes],
        limit: usize,
    ) -> Result<Vec<(Namesakes, AccountId)>> {
        let found = self
            .namesakes(org, Listed::Accounts, of, limit)?
            .into_iter();
        Ok(found.map(|(of, id)| (of, AccountId::new(id))).collect())
    }

    fn contacts_named(
        &mut self,
        org: Org,
        of: &[Namesakes],
        limit: usize,
    ) -> Result<Vec<(Namesakes, ContactId)>> {
        let found = self
            .namesakes(org, Listed::Contacts, of, limit)?
            .into_iter();
        Ok(found.map(|(of, id)| (of, ContactId::new(id))).collect())
    }

    fn owners(&mut self, org: Org, keys: &[UniqueKey]) -> Result<Vec<(UniqueKey, u64)>> {
        let mut found = Vec::with_capacity(keys.len());
        let (of_tickets, others): (Vec<&UniqueKey>, Vec<&UniqueKey>) = keys
            .iter()
            .partition(|key| matches!(key, UniqueKey::Ticket(_)));
        for keys in of_tickets.chunks(KEYS_MAX) {
            let ids: Vec<&str> = keys.iter().map(|key| key.text()).collect();
            let rows: Vec<(String, i64)> = tickets::table
                .filter(tickets::org.eq(org))
                .filter(tickets::id.eq_any(ids))
                .select((tickets::id, tickets::ticket))
                .load(&mut self.conn)?;
            let owned = |(id, ticket)| (UniqueKey::Ticket(id), number(ticket));
            found.extend(rows.into_iter().map(owned));
        }
        for keys in others.chunks(KEYS_MAX) {
            let columns: Vec<String> = keys.iter().map(|key| key_column(key)).collect();
            let rows: Vec<(String, i64)> = unique_keys::table
                .filter(unique_keys::org.eq(org))
                .filter(unique_keys::key.eq_any(columns))
                .select((unique_keys::key, unique_keys::owner))
                .load(&mut self.conn)?;
            let owned = |(key, owner): (String, i64)| Some((key_of_column(&key)?, number(owner)));
            found.extend(rows.into_iter().filter_map(owned));
        }
        Ok(found)
    }

    fn kept_answers(&mut self, org: Org, request_ids: &[&str]) -> Result<Vec<KeptAnswer>> {
        type Row = (String, String, String, Vec<u8>, Vec<u8>, i64);
        let rows: Vec<Row> = request_answers::table
            .filter(request_answers::org.eq(org))
            .filter(request_answers::request_id.eq_any(request_ids))
            .select((
                request_answers::caller,
                request_answers::rpc,
                request_answers::request_id,
                request_answers::hash,
                request_answers::answer,
                request_answers::expire_time,
            ))
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(
                |(caller, rpc, request_id, hash, answer, expire_time)| KeptAnswer {
                    caller,
                    rpc,
                    request_id,
                    hash,
                    answer,
                    expire_time: Time::from_micros(expire_time),
                },
            )
            .collect())
    }
}
