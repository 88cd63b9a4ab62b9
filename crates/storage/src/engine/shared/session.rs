//! A connection with its transaction, and all writes.

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, PooledConnection};
use diesel::sql_types::{BigInt, Binary, Nullable};
use roster_core::id::{Revision, Time};

use super::{BEGIN_WRITE, Conn, FOR_UPDATE, Keeping, REFRESH_STATISTICS};
use super::{acknowledge, acknowledge_administration, before_write, begin_read, grams, write_rows};
use crate::engine::interface::{Reading, Transactions, Write};
use crate::engine::statement::Statement;
use crate::error::Result;
use crate::tables::cell::{Rows, Table};
use crate::tables::change_set::LogEntry;
use crate::tables::codec::not_understood;
use crate::tables::column::{LogValue, column};
use crate::tables::credential::state_of_number;
use crate::tables::listed::{Listed, Nominated};
use crate::tables::organization::{Org, Organization};
use crate::tables::request_answer::KeptAnswer;
use crate::tables::rows::{
    CHANGE_SET_BITMAPS, CHANGE_SET_PARTS, CHANGE_SET_SUBJECTS, CHANGE_SETS, GRAM_STRETCHES,
    REQUEST_ANSWERS, push_answer, push_change_set, push_part,
};
use crate::tables::schema::{organizations, request_answers};

/// Bytes of the log per statement. PostgreSQL receives them as text of twice the length, which must
/// fit well into one value.
const PAYLOAD_BYTES_MAX: usize = 16 << 20;

pub(crate) struct Session {
    pub(crate) conn: PooledConnection<ConnectionManager<Conn>>,
    pub(crate) keeping: Keeping,
}

impl Transactions for Session {
    fn begin_write(&mut self) -> Result<()> {
        before_write(&mut self.conn, &self.keeping)?;
        Ok(AnsiTransactionManager::begin_transaction_sql(
            &mut *self.conn,
            BEGIN_WRITE,
        )?)
    }

    fn begin_read(&mut self, reading: Reading) -> Result<()> {
        begin_read(&mut self.conn, reading)
    }

    fn refresh_statistics(&mut self) -> Result<()> {
        Ok(self.conn.batch_execute(REFRESH_STATISTICS)?)
    }

    fn commit(&mut self) -> Result<()> {
        use diesel::connection::TransactionManager;
        Ok(AnsiTransactionManager::commit_transaction(&mut *self.conn)?)
    }

    fn acknowledge(&mut self, name: &str, organization: &Organization) -> Result<()> {
        acknowledge(&self.keeping, name, organization)
    }

    fn acknowledge_administration(&mut self, version: i64) -> Result<()> {
        acknowledge_administration(&self.keeping, version)
    }

    fn rollback(&mut self) -> Result<()> {
        use diesel::connection::TransactionManager;
        Ok(AnsiTransactionManager::rollback_transaction(
            &mut *self.conn,
        )?)
    }
}

/// The columns of [`OrganizationRow`].
const ORGANIZATION: &str = "org, revision, nonce, next_account, next_contact, next_ticket, \
     next_import, derivation, settings_revision, settings, change_time, epoch, state";
type OrganizationColumns = (
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    Nullable<Binary>,
    BigInt,
    BigInt,
    BigInt,
);

#[derive(Queryable)]
pub(crate) struct OrganizationRow {
    org: i64,
    revision: i64,
    nonce: i64,
    next_account: i64,
    next_contact: i64,
    next_ticket: i64,
    next_import: i64,
    derivation: i64,
    settings_revision: i64,
    settings: Option<Vec<u8>>,
    change_time: i64,
    epoch: i64,
    state: i64,
}

impl OrganizationRow {
    /// The organization, if every number of the row is understood.
    fn organization(self) -> Result<Organization> {
        let count = |column, stored| {
            let unclear = || not_understood("organizations", column, &[self.org]);
            u64::from_log(stored).ok_or_else(unclear)
        };
        Ok(Organization {
            org: self.org,
            revision: Revision::new(count("revision", self.revision)?),
            nonce: self.nonce,
            next_account: count("next_account", self.next_account)?,
            next_contact: count("next_contact", self.next_contact)?,
            next_ticket: count("next_ticket", self.next_ticket)?,
            next_import: count("next_import", self.next_import)?,
            derivation: self.derivation,
            settings_revision: Revision::new(count("settings_revision", self.settings_revision)?),
            settings: self.settings,
            change_time: Time::from_micros(self.change_time),
            epoch: self.epoch,
            state: state_of_number(self.org, self.state)?,
        })
    }
}

impl Session {
    pub(crate) fn organization_row(
        &mut self,
        name: &str,
        lock: &str,
    ) -> Result<Option<Organization>> {
        let mut asked = Statement::<OrganizationColumns>::default();
        asked
            .words(format!(
                "SELECT {ORGANIZATION} FROM organizations WHERE name = "
            ))
            .text(name)
            .words(lock);
        let found = asked
            .get_result::<OrganizationRow>(&mut self.conn)
            .optional()?;
        found.map(OrganizationRow::organization).transpose()
    }
}

impl Write for Session {
    fn lock_organization(&mut self, name: &str) -> Result<Option<Organization>> {
        self.organization_row(name, FOR_UPDATE)
    }

    fn make_organization(&mut self, name: &str) -> Result<Organization> {
        diesel::insert_into(organizations::table)
            .values((
                organizations::name.eq(name),
                organizations::derivation.eq(i64::from(roster_core::names::DERIVATION)),
            ))
            .on_conflict_do_nothing()
            .execute(&mut self.conn)?;
        // Another server may be creating the row at the same time: this then waits until that
        // transaction ends.
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
                organizations::change_time.eq(organization.change_time.micros()),
            ))
            .execute(&mut self.conn)?;
        Ok(())
    }

    fn delete(&mut self, org: Org, table: &Table, keys: &Rows<'_>) -> Result<()> {
        write_rows::delete(&mut self.conn, org, table, keys)
    }

    fn upsert(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()> {
        let set: Vec<String> = table
            .updated()
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let or = format!("UPDATE SET {}", set.join(", "));
        write_rows::insert_or(&mut self.conn, org, table, &or, rows)
    }

    fn add(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()> {
        let added: Vec<String> = table
            .updated()
            .map(|name| format!("{name} = {}.{name} + excluded.{name}", table.name))
            .collect();
        let or = format!("UPDATE SET {}", added.join(", "));
        write_rows::insert_or(&mut self.conn, org, table, &or, rows)
    }

    fn delete_grams(&mut self, org: Org, listed: Listed, ids: &[u64]) -> Result<()> {
        grams::delete(&mut self.conn, org, listed, ids)
    }

    fn write_grams(&mut self, org: Org, listed: Listed, records: &[Nominated]) -> Result<()> {
        grams::write(&mut self.conn, org, listed, records)?;
        let stretches = Nominated::stretches(listed, records);
        write_rows::insert_or(&mut self.conn, org, &GRAM_STRETCHES, "NOTHING", &stretches)
    }

    fn insert(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()> {
        write_rows::insert(&mut self.conn, org, table, rows)
    }

    fn update(&mut self, org: Org, table: &Table, rows: &Rows<'_>) -> Result<()> {
        write_rows::update(&mut self.conn, org, table, rows)
    }

    fn append_log(&mut self, org: Org, sets: &[LogEntry]) -> Result<()> {
        let mut heads = CHANGE_SETS.rows();
        let mut subjects = CHANGE_SET_SUBJECTS.rows();
        let mut bitmaps = CHANGE_SET_BITMAPS.rows();
        for set in sets {
            push_change_set(&mut heads, &set.head, set.parts.len());
            subjects.extend(&set.subjects);
            bitmaps.extend(&set.bitmaps);
        }
        self.insert(org, &CHANGE_SETS, &heads)?;
        self.insert(org, &CHANGE_SET_SUBJECTS, &subjects)?;
        self.insert(org, &CHANGE_SET_BITMAPS, &bitmaps)?;
        let mut rows = CHANGE_SET_PARTS.rows();
        let mut bytes = 0;
        for set in sets {
            for (part, payload) in set.parts.iter().enumerate() {
                bytes += payload.len();
                push_part(&mut rows, set.head.revision, part, payload);
                if bytes >= PAYLOAD_BYTES_MAX {
                    self.insert(org, &CHANGE_SET_PARTS, &rows)?;
                    rows = CHANGE_SET_PARTS.rows();
                    bytes = 0;
                }
            }
        }
        self.insert(org, &CHANGE_SET_PARTS, &rows)
    }

    fn keep_answers(&mut self, org: Org, answers: &[KeptAnswer], now: Time) -> Result<()> {
        let expired = request_answers::table
            .filter(request_answers::org.eq(org))
            .filter(request_answers::expire_time.lt(now.micros()));
        diesel::delete(expired).execute(&mut self.conn)?;
        let mut rows = REQUEST_ANSWERS.rows();
        for answer in answers {
            push_answer(&mut rows, answer);
        }
        self.insert(org, &REQUEST_ANSWERS, &rows)
    }
}
