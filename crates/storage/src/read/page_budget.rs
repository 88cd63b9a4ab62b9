//! How much work one page may be.

use std::time::{Duration, Instant};

/// How long a page may look for its rows before it ends short, with a place to go on from: a
/// person who waits for a list does not notice it, and a thousand such calls a server do no harm.
const PAGE_TIME_MAX: Duration = Duration::from_millis(50);

/// How long a page that has nothing yet may look on: an empty one is worth nothing to a person, who
/// would ask again at once.
const EMPTY_PAGE_TIME_MAX: Duration = Duration::from_millis(500);

/// The time that is left to one page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    until: Instant,
    empty_until: Instant,
}

impl Budget {
    pub(crate) fn of_a_page() -> Self {
        let now = Instant::now();
        Self {
            until: now + PAGE_TIME_MAX,
            empty_until: now + EMPTY_PAGE_TIME_MAX,
        }
    }

    #[cfg(test)]
    pub(crate) fn spent() -> Self {
        let now = Instant::now();
        Self {
            until: now,
            empty_until: now,
        }
    }

    #[cfg(test)]
    pub(crate) fn spent_with_rows() -> Self {
        Self {
            until: Instant::now(),
            ..Self::of_a_page()
        }
    }

    /// Whether the time of a page is spent that has some rows or none.
    pub(crate) fn is_spent_for(self, has_rows: bool) -> bool {
        let until = if has_rows {
            self.until
        } else {
            self.empty_until
        };
        Instant::now() >= until
    }

    pub(crate) fn is_spent(self) -> bool {
        Instant::now() >= self.until
    }
}

/// A page of a list that a rule or a query filters: it may be short and not be the last.
#[derive(Clone, Debug)]
pub struct Filtered<T, P> {
    /// What passed.
    pub items: Vec<T>,
    /// The last place examined, if there may be more behind it.
    pub examined: Option<P>,
}
