//! The only place where storage reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use roster_core::id::Time;

/// The current time, in microseconds since 1970.
pub(crate) fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
