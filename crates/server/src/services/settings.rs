//! SettingsService.

use roster_api::v1::settings_service_server::SettingsService;
use roster_api::v1::{
    ErrorReason, GetSettingsRequest, GetSettingsResponse, UpdateSettingsRequest,
    UpdateSettingsResponse,
};
use roster_core::record::ACCOUNTS_PER_CONTACT_MAX;
use roster_core::rules::settings::UpdateSettings;
use tonic::{Request, Response, Status};

use crate::fault::Fault;
use crate::handler::Handler;
use crate::mask::{self, MaskField, SettingsField};
use crate::parse::{self, Parsed};
use crate::render;
use crate::token::parse_etag;

/// See the proto.
pub(crate) struct SettingsOf(pub(crate) Handler);

fn update(request: UpdateSettingsRequest) -> Parsed<UpdateSettings> {
    let given = parse::required("settings", request.settings)?;
    let mut command = UpdateSettings {
        etag: parse_etag(&request.etag),
        ..UpdateSettings::default()
    };
    for field in mask::parse::<SettingsField>(request.update_mask)? {
        let path = format!("settings.{}", field.path());
        match field {
            SettingsField::MultipleAccounts => {
                command.multiple_accounts = Some(given.multiple_accounts);
            }
            SettingsField::AccountsPerContactMax => {
                command.accounts_per_contact_max =
                    Some(max(&path, given.accounts_per_contact_max)?);
            }
            SettingsField::SharingEnabled => command.sharing_enabled = Some(given.sharing_enabled),
            SettingsField::DefaultSharingMode => {
                let mode = parse::sharing_mode(&path, given.default_sharing_mode)?;
                command.default_sharing_mode = Some(mode.ok_or_else(|| {
                    let what = "cannot be unspecified: accounts without a mode use it";
                    Fault::field(&path, ErrorReason::FieldInvalid, what)
                })?);
            }
            SettingsField::DefaultSharingRoles => {
                let roles = parse::sharing_roles(&path, &given.default_sharing_roles)?;
                command.default_sharing_roles = Some(roles);
            }
            SettingsField::NewAssociationsSeeAccountTickets => {
                command.new_associations_see_account_tickets =
                    Some(given.new_associations_see_account_tickets);
            }
            SettingsField::SharingPrimaryOnly => {
                command.sharing_primary_only = Some(given.sharing_primary_only);
            }
        }
    }
    Ok(command)
}

fn max(path: &str, given: i32) -> Parsed<u32> {
    let allowed = |max: &u32| (1..=ACCOUNTS_PER_CONTACT_MAX).contains(max);
    u32::try_from(given).ok().filter(allowed).ok_or_else(|| {
        let what = format!("is {given}, allowed are 1 to {ACCOUNTS_PER_CONTACT_MAX}");
        Fault::field(path, ErrorReason::FieldInvalid, what)
    })
}

#[tonic::async_trait]
impl SettingsService for SettingsOf {
    async fn get_settings(
        &self,
        request: Request<GetSettingsRequest>,
    ) -> Result<Response<GetSettingsResponse>, Status> {
        let (settings, read_token) = self
            .0
            .read(&request, |at| Ok(Ok(render::settings(at.settings()?))))
            .await?;
        Ok(Response::new(GetSettingsResponse {
            settings: Some(settings),
            read_token,
        }))
    }

    async fn update_settings(
        &self,
        request: Request<UpdateSettingsRequest>,
    ) -> Result<Response<UpdateSettingsResponse>, Status> {
        self.0
            .write(request, update, |settings, written_token| {
                UpdateSettingsResponse {
                    settings: Some(render::settings(settings)),
                    written_token,
                }
            })
            .await
    }
}
