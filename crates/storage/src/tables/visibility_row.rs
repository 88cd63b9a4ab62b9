//! The columns that the visibility rule reads.
//!
//! Invariant: a stored value that this server does not understand denies. A check must not fail
//! because of it, and must never show more.

use std::sync::atomic::{AtomicBool, Ordering};

use roster_core::id::{AccountId, ContactId, Pair, Time};
use roster_core::record::{Sharing, SharingMode};
use roster_core::rules::visibility::StreamedAssociation;
use roster_core::text::Role;

use crate::tables::column::{Column, number};
use crate::tables::records::associations;

/// What visibility needs of a contact itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContactState {
    pub(crate) blocked: bool,
    pub(crate) visitors_not_before: Option<Time>,
}

/// Returns how an account shares, from its columns.
pub(crate) fn sharing(mode: Option<i64>, roles: String) -> Sharing {
    let understood = Option::<SharingMode>::from_sql(mode);
    let roles = Vec::<Role>::from_sql(roles);
    if understood.is_none() || roles.is_none() {
        warn_of_denial();
    }
    Sharing {
        mode: understood.unwrap_or(Some(SharingMode::Nobody)),
        roles: roles.unwrap_or_default(),
    }
}

/// Warns that visibility denies because of a stored value. A process warns at most once, because
/// checks may read the value thousands of times a second.
pub(crate) fn warn_of_denial() {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "visibility denies where a sharing mode or sharing roles are stored that this version \
             does not understand: `roster-server check` lists the rows"
        );
    }
}

/// The columns of an association that the rule reads.
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

/// The facts of an association that the rule needs, without its key.
#[derive(Clone, Debug)]
pub(crate) struct VisibilityPart {
    pub(crate) primary: bool,
    pub(crate) sees_account_tickets: bool,
    pub(crate) role: Role,
}

impl VisibilityPart {
    pub(crate) fn streamed(&self) -> StreamedAssociation<'_> {
        StreamedAssociation {
            primary: self.primary,
            sees_account_tickets: self.sees_account_tickets,
            role: &self.role,
        }
    }
}
