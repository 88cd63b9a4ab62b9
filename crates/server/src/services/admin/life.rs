//! The update, deletion and undeletion of organizations.

use roster_api::v1;
use roster_storage::{AdminNotDone, NamedProfile};
use tonic::Request;

use super::{Admin, event, organization, required_text};
use crate::fault::Fault;
use crate::handler::caller;
use crate::mask;
use crate::parse;

impl Admin {
    /// Makes a change of an organization count on this server at once.
    async fn changed(
        &self,
        changed: Result<NamedProfile, AdminNotDone>,
    ) -> Result<Option<v1::Organization>, Fault> {
        let (name, profile) = changed?;
        self.refresh().await;
        Ok(Some(organization::rendered(&name, &profile)))
    }

    pub(super) async fn update(
        &self,
        request: Request<v1::UpdateOrganizationRequest>,
    ) -> Result<v1::UpdateOrganizationResponse, Fault> {
        let event = event::<v1::UpdateOrganizationRequest>(caller(&request)?);
        let given = request.into_inner();
        let of = parse::required("organization", given.organization)?;
        let name = organization::name("organization.name", &of.name)?;
        let fields = mask::parse(given.update_mask)?;
        let patch = organization::patch(&of, &fields, &given.etag)?;
        let updated = self.handler.store.update_organization(name, patch, event);
        Ok(v1::UpdateOrganizationResponse {
            organization: self.changed(updated.await).await?,
        })
    }

    pub(super) async fn delete(
        &self,
        request: Request<v1::DeleteOrganizationRequest>,
    ) -> Result<v1::DeleteOrganizationResponse, Fault> {
        let event = event::<v1::DeleteOrganizationRequest>(caller(&request)?);
        let given = request.get_ref();
        let name = organization::name("name", &given.name)?;
        let confirmed = required_text("confirm_display_name", &given.confirm_display_name)?;
        let (store, days) = (&self.handler.store, self.undelete_days);
        let deleted = store.delete_organization(name, confirmed, days, event);
        Ok(v1::DeleteOrganizationResponse {
            organization: self.changed(deleted.await).await?,
        })
    }

    pub(super) async fn undelete(
        &self,
        request: Request<v1::UndeleteOrganizationRequest>,
    ) -> Result<v1::UndeleteOrganizationResponse, Fault> {
        let event = event::<v1::UndeleteOrganizationRequest>(caller(&request)?);
        let name = organization::name("name", &request.get_ref().name)?;
        let restored = self.handler.store.undelete_organization(name, event);
        Ok(v1::UndeleteOrganizationResponse {
            organization: self.changed(restored.await).await?,
        })
    }
}
