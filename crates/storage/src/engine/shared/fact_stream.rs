//! Streams all visibility facts by key, reading only the columns that a check needs.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use roster_core::id::{ContactId, Pair, TicketNo, Time};
use roster_core::rules::visibility::{FactSink, SinkFull, StreamedAssociation, TicketFacts};
use roster_core::text::Role;

use super::keys::{account_id, contact_id};
use super::session::Session;
use crate::engine::interface::{Streamed, StreamsFacts};
use crate::error::Result;
use crate::tables::column::{column, number};
use crate::tables::organization::Org;
use crate::tables::schema::{accounts, associations, contacts, ticket_copies, tickets};
use crate::tables::visibility_row::sharing;

/// Passes rows on one by one. Returns the key after which the next page begins.
fn stream_facts<R, K>(
    rows: impl Iterator<Item = QueryResult<R>>,
    limit: usize,
    mut take: impl FnMut(R) -> Result<K, SinkFull>,
) -> Result<Streamed<K>> {
    let (mut last, mut count) = (None, 0);
    for row in rows {
        let Ok(key) = take(row?) else {
            return Ok(Streamed::Full);
        };
        last = Some(key);
        count += 1;
    }
    let more = last.filter(|_| count == limit);
    Ok(more.map_or(Streamed::All, Streamed::UpTo))
}

fn limit_of(limit: usize) -> i64 {
    column(limit as u64)
}

impl StreamsFacts for Session {
    fn stream_contacts(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<u64>> {
        let rows = contacts::table
            .filter(contacts::org.eq(org))
            .filter(contacts::contact.gt(column(after)))
            .order(contacts::contact)
            .limit(limit_of(limit))
            .select((
                contacts::contact,
                contacts::blocked,
                contacts::visitors_not_before,
            ))
            .load_iter::<(i64, bool, Option<i64>), DefaultLoadingMode>(&mut self.conn)?;
        stream_facts(rows, limit, |(contact, blocked, not_before)| {
            let contact = contact_id(contact);
            sink.contact(contact, blocked)?;
            if let Some(not_before) = not_before {
                sink.visitors_not_before(contact, Time::from_micros(not_before))?;
            }
            Ok(contact.number())
        })
    }

    fn stream_accounts(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<u64>> {
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
        stream_facts(rows, limit, |(account, mode, listed)| {
            let account = account_id(account);
            sink.account(account, &sharing(mode, listed))?;
            Ok(account.number())
        })
    }

    fn stream_associations(
        &mut self,
        org: Org,
        after: Pair,
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<Pair>> {
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
        stream_facts(rows, limit, |(contact, account, primary, sees, role)| {
            let pair = Pair {
                contact: contact_id(contact),
                account: account_id(account),
            };
            let part = StreamedAssociation {
                primary,
                sees_account_tickets: sees,
                role: &Role::trusted(role),
            };
            sink.association(pair, part)?;
            Ok(pair)
        })
    }

    fn stream_tickets(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<u64>> {
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
        stream_facts(rows, limit, |(ticket, id, requester, account, private)| {
            let ticket = TicketFacts {
                number: TicketNo::new(number(ticket)),
                requester: contact_id(requester),
                account: account.map(account_id),
                private,
            };
            sink.ticket(&id, ticket)?;
            Ok(ticket.number.number())
        })
    }

    fn stream_cc(
        &mut self,
        org: Org,
        after: (TicketNo, ContactId),
        limit: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Streamed<(TicketNo, ContactId)>> {
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
        stream_facts(rows, limit, |(ticket, contact)| {
            let place = (TicketNo::new(number(ticket)), contact_id(contact));
            sink.cc(place.0, place.1)?;
            Ok(place)
        })
    }
}
