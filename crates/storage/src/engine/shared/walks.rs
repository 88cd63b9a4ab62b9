//! Walks over all rows of an organization, by key.

use diesel::prelude::*;
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};

use super::session::Session;
use crate::engine::interface::Walks;
use crate::error::Result;
use crate::tables::column::{column, number};
use crate::tables::organization::Org;
use crate::tables::schema::{
    accounts, associations, contacts, imports, ticket_copies, tickets, unique_keys,
};

fn limit_of(limit: usize) -> i64 {
    column(limit as u64)
}

fn numbers(rows: Vec<i64>) -> Vec<u64> {
    rows.into_iter().map(number).collect()
}

impl Walks for Session {
    fn accounts_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>> {
        let rows = accounts::table
            .filter(accounts::org.eq(org))
            .filter(accounts::account.gt(column(after)))
            .order(accounts::account)
            .limit(limit_of(limit))
            .select(accounts::account)
            .load(&mut self.conn)?;
        Ok(numbers(rows))
    }

    fn contacts_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>> {
        let rows = contacts::table
            .filter(contacts::org.eq(org))
            .filter(contacts::contact.gt(column(after)))
            .order(contacts::contact)
            .limit(limit_of(limit))
            .select(contacts::contact)
            .load(&mut self.conn)?;
        Ok(numbers(rows))
    }

    fn pairs_after(&mut self, org: Org, after: Pair, limit: usize) -> Result<Vec<Pair>> {
        let (contact, account) = (
            column(after.contact.number()),
            column(after.account.number()),
        );
        // The engine starts the index scan at the first condition.
        let rows: Vec<(i64, i64)> = associations::table
            .filter(associations::org.eq(org))
            .filter(associations::contact.ge(contact))
            .filter(
                associations::contact
                    .gt(contact)
                    .or(associations::account.gt(account)),
            )
            .order((associations::contact, associations::account))
            .limit(limit_of(limit))
            .select((associations::contact, associations::account))
            .load(&mut self.conn)?;
        let pair = |(contact, account)| Pair {
            contact: ContactId::new(number(contact)),
            account: AccountId::new(number(account)),
        };
        Ok(rows.into_iter().map(pair).collect())
    }

    fn tickets_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>> {
        let rows = tickets::table
            .filter(tickets::org.eq(org))
            .filter(tickets::ticket.gt(column(after)))
            .order(tickets::ticket)
            .limit(limit_of(limit))
            .select(tickets::ticket)
            .load(&mut self.conn)?;
        Ok(numbers(rows))
    }

    fn imports_after(&mut self, org: Org, after: u64, limit: usize) -> Result<Vec<u64>> {
        let rows = imports::table
            .filter(imports::org.eq(org))
            .filter(imports::import.gt(column(after)))
            .order(imports::import)
            .limit(limit_of(limit))
            .select(imports::import)
            .load(&mut self.conn)?;
        Ok(numbers(rows))
    }

    fn keys_after(&mut self, org: Org, after: &str, limit: usize) -> Result<Vec<String>> {
        Ok(unique_keys::table
            .filter(unique_keys::org.eq(org))
            .filter(unique_keys::key.gt(after))
            .order(unique_keys::key)
            .limit(limit_of(limit))
            .select(unique_keys::key)
            .load(&mut self.conn)?)
    }

    fn cc_without_ticket(&mut self, org: Org, limit: usize) -> Result<Vec<TicketNo>> {
        let its_ticket = tickets::table
            .filter(tickets::org.eq(org))
            .filter(tickets::ticket.eq(ticket_copies::ticket));
        let rows: Vec<i64> = ticket_copies::table
            .filter(ticket_copies::org.eq(org))
            .filter(diesel::dsl::not(diesel::dsl::exists(its_ticket)))
            .order(ticket_copies::ticket)
            .select(ticket_copies::ticket)
            .distinct()
            .limit(limit_of(limit))
            .load(&mut self.conn)?;
        Ok(numbers(rows).into_iter().map(TicketNo::new).collect())
    }
}
