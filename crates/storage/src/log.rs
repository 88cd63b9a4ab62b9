//! The change log: the contents of a change set, the encoding of its payload, and the records that
//! it concerns.
//!
//! Invariant: a format stays readable once it was written. A change of the messages that an older
//! reader would misunderstand needs a new [`FORMAT`]. The messages are defined in
//! `proto/roster/storage/v1/change_log.proto`.

mod compression;
mod entry;
mod settings;
mod subjects;

use prost::Message;
use roster_core::change::Change;
use roster_core::organization::RevisionId;

use crate::error::{Result, StorageError};
use crate::tables::message;
use compression::{pack, unpack};

pub(crate) use settings::{encode_settings, settings_of, visibility_settings};
pub(crate) use subjects::Subjects;

/// A committed change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedSet {
    /// Its revision, with its nonce.
    pub at: RevisionId,
    /// Its changes.
    pub changes: Vec<Change>,
}

/// The format of new change sets: protobuf, compressed by zstd.
///
/// Format 2 stores more beside the payload (credential, origin, undone revision, epoch, subjects)
/// and may contain erased entries. Payloads of both formats are decoded alike.
pub(crate) const FORMAT: i64 = 2;
/// The oldest format that can be read.
const FORMAT_MIN: i64 = 1;
/// The size of a part: far below the limit of a value in either engine, and small in a reader's
/// memory.
const PART_BYTES_MAX: usize = 1 << 20;

/// Encodes the payload of these changes.
pub(crate) fn encode(changes: &[Change]) -> Result<Vec<Vec<u8>>> {
    let set = message::ChangeSet {
        changes: changes.iter().map(entry::of_change).collect(),
    };
    let packed = pack(&set.encode_to_vec()).map_err(|error| StorageError::Defect(error.into()))?;
    Ok(packed.chunks(PART_BYTES_MAX).map(<[u8]>::to_vec).collect())
}

/// Decodes the changes of a payload.
pub(crate) fn decode(format: i64, parts: &[Vec<u8>]) -> Result<Vec<Change>> {
    if !(FORMAT_MIN..=FORMAT).contains(&format) {
        return Err(corrupt("has an unknown format"));
    }
    let packed = parts.concat();
    let bytes = unpack(&packed).map_err(|error| StorageError::Defect(error.into()))?;
    let set = message::ChangeSet::decode(bytes.as_slice())
        .map_err(|error| StorageError::Defect(error.into()))?;
    let changes = set
        .changes
        .into_iter()
        .filter(|entry| !entry::is_erased(entry));
    changes
        .map(|entry| entry::into_change(entry).ok_or_else(|| corrupt("holds an unreadable change")))
        .collect()
}

fn corrupt(what: &str) -> StorageError {
    StorageError::Defect(format!("a change set of the log {what}").into())
}

#[cfg(test)]
mod tests;
