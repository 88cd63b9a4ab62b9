//! Pages by keyset, and what a check reads.

use diesel::prelude::*;
use roster_core::id::{AccountId, ContactId, TicketNo};
use roster_core::record::Association;
use roster_core::text::TicketKey;

use super::session::Session;
use crate::connection::{
    AccountContact, BranchRows, ContactAccount, NamePlace, Org, ReadLists, Result, SightRow,
    TicketBranch, TicketPlace,
};
use crate::rows::{AccountRow, AssociationRow, ContactRow, column, number, sharing};
use crate::schema::{accounts, associations, contacts, ticket_copies, tickets};

fn limit_of(limit: usize) -> i64 {
    column(limit as u64)
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

    fn account_contacts(
        &mut self,
        org: Org,
        account: AccountId,
        after: Option<&NamePlace>,
        limit: usize,
    ) -> Result<Vec<AccountContact>> {
        let mut query = associations::table
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
        if let Some(place) = after {
            let same = contacts::sort_key.eq(&place.sort_key);
            query = query.filter(
                contacts::sort_key
                    .gt(&place.sort_key)
                    .or(same.and(contacts::contact.gt(column(place.number)))),
            );
        }
        let rows: Vec<(Vec<u8>, ContactRow, AssociationRow)> = query
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

    fn contact_accounts(&mut self, org: Org, contact: ContactId) -> Result<Vec<ContactAccount>> {
        let rows: Vec<(AccountRow, AssociationRow)> = associations::table
            .inner_join(
                accounts::table.on(accounts::org
                    .eq(associations::org)
                    .and(accounts::account.eq(associations::account))),
            )
            .filter(associations::org.eq(org))
            .filter(associations::contact.eq(column(contact.number())))
            .order((
                associations::is_primary.desc(),
                accounts::sort_key,
                accounts::account,
            ))
            .select((AccountRow::as_select(), AssociationRow::as_select()))
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(account, association)| {
                let (id, account) = account.record();
                ContactAccount {
                    id,
                    account,
                    association: association.record(),
                }
            })
            .collect())
    }

    fn ticket_branches(
        &mut self,
        org: Org,
        branches: &[TicketBranch],
        after: Option<&TicketPlace>,
        limit: usize,
    ) -> Result<Vec<BranchRows>> {
        super::tickets::branches(self, org, branches, after, limit)
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
