//! Administration: credentials, organizations, and the removal of organizations.

use roster_core::credential::Credential;
use roster_core::id::{CredentialId, Time};
use roster_core::organization::{OrganizationName, OrganizationProfile, OrganizationState};

use crate::error::Result;
use crate::tables::credential::{
    AdminEventRow, KeyUse, LoggedAdminEvent, OrganizationStatus, Proof, ReleasedName,
};
use crate::tables::listed::Listed;
use crate::tables::of_organization::OrganizationTable;
use crate::tables::organization::Org;

/// Credentials, their proofs, and the log of administration. Their transactions change no
/// organization's revision.
pub(crate) trait Credentials {
    /// Locks the store's row until the transaction ends, so that administration is done one call
    /// after another, and adds one to the version that servers poll. Returns the new version.
    fn raise_credentials_version(&mut self) -> Result<i64>;
    fn credentials_version(&mut self) -> Result<i64>;
    /// Returns credentials after a number, by number: of an organization, or all.
    fn credentials_after(
        &mut self,
        organization: Option<&OrganizationName>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(CredentialId, Credential)>>;
    fn credential(&mut self, id: CredentialId) -> Result<Option<Credential>>;
    /// Counts the credentials of an organization, or of no organization.
    fn credentials_count(&mut self, organization: Option<&OrganizationName>) -> Result<u64>;
    /// Returns the credential that a proof belongs to.
    fn proof_owner(&mut self, proof: &Proof<'_>) -> Result<Option<CredentialId>>;
    fn insert_credential(&mut self, credential: &Credential) -> Result<CredentialId>;
    /// Writes all of a credential but its organization, and replaces its proofs.
    fn update_credential(&mut self, id: CredentialId, credential: &Credential) -> Result<()>;
    /// Records when keys were used.
    fn record_key_uses(&mut self, uses: &[KeyUse]) -> Result<()>;
    fn append_admin_event(&mut self, event: &AdminEventRow<'_>) -> Result<()>;
    /// Returns the events before a number, the newest first: of an organization, or all.
    fn admin_events_before(
        &mut self,
        org: Option<Org>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LoggedAdminEvent>>;
}

/// Organizations, as administrators see them.
pub(crate) trait Organizations {
    /// Returns the organizations that are not active, or that have limits.
    fn organization_statuses(&mut self) -> Result<Vec<OrganizationStatus>>;
    fn organization_number(&mut self, name: &OrganizationName) -> Result<Option<Org>>;
    /// Creates an organization. Returns whether it did: the name may be taken.
    fn insert_organization(
        &mut self,
        name: &OrganizationName,
        profile: &OrganizationProfile,
    ) -> Result<bool>;
    /// Returns organizations after a name, by name.
    fn organizations_after(
        &mut self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(OrganizationName, OrganizationProfile)>>;
    fn organization_profile(
        &mut self,
        name: &OrganizationName,
    ) -> Result<Option<OrganizationProfile>>;
    /// As [`organization_profile`](Self::organization_profile), with the number of the
    /// organization. Locks its row until the transaction ends.
    fn lock_profile(
        &mut self,
        name: &OrganizationName,
    ) -> Result<Option<(Org, OrganizationProfile)>>;
    /// Writes all of an organization that administrators know, but its name and its creation.
    fn write_profile(&mut self, org: Org, profile: &OrganizationProfile) -> Result<()>;
    /// Returns the deleted organizations, by name.
    fn deleted_organizations(&mut self) -> Result<Vec<(OrganizationName, OrganizationProfile)>>;
    /// Returns how many organizations have each stored state.
    fn organizations_by_state(&mut self) -> Result<Vec<(OrganizationState, u64)>>;
    /// Returns the names that were free again after a removal.
    fn released_names(&mut self) -> Result<Vec<ReleasedName>>;
    /// Marks the running imports of a deleted organization as failed.
    fn fail_imports_of_organization(&mut self, org: Org, end_time: Time) -> Result<()>;
}

/// The removal of an organization.
pub(crate) trait Removes {
    /// Makes a server the one that removes an organization. Returns whether it is: another server
    /// that holds a lease may be at work.
    fn claim_removal(&mut self, org: Org, server: i64, now: Time) -> Result<bool>;
    /// Adds to the number of removed rows.
    fn advance_removal(&mut self, org: Org, rows: u64) -> Result<()>;
    /// Deletes rows of an organization, at most `limit`. Returns how many.
    fn delete_some(&mut self, org: Org, table: &OrganizationTable, limit: usize) -> Result<usize>;
    /// Deletes grams of an organization, of at most `limit` records. Returns of how many.
    fn delete_some_grams(&mut self, org: Org, listed: Listed, limit: usize) -> Result<usize>;
    /// Deletes credentials of an organization with their proofs, at most `limit`. Returns how many.
    fn delete_some_credentials(&mut self, org: Org, limit: usize) -> Result<usize>;
    /// Deletes the row of the organization and the job of its removal, and frees its name.
    fn end_removal(&mut self, org: Org, name: &OrganizationName) -> Result<()>;
}
