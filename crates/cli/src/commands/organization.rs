//! `roster organization`: manages organizations, as their administrator.

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use roster_client::v1::{
    CreateOrganizationRequest, DeleteOrganizationRequest, GetOrganizationRequest,
    ListOrganizationsRequest, Organization, UndeleteOrganizationRequest, UpdateOrganizationRequest,
};

use super::Mask;
use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::output::Rows;
use crate::words;

/// The commands for organizations.
#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationCommand {
    /// Create an organization
    #[command(
        after_help = "Example:\n  roster organization create acme --display-name 'Acme 株式会社'"
    )]
    Create(Create),
    /// Show one organization
    #[command(after_help = "Example:\n  roster organization get acme")]
    Get(Named),
    /// List organizations by name
    #[command(after_help = "Example:\n  roster organization list")]
    List(List),
    /// Change fields of an organization
    #[command(
        after_help = "Examples:\n  roster organization update acme --requests-per-second-max 200\n  roster organization update acme --clear display_name"
    )]
    Update(Update),
    /// Refuse all calls of an organization; its imports wait
    #[command(after_help = "Example:\n  roster organization suspend acme")]
    Suspend(Named),
    /// Serve a suspended organization again
    #[command(after_help = "Example:\n  roster organization resume acme")]
    Resume(Named),
    /// Delete an organization with all of its data, after a time in which undelete restores it
    #[command(after_help = "Example:\n  roster organization delete acme --confirm 'Acme 株式会社'")]
    Delete(Delete),
    /// Restore a deleted organization
    #[command(after_help = "Example:\n  roster organization undelete acme")]
    Undelete(Named),
}

/// Names an organization.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The name of the organization.
    name: String,
}

/// Selects organizations.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The fields of an organization except its name.
#[derive(Args, Clone, Debug)]
struct Fields {
    /// Its name for people.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Calls a second of all its credentials together.
    #[arg(long, value_name = "N")]
    requests_per_second_max: Option<i32>,
    /// Concurrent calls of all its credentials together.
    #[arg(long, value_name = "N")]
    concurrent_calls_max: Option<i32>,
}

/// A new organization.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Its name: a to z, 0 to 9 and hyphen.
    name: String,
    #[command(flatten)]
    fields: Fields,
}

/// The fields that an update may clear.
const CLEARABLE: [&str; 3] = [
    "display_name",
    "requests_per_second_max",
    "concurrent_calls_max",
];

/// A change of an organization.
#[derive(Args, Clone, Debug)]
pub(crate) struct Update {
    /// The name of the organization.
    name: String,
    #[command(flatten)]
    fields: Fields,
    /// Field to clear: display_name, requests_per_second_max or concurrent_calls_max. Repeatable.
    #[arg(long, value_name = "FIELD", hide_possible_values = true, value_parser = CLEARABLE)]
    clear: Vec<String>,
}

/// How an organization is deleted.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// The name of the organization.
    name: String,
    /// Its display name or, if it has none, its name: exactly, so that no other is deleted.
    #[arg(long, value_name = "TEXT")]
    confirm: String,
}

impl Fields {
    fn organization(self, name: String, mask: &mut Mask) -> Organization {
        let per_second = self.requests_per_second_max;
        Organization {
            name,
            display_name: mask.take("display_name", self.display_name),
            requests_per_second_max: mask.take("requests_per_second_max", per_second),
            concurrent_calls_max: mask.take("concurrent_calls_max", self.concurrent_calls_max),
            ..Default::default()
        }
    }
}

impl OrganizationCommand {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Update(update) => update.clone().change().map(drop),
            _ => Ok(()),
        }
    }

    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        match self {
            Self::Create(create) => create.run(app).await?,
            Self::Get(named) => named.get(app).await?,
            Self::List(list) => list.run(app).await?,
            Self::Update(update) => {
                let (organization, mask) = update.change()?;
                write(app, organization, mask).await?;
            }
            Self::Suspend(named) => named.suspend(app, true).await?,
            Self::Resume(named) => named.suspend(app, false).await?,
            Self::Delete(delete) => delete.run(app).await?,
            Self::Undelete(named) => named.undelete(app).await?,
        }
        Ok(Exit::Done)
    }
}

impl Create {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let organization = self.fields.organization(self.name, &mut Mask::default());
        let request = CreateOrganizationRequest {
            organization: Some(organization),
        };
        let answer = app.roster.call_once(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.organization.as_ref()))
    }
}

impl Named {
    async fn get(self, app: &mut App) -> Result<(), Failure> {
        let request = GetOrganizationRequest { name: self.name };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.organization.as_ref()))
    }

    async fn suspend(self, app: &mut App, suspended: bool) -> Result<(), Failure> {
        let organization = Organization {
            name: self.name,
            suspended,
            ..Default::default()
        };
        let paths = vec!["suspended".to_owned()];
        write(app, organization, FieldMask { paths }).await
    }

    async fn undelete(self, app: &mut App) -> Result<(), Failure> {
        let request = UndeleteOrganizationRequest { name: self.name };
        let answer = app.roster.call_once(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.organization.as_ref()))
    }
}

impl List {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = ListOrganizationsRequest {
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let organizations = app.roster.all(request);
        let header = &["NAME", "STATE", "DISPLAY NAME"];
        let row = |organization: &Organization| {
            vec![
                organization.name.clone(),
                words::organization_state(organization.state()).to_owned(),
                organization.display_name.clone(),
            ]
        };
        app.output
            .list(organizations, self.limit, header, row)
            .await
    }
}

impl Update {
    /// The values, with the mask of fields to write.
    fn change(self) -> Result<(Organization, FieldMask), Failure> {
        let mut mask = Mask::default();
        let organization = self.fields.organization(self.name, &mut mask);
        Ok((organization, mask.with_cleared(self.clear)?))
    }
}

impl Delete {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = DeleteOrganizationRequest {
            name: self.name,
            confirm_display_name: self.confirm,
        };
        let answer = app.roster.call_once(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.organization.as_ref()))
    }
}

async fn write(app: &mut App, organization: Organization, mask: FieldMask) -> Result<(), Failure> {
    let request = UpdateOrganizationRequest {
        organization: Some(organization),
        update_mask: Some(mask),
        ..Default::default()
    };
    let answer = app.roster.call(request).await?;
    app.output
        .answer(&answer, |answer| shown(answer.organization.as_ref()))
}

fn shown(organization: Option<&Organization>) -> Rows {
    let of = organization.cloned().unwrap_or_default();
    let state = words::organization_state(of.state()).to_owned();
    Rows::of_fields(vec![
        ("name", of.name),
        ("display_name", of.display_name),
        ("state", state),
        (
            "requests_per_second_max",
            words::limit(of.requests_per_second_max),
        ),
        (
            "concurrent_calls_max",
            words::limit(of.concurrent_calls_max),
        ),
        ("created", words::time(of.create_time.as_ref())),
        ("undelete_until", words::time(of.undelete_end_time.as_ref())),
    ])
}
