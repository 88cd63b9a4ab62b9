//! Writes: commands wait in a queue, and a writer carries out the waiting commands of one
//! organization together.

pub(crate) mod batch;
pub(crate) mod import_write;
pub(crate) mod invariants;
pub(crate) mod job;
pub(crate) mod name_index;
pub(crate) mod queue;
pub(crate) mod rebuild;
pub(crate) mod request_answers;
pub(crate) mod row_changes;
pub(crate) mod working_set;
