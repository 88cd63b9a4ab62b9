//! The reads of a picker, and the rows that they rely on. Each engine has its own `grams`.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use roster_core::id::{AccountId, ContactId};
use roster_core::names::Heading;
use roster_core::record::{Account, Contact, Stored};

use super::facts::records;
use super::session::Session;
use super::{PLACE_OF, by_keys, grams, unpack};
use crate::engine::interface::{Derivations, ReadNames};
use crate::error::Result;
use crate::tables::column::{column, number};
use crate::tables::listed::{Listed, json_numbers};
use crate::tables::name_list::{Looked, NamePlace, Picking};
use crate::tables::organization::Org;
use crate::tables::records::{AccountRow, ContactRow};
use crate::tables::schema::{accounts, contacts, organizations};

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct LookedRow {
    #[diesel(sql_type = Binary)]
    sort_key: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Bool)]
    passes: bool,
}

impl LookedRow {
    fn looked(self) -> Looked {
        Looked {
            place: NamePlace {
                sort_key: self.sort_key,
                number: number(self.id),
            },
            passes: self.passes,
        }
    }
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    heading: i64,
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

fn heading(code: i64) -> Heading {
    u8::try_from(code)
        .ok()
        .and_then(Heading::from_code)
        .unwrap_or(Heading::Other)
}

fn counts(rows: Vec<CountRow>) -> Vec<(Heading, u64)> {
    rows.into_iter()
        .map(|row| (heading(row.heading), number(row.counted)))
        .collect()
}

/// The columns of an examined row. The first two parameters are the needles of the query; the
/// second is empty if there is only one needle.
fn looked(picking: &Picking<'_>) -> String {
    let (table, id) = (picking.listed.table(), picking.listed.id());
    let mut passes = if picking.query.is_empty() {
        // The text is not read, so the order's index covers the query.
        "$1 = $2".to_owned()
    } else {
        format!("({PLACE_OF}(search_text, $1) > 0 OR $2 <> '' AND {PLACE_OF}(search_text, $2) > 0)")
    };
    if let Some(account) = picking.not_in {
        let account = column(account.number());
        passes.push_str(&format!(
            " AND NOT EXISTS (SELECT 1 FROM associations AS a WHERE a.org = {table}.org \
             AND a.account = {account} AND a.contact = {table}.contact)",
        ));
    }
    format!("SELECT sort_key, {id} AS id, ({passes}) AS passes FROM {table}")
}

/// Contacts after a place, and whether each belongs to an account. The indexes of the order and of
/// the pairs cover the query.
pub(crate) fn look_for_members(
    session: &mut Session,
    org: Org,
    account: AccountId,
    after: &NamePlace,
    limit: usize,
) -> Result<Vec<Looked>> {
    let rows: Vec<LookedRow> = sql_query(
        "SELECT c.sort_key AS sort_key, c.contact AS id, a.contact IS NOT NULL AS passes \
         FROM (SELECT org, sort_key, contact FROM contacts \
         WHERE org = $1 AND (sort_key, contact) > ($2, $3) \
         ORDER BY sort_key, contact LIMIT $4) AS c \
         LEFT JOIN associations AS a ON a.org = c.org AND a.contact = c.contact \
         AND a.account = $5 ORDER BY c.sort_key, c.contact",
    )
    .bind::<BigInt, _>(org)
    .bind::<Binary, _>(&after.sort_key)
    .bind::<BigInt, _>(column(after.number))
    .bind::<BigInt, _>(column(limit as u64))
    .bind::<BigInt, _>(column(account.number()))
    .load(&mut session.conn)?;
    Ok(rows.into_iter().map(LookedRow::looked).collect())
}

/// The places of an account's contacts. The query has no ORDER BY, for which an engine might walk
/// all contacts in order.
pub(crate) fn member_places(
    session: &mut Session,
    org: Org,
    account: AccountId,
) -> Result<Vec<NamePlace>> {
    // A cross join, so that SQLite begins with the account's associations.
    let sql = format!(
        "SELECT c.sort_key AS sort_key, c.contact AS id, $1 = $1 AS passes \
         FROM associations AS a CROSS JOIN contacts AS c {} \
         WHERE a.org = $1 AND a.account = $2 AND c.org = a.org AND c.contact = a.contact",
        by_keys("contacts"),
    );
    let rows: Vec<LookedRow> = sql_query(sql)
        .bind::<BigInt, _>(org)
        .bind::<BigInt, _>(column(account.number()))
        .load(&mut session.conn)?;
    Ok(rows.into_iter().map(|row| row.looked().place).collect())
}

#[derive(QueryableByName)]
struct StretchRow {
    #[diesel(sql_type = Binary)]
    stretch: Vec<u8>,
}

/// The statement that finds the next stretch. Parameters: organization, start, end.
fn next_stretch(listed: Listed, grams: &[u64]) -> String {
    let mut sql = format!(
        "SELECT s.stretch AS stretch FROM gram_stretches AS s WHERE s.org = $1 AND s.kind = {} \
         AND s.stretch >= $2 AND s.stretch < $3",
        listed.kind(),
    );
    for (place, gram) in grams.iter().enumerate() {
        if place == 0 {
            sql.push_str(&format!(" AND s.gram = {gram}"));
        } else {
            sql.push_str(&format!(
                " AND EXISTS (SELECT 1 FROM gram_stretches AS o WHERE o.org = s.org \
                 AND o.kind = s.kind AND o.gram = {gram} AND o.stretch = s.stretch)",
            ));
        }
    }
    sql.push_str(" ORDER BY s.stretch LIMIT 1");
    sql
}

impl ReadNames for Session {
    fn nominated(
        &mut self,
        org: Org,
        listed: Listed,
        grams: &[u64],
        limit: usize,
    ) -> Result<Vec<u64>> {
        let rows: Vec<IdRow> = sql_query(grams::nominated(listed, grams.len()))
            .bind::<BigInt, _>(org)
            .bind::<Text, _>(grams::wanted(org, grams))
            .bind::<BigInt, _>(column(limit as u64))
            .load(&mut self.conn)?;
        Ok(rows.into_iter().map(|row| number(row.id)).collect())
    }

    fn places(&mut self, org: Org, listed: Listed, ids: &[u64]) -> Result<Vec<NamePlace>> {
        let (table, id) = (listed.table(), listed.id());
        let sql = format!(
            "SELECT sort_key, {id} AS id, ($1 = $2) AS passes FROM {table} {} \
             WHERE org = $3 AND {id} IN ({})",
            by_keys(table),
            unpack::NUMBERS,
        );
        let rows: Vec<LookedRow> = sql_query(sql)
            .bind::<Text, _>("")
            .bind::<Text, _>("")
            .bind::<BigInt, _>(org)
            .bind::<Text, _>(json_numbers(ids))
            .load(&mut self.conn)?;
        Ok(rows.into_iter().map(|row| row.looked().place).collect())
    }

    fn look_at(&mut self, org: Org, picking: &Picking<'_>, ids: &[u64]) -> Result<Vec<Looked>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "{} WHERE org = $3 AND {} IN ({})",
            looked(picking),
            picking.listed.id(),
            unpack::NUMBERS,
        );
        let (written, spelled) = picking.query.needles();
        let rows: Vec<LookedRow> = sql_query(sql)
            .bind::<Text, _>(written)
            .bind::<Text, _>(spelled.unwrap_or_default())
            .bind::<BigInt, _>(org)
            .bind::<Text, _>(json_numbers(ids))
            .load(&mut self.conn)?;
        Ok(rows.into_iter().map(LookedRow::looked).collect())
    }

    fn look_along(
        &mut self,
        org: Org,
        picking: &Picking<'_>,
        after: &NamePlace,
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<Looked>> {
        let id = picking.listed.id();
        let sql = format!(
            "{} WHERE org = $3 AND (sort_key, {id}) > ($4, $5) AND sort_key < $6 \
             ORDER BY sort_key, {id} LIMIT $7",
            looked(picking),
        );
        let (written, spelled) = picking.query.needles();
        let rows: Vec<LookedRow> = sql_query(sql)
            .bind::<Text, _>(written)
            .bind::<Text, _>(spelled.unwrap_or_default())
            .bind::<BigInt, _>(org)
            .bind::<Binary, _>(&after.sort_key)
            .bind::<BigInt, _>(column(after.number))
            .bind::<Binary, _>(end)
            .bind::<BigInt, _>(column(limit as u64))
            .load(&mut self.conn)?;
        Ok(rows.into_iter().map(LookedRow::looked).collect())
    }

    fn next_stretch(
        &mut self,
        org: Org,
        listed: Listed,
        grams: &[u64],
        from: &[u8],
        end: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let found: Option<StretchRow> = sql_query(next_stretch(listed, grams))
            .bind::<BigInt, _>(org)
            .bind::<Binary, _>(from)
            .bind::<Binary, _>(end)
            .get_result(&mut self.conn)
            .optional()?;
        Ok(found.map(|row| row.stretch))
    }

    fn heading_counts(&mut self, org: Org, listed: Listed) -> Result<Vec<(Heading, u64)>> {
        let rows: Vec<CountRow> = sql_query(
            "SELECT heading, counted FROM heading_counts WHERE org = $1 AND kind = $2 \
             AND counted > 0 ORDER BY heading",
        )
        .bind::<BigInt, _>(org)
        .bind::<BigInt, _>(listed.kind())
        .load(&mut self.conn)?;
        Ok(counts(rows))
    }

    fn member_headings(&mut self, org: Org, account: AccountId) -> Result<Vec<(Heading, u64)>> {
        let rows: Vec<CountRow> = sql_query(
            "SELECT c.heading AS heading, count(*) AS counted FROM associations AS a \
             JOIN contacts AS c ON c.org = a.org AND c.contact = a.contact \
             WHERE a.org = $1 AND a.account = $2 GROUP BY c.heading",
        )
        .bind::<BigInt, _>(org)
        .bind::<BigInt, _>(column(account.number()))
        .load(&mut self.conn)?;
        Ok(counts(rows))
    }
}

#[derive(QueryableByName)]
struct NewestRow {
    #[diesel(sql_type = BigInt)]
    newest: i64,
}

impl Derivations for Session {
    fn newest_derivation(&mut self) -> Result<i64> {
        let row: NewestRow =
            sql_query("SELECT coalesce(max(derivation), 0) AS newest FROM organizations")
                .get_result(&mut self.conn)?;
        Ok(row.newest)
    }

    fn organizations_derived_before(&mut self, version: i64) -> Result<Vec<String>> {
        Ok(organizations::table
            .filter(organizations::derivation.lt(version))
            .order(organizations::org)
            .select(organizations::name)
            .load(&mut self.conn)?)
    }

    fn account_rows_after(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(AccountId, Stored<Account>)>> {
        let rows: Vec<AccountRow> = accounts::table
            .filter(accounts::org.eq(org))
            .filter(accounts::account.gt(column(after)))
            .order(accounts::account)
            .limit(column(limit as u64))
            .select(AccountRow::as_select())
            .load(&mut self.conn)?;
        records(rows, AccountRow::record)
    }

    fn contact_rows_after(
        &mut self,
        org: Org,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(ContactId, Stored<Contact>)>> {
        let rows: Vec<ContactRow> = contacts::table
            .filter(contacts::org.eq(org))
            .filter(contacts::contact.gt(column(after)))
            .order(contacts::contact)
            .limit(column(limit as u64))
            .select(ContactRow::as_select())
            .load(&mut self.conn)?;
        records(rows, ContactRow::record)
    }

    fn recount_headings(&mut self, org: Org) -> Result<()> {
        sql_query("DELETE FROM heading_counts WHERE org = $1")
            .bind::<BigInt, _>(org)
            .execute(&mut self.conn)?;
        for listed in [Listed::Accounts, Listed::Contacts] {
            sql_query(format!(
                "INSERT INTO heading_counts (org, kind, heading, counted) \
                 SELECT org, {}, heading, count(*) FROM {} WHERE org = $1 GROUP BY org, heading",
                listed.kind(),
                listed.table(),
            ))
            .bind::<BigInt, _>(org)
            .execute(&mut self.conn)?;
        }
        Ok(())
    }

    fn write_derivation(&mut self, org: Org, version: i64) -> Result<()> {
        diesel::update(organizations::table.find(org))
            .set(organizations::derivation.eq(version))
            .execute(&mut self.conn)?;
        Ok(())
    }
}
