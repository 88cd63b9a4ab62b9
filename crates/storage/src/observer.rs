//! What whoever measures a store is told of its work.

use std::time::Duration;

/// In which lane commands wait for a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Somebody waits for the answer.
    Calls,
    /// Imports and the like.
    Jobs,
}

/// How many commands wait in each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WritesWaiting {
    /// Calls.
    pub calls: usize,
    /// Batches of imports and the like.
    pub jobs: usize,
}

/// Measures a store. It is told by the thread that did the work, which goes on only afterwards.
pub trait Observer: Send + Sync {
    /// A writer carried out so many commands in one transaction, whatever came of it.
    fn batch(&self, lane: Lane, commands: usize, took: Duration);

    /// A read or a writer waited so long until it had a connection.
    fn connection(&self, waited: Duration);
}
