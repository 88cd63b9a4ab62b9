//! The places of running calls.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places. A call takes a place when its message is there, so that calls without a message
/// hold no place.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    max: usize,
}

/// The place of a call, until it is dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Places {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(max)),
            max,
        }
    }

    /// Whether no call runs.
    pub(crate) fn are_free(&self) -> bool {
        self.free.available_permits() == self.max
    }

    /// Takes a place, unless all are taken.
    pub(super) fn take(&self) -> Option<Place> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_places_as_said_and_a_place_is_free_again_after_its_call() {
        let places = Places::new(2);
        let first = places.take().expect("the first");
        let _second = places.take().expect("the last");
        assert!(places.take().is_none(), "one more");
        drop(first);
        assert!(places.take().is_some());
        assert!(!places.are_free());
    }
}
