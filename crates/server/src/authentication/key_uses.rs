//! When keys were used, until it is written.

use std::collections::HashMap;

use parking_lot::Mutex;
use roster_core::id::Time;
use roster_storage::KeyUse;

use super::credential_table::ProofName;

/// How exact the time of a last use is. Within this time, a second use of a key takes no lock.
const EXACT_TO_MICROS: i64 = 30_000_000;

/// See the module.
#[derive(Default)]
pub(super) struct KeyUses {
    used: parking_lot::RwLock<HashMap<Box<str>, Time>>,
    written: Mutex<HashMap<Box<str>, Time>>,
}

impl KeyUses {
    /// Notes a use.
    pub(super) fn used(&self, proof: &ProofName, now: Time) {
        let ProofName::Key(id) = proof else {
            return;
        };
        let noted = self.used.read().get(id).copied();
        if noted.is_some_and(|noted| now.micros() - noted.micros() < EXACT_TO_MICROS) {
            return;
        }
        self.used.write().insert(id.clone(), now);
    }

    /// Takes the uses that are not written yet.
    pub(super) fn take(&self) -> Vec<KeyUse> {
        let used = self.used.read().clone();
        let mut written = self.written.lock();
        let fresh = used
            .iter()
            .filter(|(id, time)| written.get(*id) != Some(*time))
            .map(|(id, time)| KeyUse {
                key_id: id.clone(),
                time: *time,
            })
            .collect();
        *written = used;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_written_once() {
        let uses = KeyUses::default();
        let key = ProofName::Key("a".into());
        for micros in [1, 2, EXACT_TO_MICROS] {
            uses.used(&key, Time::from_micros(micros));
        }
        assert_eq!(uses.take().len(), 1);
        assert!(uses.take().is_empty());
        uses.used(&key, Time::from_micros(2 * EXACT_TO_MICROS));
        assert_eq!(uses.take()[0].time, Time::from_micros(2 * EXACT_TO_MICROS));
    }
}
