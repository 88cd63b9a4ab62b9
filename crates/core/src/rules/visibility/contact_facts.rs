//! The facts of one contact and its accounts that the visibility rule reads, as owned values.

use std::collections::BTreeMap;

use super::shares;
use super::{AssociationFacts, FoldedRole, SharingFacts, StreamedAssociation, VisibilitySettings};
use crate::id::{AccountId, Time};
use crate::record::SharingMode;
use crate::text::Role;

/// The fields of an association that the rule reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldAssociation {
    primary: bool,
    sees_account_tickets: bool,
    role: FoldedRole,
}

impl HeldAssociation {
    /// Copies the fields from an association.
    pub fn of(association: StreamedAssociation<'_>) -> Self {
        Self {
            primary: association.primary,
            sees_account_tickets: association.sees_account_tickets,
            role: FoldedRole::of(association.role),
        }
    }

    /// Returns the borrowed form that the rule reads.
    pub fn facts(&self) -> AssociationFacts<'_> {
        AssociationFacts {
            primary: self.primary,
            sees_account_tickets: self.sees_account_tickets,
            role: &self.role,
        }
    }
}

impl From<AssociationFacts<'_>> for HeldAssociation {
    fn from(asked: AssociationFacts<'_>) -> Self {
        Self {
            primary: asked.primary,
            sees_account_tickets: asked.sees_account_tickets,
            role: asked.role.clone(),
        }
    }
}

/// The sharing of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSharing {
    mode: Option<SharingMode>,
    roles: Box<[FoldedRole]>,
}

impl HeldSharing {
    /// Creates the sharing with this mode and these roles.
    pub fn of(mode: Option<SharingMode>, roles: &[Role]) -> Self {
        Self {
            mode,
            roles: FoldedRole::all(roles),
        }
    }

    /// Returns the borrowed form that the rule reads.
    pub fn facts(&self) -> SharingFacts<'_> {
        SharingFacts {
            mode: self.mode,
            roles: &self.roles,
        }
    }
}

/// All facts of one contact that the rule reads before it reads a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactFacts {
    /// Whether the contact is blocked.
    pub blocked: bool,
    /// See [`Contact::visitors_not_before`](crate::record::Contact::visitors_not_before).
    pub visitors_not_before: Option<Time>,
    /// Its accounts: the association with each, and the sharing of each.
    pub accounts: BTreeMap<AccountId, (HeldAssociation, HeldSharing)>,
}

impl ContactFacts {
    /// Returns the accounts that share with the contact, by number.
    pub fn shared<'s>(
        &'s self,
        settings: &'s VisibilitySettings,
    ) -> impl Iterator<Item = AccountId> + 's {
        let shared = |(association, sharing): &(HeldAssociation, HeldSharing)| {
            settings.sharing_enabled
                && shares(settings, sharing.facts(), association.facts()).holds()
        };
        let accounts = self.accounts.iter();
        accounts
            .filter(move |(_, of)| shared(of))
            .map(|(account, _)| *account)
    }
}
