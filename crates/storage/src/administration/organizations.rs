//! Organizations: their creation, update, deletion and undeletion.

use roster_core::id::Time;
use roster_core::organization::{OrganizationName, OrganizationProfile, OrganizationState};
use roster_core::rules::credential::CredentialRefusal;
use roster_core::rules::organization::{self, OrganizationPatch, OrganizationRefusal};

use super::{AdminEvent, AdminNotDone, NamedProfile};
use crate::clock::now;
use crate::engine::interface::Connection;
use crate::engine::transaction::in_transaction;
use crate::error::Result;
use crate::store::Store;

/// How many organizations have each state.
pub type OrganizationCounts = Vec<(OrganizationState, u64)>;

fn change(
    connection: &mut dyn Connection,
    name: OrganizationName,
    by: impl FnOnce(&mut OrganizationProfile) -> Result<(), OrganizationRefusal>,
    now: Time,
) -> Result<NamedProfile, AdminNotDone> {
    let found = connection.lock_profile(&name)?;
    let (org, mut profile) = found.ok_or_else(|| OrganizationRefusal::NotFound(name.clone()))?;
    let was_deleted = profile.deletion.is_some();
    by(&mut profile)?;
    profile.version += 1;
    connection.write_profile(org, &profile)?;
    if profile.deletion.is_some() && !was_deleted {
        // A restored organization must not have imports that nobody runs.
        connection.fail_imports_of_organization(org, now)?;
    }
    Ok((name, profile))
}

impl Store {
    /// Creates an organization.
    pub async fn create_organization(
        &self,
        name: OrganizationName,
        mut profile: OrganizationProfile,
        event: AdminEvent,
    ) -> Result<NamedProfile, AdminNotDone> {
        self.administer(event, move |connection, now| {
            (profile.create_time, profile.version) = (Some(now), 1);
            if connection.insert_organization(&name, &profile)? {
                return Ok((name, profile));
            }
            Err(CredentialRefusal::OrganizationExists(name).into())
        })
        .await
    }

    /// Updates an organization.
    pub async fn update_organization(
        &self,
        name: OrganizationName,
        patch: OrganizationPatch,
        event: AdminEvent,
    ) -> Result<NamedProfile, AdminNotDone> {
        self.administer(event, move |connection, now| {
            let of = name.clone();
            let by = |profile: &mut _| organization::update(&of, profile, patch);
            change(connection, name, by, now)
        })
        .await
    }

    /// Deletes an organization for callers (`confirm-by-name`). Its running imports fail.
    pub async fn delete_organization(
        &self,
        name: OrganizationName,
        confirmed: String,
        undelete_days: u32,
        event: AdminEvent,
    ) -> Result<NamedProfile, AdminNotDone> {
        self.administer(event, move |connection, now| {
            let of = name.clone();
            let by = |profile: &mut _| {
                organization::delete(&of, profile, &confirmed, now, undelete_days)
            };
            change(connection, name, by, now)
        })
        .await
    }

    /// Restores a deleted organization (`undelete-period`).
    pub async fn undelete_organization(
        &self,
        name: OrganizationName,
        event: AdminEvent,
    ) -> Result<NamedProfile, AdminNotDone> {
        self.administer(event, move |connection, now| {
            let of = name.clone();
            let by = |profile: &mut _| organization::undelete(&of, profile, now);
            change(connection, name, by, now)
        })
        .await
    }

    /// Returns an organization.
    pub async fn organization_profile(
        &self,
        name: OrganizationName,
    ) -> Result<Option<OrganizationProfile>> {
        self.ask_connection(&self.roles.readers, move |connection| {
            connection.organization_profile(&name)
        })
        .await
    }

    /// Returns organizations after a name, by name.
    pub async fn organizations_after(
        &self,
        after: String,
        limit: usize,
    ) -> Result<Vec<NamedProfile>> {
        self.ask_connection(&self.roles.readers, move |connection| {
            connection.organizations_after(&after, limit)
        })
        .await
    }

    /// Returns how many organizations have each state. Waits for no reader.
    pub async fn organizations_by_state(&self) -> Result<OrganizationCounts> {
        self.ask_connection(&self.roles.followers, |connection| {
            connection.organizations_by_state()
        })
        .await
    }

    /// Creates an organization if it does not exist.
    pub async fn ensure_organization(&self, name: &OrganizationName) -> Result<()> {
        let name = name.clone();
        self.on_writer(move |connection| {
            let new = OrganizationProfile {
                create_time: Some(now()),
                version: 1,
                ..OrganizationProfile::default()
            };
            in_transaction(connection, |connection| {
                connection.insert_organization(&name, &new).map(drop)
            })
        })
        .await
    }
}
