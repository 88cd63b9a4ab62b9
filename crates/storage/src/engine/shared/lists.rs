//! Pages by keyset, and the rows that a check reads.

use diesel::prelude::*;
use roster_core::id::{AccountId, ContactId, TicketNo, Time};
use roster_core::record::Sharing;
use roster_core::rules::visibility::{ContactFacts, HeldAssociation, HeldSharing};
use roster_core::text::TicketKey;

use super::facts::records;
use super::session::Session;
use crate::engine::interface::ReadLists;
use crate::error::Result;
use crate::tables::column::{column, number};
use crate::tables::name_list::{ContactAccount, ContactAccountPlace, Looked, NamePlace};
use crate::tables::organization::Org;
use crate::tables::records::{AccountRow, AssociationRow};
use crate::tables::schema::{accounts, associations, contacts, ticket_copies, tickets};
use crate::tables::ticket_list::{
    BranchBounds, BranchRows, TicketBranch, TicketPlace, VisibilityRow,
};
use crate::tables::visibility_row::{AssociationPart, VisibilityPart, sharing};

fn limit_of(limit: usize) -> i64 {
    column(limit as u64)
}

/// The rows of a table after a place by name.
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
    fn sharing(&mut self, org: Org, account: AccountId) -> Result<Option<Sharing>> {
        let found: Option<(Option<i64>, String)> = accounts::table
            .find((org, column(account.number())))
            .select((accounts::sharing_mode, accounts::sharing_roles))
            .first(&mut self.conn)
            .optional()?;
        Ok(found.map(|(mode, roles)| sharing(mode, roles)))
    }

    fn contact_facts(&mut self, org: Org, contact: ContactId) -> Result<Option<ContactFacts>> {
        type Row = (
            (bool, Option<i64>),
            Option<AssociationPart>,
            (Option<i64>, Option<String>),
        );
        let rows: Vec<Row> = contacts::table
            .left_join(
                associations::table.on(associations::org
                    .eq(contacts::org)
                    .and(associations::contact.eq(contacts::contact))),
            )
            .left_join(
                accounts::table.on(accounts::org.eq(contacts::org).and(
                    accounts::account
                        .nullable()
                        .eq(associations::account.nullable()),
                )),
            )
            .filter(contacts::org.eq(org))
            .filter(contacts::contact.eq(column(contact.number())))
            .select((
                (contacts::blocked, contacts::visitors_not_before),
                Option::<AssociationPart>::as_select(),
                (
                    accounts::sharing_mode.nullable(),
                    accounts::sharing_roles.nullable(),
                ),
            ))
            .load(&mut self.conn)?;
        let Some((state, ..)) = rows.first() else {
            return Ok(None);
        };
        let (blocked, not_before) = *state;
        let account = |(_, association, (mode, roles)): Row| {
            let association = association?;
            let account = association.pair().account;
            let sharing = sharing(mode, roles?);
            let sharing = HeldSharing::of(sharing.mode, &sharing.roles);
            let association = HeldAssociation::of(association.part().streamed());
            Some((account, (association, sharing)))
        };
        let accounts = rows.into_iter().filter_map(account).collect();
        Ok(Some(ContactFacts {
            blocked,
            visitors_not_before: not_before.map(Time::from_micros),
            accounts,
        }))
    }

    fn visibility_rows(
        &mut self,
        org: Org,
        contact: ContactId,
        ids: &[&str],
    ) -> Result<Vec<VisibilityRow>> {
        type Row = (
            (i64, String, i64, Option<i64>, bool),
            Option<i64>,
            (Option<i64>, Option<String>),
            Option<AssociationPart>,
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
                Option::<AssociationPart>::as_select(),
            ))
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(
                |((ticket, id, requester, account, private), in_cc, (mode, roles), association)| {
                    VisibilityRow {
                        ticket: TicketNo::new(number(ticket)),
                        key: TicketKey::trusted(id),
                        requester: ContactId::new(number(requester)),
                        account: account.map(|account| AccountId::new(number(account))),
                        private,
                        in_cc: in_cc.is_some(),
                        sharing: roles.map(|roles| sharing(mode, roles)),
                        association: association.map(AssociationPart::part),
                    }
                },
            )
            .collect())
    }

    fn has_more_members(&mut self, org: Org, account: AccountId, than: usize) -> Result<bool> {
        let beyond: Option<i64> = associations::table
            .filter(associations::org.eq(org))
            .filter(associations::account.eq(column(account.number())))
            .select(associations::contact)
            .offset(limit_of(than))
            .first(&mut self.conn)
            .optional()?;
        Ok(beyond.is_some())
    }

    fn look_for_members(
        &mut self,
        org: Org,
        account: AccountId,
        after: &NamePlace,
        limit: usize,
    ) -> Result<Vec<Looked>> {
        super::names::look_for_members(self, org, account, after, limit)
    }

    fn member_places(&mut self, org: Org, account: AccountId) -> Result<Vec<NamePlace>> {
        super::names::member_places(self, org, account)
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
        records(rows, |(sort_key, account, association)| {
            let (id, account) = account.record()?;
            let (_, association) = association.record()?;
            let number = id.number();
            Ok(ContactAccount {
                place: NamePlace { sort_key, number },
                id,
                account,
                association,
            })
        })
    }

    fn ticket_branches(
        &mut self,
        org: Org,
        branches: &[TicketBranch],
        after: Option<&TicketPlace>,
        bounds: BranchBounds<'_>,
    ) -> Result<Vec<BranchRows>> {
        super::ticket_list::branches(self, org, branches, after, bounds)
    }

    fn members(
        &mut self,
        org: Org,
        account: AccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(ContactId, VisibilityPart)>> {
        let rows: Vec<AssociationPart> = associations::table
            .filter(associations::org.eq(org))
            .filter(associations::account.eq(column(account.number())))
            .filter(associations::contact.gt(column(after)))
            .order(associations::contact)
            .limit(limit_of(limit))
            .select(AssociationPart::as_select())
            .load(&mut self.conn)?;
        Ok(rows
            .into_iter()
            .map(|row| (row.pair().contact, row.part()))
            .collect())
    }
}
