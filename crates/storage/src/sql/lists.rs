//! Pages by keyset, and what a check reads.

use diesel::dsl::count_star;
use diesel::prelude::*;
use roster_core::id::{AccountId, ContactId, TicketNo, Time};
use roster_core::names::Heading;
use roster_core::record::{Account, Association, Contact, Stored, TicketStatus};
use roster_core::text::TicketKey;

use super::place_of;
use super::session::Session;
use crate::connection::{
    AccountContact, ContactAccount, ContactAccountPlace, NamePlace, Org, Picking, ReadLists,
    Result, SightRow, TicketPage, TicketPlace, TicketSource,
};
use crate::rows::{AccountRow, AssociationRow, ContactRow, column, number, sharing};
use crate::schema::{accounts, associations, contacts, ticket_copies, tickets};

fn limit_of(limit: usize) -> i64 {
    column(limit as u64)
}

fn heading(code: i64) -> Heading {
    u8::try_from(code)
        .ok()
        .and_then(Heading::from_code)
        .unwrap_or(Heading::Other)
}

fn headings(rows: Vec<(i64, i64)>) -> Vec<(Heading, u64)> {
    rows.into_iter()
        .map(|(code, count)| (heading(code), number(count)))
        .collect()
}

/// The filters of a picker over accounts or contacts: the same words, another table.
macro_rules! picked {
    ($query:expr, $table:ident, $org:expr, $picking:expr) => {{
        let mut query = $query.filter($table::org.eq($org)).into_boxed();
        if let Some(heading) = $picking.heading {
            query = query.filter($table::heading.eq(i64::from(heading.code())));
        }
        if !$picking.query.is_empty() {
            query = query.filter(place_of($table::search_text, $picking.query.needle()).gt(0));
        }
        query
    }};
}

/// Contacts that are not of an account.
macro_rules! without_members {
    ($query:expr, $org:expr, $picking:expr) => {{
        match $picking.not_in {
            None => $query,
            Some(account) => $query.filter(diesel::dsl::not(diesel::dsl::exists(
                associations::table
                    .filter(associations::org.eq($org))
                    .filter(associations::account.eq(column(account.number())))
                    .filter(associations::contact.eq(contacts::contact)),
            ))),
        }
    }};
}

macro_rules! after_place {
    ($query:expr, $table:ident, $id:ident, $after:expr) => {{
        match $after {
            None => $query,
            Some(place) => $query.filter(
                $table::sort_key.gt(&place.sort_key).or($table::sort_key
                    .eq(&place.sort_key)
                    .and($table::$id.gt(column(place.number)))),
            ),
        }
    }};
}

impl ReadLists for Session {
    fn sight_rows(&mut self, org: Org, contact: ContactId, ids: &[&str]) -> Result<Vec<SightRow>> {
        type Row = (
            (i64, String, i64, Option<i64>, bool),
            Option<i64>,
            (Option<i64>, Option<String>),
            Option<AssociationRow>,
        );
        let contact = column(contact.number());
        let rows: Vec<Row> = tickets::table
            .left_join(
                ticket_copies::table.on(ticket_copies::org
                    .eq(tickets::org)
                    .and(ticket_copies::ticket.eq(tickets::ticket))
                    .and(ticket_copies::contact.eq(contact))),
            )
            .left_join(
                accounts::table.on(accounts::org
                    .eq(tickets::org)
                    .and(accounts::account.nullable().eq(tickets::account))),
            )
            .left_join(
                associations::table.on(associations::org
                    .eq(tickets::org)
                    .and(associations::account.nullable().eq(tickets::account))
                    .and(associations::contact.eq(contact))),
            )
            .filter(tickets::org.eq(org))
            .filter(tickets::id.eq_any(ids))
            .select((
                (
                    tickets::ticket,
                    tickets::id,
                    tickets::requester,
                    tickets::account,
                    tickets::is_private,
                ),
                ticket_copies::contact.nullable(),
                (
                    accounts::sharing_mode.nullable(),
                    accounts::sharing_roles.nullable(),
                ),
                Option::<AssociationRow>::as_select(),
            ))
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(
                |(
                    (ticket, id, requester, account, private),
                    copied,
                    (mode, roles),
                    association,
                )| {
                    SightRow {
                        ticket: TicketNo::new(number(ticket)),
                        key: TicketKey::trusted(id),
                        requester: ContactId::new(number(requester)),
                        account: account.map(|account| AccountId::new(number(account))),
                        private,
                        copied: copied.is_some(),
                        sharing: roles.map(|roles| sharing(mode, &roles)),
                        association: association.map(|row| row.record().record),
                    }
                },
            )
            .collect())
    }

    fn account_page(
        &mut self,
        org: Org,
        picking: &Picking<'_>,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Vec<(NamePlace, AccountId, Stored<Account>)>> {
        let query = accounts::table.select((accounts::sort_key, AccountRow::as_select()));
        let query = picked!(query, accounts, org, picking);
        let query = after_place!(query, accounts, account, after);
        let rows: Vec<(Vec<u8>, AccountRow)> = query
            .order((accounts::sort_key, accounts::account))
            .limit(limit_of(limit))
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(sort_key, row)| {
                let (id, account) = row.record();
                let number = id.number();
                (NamePlace { sort_key, number }, id, account)
            })
            .collect())
    }

    fn contact_page(
        &mut self,
        org: Org,
        picking: &Picking<'_>,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Vec<(NamePlace, ContactId, Stored<Contact>)>> {
        let query = contacts::table.select((contacts::sort_key, ContactRow::as_select()));
        let query = picked!(query, contacts, org, picking);
        let query = without_members!(query, org, picking);
        let query = after_place!(query, contacts, contact, after);
        let rows: Vec<(Vec<u8>, ContactRow)> = query
            .order((contacts::sort_key, contacts::contact))
            .limit(limit_of(limit))
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(sort_key, row)| {
                let (id, contact) = row.record();
                let number = id.number();
                (NamePlace { sort_key, number }, id, contact)
            })
            .collect())
    }

    fn account_headings(&mut self, org: Org, picking: &Picking<'_>) -> Result<Vec<(Heading, u64)>> {
        let grouped = accounts::table
            .group_by(accounts::heading)
            .select((accounts::heading, count_star()));
        let rows = picked!(grouped, accounts, org, picking)
            .order(accounts::heading)
            .load(&mut self.conn)?;
        Ok(headings(rows))
    }

    fn contact_headings(&mut self, org: Org, picking: &Picking<'_>) -> Result<Vec<(Heading, u64)>> {
        let grouped = contacts::table
            .group_by(contacts::heading)
            .select((contacts::heading, count_star()));
        let query = picked!(grouped, contacts, org, picking);
        let rows = without_members!(query, org, picking)
            .order(contacts::heading)
            .load(&mut self.conn)?;
        Ok(headings(rows))
    }

    fn account_contacts(
        &mut self,
        org: Org,
        account: AccountId,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Vec<AccountContact>> {
        let query = associations::table
            .inner_join(
                contacts::table.on(contacts::org
                    .eq(associations::org)
                    .and(contacts::contact.eq(associations::contact))),
            )
            .filter(associations::org.eq(org))
            .filter(associations::account.eq(column(account.number())))
            .select((
                contacts::sort_key,
                ContactRow::as_select(),
                AssociationRow::as_select(),
            ))
            .into_boxed();
        let rows: Vec<(Vec<u8>, ContactRow, AssociationRow)> =
            after_place!(query, contacts, contact, after)
                .order((contacts::sort_key, contacts::contact))
                .limit(limit_of(limit))
                .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(sort_key, contact, association)| {
                let (id, contact) = contact.record();
                let number = id.number();
                AccountContact {
                    place: NamePlace { sort_key, number },
                    id,
                    contact,
                    association: association.record(),
                }
            })
            .collect())
    }

    fn contact_accounts(
        &mut self,
        org: Org,
        contact: ContactId,
        after: Option<&ContactAccountPlace>,
        limit: usize,
    ) -> Result<Vec<ContactAccount>> {
        let query = associations::table
            .inner_join(
                accounts::table.on(accounts::org
                    .eq(associations::org)
                    .and(accounts::account.eq(associations::account))),
            )
            .filter(associations::org.eq(org))
            .filter(associations::contact.eq(column(contact.number())))
            .select((
                accounts::sort_key,
                AccountRow::as_select(),
                AssociationRow::as_select(),
            ))
            .into_boxed();
        let name = after.map(|place| &place.name);
        let mut query = after_place!(query, accounts, account, name);
        match after {
            None => query = query.order(associations::is_primary.desc()),
            Some(place) => {
                let first = place.first.map_or(0, |id| column(id.number()));
                query = query.filter(associations::account.ne(first));
            }
        }
        let rows: Vec<(Vec<u8>, AccountRow, AssociationRow)> = query
            .then_order_by((accounts::sort_key, accounts::account))
            .limit(limit_of(limit))
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(sort_key, account, association)| {
                let (id, account) = account.record();
                let number = id.number();
                ContactAccount {
                    place: NamePlace { sort_key, number },
                    id,
                    account,
                    association: association.record(),
                }
            })
            .collect())
    }

    fn ticket_page(
        &mut self,
        org: Org,
        page: &TicketPage<'_>,
    ) -> Result<Vec<(TicketPlace, TicketNo)>> {
        let mut query = tickets::table
            .filter(tickets::org.eq(org))
            .select((tickets::create_time, tickets::id, tickets::ticket))
            .into_boxed();
        match page.source {
            TicketSource::Requester(contact) => {
                query = query.filter(tickets::requester.eq(column(contact.number())));
            }
            TicketSource::Copied(contact) => {
                query = query.filter(
                    tickets::ticket.eq_any(
                        ticket_copies::table
                            .filter(ticket_copies::org.eq(org))
                            .filter(ticket_copies::contact.eq(column(contact.number())))
                            .select(ticket_copies::ticket),
                    ),
                );
            }
            TicketSource::Accounts(of) | TicketSource::Shared(of) => {
                let of: Vec<i64> = of.iter().map(|id| column(id.number())).collect();
                query = query.filter(tickets::account.eq_any(of));
            }
        }
        if matches!(page.source, TicketSource::Shared(_)) {
            query = query.filter(tickets::is_private.eq(false));
        }
        if let Some(account) = page.account {
            query = query.filter(tickets::account.eq(column(account.number())));
        }
        if let Some(requester) = page.requester {
            query = query.filter(tickets::requester.eq(column(requester.number())));
        }
        if let Some(status) = page.status {
            query = query.filter(tickets::closed.eq(status == TicketStatus::Closed));
        }
        if let Some(place) = page.after {
            let time = place.create_time.micros();
            query = query.filter(
                tickets::create_time.lt(time).or(tickets::create_time
                    .eq(time)
                    .and(tickets::id.gt(place.id.as_str()))),
            );
        }
        let rows: Vec<(i64, String, i64)> = query
            .order((tickets::create_time.desc(), tickets::id.asc()))
            .limit(limit_of(page.limit))
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(time, id, ticket)| {
                let place = TicketPlace {
                    create_time: Time::from_micros(time),
                    id: TicketKey::trusted(id),
                };
                (place, TicketNo::new(number(ticket)))
            })
            .collect())
    }

    fn members(
        &mut self,
        org: Org,
        account: AccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(ContactId, Association)>> {
        let rows: Vec<AssociationRow> = associations::table
            .filter(associations::org.eq(org))
            .filter(associations::account.eq(column(account.number())))
            .filter(associations::contact.gt(column(after)))
            .order(associations::contact)
            .limit(limit_of(limit))
            .select(AssociationRow::as_select())
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(|row| (ContactId::new(number(row.contact)), row.record().record))
            .collect())
    }
}
