//! The row of an organization, and the row of the store itself.

use roster_core::id::{Revision, Time};
use roster_core::organization::At;

/// The number of an organization in this store; 0 where there is none yet.
pub(crate) type Org = i64;

/// The row of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Organization {
    pub(crate) org: Org,
    pub(crate) revision: Revision,
    pub(crate) nonce: i64,
    pub(crate) next_account: u64,
    pub(crate) next_contact: u64,
    pub(crate) next_ticket: u64,
    pub(crate) next_import: u64,
    pub(crate) derivation: i64,
    pub(crate) settings_revision: Revision,
    pub(crate) settings: Option<Vec<u8>>,
    /// When the newest change set was written. Invariant: no later one has an earlier time.
    pub(crate) change_time: Time,
    pub(crate) epoch: i64,
}

impl Organization {
    /// Its newest revision.
    pub(crate) fn at(&self) -> At {
        At {
            revision: self.revision,
            nonce: self.nonce,
        }
    }
}

/// The keys of the store: who it is and what it signs with.
#[derive(Clone, Debug)]
pub struct StoreKeys {
    /// Drawn once when the database was made.
    pub store_id: Vec<u8>,
    /// Encrypts page tokens, on every server alike.
    pub page_key: Vec<u8>,
    /// Keys the digest of a preview.
    pub preview_key: Vec<u8>,
}
