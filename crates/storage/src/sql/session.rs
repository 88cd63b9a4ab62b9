//! A connection with its transaction, and all writes.

use diesel::connection::AnsiTransactionManager;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, PooledConnection};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use roster_core::id::Revision;
use serde_json::Value;

use super::{BEGIN_READ, BEGIN_WRITE, Conn, FOR_UPDATE, unpack};
use crate::bulk::Table;
use crate::connection::{
    ChangeSetHead, KeptAnswer, Org, Organization, Result, Transactions, Write,
};
use crate::rows::{column, number};
use crate::schema::{change_set_parts, change_sets, organizations, request_answers};

pub(crate) struct Session {
    pub(super) conn: PooledConnection<ConnectionManager<Conn>>,
}

impl Transactions for Session {
    fn begin_write(&mut self) -> Result<()> {
        Ok(AnsiTransactionManager::begin_transaction_sql(
            &mut *self.conn,
            BEGIN_WRITE,
        )?)
    }

    fn begin_read(&mut self) -> Result<()> {
        Ok(AnsiTransactionManager::begin_transaction_sql(
            &mut *self.conn,
            BEGIN_READ,
        )?)
    }

    fn commit(&mut self) -> Result<()> {
        use diesel::connection::TransactionManager;
        Ok(AnsiTransactionManager::commit_transaction(&mut *self.conn)?)
    }

    fn rollback(&mut self) -> Result<()> {
        use diesel::connection::TransactionManager;
        Ok(AnsiTransactionManager::rollback_transaction(
            &mut *self.conn,
        )?)
    }
}

#[derive(QueryableByName)]
pub(super) struct OrganizationRow {
    #[diesel(sql_type = BigInt)]
    org: i64,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = BigInt)]
    nonce: i64,
    #[diesel(sql_type = BigInt)]
    next_account: i64,
    #[diesel(sql_type = BigInt)]
    next_contact: i64,
    #[diesel(sql_type = BigInt)]
    next_ticket: i64,
    #[diesel(sql_type = BigInt)]
    next_import: i64,
    #[diesel(sql_type = BigInt)]
    derivation: i64,
    #[diesel(sql_type = BigInt)]
    settings_revision: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    settings: Option<Vec<u8>>,
}

impl OrganizationRow {
    fn organization(self) -> Organization {
        Organization {
            org: self.org,
            revision: Revision::new(number(self.revision)),
            nonce: self.nonce,
            next_account: number(self.next_account),
            next_contact: number(self.next_contact),
            next_ticket: number(self.next_ticket),
            next_import: number(self.next_import),
            derivation: self.derivation,
            settings_revision: Revision::new(number(self.settings_revision)),
            settings: self.settings,
        }
    }
}

impl Session {
    pub(super) fn organization_row(
        &mut self,
        name: &str,
        lock: &str,
    ) -> Result<Option<Organization>> {
        let found = sql_query(format!(
            "SELECT * FROM organizations WHERE name = $1 {lock}"
        ))
        .bind::<Text, _>(name)
        .get_result::<OrganizationRow>(&mut self.conn)
        .optional()?;
        Ok(found.map(OrganizationRow::organization))
    }
}

impl Write for Session {
    fn lock_organization(&mut self, name: &str) -> Result<Organization> {
        if let Some(found) = self.organization_row(name, FOR_UPDATE)? {
            return Ok(found);
        }
        diesel::insert_into(organizations::table)
            .values((
                organizations::name.eq(name),
                organizations::derivation.eq(i64::from(roster_core::names::DERIVATION)),
            ))
            .on_conflict_do_nothing()
            .execute(&mut self.conn)?;
        // Another server may have made it at the same moment: then this waits for its end.
        let made = self.organization_row(name, FOR_UPDATE)?;
        Ok(made.ok_or(diesel::result::Error::NotFound)?)
    }

    fn write_organization(&mut self, organization: &Organization) -> Result<()> {
        diesel::update(organizations::table.find(organization.org))
            .set((
                organizations::revision.eq(column(organization.revision.number())),
                organizations::nonce.eq(organization.nonce),
                organizations::next_account.eq(column(organization.next_account)),
                organizations::next_contact.eq(column(organization.next_contact)),
                organizations::next_ticket.eq(column(organization.next_ticket)),
                organizations::next_import.eq(column(organization.next_import)),
                organizations::settings_revision
                    .eq(column(organization.settings_revision.number())),
                organizations::settings.eq(organization.settings.as_deref()),
            ))
            .execute(&mut self.conn)?;
        Ok(())
    }

    fn delete(&mut self, org: Org, table: &Table, keys: &[Value]) -> Result<()> {
        let names = names(table, 0..table.keys).join(", ");
        let sql = format!(
            "DELETE FROM {} WHERE org = {} AND ({names}) IN (SELECT {} {})",
            table.name,
            unpack::ORG,
            unpack::columns(&table.columns[..table.keys]),
            unpack::FROM,
        );
        self.run(&sql, org, keys)
    }

    fn upsert(&mut self, org: Org, table: &Table, rows: &[Value]) -> Result<()> {
        let all = names(table, 0..table.columns.len());
        let written = names(table, table.keys..table.columns.len())
            .iter()
            .map(|name| format!("{name} = excluded.{name}"))
            .collect::<Vec<_>>();
        let sql = format!(
            "INSERT INTO {} (org, {}) SELECT {}, {} {} WHERE true \
             ON CONFLICT (org, {}) DO UPDATE SET {}",
            table.name,
            all.join(", "),
            unpack::ORG,
            unpack::columns(table.columns),
            unpack::FROM,
            names(table, 0..table.keys).join(", "),
            written.join(", "),
        );
        self.run(&sql, org, rows)
    }

    fn update(&mut self, org: Org, table: &Table, rows: &[Value]) -> Result<()> {
        let set = names(table, table.keys..table.columns.len())
            .iter()
            .map(|name| format!("{name} = given.{name}"))
            .collect::<Vec<_>>();
        let same = std::iter::once("org")
            .chain(names(table, 0..table.keys))
            .map(|name| format!("{}.{name} = given.{name}", table.name))
            .collect::<Vec<_>>();
        let sql = format!(
            "UPDATE {} SET {} FROM (SELECT {} AS org, {} {} {}) AS given WHERE {}",
            table.name,
            set.join(", "),
            unpack::ORG,
            unpack::named_columns(table.columns),
            unpack::FROM,
            unpack::ONCE,
            same.join(" AND "),
        );
        self.run(&sql, org, rows)
    }

    fn append_log(&mut self, org: Org, sets: &[(ChangeSetHead, Vec<Vec<u8>>)]) -> Result<()> {
        // Far below the 32,766 parameters that SQLite takes in one statement.
        const ROWS_MAX: usize = 1_000;
        let mut heads = Vec::with_capacity(sets.len());
        let mut parts = Vec::with_capacity(sets.len());
        for (head, payload) in sets {
            let revision = column(head.revision.number());
            heads.push((
                change_sets::org.eq(org),
                change_sets::revision.eq(revision),
                change_sets::create_time.eq(head.create_time.micros()),
                change_sets::actor.eq(&head.actor),
                change_sets::command.eq(&head.command),
                change_sets::source.eq(&head.source),
                change_sets::job.eq(head.job),
                change_sets::request_id.eq(head.request_id.as_deref()),
                change_sets::nonce.eq(head.nonce),
                change_sets::format.eq(head.format),
                change_sets::parts.eq(column(payload.len() as u64)),
            ));
            for (part, bytes) in payload.iter().enumerate() {
                parts.push((
                    change_set_parts::org.eq(org),
                    change_set_parts::revision.eq(revision),
                    change_set_parts::part.eq(column(part as u64)),
                    change_set_parts::payload.eq(bytes.as_slice()),
                ));
            }
        }
        for rows in heads.chunks(ROWS_MAX) {
            super::insert_all!(self.conn, change_sets::table, rows);
        }
        for rows in parts.chunks(ROWS_MAX) {
            super::insert_all!(self.conn, change_set_parts::table, rows);
        }
        Ok(())
    }

    fn keep_answers(&mut self, org: Org, answers: &[KeptAnswer]) -> Result<()> {
        let rows: Vec<_> = answers
            .iter()
            .map(|kept| {
                (
                    request_answers::org.eq(org),
                    request_answers::caller.eq(&kept.caller),
                    request_answers::rpc.eq(&kept.rpc),
                    request_answers::request_id.eq(&kept.request_id),
                    request_answers::hash.eq(&kept.hash),
                    request_answers::answer.eq(&kept.answer),
                    request_answers::expire_time.eq(kept.expire_time.micros()),
                )
            })
            .collect();
        super::insert_all!(self.conn, request_answers::table, rows.as_slice());
        Ok(())
    }
}

impl Session {
    fn run(&mut self, sql: &str, org: Org, rows: &[Value]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let json = serde_json::to_string(rows).unwrap_or_default();
        sql_query(sql)
            .bind::<BigInt, _>(org)
            .bind::<Text, _>(json)
            .execute(&mut self.conn)?;
        Ok(())
    }
}

fn names(table: &Table, range: std::ops::Range<usize>) -> Vec<&'static str> {
    table.columns[range].iter().map(|(name, _)| *name).collect()
}
