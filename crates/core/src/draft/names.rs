//! Who has which name: what changed on top of the base.

use std::collections::{BTreeSet, HashMap};

use crate::change::Row;

/// Which records took a name, and which left it.
pub(super) struct NameDelta<K> {
    left: BTreeSet<K>,
    came: BTreeSet<K>,
}

impl<K> Default for NameDelta<K> {
    fn default() -> Self {
        Self {
            left: BTreeSet::new(),
            came: BTreeSet::new(),
        }
    }
}

impl<K: Copy + Ord> NameDelta<K> {
    /// Those that had the name before, as it is now.
    pub(super) fn onto(delta: Option<&Self>, mut before: Vec<K>) -> Vec<K> {
        let Some(delta) = delta else {
            return before;
        };
        before.retain(|id| !delta.left.contains(id) && !delta.came.contains(id));
        before.extend(&delta.came);
        before.sort_unstable();
        before
    }
}

/// Takes note of a row whose name changed.
pub(super) fn rename<K: Copy + Ord, R>(
    names: &mut HashMap<String, NameDelta<K>>,
    row: &Row<K, R>,
    key: impl Fn(&R) -> String,
) {
    let id = row.key();
    if let Some(before) = row.before() {
        let delta = names.entry(key(before)).or_default();
        delta.came.remove(&id);
        delta.left.insert(id);
    }
    if let Some(after) = row.after() {
        names.entry(key(after)).or_default().came.insert(id);
    }
}
