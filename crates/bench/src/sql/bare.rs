//! The statements, for the engine whose `Conn` stands above. Those that diesel can keep prepared it
//! keeps, so that a baseline is not slowed by what a careful program would not do.

use anyhow::Result;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use super::{Conn, insert_all, insert_subjects, write};
use crate::sql::{
    Bare, CALL, CREATE_TIME, ORG, Origin, PAGE, associations, change_set_parts, change_sets,
    contacts, new_association, organizations, subjects_of, ticket_copies, tickets,
};

type Backend = <Conn as Connection>::Backend;

/// About as long as the log's own record of one association.
const PAYLOAD: [u8; 48] = [7; 48];

/// What a page shows of a ticket.
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

/// A query of one page. Its limit is a sum: SQLite plans by the value of a parameter that stands
/// alone as a limit, and so prepares anew whenever one is bound.
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
    let asked = tickets::table
        .filter(tickets::org.eq(ORG))
        .filter(tickets::requester.eq(contact))
        .order((tickets::create_time.desc(), tickets::id))
        .select(listed!());
    Paged(asked).load(conn)
}

fn in_cc(conn: &mut Conn, contact: i64) -> QueryResult<Vec<Listed>> {
    let its_ticket = tickets::org
        .eq(ticket_copies::org)
        .and(tickets::ticket.eq(ticket_copies::ticket));
    let asked = ticket_copies::table
        .inner_join(tickets::table.on(its_ticket))
        .filter(ticket_copies::org.eq(ORG))
        .filter(ticket_copies::contact.eq(contact))
        .order((ticket_copies::create_time.desc(), ticket_copies::id))
        .select(listed!());
    Paged(asked).load(conn)
}

fn of_account(conn: &mut Conn, account: i64) -> QueryResult<Vec<Listed>> {
    let asked = tickets::table
        .filter(tickets::org.eq(ORG))
        .filter(tickets::account.eq(account))
        .filter(tickets::is_private.eq(false))
        .order((tickets::create_time.desc(), tickets::id))
        .select(listed!());
    Paged(asked).load(conn)
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
            let organization = organizations::table.find(ORG);
            // First, since it is what two writers of one organization wait at.
            diesel::update(organization)
                .set((
                    organizations::revision.eq(organizations::revision + 1),
                    organizations::change_time.eq(CREATE_TIME),
                ))
                .execute(conn)?;
            let revision: i64 = organization.select(organizations::revision).first(conn)?;
            diesel::insert_into(associations::table)
                .values(new_association(pair, revision, Origin::Call))
                .execute(conn)?;
            diesel::insert_into(change_sets::table)
                .values((
                    change_sets::org.eq(ORG),
                    change_sets::revision.eq(revision),
                    change_sets::create_time.eq(CREATE_TIME),
                    change_sets::actor.eq("anonymous"),
                    change_sets::command.eq("AssociateContacts"),
                    change_sets::source.eq("rpc"),
                    change_sets::nonce.eq(1),
                    change_sets::format.eq(2),
                    change_sets::parts.eq(1),
                    change_sets::credential.eq("local"),
                    change_sets::origin_kind.eq(Some(CALL)),
                    change_sets::epoch.eq(0),
                ))
                .execute(conn)?;
            insert_subjects(conn, subjects_of(pair, revision))?;
            diesel::insert_into(change_set_parts::table)
                .values((
                    change_set_parts::org.eq(ORG),
                    change_set_parts::revision.eq(revision),
                    change_set_parts::part.eq(0),
                    change_set_parts::payload.eq(PAYLOAD.as_slice()),
                ))
                .execute(conn)
        })?;
        Ok(())
    }

    fn load(&mut self, pairs: &[(u64, u64)]) -> Result<()> {
        Ok(write(self, |conn| insert_all(conn, pairs))?)
    }
}
