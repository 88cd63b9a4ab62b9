//! Reads that are so short that they run on the calling worker of the runtime.
//!
//! The figure that keeps this: on SQLite, handing a page of ListVisibleTickets to another thread
//! and its answer back took a fifth of the page's time (13 % in futexes).
//!
//! Invariants: at least one worker of the runtime never reads, so that answers from memory never
//! wait for a file. A read that may take long never runs here, whatever it was expected to be.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;

/// How many rows an inline read may request: about half a millisecond if they are in memory.
pub(crate) const BRIEF_ROWS_MAX: usize = 512;
/// An inline read that took longer than this has waited for the disk.
const BRIEF_TIME_MAX: Duration = Duration::from_millis(2);
/// After a slow inline read, send reads to the pool for this long: the next would likely wait as
/// well.
const PAUSE: Duration = Duration::from_millis(500);

/// The inline reads of one store.
#[derive(Debug, Default)]
pub(crate) struct BriefReads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: usize,
    paused_until: Option<Instant>,
}

/// A running inline read, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    reads: &'a BriefReads,
    began: Instant,
}

impl BriefReads {
    /// Allows an inline read, if another worker stays free of reads.
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
