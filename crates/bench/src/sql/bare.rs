//! The statements, for the engine whose `Conn` the parent module defines. diesel keeps them
//! prepared where it can, because a baseline must be as fast as a careful program.

use anyhow::Result;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use super::{Conn, insert, load, write};
use crate::sql::rows::{Rows, change_sets_of_import};
use crate::sql::tables::{contacts, organizations, ticket_copies, tickets};
use crate::sql::{Bare, CREATE_TIME, ORG, PAGE};

type Backend = <Conn as Connection>::Backend;

/// The columns of a ticket that a page shows.
type Listed = (String, i64, Option<i64>, String, bool, i64);

macro_rules! listed {
    () => {
        (
            tickets::id,
            tickets::requester,
            tickets::account,
            tickets::subject,
            tickets::closed,
            tickets::create_time,
        )
    };
}

/// A query of one page. Its limit is a sum, because SQLite prepares a statement again whenever its
/// limit is a parameter without an operation: it plans by the value of the parameter.
struct Paged<Q>(Q);

impl<Q: QueryFragment<Backend>> QueryFragment<Backend> for Paged<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT 0 + ");
        out.push_bind_param::<BigInt, i64>(&PAGE)
    }
}

impl<Q> QueryId for Paged<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Paged<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<Conn> for Paged<Q> {}

fn own(conn: &mut Conn, contact: i64) -> QueryResult<Vec<Listed>> {
    let query = tickets::table
        .filter(tickets::org.eq(ORG))
        .filter(tickets::requester.eq(contact))
        .order((tickets::create_time.desc(), tickets::id))
        .select(listed!());
    Paged(query).load(conn)
}

fn in_cc(conn: &mut Conn, contact: i64) -> QueryResult<Vec<Listed>> {
    let its_ticket = tickets::org
        .eq(ticket_copies::org)
        .and(tickets::ticket.eq(ticket_copies::ticket));
    let query = ticket_copies::table
        .inner_join(tickets::table.on(its_ticket))
        .filter(ticket_copies::org.eq(ORG))
        .filter(ticket_copies::contact.eq(contact))
        .order((ticket_copies::create_time.desc(), ticket_copies::id))
        .select(listed!());
    Paged(query).load(conn)
}

fn of_account(conn: &mut Conn, account: i64) -> QueryResult<Vec<Listed>> {
    let query = tickets::table
        .filter(tickets::org.eq(ORG))
        .filter(tickets::account.eq(account))
        .filter(tickets::is_private.eq(false))
        .order((tickets::create_time.desc(), tickets::id))
        .select(listed!());
    Paged(query).load(conn)
}

impl Bare for Conn {
    fn page(&mut self, contact: u64, accounts: &[u64]) -> Result<Vec<String>> {
        let contact = contact as i64;
        let mut found = self.transaction(|conn| {
            let mut found = own(conn, contact)?;
            found.extend(in_cc(conn, contact)?);
            for account in accounts {
                found.extend(of_account(conn, *account as i64)?);
            }
            QueryResult::Ok(found)
        })?;
        found.sort_by(|a, b| (b.5, &a.0).cmp(&(a.5, &b.0)));
        found.dedup();
        found.truncate(PAGE as usize);
        Ok(found.into_iter().map(|(id, ..)| id).collect())
    }

    fn find(&mut self, needle: &str) -> Result<Vec<u64>> {
        let found: Vec<(i64, String, Option<String>, String)> = contacts::table
            .filter(contacts::org.eq(ORG))
            .filter(contacts::search_text.like(format!("%{needle}%")))
            .order((contacts::sort_key, contacts::contact))
            .limit(PAGE)
            .select((
                contacts::contact,
                contacts::family_name,
                contacts::given_name,
                contacts::emails,
            ))
            .load(self)?;
        Ok(found
            .into_iter()
            .map(|(contact, ..)| contact as u64)
            .collect())
    }

    fn associate(&mut self, pair: (u64, u64)) -> Result<()> {
        write(self, |conn| {
            let revision = take_revisions(conn, 1)?;
            insert(conn, &Rows::of_call(pair, revision)?)
        })
    }

    fn load(&mut self, pairs: &[(u64, u64)]) -> Result<()> {
        write(self, |conn| {
            let first = take_revisions(conn, change_sets_of_import(pairs.len()))?;
            let import = organizations::table
                .find(ORG)
                .select(organizations::next_import)
                .first(conn)?;
            load(conn, Rows::of_import(pairs, import, first)?)
        })
    }
}

/// Takes the next revisions of the organization, and returns the first of them. This is the first
/// statement of a transaction, because two writers of one organization wait for each other here.
fn take_revisions(conn: &mut Conn, count: i64) -> QueryResult<i64> {
    let organization = organizations::table.find(ORG);
    diesel::update(organization)
        .set((
            organizations::revision.eq(organizations::revision + count),
            organizations::change_time.eq(CREATE_TIME),
        ))
        .execute(conn)?;
    let last: i64 = organization.select(organizations::revision).first(conn)?;
    Ok(last - count + 1)
}
