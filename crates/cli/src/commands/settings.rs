//! `roster settings`: the settings of the organization.

use clap::{Args, Subcommand, ValueEnum};
use prost_types::FieldMask;
use roster_client::v1::{GetSettingsRequest, Settings, SharingMode, UpdateSettingsRequest};

use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::output::Rows;
use crate::words::{self, Mode};

/// The commands for settings.
#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show all settings
    #[command(after_help = "Example:\n  roster settings show")]
    Show,
    /// Change settings, effective from the next call
    #[command(after_help = SET_HELP)]
    Set(Set),
}

const SET_HELP: &str = "\
Examples:
  roster settings set multiple_accounts=true
  roster settings set default_sharing_mode=roles default_sharing_roles=部長,課長

Settings:
  multiple_accounts                     true or false: a contact may have several accounts
  accounts_per_contact_max              1 to 10000
  sharing_enabled                       true or false: false turns off all sharing
  default_sharing_mode                  nobody, granted, roles or everyone
  default_sharing_roles                 roles separated by commas; empty clears them
  new_associations_see_account_tickets  true or false
  sharing_primary_only                  true or false: share only through the primary account";

/// The settings to change.
#[derive(Args, Debug)]
pub(crate) struct Set {
    /// Settings and their values.
    #[arg(required = true, value_name = "SETTING=VALUE", value_parser = setting)]
    values: Vec<Setting>,
}

/// One setting and its value.
#[derive(Clone, Debug)]
enum Setting {
    MultipleAccounts(bool),
    AccountsPerContactMax(i32),
    SharingEnabled(bool),
    DefaultSharingMode(Mode),
    DefaultSharingRoles(Vec<String>),
    NewAssociationsSeeAccountTickets(bool),
    SharingPrimaryOnly(bool),
}

impl SettingsCommand {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        match self {
            Self::Show => {
                let answer = app.roster.call(GetSettingsRequest::default()).await?;
                app.output
                    .answer(&answer, |answer| shown(answer.settings.as_ref()))?;
            }
            Self::Set(set) => set.run(app).await?,
        }
        Ok(Exit::Done)
    }
}

impl Set {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let mut settings = Settings::default();
        let mut paths = Vec::new();
        for value in self.values {
            paths.push(value.put(&mut settings).to_owned());
        }
        let request = UpdateSettingsRequest {
            settings: Some(settings),
            update_mask: Some(FieldMask { paths }),
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.settings.as_ref()))
    }
}

/// Parses `setting=value`.
fn setting(text: &str) -> Result<Setting, String> {
    let (name, value) = words::key_value(text)?;
    let wrong = |expected: &str| format!("{value:?} is not a valid {name}: expected {expected}");
    let switch = || match value.as_str() {
        "true" | "on" | "yes" => Ok(true),
        "false" | "off" | "no" => Ok(false),
        _ => Err(wrong("true or false")),
    };
    match name.as_str() {
        "multiple_accounts" => Ok(Setting::MultipleAccounts(switch()?)),
        "accounts_per_contact_max" => {
            let max = value.parse().map_err(|_| wrong("a number"))?;
            Ok(Setting::AccountsPerContactMax(max))
        }
        "sharing_enabled" => Ok(Setting::SharingEnabled(switch()?)),
        "default_sharing_mode" => {
            let mode = Mode::from_str(&value, false)
                .map_err(|_| wrong("nobody, granted, roles or everyone"))?;
            Ok(Setting::DefaultSharingMode(mode))
        }
        "default_sharing_roles" => Ok(Setting::DefaultSharingRoles(roles(&value))),
        "new_associations_see_account_tickets" => {
            Ok(Setting::NewAssociationsSeeAccountTickets(switch()?))
        }
        "sharing_primary_only" => Ok(Setting::SharingPrimaryOnly(switch()?)),
        _ => Err(format!(
            "there is no setting {name:?}: roster settings set --help lists them"
        )),
    }
}

impl Setting {
    /// Sets the field of this setting and returns its name.
    fn put(self, settings: &mut Settings) -> &'static str {
        match self {
            Self::MultipleAccounts(on) => {
                settings.multiple_accounts = on;
                "multiple_accounts"
            }
            Self::AccountsPerContactMax(max) => {
                settings.accounts_per_contact_max = max;
                "accounts_per_contact_max"
            }
            Self::SharingEnabled(on) => {
                settings.sharing_enabled = on;
                "sharing_enabled"
            }
            Self::DefaultSharingMode(mode) => {
                settings.set_default_sharing_mode(SharingMode::from(mode));
                "default_sharing_mode"
            }
            Self::DefaultSharingRoles(roles) => {
                settings.default_sharing_roles = roles;
                "default_sharing_roles"
            }
            Self::NewAssociationsSeeAccountTickets(on) => {
                settings.new_associations_see_account_tickets = on;
                "new_associations_see_account_tickets"
            }
            Self::SharingPrimaryOnly(on) => {
                settings.sharing_primary_only = on;
                "sharing_primary_only"
            }
        }
    }
}

fn roles(value: &str) -> Vec<String> {
    let roles = value.split(',').map(str::trim);
    roles
        .filter(|role| !role.is_empty())
        .map(str::to_owned)
        .collect()
}

fn shown(settings: Option<&Settings>) -> Rows {
    let settings = settings.cloned().unwrap_or_default();
    let mode = words::mode(settings.default_sharing_mode()).to_owned();
    let max = settings.accounts_per_contact_max.to_string();
    let roles = settings.default_sharing_roles.join(", ");
    let mut rows = Rows::with_header(&["SETTING", "VALUE"]);
    for (name, value) in [
        ("multiple_accounts", settings.multiple_accounts.to_string()),
        ("accounts_per_contact_max", max),
        ("sharing_enabled", settings.sharing_enabled.to_string()),
        ("default_sharing_mode", mode),
        ("default_sharing_roles", roles),
        (
            "new_associations_see_account_tickets",
            settings.new_associations_see_account_tickets.to_string(),
        ),
        (
            "sharing_primary_only",
            settings.sharing_primary_only.to_string(),
        ),
    ] {
        rows.push(vec![name.to_owned(), value]);
    }
    rows
}
