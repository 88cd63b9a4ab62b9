//! What the imports of this server came to since it was started.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use roster_storage::{ImportCounts, ImportStep};

/// Rows of committed batches, by what became of them. A batch is counted once, however often it was
/// tried, except where the answer to its commit was lost: then it is not counted.
#[derive(Debug, Default)]
pub struct Totals(Mutex<Counted>);

/// Rows, and the rejected ones by reason.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// What the rows came to.
    pub rows: ImportCounts,
    /// How many rows were rejected for each reason.
    pub rejects: BTreeMap<String, u64>,
}

impl Totals {
    pub(crate) fn add(&self, step: &ImportStep) {
        let mut counted = self.0.lock();
        counted.rows.add(&step.counts);
        for reject in &step.rejects {
            match counted.rejects.get_mut(&reject.reason) {
                Some(count) => *count += 1,
                None => {
                    counted.rejects.insert(reject.reason.clone(), 1);
                }
            }
        }
    }

    /// How much it is now.
    pub fn counted(&self) -> Counted {
        self.0.lock().clone()
    }
}
