//! Update of an organization's settings.

use crate::change::Change;
use crate::command::{Circumstances, Command, Decision};
use crate::fact::{Facts, Needs};
use crate::id::Revision;
use crate::record::{Settings, SharingMode, Stored};
use crate::refusal::{Refusal, Refused};
use crate::rules::check_etag;
use crate::rules::set;
use crate::text::Role;

/// Settings to write; fields that are `None` keep their value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateSettings {
    /// See [`Settings::multiple_accounts`].
    pub multiple_accounts: Option<bool>,
    /// See [`Settings::accounts_per_contact_max`].
    pub accounts_per_contact_max: Option<u32>,
    /// See [`Settings::sharing_enabled`].
    pub sharing_enabled: Option<bool>,
    /// See [`Settings::default_sharing_mode`].
    pub default_sharing_mode: Option<SharingMode>,
    /// See [`Settings::default_sharing_roles`].
    pub default_sharing_roles: Option<Vec<Role>>,
    /// See [`Settings::new_associations_see_account_tickets`].
    pub new_associations_see_account_tickets: Option<bool>,
    /// See [`Settings::sharing_primary_only`].
    pub sharing_primary_only: Option<bool>,
    /// The etag that the settings must have.
    pub etag: Option<Revision>,
}

impl Command for UpdateSettings {
    type Answer = Stored<Settings>;
    const NAME: &'static str = "UpdateSettings";

    fn needs(&self, _: &mut Needs) {}

    /// `one-account`: refuses to turn `multiple_accounts` off while a contact has several accounts.
    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let before = facts.settings()?;
        check_etag(self.etag, before.revision)?;
        let mut after = before.record.clone();
        let to = self.clone();
        set(&mut after.multiple_accounts, to.multiple_accounts);
        set(
            &mut after.accounts_per_contact_max,
            to.accounts_per_contact_max,
        );
        set(&mut after.sharing_enabled, to.sharing_enabled);
        set(&mut after.default_sharing_mode, to.default_sharing_mode);
        set(&mut after.default_sharing_roles, to.default_sharing_roles);
        set(
            &mut after.new_associations_see_account_tickets,
            to.new_associations_see_account_tickets,
        );
        set(&mut after.sharing_primary_only, to.sharing_primary_only);
        if after == before.record {
            return Ok(Decision::unchanged(before));
        }
        if before.record.multiple_accounts && !after.multiple_accounts {
            let contacts = facts.contacts_with_several_accounts()?;
            if contacts > 0 {
                return Err(Refusal::SeveralAccounts { contacts }.into());
            }
        }
        let answer = Stored {
            record: after.clone(),
            revision: given.revision,
        };
        Ok(Decision {
            changes: vec![Change::Settings {
                before: Box::new(before.record),
                after: Box::new(after),
            }],
            answer,
        })
    }
}
