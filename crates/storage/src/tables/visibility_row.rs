//! What the rule of visibility reads of rows.
//!
//! Invariant: a stored value that this server does not understand denies. A check must not fail
//! because of it, and must never show more.

use roster_core::id::{AccountId, ContactId, Pair};
use roster_core::record::{Sharing, SharingMode};
use roster_core::rules::visibility::SightPart;
use roster_core::text::Role;

use crate::tables::column::{Column, number};
use crate::tables::records::associations;

/// How an account shares, from its columns.
pub(crate) fn sharing(mode: Option<i64>, roles: String) -> Sharing {
    let understood = Option::<SharingMode>::from_sql(mode);
    if understood.is_none() {
        tracing::warn!(
            "an account holds a sharing mode that this version does not understand: it shares nothing"
        );
    }
    let roles = Vec::<Role>::from_sql(roles);
    if roles.is_none() {
        tracing::warn!(
            "an account holds sharing roles that this version does not understand: no role counts"
        );
    }
    Sharing {
        mode: understood.unwrap_or(Some(SharingMode::Nobody)),
        roles: roles.unwrap_or_default(),
    }
}

/// What the rule reads of an association.
#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = associations)]
pub(crate) struct AssociationPart {
    contact: i64,
    account: i64,
    is_primary: bool,
    sees_account_tickets: bool,
    role: String,
}

impl AssociationPart {
    pub(crate) fn pair(&self) -> Pair {
        Pair {
            contact: ContactId::new(number(self.contact)),
            account: AccountId::new(number(self.account)),
        }
    }

    pub(crate) fn part(self) -> VisibilityPart {
        VisibilityPart {
            primary: self.is_primary,
            sees_account_tickets: self.sees_account_tickets,
            role: Role::trusted(self.role),
        }
    }
}

/// What the rule asks of an association, by itself.
#[derive(Clone, Debug)]
pub(crate) struct VisibilityPart {
    pub(crate) primary: bool,
    pub(crate) sees_account_tickets: bool,
    pub(crate) role: Role,
}

impl VisibilityPart {
    pub(crate) fn asked(&self) -> SightPart<'_> {
        SightPart {
            primary: self.primary,
            sees_account_tickets: self.sees_account_tickets,
            role: &self.role,
        }
    }
}
