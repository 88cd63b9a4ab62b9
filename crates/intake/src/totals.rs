//! Row counts of the imports since the start of the server.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use roster_storage::{ImportCounts, ImportStep};

/// Row counts of committed batches. A retried batch counts once. A batch whose commit was not
/// confirmed does not count.
#[derive(Debug, Default)]
pub struct Totals(Mutex<Counts>);

/// Row counts, and the rejected rows by reason.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// The rows by outcome.
    pub rows: ImportCounts,
    /// The number of rejected rows by reason.
    pub rejects: BTreeMap<String, u64>,
}

impl Totals {
    pub(crate) fn add(&self, step: &ImportStep) {
        let mut counts = self.0.lock();
        counts.rows.add(&step.counts);
        for reject in &step.rejects {
            match counts.rejects.get_mut(&reject.reason) {
                Some(count) => *count += 1,
                None => {
                    counts.rejects.insert(reject.reason.clone(), 1);
                }
            }
        }
    }

    /// Returns the current counts.
    pub fn counts(&self) -> Counts {
        self.0.lock().clone()
    }
}
