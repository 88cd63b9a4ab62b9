//! AdminService.

mod credential;
mod event;
mod life;
mod organization;

use roster_api::v1::admin_service_server::AdminService;
use roster_api::v1::{self, ErrorReason};
use roster_api::{METHODS, Method};
use roster_core::credential::Credential;
use roster_core::id::{CredentialId, Time};
use roster_core::organization::OrganizationName;
use roster_core::rules::credential::{CredentialRefusal, Manager, add_key, expire_key, revoke_key};
use roster_storage::{AdminEvent, Administered, NamedProfile};
use tonic::{Request, Response, Status};

use crate::authentication::NewKey;
use crate::caller::Caller;
use crate::fault::{self, Fault};
use crate::handler::{Handler, caller};
use crate::mask::{self, CredentialField};
use crate::parse::{self, Parsed};
use crate::render;
use crate::token::{Place, parse_etag};

/// How long a key that is replaced stays accepted, if the call does not say.
const OLD_KEY_TTL_DEFAULT_MICROS: i64 = 24 * 3_600 * 1_000_000;
/// The longest time that a replaced key stays accepted: longer, and two keys are in use.
const OLD_KEY_TTL_SECONDS_MAX: i64 = 30 * 24 * 3_600;

/// See the proto.
pub(crate) struct Admin {
    pub(crate) handler: Handler,
    /// Days for which a deleted organization can be restored.
    pub(crate) undelete_days: u32,
}

/// The caller as a manager of credentials.
fn manager(caller: &Caller) -> Manager {
    let grant = caller.grant();
    Manager {
        organization: grant.and_then(|grant| grant.organization.clone()),
        scopes: grant.map(|grant| grant.scopes),
    }
}

/// What the log of administration says of a call.
fn event<Q: Method>(caller: &Caller) -> AdminEvent {
    AdminEvent {
        credential: caller.credential().to_owned(),
        actor: caller.actor.to_string(),
        action: METHODS[Q::INDEX].name,
    }
}

fn draw(is_admin: bool, end: Option<Time>) -> Result<NewKey, Fault> {
    NewKey::draw(is_admin, end).map_err(|error| fault::internal(&error.to_string()))
}

fn rendered((id, credential): &Administered) -> Option<v1::Credential> {
    Some(render::credential(*id, credential))
}

impl Admin {
    /// Changes a credential, and makes the change count on this server at once.
    async fn change<Q: Method>(
        &self,
        caller: &Caller,
        id: CredentialId,
        change: impl FnOnce(&mut Credential, Time) -> Result<(), CredentialRefusal> + Send + 'static,
    ) -> Result<Administered, Fault> {
        let (store, by) = (&self.handler.store, manager(caller));
        let changed = store.change_credential(by, id, event::<Q>(caller), change);
        let changed = changed.await?;
        self.refresh().await;
        Ok(changed)
    }

    async fn refresh(&self) {
        if let Err(error) = self
            .handler
            .authenticator
            .refresh(&self.handler.store)
            .await
        {
            tracing::warn!(%error, "could not read the credentials after a change");
        }
    }

    /// Draws a key for a credential that the caller sees.
    async fn draw_for(
        &self,
        caller: &Caller,
        id: CredentialId,
        end: Option<Time>,
    ) -> Result<NewKey, Fault> {
        let found = self.find(caller, id).await?;
        draw(found.organization.is_none(), end)
    }

    async fn find(&self, caller: &Caller, id: CredentialId) -> Result<Credential, Fault> {
        let found = self.handler.store.credential(id).await?;
        let found = found.filter(|credential| manager(caller).sees(credential));
        found.ok_or_else(|| fault::credential_not_found(id))
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn create_organization(
        &self,
        request: Request<v1::CreateOrganizationRequest>,
    ) -> Result<Response<v1::CreateOrganizationResponse>, Status> {
        let caller = caller(&request)?;
        let of = request.get_ref().organization.as_ref();
        let of = parse::required("organization", of)?;
        let (name, profile) = organization::new(of)?;
        let event = event::<v1::CreateOrganizationRequest>(caller);
        let created = self
            .handler
            .store
            .create_organization(name, profile, event)
            .await;
        let (name, profile) = created.map_err(Fault::from)?;
        // Its limits hold at once.
        self.refresh().await;
        Ok(Response::new(v1::CreateOrganizationResponse {
            organization: Some(organization::rendered(&name, &profile)),
        }))
    }

    async fn get_organization(
        &self,
        request: Request<v1::GetOrganizationRequest>,
    ) -> Result<Response<v1::GetOrganizationResponse>, Status> {
        caller(&request)?;
        let name = organization::name("name", &request.get_ref().name)?;
        let found = self.handler.store.organization_profile(name.clone()).await;
        let found = found.map_err(Fault::from)?;
        let profile = found.ok_or_else(|| fault::organization_not_found(&name))?;
        Ok(Response::new(v1::GetOrganizationResponse {
            organization: Some(organization::rendered(&name, &profile)),
        }))
    }

    async fn list_organizations(
        &self,
        request: Request<v1::ListOrganizationsRequest>,
    ) -> Result<Response<v1::ListOrganizationsResponse>, Status> {
        caller(&request)?;
        let given = request.get_ref();
        let rpc = v1::ListOrganizationsRequest::INFO.name;
        let page = (given.page_size, given.page_token.as_str());
        let filter = v1::ListOrganizationsRequest::default();
        let page = self.handler.page_of("", rpc, page, &filter)?;
        let after = page.after.as_ref().map_or("", |place| place.id.as_str());
        let found = self
            .handler
            .store
            .organizations_after(after.to_owned(), page.rows());
        let found = found.await.map_err(Fault::from)?;
        let row = |(name, profile): &NamedProfile| {
            let place = Place::of_name(name.as_str());
            (place, organization::rendered(name, profile))
        };
        let (organizations, next_page_token) = page.fit(found.iter().map(row).collect())?;
        Ok(Response::new(v1::ListOrganizationsResponse {
            organizations,
            next_page_token,
        }))
    }

    async fn update_organization(
        &self,
        request: Request<v1::UpdateOrganizationRequest>,
    ) -> Result<Response<v1::UpdateOrganizationResponse>, Status> {
        Ok(Response::new(self.update(request).await?))
    }

    async fn delete_organization(
        &self,
        request: Request<v1::DeleteOrganizationRequest>,
    ) -> Result<Response<v1::DeleteOrganizationResponse>, Status> {
        Ok(Response::new(self.delete(request).await?))
    }

    async fn undelete_organization(
        &self,
        request: Request<v1::UndeleteOrganizationRequest>,
    ) -> Result<Response<v1::UndeleteOrganizationResponse>, Status> {
        Ok(Response::new(self.undelete(request).await?))
    }

    async fn list_admin_events(
        &self,
        request: Request<v1::ListAdminEventsRequest>,
    ) -> Result<Response<v1::ListAdminEventsResponse>, Status> {
        Ok(Response::new(self.list_events(request).await?))
    }

    async fn create_credential(
        &self,
        request: Request<v1::CreateCredentialRequest>,
    ) -> Result<Response<v1::CreateCredentialResponse>, Status> {
        let caller = caller(&request)?;
        let given = request.get_ref();
        let by = manager(caller);
        let of = given.credential.clone();
        let mut new = credential::new(&parse::required("credential", of)?, &by)?;
        let end = credential::key_end("key_expire_time", given.key_expire_time.as_ref())?;
        let mut text = String::new();
        if !given.without_key {
            let key = draw(new.organization.is_none(), end)?;
            text = key.text;
            new.keys.push(key.key);
        }
        let event = event::<v1::CreateCredentialRequest>(caller);
        let created = self.handler.store.create_credential(by, new, event).await;
        let created = created.map_err(Fault::from)?;
        self.refresh().await;
        Ok(Response::new(v1::CreateCredentialResponse {
            credential: rendered(&created),
            key: text,
        }))
    }

    async fn get_credential(
        &self,
        request: Request<v1::GetCredentialRequest>,
    ) -> Result<Response<v1::GetCredentialResponse>, Status> {
        let caller = caller(&request)?;
        let id = parse::id("id", &request.get_ref().id)?;
        let found = self.find(caller, id).await?;
        Ok(Response::new(v1::GetCredentialResponse {
            credential: Some(render::credential(id, &found)),
        }))
    }

    async fn list_credentials(
        &self,
        request: Request<v1::ListCredentialsRequest>,
    ) -> Result<Response<v1::ListCredentialsResponse>, Status> {
        let caller = caller(&request)?;
        let given = request.get_ref();
        let own = manager(caller).organization;
        let named = organization::of_list(own.as_ref(), &given.organization)?;
        let filter = v1::ListCredentialsRequest {
            organization: given.organization.clone(),
            ..Default::default()
        };
        let binding = own.as_ref().map_or("", OrganizationName::as_str);
        let rpc = v1::ListCredentialsRequest::INFO.name;
        let page = (given.page_size, given.page_token.as_str());
        let page = self.handler.page_of(binding, rpc, page, &filter)?;
        let after = page.after.as_ref().map_or(0, |place| place.number);
        let of = named.or(own);
        let found = self
            .handler
            .store
            .credentials_after(of.clone(), after, page.rows());
        let found = found.await.map_err(Fault::from)?;
        let found = found.ok_or_else(|| match &of {
            Some(name) => fault::organization_not_found(name),
            None => fault::internal("all credentials are of no organization"),
        })?;
        let row = |(id, credential): &Administered| {
            let place = Place::of_number(id.number());
            (place, render::credential(*id, credential))
        };
        let (credentials, next_page_token) = page.fit(found.iter().map(row).collect())?;
        Ok(Response::new(v1::ListCredentialsResponse {
            credentials,
            next_page_token,
        }))
    }

    async fn update_credential(
        &self,
        request: Request<v1::UpdateCredentialRequest>,
    ) -> Result<Response<v1::UpdateCredentialResponse>, Status> {
        let caller = caller(&request)?.clone();
        let given = request.into_inner();
        let of = parse::required("credential", given.credential)?;
        let id = parse::id("credential.id", &of.id)?;
        let fields = mask::parse::<CredentialField>(given.update_mask)?;
        let mut new = credential::blank(None);
        for field in &fields {
            credential::write(*field, &of, &mut new)?;
        }
        let etag = parse_etag(&given.etag).map(|etag| etag.number());
        let change = move |credential: &mut Credential, _| {
            if etag.is_some_and(|etag| etag != credential.version) {
                return Err(CredentialRefusal::Stale);
            }
            for field in fields {
                credential::take(field, &mut new, credential);
            }
            Ok(())
        };
        let changed = self.change::<v1::UpdateCredentialRequest>(&caller, id, change);
        Ok(Response::new(v1::UpdateCredentialResponse {
            credential: rendered(&changed.await?),
        }))
    }

    async fn add_key(
        &self,
        request: Request<v1::AddKeyRequest>,
    ) -> Result<Response<v1::AddKeyResponse>, Status> {
        let caller = caller(&request)?;
        let given = request.get_ref();
        let id = parse::id("credential_id", &given.credential_id)?;
        let end = credential::key_end("expire_time", given.expire_time.as_ref())?;
        let NewKey { text, key } = self.draw_for(caller, id, end).await?;
        let key_id = key.id.to_string();
        let change = move |credential: &mut Credential, now| add_key(id, credential, key, now);
        let changed = self.change::<v1::AddKeyRequest>(caller, id, change).await?;
        Ok(Response::new(v1::AddKeyResponse {
            credential: rendered(&changed),
            key_id,
            key: text,
        }))
    }

    async fn roll_key(
        &self,
        request: Request<v1::RollKeyRequest>,
    ) -> Result<Response<v1::RollKeyResponse>, Status> {
        let caller = caller(&request)?;
        let given = request.get_ref();
        let id = parse::id("credential_id", &given.credential_id)?;
        let old = required_text("key_id", &given.key_id)?;
        let ttl = match &given.old_key_ttl {
            None => OLD_KEY_TTL_DEFAULT_MICROS,
            Some(ttl) => {
                let allowed = 0..=OLD_KEY_TTL_SECONDS_MAX;
                let nanos_fit = (0..1_000_000_000).contains(&ttl.nanos)
                    && (ttl.seconds < OLD_KEY_TTL_SECONDS_MAX || ttl.nanos == 0);
                if !allowed.contains(&ttl.seconds) || !nanos_fit {
                    return Err(credential::invalid("old_key_ttl", "is not 0 s to 30 days").into());
                }
                ttl.seconds * 1_000_000 + i64::from(ttl.nanos) / 1_000
            }
        };
        let end = credential::key_end("expire_time", given.expire_time.as_ref())?;
        let NewKey { text, key } = self.draw_for(caller, id, end).await?;
        let key_id = key.id.to_string();
        let change = move |credential: &mut Credential, now: Time| {
            let until = Time::from_micros(now.micros().saturating_add(ttl));
            expire_key(id, credential, &old, until)?;
            add_key(id, credential, key, now)
        };
        let changed = self
            .change::<v1::RollKeyRequest>(caller, id, change)
            .await?;
        Ok(Response::new(v1::RollKeyResponse {
            credential: rendered(&changed),
            key_id,
            key: text,
        }))
    }

    async fn revoke_key(
        &self,
        request: Request<v1::RevokeKeyRequest>,
    ) -> Result<Response<v1::RevokeKeyResponse>, Status> {
        let caller = caller(&request)?;
        let given = request.get_ref();
        let id = parse::id("credential_id", &given.credential_id)?;
        let key = required_text("key_id", &given.key_id)?;
        let change = move |credential: &mut Credential, _| revoke_key(id, credential, &key);
        let changed = self
            .change::<v1::RevokeKeyRequest>(caller, id, change)
            .await?;
        Ok(Response::new(v1::RevokeKeyResponse {
            credential: rendered(&changed),
        }))
    }

    async fn suspend_credential(
        &self,
        request: Request<v1::SuspendCredentialRequest>,
    ) -> Result<Response<v1::SuspendCredentialResponse>, Status> {
        let caller = caller(&request)?;
        let given = request.get_ref();
        let id = parse::id("id", &given.id)?;
        let suspended = !given.resume;
        let change = move |credential: &mut Credential, _| {
            credential.suspended = suspended;
            Ok(())
        };
        let changed = self.change::<v1::SuspendCredentialRequest>(caller, id, change);
        Ok(Response::new(v1::SuspendCredentialResponse {
            credential: rendered(&changed.await?),
        }))
    }
}

fn required_text(path: &str, given: &str) -> Parsed<String> {
    if given.is_empty() {
        return Err(Fault::field(
            path,
            ErrorReason::FieldRequired,
            "is required",
        ));
    }
    Ok(given.to_owned())
}
