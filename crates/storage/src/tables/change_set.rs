//! Change sets as the change log stores them: a head, and a payload in parts.

use roster_core::id::{Revision, Time};
use roster_core::organization::RevisionId;

use crate::tables::cell::Rows;
use crate::tables::origin::ChangeOrigin;

/// The data of a change set beside its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeSetHead {
    /// Its revision.
    pub(crate) revision: Revision,
    /// When it was committed, by the server's clock.
    pub(crate) create_time: Time,
    /// The credential that identified the caller.
    pub(crate) credential: String,
    /// The person behind the caller, as stated by the caller.
    pub(crate) actor: String,
    /// The name of the command.
    pub(crate) command: String,
    /// Where it came from.
    pub(crate) origin: ChangeOrigin,
    /// The caller's request id.
    pub(crate) request_id: Option<String>,
    /// The batch's random bits, which tokens carry.
    pub(crate) nonce: i64,
    /// The version of the payload's encoding.
    pub(crate) format: i64,
    /// The epoch of the organization when it was written.
    pub(crate) epoch: i64,
}

/// A change set to append to the log.
#[derive(Debug)]
pub(crate) struct LogEntry {
    pub(crate) head: ChangeSetHead,
    /// The payload's parts.
    pub(crate) parts: Vec<Vec<u8>>,
    /// Rows of the subjects table: the records that it concerns, if they are few.
    pub(crate) subjects: Rows<'static>,
    /// Rows of the bitmaps table: the records that it concerns, if they are many.
    pub(crate) bitmaps: Rows<'static>,
}

/// A change set read from the log.
#[derive(Debug)]
pub(crate) struct LoggedSet {
    /// Its revision.
    pub(crate) at: RevisionId,
    /// The version of the payload's encoding.
    pub(crate) format: i64,
    /// The payload's parts.
    pub(crate) parts: Vec<Vec<u8>>,
}

/// How much of the log to read at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogPage {
    /// At most this many change sets.
    pub(crate) sets_max: usize,
    /// At most this many bytes of payload, unless a single change set is larger.
    pub(crate) bytes_max: usize,
}
