//! The name of an organization, and a revision of it with its nonce.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::credential::CallLimits;
use crate::id::{Revision, Time};

/// The longest name of an organization: the length of a DNS label, so that it can be part of a host
/// name.
pub const ORGANIZATION_CHARS_MAX: usize = 63;

/// The name of an organization: 1 to [`ORGANIZATION_CHARS_MAX`] of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationName(Arc<str>);

/// The text is not the name of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an organization's name is 1 to 63 characters of a-z, 0-9 and -")]
pub struct NotAnOrganization;

impl OrganizationName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, NotAnOrganization> {
        if Self::is_one(text) {
            Ok(Self(text.into()))
        } else {
            Err(NotAnOrganization)
        }
    }

    /// Returns whether a text is a valid name.
    pub fn is_one(text: &str) -> bool {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=ORGANIZATION_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed)
    }

    /// Wraps a text that [is valid](Self::is_one).
    pub fn trusted(text: &str) -> Self {
        debug_assert!(Self::is_one(text));
        Self(text.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Lets a map with `OrganizationName` keys be queried by `&str`: both have the same equality and
/// hash.
impl Borrow<str> for OrganizationName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The state of an organization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrganizationState {
    /// It is served.
    #[default]
    Active,
    /// An administrator suspended it.
    Suspended,
    /// It is deleted and can be restored.
    Deleted,
    /// Its rows are being removed.
    Removing,
}

/// That an organization is deleted, and until when it can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// When it was deleted.
    pub delete_time: Time,
    /// From when it cannot be restored any more.
    pub undelete_end_time: Time,
    /// Whether the removal of its rows has begun.
    pub removing: bool,
}

/// What administrators know of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationProfile {
    /// Its name for people; may be empty.
    pub display_name: String,
    /// Whether an administrator suspended it.
    pub suspended: bool,
    /// Set if it is deleted. Its suspension is kept beside it, for an undeletion.
    pub deletion: Option<Deletion>,
    /// The limits of all its credentials together.
    pub limits: CallLimits,
    /// When it was created; `None` if an earlier version created it.
    pub create_time: Option<Time>,
    /// How often it was changed: its version.
    pub version: u64,
}

impl OrganizationProfile {
    /// Returns its state.
    pub fn state(&self) -> OrganizationState {
        match self.deletion {
            Some(Deletion { removing: true, .. }) => OrganizationState::Removing,
            Some(_) => OrganizationState::Deleted,
            None if self.suspended => OrganizationState::Suspended,
            None => OrganizationState::Active,
        }
    }
}

/// A revision of an organization, with its nonce. Only the nonce distinguishes a revision that a
/// restore lost from a later revision with the same number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevisionId {
    /// The revision.
    pub revision: Revision,
    /// The nonce; 0 at revision 0.
    pub nonce: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_by_name_is_asked_with_a_text() {
        let acme = OrganizationName::parse("acme").unwrap();
        let map = std::collections::HashMap::from([(acme, 1)]);
        assert_eq!((map.get("acme"), map.get("ACME")), (Some(&1), None));
    }

    #[test]
    fn a_name_of_one_to_63_letters_digits_and_hyphens_is_one() {
        for name in ["a", "acme-2", &"x".repeat(63)] {
            assert!(OrganizationName::parse(name).is_ok(), "{name}");
        }
        for wrong in ["", "A", "a_b", "a b", "é", &"x".repeat(64)] {
            assert!(OrganizationName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
