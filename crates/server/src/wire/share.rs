//! A pool that connections share so that no number of them locks out the next.
//!
//! A connection may hold at most half of the amount that is free. So N greedy connections leave
//! 1 / (1 + N / 2) of the pool to the others, and a new connection always obtains a part of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The pool.
#[derive(Debug)]
pub(crate) struct Pool {
    max: usize,
    held: AtomicUsize,
}

impl Pool {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            held: AtomicUsize::new(0),
        })
    }

    /// The amount that is held.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// The share of one connection.
#[derive(Debug)]
pub(super) struct Share {
    pool: Arc<Pool>,
    held: AtomicUsize,
}

impl Share {
    pub(super) fn of(pool: &Arc<Pool>) -> Arc<Self> {
        Arc::new(Self {
            pool: Arc::clone(pool),
            held: AtomicUsize::new(0),
        })
    }

    /// Takes an amount; `None` if it exceeds the share of this connection.
    pub(super) fn take(self: &Arc<Self>, amount: usize) -> Option<Held> {
        let own = self.held.fetch_add(amount, Ordering::Relaxed);
        let all = self.pool.held.fetch_add(amount, Ordering::Relaxed);
        let held = Held {
            share: Arc::clone(self),
            amount,
        };
        // Two racing takes may both see the other's amount and fail: that errs on the safe side.
        let free = self.pool.max.saturating_sub(all);
        (own.saturating_add(amount) <= free / 2).then_some(held)
    }
}

/// An amount that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    share: Arc<Share>,
    amount: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.share.held.fetch_sub(self.amount, Ordering::Relaxed);
        self.share
            .pool
            .held
            .fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one at a time until it is refused.
    fn fill(share: &Arc<Share>) -> Vec<Held> {
        std::iter::from_fn(|| share.take(1)).collect()
    }

    #[test]
    fn one_connection_gets_a_third_of_the_pool_and_not_one_more() {
        for (max, most) in [(7, 2), (8, 3), (10, 3), (11, 4), (900, 300)] {
            let pool = Pool::new(max);
            let share = Share::of(&pool);
            let held = fill(&share);
            assert_eq!((held.len(), pool.held()), (most, most), "of {max}");
            drop(held);
            assert_eq!(pool.held(), 0);
            assert_eq!(fill(&share).len(), most, "again");
        }
    }

    #[test]
    fn an_amount_is_taken_whole_or_not_at_all() {
        let pool = Pool::new(100);
        let share = Share::of(&pool);
        for (amount, taken) in [(49, true), (50, true), (51, false)] {
            assert_eq!(share.take(amount).is_some(), taken, "{amount}");
            assert_eq!(pool.held(), 0, "it was dropped");
        }
    }

    #[test]
    fn many_greedy_connections_leave_a_part_to_the_next() {
        let pool = Pool::new(16_384);
        let greedy: Vec<_> = (0..64).map(|_| Share::of(&pool)).collect();
        let mut held = Vec::new();
        // In turns, as they would arrive.
        loop {
            let taken: Vec<_> = greedy.iter().filter_map(|share| share.take(1)).collect();
            if taken.is_empty() {
                break;
            }
            held.extend(taken);
        }
        let next = fill(&Share::of(&pool));
        assert!(next.len() > 100, "{}", next.len());
    }
}
