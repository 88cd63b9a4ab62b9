//! The row of an organization, and the row of the store itself.

use roster_core::id::{Revision, Time};
use roster_core::organization::{OrganizationState, RevisionId};

/// The number of an organization in this store; 0 if it does not exist yet.
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
    /// The time of the newest change set. Invariant: times of change sets never decrease.
    pub(crate) change_time: Time,
    pub(crate) epoch: i64,
    pub(crate) state: OrganizationState,
}

impl Organization {
    /// Its newest revision.
    pub(crate) fn at(&self) -> RevisionId {
        RevisionId {
            revision: self.revision,
            nonce: self.nonce,
        }
    }
}

/// The keys of the store: its identity and its secrets.
#[derive(Clone, Debug)]
pub struct StoreKeys {
    /// The store's identity, drawn once when the database was created.
    pub store_id: Vec<u8>,
    /// The key that encrypts page tokens, the same on every server.
    pub page_key: Vec<u8>,
    /// The key of the digest of a preview.
    pub preview_key: Vec<u8>,
}
