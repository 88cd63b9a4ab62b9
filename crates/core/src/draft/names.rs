//! The records that have a name: changes on top of the base.

use std::collections::{BTreeSet, HashMap};

use crate::change::Row;
use crate::fact::{Namesakes, Unavailable};

/// The records that gained a name and the records that lost it. Invariant: each record that lost it
/// had it in the base.
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
    /// Returns the lowest `limit` records that have the name now. `before` returns the lowest
    /// records that have it in the base.
    pub(super) fn onto(
        delta: Option<&Self>,
        limit: usize,
        before: impl FnOnce(usize) -> Result<Vec<K>, Unavailable>,
    ) -> Result<Vec<K>, Unavailable> {
        let Some(delta) = delta else {
            return before(limit);
        };
        // Read as many more as may have lost the name, so that enough remain.
        let mut now = before(limit.saturating_add(delta.left.len()))?;
        now.retain(|id| !delta.left.contains(id));
        now.extend(delta.came.iter().take(limit));
        now.sort_unstable();
        now.truncate(limit);
        Ok(now)
    }
}

/// Records a row whose name changed.
pub(super) fn rename<K: Copy + Ord, R>(
    names: &mut HashMap<Namesakes, NameDelta<K>>,
    row: &Row<K, R>,
    namesakes: impl Fn(&R) -> Namesakes,
) {
    let id = row.key();
    if let Some(before) = row.before() {
        let delta = names.entry(namesakes(before)).or_default();
        if !delta.came.remove(&id) {
            delta.left.insert(id);
        }
    }
    if let Some(after) = row.after() {
        names.entry(namesakes(after)).or_default().came.insert(id);
    }
}
