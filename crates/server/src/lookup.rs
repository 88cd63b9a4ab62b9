//! Lookups: exact after folding, one result for each key, in the order of the keys.

use std::collections::{BTreeSet, HashMap};

use prost::Message;
use roster_api::v1::ErrorReason;
use roster_core::fact::UniqueKey;
use roster_storage::{Snapshot, StorageError};
use tonic::Code;

use crate::fault::Fault;
use crate::limits::ANSWER_BYTES_MAX;
use crate::parse::Parsed;

/// Bytes of an item in an answer beside its message: tags and lengths.
const ITEM_BYTES: usize = 8;

/// The key of a lookup.
pub(crate) enum Key {
    /// The number of the record.
    Id(u64),
    /// A unique key: the name of the field, the given text, the folded text.
    Unique(&'static str, String, UniqueKey),
}

/// Parses keys, each with its index in the call. A malformed key fails only its item.
pub(crate) fn keys<K>(given: &[K], parse: impl Fn(usize, &K) -> Parsed<Key>) -> Vec<Parsed<Key>> {
    given
        .iter()
        .enumerate()
        .map(|(index, key)| parse(index, key))
        .collect()
}

/// Finds the record of each well-formed key, in at most two statements.
pub(crate) fn resolve<T: Clone>(
    at: &mut Snapshot<'_>,
    keys: &[Parsed<Key>],
    load: impl FnOnce(&mut Snapshot<'_>, &[u64]) -> Result<HashMap<u64, T>, StorageError>,
) -> Result<Vec<Option<T>>, StorageError> {
    let unique: Vec<UniqueKey> = keys
        .iter()
        .filter_map(|key| match key {
            Ok(Key::Unique(_, _, unique)) => Some(unique.clone()),
            Ok(Key::Id(_)) | Err(_) => None,
        })
        .collect();
    let owners: HashMap<UniqueKey, u64> = at.owners(&unique)?.into_iter().collect();
    let number = |key: &Parsed<Key>| match key {
        Ok(Key::Id(number)) => Some(*number),
        Ok(Key::Unique(_, _, unique)) => owners.get(unique).copied(),
        Err(_) => None,
    };
    let numbers: BTreeSet<u64> = keys.iter().filter_map(number).collect();
    let found = load(at, &numbers.into_iter().collect::<Vec<_>>())?;
    let one = |key| number(key).and_then(|number| found.get(&number).cloned());
    Ok(keys.iter().map(one).collect())
}

/// One result for each key: the record or an error.
pub(crate) fn results<T: Message>(
    keys: &[Parsed<Key>],
    found: Vec<Option<T>>,
    not_found: impl Fn(&Key) -> Fault,
) -> Vec<(Option<T>, Option<tonic_types::Status>)> {
    let mut bytes = 0;
    let mut fits = |message_bytes: usize| {
        bytes += message_bytes + ITEM_BYTES;
        bytes <= ANSWER_BYTES_MAX
    };
    let result = |(key, found): (&Parsed<Key>, Option<T>)| {
        let error = match (key, found) {
            (Ok(_), Some(record)) if fits(record.encoded_len()) => return (Some(record), None),
            (Ok(_), Some(_)) => return (None, Some(too_large().item())),
            (Ok(key), None) => not_found(key).item(),
            (Err(fault), _) => fault.clone().item(),
        };
        if fits(error.encoded_len()) {
            (None, Some(error))
        } else {
            (None, Some(too_large().item()))
        }
    };
    keys.iter().zip(found).map(result).collect()
}

fn too_large() -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::AnswerTooLarge,
        "the answer is full: look up this item and all later items again",
    )
    .with("max_bytes", ANSWER_BYTES_MAX)
}
