//! Reads so brief that they are done where they are asked: to hand one to another thread and back
//! takes as long as the read itself.
//!
//! Invariants: one worker of the runtime at least never reads, so that what is answered from memory
//! waits for no file. A read that may take its time is never done here, whatever it was thought to
//! be.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;

/// How many rows a brief read may ask for: about half a millisecond where they are in memory.
pub(crate) const BRIEF_ROWS_MAX: usize = 512;
/// A read that took longer than a brief one can has waited for the disk.
const BRIEF_TIME_MAX: Duration = Duration::from_millis(2);
/// How long after such a wait none is done here. What made one wait may well make the next.
const PAUSE: Duration = Duration::from_millis(500);

/// The brief reads of one store.
#[derive(Debug, Default)]
pub(crate) struct BriefReads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: usize,
    paused_until: Option<Instant>,
}

/// A brief read that is being done, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    reads: &'a BriefReads,
    began: Instant,
}

impl BriefReads {
    /// A turn to read here, if a worker is left to others.
    pub(crate) fn turn(&self) -> Option<Turn<'_>> {
        let workers = Handle::try_current().ok()?.metrics().num_workers();
        self.turn_of(workers, Instant::now())
    }

    fn turn_of(&self, workers: usize, now: Instant) -> Option<Turn<'_>> {
        let mut state = self.0.lock();
        let paused = state.paused_until.is_some_and(|until| now < until);
        if paused || state.running + 1 >= workers {
            return None;
        }
        state.running += 1;
        Some(Turn {
            reads: self,
            began: now,
        })
    }

    fn end(&self, began: Instant, now: Instant) {
        let mut state = self.0.lock();
        state.running -= 1;
        if now.duration_since(began) > BRIEF_TIME_MAX {
            state.paused_until = Some(now + PAUSE);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.reads.end(self.began, Instant::now());
    }
}

#[cfg(test)]
mod tests;
