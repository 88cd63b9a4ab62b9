//! The change log: what a change set holds, how its payload is encoded, and which records it
//! concerns.
//!
//! Invariant: a format once written stays readable. A change of the messages that an older reader
//! would misunderstand is a new [`FORMAT`]. The messages stand in
//! `proto/roster/storage/v1/change_log.proto`.

mod compression;
mod entry;
mod settings;
mod subjects;

use prost::Message;
use roster_core::change::Change;
use roster_core::organization::At;

use crate::error::{Result, StorageError};
use crate::tables::message;
use compression::{pack, unpack};

pub(crate) use settings::{encode_settings, settings_of, visibility_settings};
pub(crate) use subjects::Subjects;

/// A change set that stands in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedSet {
    /// The revision that it made, with its nonce.
    pub at: At,
    /// Its changes.
    pub changes: Vec<Change>,
}

/// The format that is written: protobuf, compressed by zstd.
///
/// Format 2 tells more beside the payload (credential, origin, undone revision, epoch, subjects)
/// and may hold erased entries. Payloads of format 1 are read alike.
pub(crate) const FORMAT: i64 = 2;
/// The oldest format that is read.
const FORMAT_MIN: i64 = 1;
/// How large a part is: far below what either engine takes in one value, and no page of a
/// reader's memory to speak of.
const PART_BYTES_MAX: usize = 1 << 20;

/// The payload of these changes.
pub(crate) fn encode(changes: &[Change]) -> Result<Vec<Vec<u8>>> {
    let set = message::ChangeSet {
        changes: changes.iter().map(entry::of_change).collect(),
    };
    let packed = pack(&set.encode_to_vec()).map_err(|error| StorageError::Defect(error.into()))?;
    Ok(packed.chunks(PART_BYTES_MAX).map(<[u8]>::to_vec).collect())
}

/// The changes of a payload.
pub(crate) fn decode(format: i64, parts: &[Vec<u8>]) -> Result<Vec<Change>> {
    if !(FORMAT_MIN..=FORMAT).contains(&format) {
        return Err(corrupt("is of a format that this server does not know"));
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
        .map(|entry| {
            entry::into_change(entry).ok_or_else(|| corrupt("holds a change that cannot be read"))
        })
        .collect()
}

fn corrupt(what: &str) -> StorageError {
    StorageError::Defect(format!("a change set of the log {what}").into())
}

#[cfg(test)]
mod tests;
