//! Lookups: exact after folding, a result per key in the order of the keys.

use std::collections::{BTreeSet, HashMap};

use prost::Message;
use roster_api::v1::ErrorReason;
use roster_core::fact::UniqueKey;
use roster_storage::{Snapshot, StorageError};
use tonic::Code;

use crate::fault::Fault;
use crate::limits::ANSWER_BYTES_MAX;
use crate::parse::Parsed;

/// By what a record is looked up.
pub(crate) enum Key {
    /// Its number.
    Id(u64),
    /// A unique key: the field's name, what was given, what it folds to.
    Unique(&'static str, String, UniqueKey),
}

/// Parses keys, each with its place in the call.
pub(crate) fn keys<K>(given: &[K], parse: impl Fn(usize, &K) -> Parsed<Key>) -> Parsed<Vec<Key>> {
    given
        .iter()
        .enumerate()
        .map(|(index, key)| parse(index, key))
        .collect()
}

/// Finds the record of each key, in two statements at most.
pub(crate) fn resolve<T: Clone>(
    at: &mut Snapshot<'_>,
    keys: &[Key],
    load: impl FnOnce(&mut Snapshot<'_>, &[u64]) -> Result<HashMap<u64, T>, StorageError>,
) -> Result<Vec<Option<T>>, StorageError> {
    let unique: Vec<UniqueKey> = keys
        .iter()
        .filter_map(|key| match key {
            Key::Id(_) => None,
            Key::Unique(_, _, unique) => Some(unique.clone()),
        })
        .collect();
    let owners: HashMap<UniqueKey, u64> = at.owners(&unique)?.into_iter().collect();
    let number = |key: &Key| match key {
        Key::Id(number) => Some(*number),
        Key::Unique(_, _, unique) => owners.get(unique).copied(),
    };
    let numbers: BTreeSet<u64> = keys.iter().filter_map(number).collect();
    let found = load(at, &numbers.into_iter().collect::<Vec<_>>())?;
    let one = |key| number(key).and_then(|number| found.get(&number).cloned());
    Ok(keys.iter().map(one).collect())
}

/// A result per key: the record, or why it is not there.
pub(crate) fn results<T: Message>(
    keys: &[Key],
    found: Vec<Option<T>>,
    not_found: impl Fn(&Key) -> Fault,
) -> Vec<(Option<T>, Option<tonic_types::Status>)> {
    let mut bytes = 0;
    keys.iter()
        .zip(found)
        .map(|(key, found)| match found {
            None => (None, Some(not_found(key).item())),
            Some(record) => {
                bytes += record.encoded_len() + 8;
                if bytes > ANSWER_BYTES_MAX {
                    return (None, Some(too_large().item()));
                }
                (Some(record), None)
            }
        })
        .collect()
}

fn too_large() -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::AnswerTooLarge,
        "the answer is full: ask again for this item and those after it",
    )
    .with("max_bytes", ANSWER_BYTES_MAX)
}
