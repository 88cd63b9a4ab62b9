//! Tokens that were verified, by their hashes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use roster_core::id::Time;

use super::super::credential_table::Grant;

/// The most tokens: about 400 bytes each. Without an entry, a token is verified again.
const TOKENS_MAX: usize = 10_000;

/// The states of credentials and keys that an entry was made from. It counts for no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    pub(crate) credentials: i64,
    pub(crate) keys: u64,
}

struct Entry {
    basis: Basis,
    until: Time,
    grant: Arc<Grant>,
}

/// See the module. Tokens that were refused are not kept: they would displace good ones.
#[derive(Default)]
pub(crate) struct TokenCache(RwLock<HashMap<[u8; 32], Entry>>);

impl TokenCache {
    /// Returns what a token grants, if it was verified on this basis and has not expired.
    pub(crate) fn get(&self, hash: &[u8; 32], basis: Basis, now: Time) -> Option<Arc<Grant>> {
        let entries = self.0.read();
        let entry = entries.get(hash)?;
        (entry.basis == basis && now < entry.until).then(|| Arc::clone(&entry.grant))
    }

    /// Keeps a verified token until it expires.
    pub(crate) fn keep(
        &self,
        hash: [u8; 32],
        basis: Basis,
        until: Time,
        grant: &Arc<Grant>,
        now: Time,
    ) {
        let mut entries = self.0.write();
        if entries.len() >= TOKENS_MAX {
            entries.retain(|_, entry| entry.basis == basis && now < entry.until);
        }
        if entries.len() >= TOKENS_MAX {
            entries.clear();
        }
        let grant = Arc::clone(grant);
        entries.insert(
            hash,
            Entry {
                basis,
                until,
                grant,
            },
        );
    }
}
