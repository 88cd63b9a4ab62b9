//! The time limit of one page.

use std::time::{Duration, Instant};

/// How long a page may search for its rows before it ends short, with a place to continue from. A
/// person waiting for a list does not notice it, and a server can afford a thousand such calls.
const PAGE_TIME_MAX: Duration = Duration::from_millis(50);

/// How long a page that is still empty may search: an empty page is worth nothing to a person, who
/// would ask again at once.
const EMPTY_PAGE_TIME_MAX: Duration = Duration::from_millis(500);

/// The time left for one page.
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

    /// Whether the page must end now; an empty page gets longer.
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

/// A page of a list that a rule or a query filters: it may be short without being the last.
#[derive(Clone, Debug)]
pub struct Filtered<T, P> {
    /// The items that passed.
    pub items: Vec<T>,
    /// The last place examined, if more may follow.
    pub examined: Option<P>,
}
