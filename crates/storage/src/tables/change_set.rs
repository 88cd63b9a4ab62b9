//! Change sets as the change log stores them: a head, and a payload in parts.

use roster_core::id::{Revision, Time};
use roster_core::organization::At;

/// What is said of a change set beside its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeSetHead {
    /// Its revision.
    pub(crate) revision: Revision,
    /// When it was committed, by the server's clock.
    pub(crate) create_time: Time,
    /// Who did it.
    pub(crate) actor: String,
    /// The name of the command.
    pub(crate) command: String,
    /// By what way it came: `rpc` or `import`.
    pub(crate) source: String,
    /// The job that it belongs to.
    pub(crate) job: Option<i64>,
    /// The caller's request id.
    pub(crate) request_id: Option<String>,
    /// The batch's random bits: see tokens.
    pub(crate) nonce: i64,
    /// The version of the payload's encoding.
    pub(crate) format: i64,
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
