//! Settings, as the log and the organization's row hold them.

use roster_core::record::{Settings, SharingMode, Stored};

use super::corrupt;
use super::entry::{bytes, read};
use crate::error::Result;
use crate::tables::codec::Logged;
use crate::tables::column::LogValue;
use crate::tables::message;
use crate::tables::organization::Organization;

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

/// Settings as the organization's row holds them.
pub(crate) fn encode_settings(settings: &Settings) -> Vec<u8> {
    bytes(settings)
}

/// The settings of an organization: the defaults where it never wrote any.
pub(crate) fn settings_of(organization: &Organization) -> Result<Stored<Settings>> {
    let record = match &organization.settings {
        None => Settings::default(),
        Some(stored) => {
            read(stored).ok_or_else(|| corrupt("holds settings that cannot be read"))?
        }
    };
    Ok(Stored {
        record,
        revision: organization.settings_revision,
    })
}
