//! The limits of a credential or of an organization: calls a second, and concurrent calls.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use roster_api::v1::ErrorReason;
use roster_core::credential::CallLimits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Code;

use super::visitor_rates::VISITOR_CALLS_PER_SECOND_MAX;
use crate::fault::Fault;

/// When to try again if too many calls run: about the time of a call.
const RETRY_AFTER_CALLS: Duration = Duration::from_millis(50);

/// See the module.
pub(super) struct Throttle {
    limits: CallLimits,
    rate: Option<DefaultDirectRateLimiter>,
    calls: Option<Arc<Semaphore>>,
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.limits.fmt(f)
    }
}

impl Throttle {
    pub(super) fn new(limits: CallLimits) -> Self {
        let per_second = limits.requests_per_second.and_then(NonZeroU32::new);
        let rate = per_second.map(|number| RateLimiter::direct(Quota::per_second(number)));
        let calls = limits.concurrent_calls;
        Self {
            limits,
            rate,
            calls: calls.map(|number| Arc::new(Semaphore::new(number as usize))),
        }
    }

    pub(super) fn limits(&self) -> CallLimits {
        self.limits
    }

    fn take(&self) -> Result<Option<OwnedSemaphorePermit>, Fault> {
        let call = match &self.calls {
            None => None,
            Some(calls) => match Arc::clone(calls).try_acquire_owned() {
                Ok(call) => Some(call),
                Err(_) => {
                    let max = self.limits.concurrent_calls.unwrap_or_default();
                    return Err(exceeded("concurrent_calls_max", max, RETRY_AFTER_CALLS));
                }
            },
        };
        if let Some(rate) = &self.rate
            && let Err(not_until) = rate.check()
        {
            let max = self.limits.requests_per_second.unwrap_or_default();
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            return Err(exceeded("requests_per_second_max", max, wait));
        }
        Ok(call)
    }
}

fn exceeded(limit: &'static str, max: u32, retry_after: Duration) -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::RateExceeded,
        format!("the credential or its organization exceeds its {limit} of {max}: try again later"),
    )
    .with("limit", limit)
    .with("max", max)
    .retry_after(retry_after)
}

pub(super) fn visitor_too_fast(retry_after: Duration) -> Fault {
    let max = VISITOR_CALLS_PER_SECOND_MAX;
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::RateExceeded,
        format!("the visitor makes more than {max} calls a second: try again later"),
    )
    .with("limit", "visitor_calls_per_second_max")
    .with("max", max)
    .retry_after(retry_after)
}

/// A call that counts as concurrent until dropped.
#[derive(Debug, Default)]
pub(crate) struct Permit {
    _calls: [Option<OwnedSemaphorePermit>; 2],
}

impl Permit {
    pub(super) fn take(throttles: &[Option<Arc<Throttle>>; 2]) -> Result<Self, Fault> {
        let take = |throttle: &Option<Arc<Throttle>>| match throttle {
            Some(throttle) => throttle.take(),
            None => Ok(None),
        };
        Ok(Self {
            _calls: [take(&throttles[0])?, take(&throttles[1])?],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttles(requests: Option<u32>, calls: Option<u32>) -> [Option<Arc<Throttle>>; 2] {
        let limits = CallLimits {
            requests_per_second: requests,
            concurrent_calls: calls,
        };
        [Some(Arc::new(Throttle::new(limits))), None]
    }

    #[test]
    fn concurrent_calls_are_taken_up_to_the_limit_and_given_back() {
        let throttles = throttles(None, Some(2));
        let held = [(); 2].map(|()| Permit::take(&throttles).expect("room"));
        let refused = Permit::take(&throttles).expect_err("full");
        assert_eq!(refused.reason, ErrorReason::RateExceeded);
        drop(held);
        Permit::take(&throttles).expect("room again");
    }

    #[test]
    fn calls_a_second_are_taken_up_to_the_limit() {
        let throttles = throttles(Some(3), None);
        for _ in 0..3 {
            Permit::take(&throttles).expect("room");
        }
        let refused = Permit::take(&throttles).expect_err("too fast");
        assert_eq!(refused.code, Code::ResourceExhausted);
    }
}
