//! How much work one page may be.

use std::time::{Duration, Instant};

/// How long a page may look for its rows before it ends short, with a place to go on from: a
/// person who waits for a list does not notice it, and a thousand such calls a server do no harm.
const PAGE_TIME_MAX: Duration = Duration::from_millis(50);

/// The time that is left to one page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    until: Instant,
}

impl Budget {
    pub(crate) fn of_a_page() -> Self {
        Self {
            until: Instant::now() + PAGE_TIME_MAX,
        }
    }

    #[cfg(test)]
    pub(crate) fn spent() -> Self {
        Self {
            until: Instant::now(),
        }
    }

    pub(crate) fn is_spent(self) -> bool {
        Instant::now() >= self.until
    }
}
