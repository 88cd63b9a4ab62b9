//! Organizations as administrators see them, and their removal.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use roster_core::credential::CallLimits;
use roster_core::id::Time;
use roster_core::organization::{
    Deletion, OrganizationName, OrganizationProfile, OrganizationState,
};

use super::imports::JOB_RUNNING;
use super::session::Session;
use super::{CLOCK, FOR_UPDATE, removal};
use crate::engine::interface::{Organizations, Removes};
use crate::error::Result;
use crate::tables::codec::not_understood;
use crate::tables::column::{LogValue, column};
use crate::tables::credential::{OrganizationStatus, ReleasedName, state_number, state_of_number};
use crate::tables::import_record::ImportFailure;
use crate::tables::listed::Listed;
use crate::tables::of_organization::{OrganizationTable, REMOVAL_JOB};
use crate::tables::organization::Org;
use crate::tables::schema::{
    credential_proofs, credentials, imports, jobs, organizations, released_names,
};

/// The number of the job of a removal: an organization has one.
const THE_JOB: i64 = 1;

/// The limits in two columns.
pub(super) fn limits(requests: Option<i64>, calls: Option<i64>) -> Option<CallLimits> {
    let limit = |stored: Option<i64>| stored.map(u32::try_from).transpose().ok();
    Some(CallLimits {
        requests_per_second: limit(requests)?,
        concurrent_calls: limit(calls)?,
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = organizations)]
struct ProfileRow {
    org: i64,
    name: String,
    display_name: String,
    state: i64,
    suspended: bool,
    requests_per_second: Option<i64>,
    concurrent_calls: Option<i64>,
    create_time: Option<i64>,
    delete_time: Option<i64>,
    undelete_end_time: Option<i64>,
    version: i64,
}

impl ProfileRow {
    fn profile(self) -> Result<(OrganizationName, OrganizationProfile)> {
        let unclear = |column| not_understood("organizations", column, &[self.org]);
        let limits = limits(self.requests_per_second, self.concurrent_calls);
        let state = state_of_number(self.org, self.state)?;
        let deletion = match state {
            OrganizationState::Active | OrganizationState::Suspended => None,
            OrganizationState::Deleted | OrganizationState::Removing => {
                let times = self.delete_time.zip(self.undelete_end_time);
                let (deleted, end) = times.ok_or_else(|| unclear("delete_time"))?;
                Some(Deletion {
                    delete_time: Time::from_micros(deleted),
                    undelete_end_time: Time::from_micros(end),
                    removing: state == OrganizationState::Removing,
                })
            }
        };
        let profile = OrganizationProfile {
            limits: limits.ok_or_else(|| unclear("requests_per_second"))?,
            version: u64::from_log(self.version).ok_or_else(|| unclear("version"))?,
            display_name: self.display_name,
            suspended: self.suspended,
            deletion,
            create_time: self.create_time.map(Time::from_micros),
        };
        Ok((OrganizationName::trusted(&self.name), profile))
    }
}

/// The columns that administrators change.
macro_rules! profile_values {
    ($profile:expr) => {
        (
            organizations::display_name.eq(&$profile.display_name),
            organizations::state.eq(state_number($profile.state())),
            organizations::suspended.eq($profile.suspended),
            organizations::requests_per_second
                .eq($profile.limits.requests_per_second.map(i64::from)),
            organizations::concurrent_calls.eq($profile.limits.concurrent_calls.map(i64::from)),
            organizations::delete_time.eq($profile.deletion.map(|of| of.delete_time.micros())),
            organizations::undelete_end_time
                .eq($profile.deletion.map(|of| of.undelete_end_time.micros())),
            organizations::version.eq(column($profile.version)),
        )
    };
}

impl Organizations for Session {
    fn organization_statuses(&mut self) -> Result<Vec<OrganizationStatus>> {
        type Row = (i64, String, i64, Option<i64>, Option<i64>);
        let rows: Vec<Row> = organizations::table
            .filter(
                organizations::state
                    .ne(state_number(OrganizationState::Active))
                    .or(organizations::requests_per_second.is_not_null())
                    .or(organizations::concurrent_calls.is_not_null()),
            )
            .select((
                organizations::org,
                organizations::name,
                organizations::state,
                organizations::requests_per_second,
                organizations::concurrent_calls,
            ))
            .load(&mut self.conn)?;
        let status = |(org, name, state, requests, calls): Row| {
            let unclear = || not_understood("organizations", "requests_per_second", &[org]);
            Ok(OrganizationStatus {
                name: OrganizationName::trusted(&name),
                state: state_of_number(org, state)?,
                limits: limits(requests, calls).ok_or_else(unclear)?,
            })
        };
        rows.into_iter().map(status).collect()
    }

    fn insert_organization(
        &mut self,
        name: &OrganizationName,
        profile: &OrganizationProfile,
    ) -> Result<bool> {
        let inserted = diesel::insert_into(organizations::table)
            .values((
                organizations::name.eq(name.as_str()),
                organizations::derivation.eq(i64::from(roster_core::names::DERIVATION)),
                organizations::create_time.eq(profile.create_time.map(Time::micros)),
                profile_values!(profile),
            ))
            .on_conflict_do_nothing()
            .execute(&mut self.conn)?;
        Ok(inserted == 1)
    }

    fn organizations_after(
        &mut self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(OrganizationName, OrganizationProfile)>> {
        let rows: Vec<ProfileRow> = organizations::table
            .filter(organizations::name.gt(after))
            .order(organizations::name)
            .limit(column(limit as u64))
            .select(ProfileRow::as_select())
            .load(&mut self.conn)?;
        rows.into_iter().map(ProfileRow::profile).collect()
    }

    fn organization_profile(
        &mut self,
        name: &OrganizationName,
    ) -> Result<Option<OrganizationProfile>> {
        let row: Option<ProfileRow> = organizations::table
            .filter(organizations::name.eq(name.as_str()))
            .select(ProfileRow::as_select())
            .first(&mut self.conn)
            .optional()?;
        let found = row.map(ProfileRow::profile).transpose()?;
        Ok(found.map(|(_, profile)| profile))
    }

    fn organization_number(&mut self, name: &OrganizationName) -> Result<Option<Org>> {
        Ok(organizations::table
            .filter(organizations::name.eq(name.as_str()))
            .select(organizations::org)
            .first(&mut self.conn)
            .optional()?)
    }

    fn lock_profile(
        &mut self,
        name: &OrganizationName,
    ) -> Result<Option<(Org, OrganizationProfile)>> {
        let Some(row) = self.organization_row(name.as_str(), FOR_UPDATE)? else {
            return Ok(None);
        };
        let profile = self.organization_profile(name)?;
        Ok(profile.map(|profile| (row.org, profile)))
    }

    fn write_profile(&mut self, org: Org, profile: &OrganizationProfile) -> Result<()> {
        diesel::update(organizations::table.find(org))
            .set(profile_values!(profile))
            .execute(&mut self.conn)?;
        Ok(())
    }

    fn deleted_organizations(&mut self) -> Result<Vec<(OrganizationName, OrganizationProfile)>> {
        let states = [OrganizationState::Deleted, OrganizationState::Removing].map(state_number);
        let rows: Vec<ProfileRow> = organizations::table
            .filter(organizations::state.eq_any(states))
            .order(organizations::name)
            .select(ProfileRow::as_select())
            .load(&mut self.conn)?;
        rows.into_iter().map(ProfileRow::profile).collect()
    }

    fn organizations_by_state(&mut self) -> Result<Vec<(OrganizationState, u64)>> {
        let rows: Vec<(i64, i64)> = organizations::table
            .group_by(organizations::state)
            .select((organizations::state, diesel::dsl::count_star()))
            .load(&mut self.conn)?;
        let counted = |(state, count): (i64, i64)| {
            Ok((
                state_of_number(0, state)?,
                u64::from_log(count).unwrap_or_default(),
            ))
        };
        rows.into_iter().map(counted).collect()
    }

    fn released_names(&mut self) -> Result<Vec<ReleasedName>> {
        let rows: Vec<(String, i64)> = released_names::table.load(&mut self.conn)?;
        let name = |(name, released): (String, i64)| ReleasedName {
            name: OrganizationName::trusted(&name),
            released: u64::from_log(released).unwrap_or_default(),
        };
        Ok(rows.into_iter().map(name).collect())
    }

    fn fail_imports_of_organization(&mut self, org: Org, end_time: Time) -> Result<()> {
        self.fail_imports(
            Box::new(imports::org.eq(org)),
            Box::new(jobs::org.eq(org)),
            ImportFailure::OrganizationDeleted,
            end_time,
        )
    }
}

impl Removes for Session {
    fn claim_removal(&mut self, org: Org, server: i64, now: Time) -> Result<bool> {
        // A server without a lease is gone; a SQLite file has one server, which holds none.
        let claimed = sql_query(format!(
            "INSERT INTO jobs (org, kind, job, state, position, cancel, owner, create_time) \
             VALUES ($1, {REMOVAL_JOB}, {THE_JOB}, {JOB_RUNNING}, 0, FALSE, $2, $3) \
             ON CONFLICT (org, kind, job) DO UPDATE SET owner = excluded.owner \
             WHERE jobs.owner IS NULL OR jobs.owner = excluded.owner OR jobs.owner NOT IN \
             (SELECT server FROM servers WHERE lease > {CLOCK})"
        ))
        .bind::<BigInt, _>(org)
        .bind::<BigInt, _>(server)
        .bind::<BigInt, _>(now.micros())
        .execute(&mut self.conn)?;
        Ok(claimed == 1)
    }

    fn advance_removal(&mut self, org: Org, rows: u64) -> Result<()> {
        diesel::update(jobs::table.find((org, REMOVAL_JOB, THE_JOB)))
            .set(jobs::position.eq(jobs::position + column(rows)))
            .execute(&mut self.conn)?;
        Ok(())
    }

    fn delete_some(&mut self, org: Org, table: &OrganizationTable, limit: usize) -> Result<usize> {
        Ok(sql_query(removal::delete_some(table))
            .bind::<BigInt, _>(org)
            .bind::<BigInt, _>(column(limit as u64))
            .execute(&mut self.conn)?)
    }

    fn delete_some_grams(&mut self, org: Org, listed: Listed, limit: usize) -> Result<usize> {
        Ok(sql_query(removal::delete_some_grams(listed))
            .bind::<BigInt, _>(org)
            .bind::<BigInt, _>(column(limit as u64))
            .execute(&mut self.conn)?)
    }

    fn delete_some_credentials(&mut self, org: Org, limit: usize) -> Result<usize> {
        let some: Vec<i64> = credentials::table
            .filter(credentials::org.eq(org))
            .order(credentials::credential)
            .limit(column(limit as u64))
            .select(credentials::credential)
            .load(&mut self.conn)?;
        let proofs = credential_proofs::table.filter(credential_proofs::credential.eq_any(&some));
        diesel::delete(proofs).execute(&mut self.conn)?;
        let rows = credentials::table.filter(credentials::credential.eq_any(&some));
        Ok(diesel::delete(rows).execute(&mut self.conn)?)
    }

    fn end_removal(&mut self, org: Org, name: &OrganizationName) -> Result<()> {
        diesel::delete(jobs::table.filter(jobs::org.eq(org))).execute(&mut self.conn)?;
        diesel::delete(organizations::table.find(org)).execute(&mut self.conn)?;
        diesel::insert_into(released_names::table)
            .values((
                released_names::name.eq(name.as_str()),
                released_names::released.eq(1),
            ))
            .on_conflict(released_names::name)
            .do_update()
            .set(released_names::released.eq(released_names::released + 1))
            .execute(&mut self.conn)?;
        Ok(())
    }
}
