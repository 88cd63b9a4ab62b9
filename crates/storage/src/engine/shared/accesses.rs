//! The access log.

use diesel::prelude::*;
use roster_core::id::{ContactId, Time};

use super::session::Session;
use crate::engine::interface::Accesses;
use crate::error::{Result, StorageError};
use crate::tables::access::{AccessFilter, AccessPlace, AccessRecord};
use crate::tables::codec::not_understood;
use crate::tables::column::{LogValue, column};
use crate::tables::organization::Org;
use crate::tables::schema::accesses;

type Row = (i64, i64, String, String, String, Option<i64>, String);

/// The record of a row, and its place.
fn record(org: Org, row: Row) -> Result<(AccessPlace, AccessRecord)> {
    let (time, number, credential, actor, rpc, contact, target) = row;
    let unclear = |column| not_understood("accesses", column, &[org, time, number]);
    let contact = Option::<ContactId>::from_log(contact).ok_or_else(|| unclear("contact"))?;
    let time = Time::from_micros(time);
    let place = AccessPlace {
        time,
        number: u64::from_log(number).ok_or_else(|| unclear("access"))?,
    };
    let record = AccessRecord {
        time,
        credential,
        actor,
        rpc,
        contact,
        target,
    };
    Ok((place, record))
}

impl Accesses for Session {
    fn insert_access(&mut self, org: Org, new: &AccessRecord) -> Result<()> {
        let drawn = getrandom::u64().map_err(|error| StorageError::Defect(Box::new(error)))?;
        diesel::insert_into(accesses::table)
            .values((
                accesses::org.eq(org),
                accesses::create_time.eq(new.time.micros()),
                accesses::access.eq(column(drawn >> 1)),
                accesses::credential.eq(&new.credential),
                accesses::actor.eq(&new.actor),
                accesses::rpc.eq(&new.rpc),
                accesses::contact.eq(new.contact.map(|contact| column(contact.number()))),
                accesses::target.eq(&new.target),
            ))
            .execute(&mut self.conn)?;
        Ok(())
    }

    fn accesses_before(
        &mut self,
        org: Org,
        filter: &AccessFilter,
        before: Option<AccessPlace>,
        limit: usize,
    ) -> Result<Vec<(AccessPlace, AccessRecord)>> {
        let mut rows = accesses::table
            .filter(accesses::org.eq(org))
            .order((accesses::create_time.desc(), accesses::access.desc()))
            .limit(column(limit as u64))
            .select((
                accesses::create_time,
                accesses::access,
                accesses::credential,
                accesses::actor,
                accesses::rpc,
                accesses::contact,
                accesses::target,
            ))
            .into_boxed();
        if let Some(start) = filter.start {
            rows = rows.filter(accesses::create_time.ge(start.micros()));
        }
        if let Some(end) = filter.end {
            rows = rows.filter(accesses::create_time.lt(end.micros()));
        }
        if let Some(before) = before {
            let (time, number) = (before.time.micros(), column(before.number));
            // The engine starts the index scan at the first condition.
            rows = rows.filter(accesses::create_time.le(time)).filter(
                accesses::create_time
                    .lt(time)
                    .or(accesses::access.lt(number)),
            );
        }
        let rows: Vec<Row> = rows.load(&mut self.conn)?;
        rows.into_iter().map(|row| record(org, row)).collect()
    }

    fn delete_accesses(&mut self, org: Org, before: Time, limit: usize) -> Result<usize> {
        let old: Vec<(i64, i64)> = accesses::table
            .filter(accesses::org.eq(org))
            .filter(accesses::create_time.lt(before.micros()))
            .order((accesses::create_time, accesses::access))
            .limit(column(limit as u64))
            .select((accesses::create_time, accesses::access))
            .load(&mut self.conn)?;
        let Some((time, access)) = old.last() else {
            return Ok(0);
        };
        let until = accesses::create_time
            .lt(time)
            .or(accesses::access.le(access));
        let deleted = accesses::table
            .filter(accesses::org.eq(org))
            .filter(accesses::create_time.le(time))
            .filter(until);
        Ok(diesel::delete(deleted).execute(&mut self.conn)?)
    }
}
