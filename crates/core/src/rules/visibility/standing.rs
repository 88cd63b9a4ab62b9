//! What the rule asks of a contact and its accounts, kept as it is asked.

use std::collections::BTreeMap;

use super::shares;
use super::{FoldedRole, SightAssociation, SightPart, SightSettings, SightSharing};
use crate::id::AccountId;
use crate::record::SharingMode;
use crate::text::Role;

/// What the rule asks of an association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldAssociation {
    primary: bool,
    sees_account_tickets: bool,
    role: FoldedRole,
}

impl HeldAssociation {
    /// What it asks of this one.
    pub fn of(association: SightPart<'_>) -> Self {
        Self {
            primary: association.primary,
            sees_account_tickets: association.sees_account_tickets,
            role: FoldedRole::of(association.role),
        }
    }

    /// As the rule asks it.
    pub fn asked(&self) -> SightAssociation<'_> {
        SightAssociation {
            primary: self.primary,
            sees_account_tickets: self.sees_account_tickets,
            role: &self.role,
        }
    }
}

impl From<SightAssociation<'_>> for HeldAssociation {
    fn from(asked: SightAssociation<'_>) -> Self {
        Self {
            primary: asked.primary,
            sees_account_tickets: asked.sees_account_tickets,
            role: asked.role.clone(),
        }
    }
}

/// What the rule asks of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSharing {
    mode: Option<SharingMode>,
    roles: Box<[FoldedRole]>,
}

impl HeldSharing {
    /// What it asks of one with this mode and these roles.
    pub fn of(mode: Option<SharingMode>, roles: &[Role]) -> Self {
        Self {
            mode,
            roles: FoldedRole::all(roles),
        }
    }

    /// As the rule asks it.
    pub fn asked(&self) -> SightSharing<'_> {
        SightSharing {
            mode: self.mode,
            roles: &self.roles,
        }
    }
}

/// All that the rule asks of one contact before it asks of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is blocked.
    pub blocked: bool,
    /// Its accounts: how it belongs to each, and with whom each shares.
    pub accounts: BTreeMap<AccountId, (HeldAssociation, HeldSharing)>,
}

impl Standing {
    /// The accounts that share with it, by number.
    pub fn shared<'s>(
        &'s self,
        settings: &'s SightSettings,
    ) -> impl Iterator<Item = AccountId> + 's {
        let shared = |(association, sharing): &(HeldAssociation, HeldSharing)| {
            settings.sharing_enabled
                && shares(settings, sharing.asked(), association.asked()).holds()
        };
        let accounts = self.accounts.iter();
        accounts
            .filter(move |(_, of)| shared(of))
            .map(|(account, _)| *account)
    }
}
