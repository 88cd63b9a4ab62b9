//! Settings, as stored in the log and in the organization's row.

use prost::Message;
use roster_core::record::{Settings, SharingMode, Stored};

use super::entry::{bytes, read};
use crate::error::{NotUnderstood, Result};
use crate::tables::codec::Logged;
use crate::tables::column::LogValue;
use crate::tables::message;
use crate::tables::organization::Organization;
use crate::tables::visibility_row::warn_of_denial;

impl Logged for Settings {
    type Message = message::Settings;

    fn message(&self) -> message::Settings {
        let Self {
            multiple_accounts,
            accounts_per_contact_max,
            sharing_enabled,
            default_sharing_mode,
            default_sharing_roles,
            new_associations_see_account_tickets,
            sharing_primary_only,
        } = self;
        message::Settings {
            multiple_accounts: *multiple_accounts,
            accounts_per_contact_max: *accounts_per_contact_max,
            sharing_enabled: *sharing_enabled,
            default_sharing_mode: default_sharing_mode.log(),
            default_sharing_roles: default_sharing_roles.log(),
            new_associations_see_account_tickets: *new_associations_see_account_tickets,
            sharing_primary_only: *sharing_primary_only,
        }
    }

    fn of_message(message: message::Settings) -> Option<Self> {
        let message::Settings {
            multiple_accounts,
            accounts_per_contact_max,
            sharing_enabled,
            default_sharing_mode,
            default_sharing_roles,
            new_associations_see_account_tickets,
            sharing_primary_only,
        } = message;
        Some(Self {
            multiple_accounts,
            accounts_per_contact_max,
            sharing_enabled,
            default_sharing_mode: SharingMode::from_log(default_sharing_mode)?,
            default_sharing_roles: LogValue::from_log(default_sharing_roles)?,
            new_associations_see_account_tickets,
            sharing_primary_only,
        })
    }
}

/// Encodes settings for the organization's row.
pub(crate) fn encode_settings(settings: &Settings) -> Vec<u8> {
    bytes(settings)
}

/// The settings of an organization: the defaults where it never wrote any.
pub(crate) fn settings_of(organization: &Organization) -> Result<Stored<Settings>, NotUnderstood> {
    decoded(organization, read)
}

/// As [`settings_of`], but only for the visibility rule: a default sharing mode that this version
/// does not understand shares nothing.
pub(crate) fn visibility_settings(
    organization: &Organization,
) -> Result<Stored<Settings>, NotUnderstood> {
    decoded(organization, |stored| {
        let mut message = message::Settings::decode(stored).ok()?;
        if SharingMode::from_log(message.default_sharing_mode).is_none() {
            warn_of_denial();
            message.default_sharing_mode = SharingMode::Nobody.log();
        }
        Settings::of_message(message)
    })
}

fn decoded(
    organization: &Organization,
    decode: impl FnOnce(&[u8]) -> Option<Settings>,
) -> Result<Stored<Settings>, NotUnderstood> {
    let record = match &organization.settings {
        None => Settings::default(),
        Some(stored) => decode(stored).ok_or_else(|| NotUnderstood {
            table: "organizations",
            column: "settings",
            key: vec![organization.org],
        })?,
    };
    Ok(Stored {
        record,
        revision: organization.settings_revision,
    })
}
