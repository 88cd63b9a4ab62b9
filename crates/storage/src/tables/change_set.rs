//! Change sets as the change log stores them: a head, and a payload in parts.

use roster_core::id::{Revision, Time};
use roster_core::organization::At;

use crate::tables::cell::Rows;
use crate::tables::origin::ChangeOrigin;

/// What is said of a change set beside its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeSetHead {
    /// Its revision.
    pub(crate) revision: Revision,
    /// When it was committed, by the server's clock.
    pub(crate) create_time: Time,
    /// The credential by which the caller was known.
    pub(crate) credential: String,
    /// The person behind the caller, as the caller says.
    pub(crate) actor: String,
    /// The name of the command.
    pub(crate) command: String,
    /// By what way it came.
    pub(crate) origin: ChangeOrigin,
    /// The caller's request id.
    pub(crate) request_id: Option<String>,
    /// The batch's random bits: see tokens.
    pub(crate) nonce: i64,
    /// The version of the payload's encoding.
    pub(crate) format: i64,
    /// The epoch of the organization in which it was written.
    pub(crate) epoch: i64,
}

/// A change set as it is appended to the log.
#[derive(Debug)]
pub(crate) struct LogEntry {
    pub(crate) head: ChangeSetHead,
    /// The payload's parts.
    pub(crate) parts: Vec<Vec<u8>>,
    /// Rows of the subjects table: which records it concerns, if they are few.
    pub(crate) subjects: Rows<'static>,
    /// Rows of the bitmaps table: which records it concerns, if they are many.
    pub(crate) bitmaps: Rows<'static>,
}

/// A change set of the log.
#[derive(Debug)]
pub(crate) struct LoggedSet {
    /// Its moment.
    pub(crate) at: At,
    /// The version of the payload's encoding.
    pub(crate) format: i64,
    /// The payload's parts.
    pub(crate) parts: Vec<Vec<u8>>,
}

/// How much of the log is read at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogPage {
    /// How many change sets.
    pub(crate) sets_max: usize,
    /// How many bytes of payload, but for a single change set that has more.
    pub(crate) bytes_max: usize,
}
