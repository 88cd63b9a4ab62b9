//! The rate of each visitor: one visitor must not use up the calls of its help center.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::visitor_token::VisitorToken;

/// Calls of a visitor within a second: a page view makes a few.
pub(super) const VISITOR_CALLS_PER_SECOND_MAX: NonZeroU32 = NonZeroU32::new(20).expect("not 0");
/// Visitors whose calls are counted: about 4 MiB. Visitors that made no call in the last second are
/// removed when the table is full, so that it is full only of more calls than a server answers.
const VISITORS_MAX: usize = 100_000;

/// See the module.
pub(super) struct VisitorRates {
    /// By the hash of the organization and the contact: a new token does not begin anew.
    rates: DefaultKeyedRateLimiter<u64>,
    hasher: RandomState,
    visitors_max: usize,
}

impl std::fmt::Debug for VisitorRates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VisitorRates({} visitors)", self.rates.len())
    }
}

impl Default for VisitorRates {
    fn default() -> Self {
        Self::with_room(VISITORS_MAX)
    }
}

impl VisitorRates {
    fn with_room(visitors_max: usize) -> Self {
        Self {
            rates: RateLimiter::keyed(Quota::per_second(VISITOR_CALLS_PER_SECOND_MAX)),
            hasher: RandomState::new(),
            visitors_max,
        }
    }

    /// Counts a call. Otherwise returns after which time to call again.
    pub(super) fn take(&self, token: &VisitorToken) -> Result<(), Duration> {
        let visitor = (token.organization.as_str(), token.contact);
        self.take_key(self.hasher.hash_one(visitor))
    }

    fn take_key(&self, key: u64) -> Result<(), Duration> {
        if self.rates.len() >= self.visitors_max {
            self.rates.retain_recent();
            if self.rates.len() >= self.visitors_max {
                return Err(Duration::from_secs(1));
            }
        }
        let checked = self.rates.check_key(&key);
        checked.map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_makes_20_calls_at_once_and_another_visitor_as_many() {
        let rates = VisitorRates::default();
        for visitor in [1, 2] {
            for call in 1..=20 {
                assert!(rates.take_key(visitor).is_ok(), "{call}");
            }
            let wait = rates.take_key(visitor).expect_err("too many");
            assert!(wait <= Duration::from_millis(50), "{wait:?}");
        }
    }

    #[test]
    fn visitors_without_recent_calls_are_removed_when_the_table_is_full() {
        let rates = VisitorRates::with_room(3);
        for visitor in 1..=3 {
            assert!(rates.take_key(visitor).is_ok(), "{visitor}");
        }
        assert!(rates.take_key(4).is_err(), "all are recent");
        std::thread::sleep(Duration::from_millis(1_100));
        assert!(rates.take_key(4).is_ok());
        assert!(rates.rates.len() <= 3);
    }
}
