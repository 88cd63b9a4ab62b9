//! Measurements of a store's work.

use std::time::Duration;

/// The lane in which commands wait for a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Commands whose caller waits for the answer.
    Calls,
    /// Imports and other jobs.
    Jobs,
}

/// What a statement is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Reads of calls.
    Reads,
    /// Writes of calls, jobs and administration.
    Writes,
    /// What a server does without a call: it follows the changes of other servers.
    Followers,
}

/// How many commands wait in each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WritesWaiting {
    /// Calls.
    pub calls: usize,
    /// Batches of imports and other jobs.
    pub jobs: usize,
}

/// Receives measurements, on the thread that did the work. That thread waits until the method
/// returns.
pub trait Observer: Send + Sync {
    /// A writer carried out this many commands together, with any result: usually in one transaction,
    /// but one by one after a defect.
    fn batch(&self, lane: Lane, commands: usize, took: Duration);

    /// A read or a writer waited this long for a connection.
    fn connection(&self, waited: Duration);

    /// A piece of work ran this many statements, with any result.
    fn statements(&self, work: Work, number: u64);
}
