//! The access log: who read personal data, as stored.

use roster_core::id::{ContactId, Time};
use roster_core::organization::OrganizationName;

/// A read of personal data. It names ids and no texts of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRecord {
    /// When the call was answered.
    pub time: Time,
    /// The credential of the caller.
    pub credential: String,
    /// The person for whom it called.
    pub actor: String,
    /// The RPC.
    pub rpc: String,
    /// The contact that the call was about, if it was about one.
    pub contact: Option<ContactId>,
    /// The id of the ticket or import that the call was about, if any.
    pub target: String,
}

/// A read of the data of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccess {
    /// The organization.
    pub organization: OrganizationName,
    /// The read.
    pub record: AccessRecord,
}

/// A place in the access log of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessPlace {
    /// The time of a record.
    pub time: Time,
    /// The random number of a record.
    pub number: u64,
}

/// Which records to list. A record must match all filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// The contact.
    pub contact: Option<ContactId>,
    /// The credential.
    pub credential: Option<String>,
    /// The earliest time.
    pub start: Option<Time>,
    /// The time before which the records were made.
    pub end: Option<Time>,
}

impl AccessFilter {
    /// Whether a record within the times matches.
    pub(crate) fn matches(&self, record: &AccessRecord) -> bool {
        let contact = self.contact.is_none() || self.contact == record.contact;
        let credential = self.credential.as_ref();
        contact && credential.is_none_or(|credential| *credential == record.credential)
    }
}
