//! Streams all visibility facts by key, reading only the columns that a check needs.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::rules::visibility::{SightPart, SightSink, SightTicket, SinkFull};
use roster_core::text::Role;

use super::session::Session;
use crate::engine::interface::{Poured, Pours};
use crate::error::Result;
use crate::tables::column::{column, number};
use crate::tables::organization::Org;
use crate::tables::schema::{accounts, associations, contacts, ticket_copies, tickets};
use crate::tables::visibility_row::sharing;

/// Passes rows on one by one. Returns the key after which the next page begins.
fn pour<R, K>(
    rows: impl Iterator<Item = QueryResult<R>>,
    limit: usize,
    mut take: impl FnMut(R) -> Result<K, SinkFull>,
) -> Result<Poured<K>> {
    let (mut last, mut count) = (None, 0);
    for row in rows {
        let Ok(key) = take(row?) else {
            return Ok(Poured::Full);
        };
        last = Some(key);
        count += 1;
    }
    let more = last.filter(|_| count == limit);
    Ok(more.map_or(Poured::All, Poured::UpTo))
}

fn limit_of(limit: usize) -> i64 {
    column(limit as u64)
}

fn contact_id(stored: i64) -> ContactId {
    ContactId::new(number(stored))
}

fn account_id(stored: i64) -> AccountId {
    AccountId::new(number(stored))
}

impl Pours for Session {
    fn pour_contacts(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<u64>> {
        let rows = contacts::table
            .filter(contacts::org.eq(org))
            .filter(contacts::contact.gt(column(after)))
            .order(contacts::contact)
            .limit(limit_of(limit))
            .select((contacts::contact, contacts::blocked))
            .load_iter::<(i64, bool), DefaultLoadingMode>(&mut self.conn)?;
        pour(rows, limit, |(contact, blocked)| {
            let contact = contact_id(contact);
            sink.contact(contact, blocked)?;
            Ok(contact.number())
        })
    }

    fn pour_accounts(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<u64>> {
        let rows = accounts::table
            .filter(accounts::org.eq(org))
            .filter(accounts::account.gt(column(after)))
            .order(accounts::account)
            .limit(limit_of(limit))
            .select((
                accounts::account,
                accounts::sharing_mode,
                accounts::sharing_roles,
            ))
            .load_iter::<(i64, Option<i64>, String), DefaultLoadingMode>(&mut self.conn)?;
        pour(rows, limit, |(account, mode, listed)| {
            let account = account_id(account);
            sink.account(account, &sharing(mode, listed))?;
            Ok(account.number())
        })
    }

    fn pour_associations(
        &mut self,
        org: Org,
        after: Pair,
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<Pair>> {
        let (contact, account) = (
            column(after.contact.number()),
            column(after.account.number()),
        );
        // The engine starts the index scan at the first condition.
        let rows = associations::table
            .filter(associations::org.eq(org))
            .filter(associations::contact.ge(contact))
            .filter(
                associations::contact
                    .gt(contact)
                    .or(associations::account.gt(account)),
            )
            .order((associations::contact, associations::account))
            .limit(limit_of(limit))
            .select((
                associations::contact,
                associations::account,
                associations::is_primary,
                associations::sees_account_tickets,
                associations::role,
            ))
            .load_iter::<(i64, i64, bool, bool, String), DefaultLoadingMode>(&mut self.conn)?;
        pour(rows, limit, |(contact, account, primary, sees, role)| {
            let pair = Pair {
                contact: contact_id(contact),
                account: account_id(account),
            };
            let part = SightPart {
                primary,
                sees_account_tickets: sees,
                role: &Role::trusted(role),
            };
            sink.association(pair, part)?;
            Ok(pair)
        })
    }

    fn pour_tickets(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<u64>> {
        let rows = tickets::table
            .filter(tickets::org.eq(org))
            .filter(tickets::ticket.gt(column(after)))
            .order(tickets::ticket)
            .limit(limit_of(limit))
            .select((
                tickets::ticket,
                tickets::id,
                tickets::requester,
                tickets::account,
                tickets::is_private,
            ))
            .load_iter::<(i64, String, i64, Option<i64>, bool), DefaultLoadingMode>(
                &mut self.conn,
            )?;
        pour(rows, limit, |(ticket, id, requester, account, private)| {
            let ticket = SightTicket {
                number: TicketNo::new(number(ticket)),
                requester: contact_id(requester),
                account: account.map(account_id),
                private,
            };
            sink.ticket(&id, ticket)?;
            Ok(ticket.number.number())
        })
    }

    fn pour_copies(
        &mut self,
        org: Org,
        after: (TicketNo, ContactId),
        limit: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Poured<(TicketNo, ContactId)>> {
        let (ticket, contact) = (column(after.0.number()), column(after.1.number()));
        let rows = ticket_copies::table
            .filter(ticket_copies::org.eq(org))
            .filter(ticket_copies::ticket.ge(ticket))
            .filter(
                ticket_copies::ticket
                    .gt(ticket)
                    .or(ticket_copies::contact.gt(contact)),
            )
            .order((ticket_copies::ticket, ticket_copies::contact))
            .limit(limit_of(limit))
            .select((ticket_copies::ticket, ticket_copies::contact))
            .load_iter::<(i64, i64), DefaultLoadingMode>(&mut self.conn)?;
        pour(rows, limit, |(ticket, contact)| {
            let place = (TicketNo::new(number(ticket)), contact_id(contact));
            sink.copy(place.0, place.1)?;
            Ok(place)
        })
    }
}
