//! Retries safe calls with growing pauses.

use std::time::Duration;

use tonic::Status;

use crate::connect::Roster;
use crate::error::Error;

/// The pause before the second attempt; each later one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause, unless the server asks for a longer pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

impl Roster {
    /// Makes attempts until an attempt succeeds, fails permanently, or was the last.
    ///
    /// A repeated attempt must be harmless if the server executed the previous attempt: only a
    /// read, or a write with a request id.
    pub(crate) async fn retrying<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let mut tried = 0;
        loop {
            let error = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(status) => Error::of_status(&self.address, &status),
            };
            tried += 1;
            self.pause_or_fail(error, tried).await?;
        }
    }

    /// Waits before the next attempt, or returns the error if no attempt is left.
    pub(crate) async fn pause_or_fail(&self, error: Error, tried: u32) -> Result<(), Error> {
        if tried >= self.attempts || !error.is_transient() {
            return Err(error);
        }
        tokio::time::sleep(pause(tried, error.retry_after())).await;
        Ok(())
    }

    /// Ends an exchange, including retries, after the timeout.
    pub(crate) async fn in_time<T>(
        &self,
        exchange: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let ended = tokio::time::timeout(self.timeout, exchange).await;
        ended.unwrap_or_else(|_| {
            Err(Error::Deadline {
                address: self.address.to_string(),
                after: self.timeout,
            })
        })
    }
}

/// The pause after a number of attempts: random between half and all of the doubled time, so that
/// clients that failed together do not retry together; never less than the server asked for.
fn pause(tried: u32, asked: Option<Duration>) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(tried.saturating_sub(1)));
    let whole = doubled.min(PAUSE_MAX);
    let spread = whole.mul_f32(0.5 + 0.5 * random_part());
    asked.map_or(spread, |asked| asked.max(spread))
}

/// A random number between 0 and 1; 0.5 without randomness, since a pause need not be unguessable.
fn random_part() -> f32 {
    let mut byte = [128];
    let _ = getrandom::fill(&mut byte);
    f32::from(byte[0]) / f32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tonic::Code;

    use super::*;

    fn roster(attempts: u32) -> Roster {
        Roster::builder("http://127.0.0.1:1")
            .attempts(attempts)
            .timeout(Duration::from_millis(50))
            .connect_lazily()
            .expect("nothing is connected yet")
    }

    #[tokio::test]
    async fn what_is_transient_is_tried_again_and_the_rest_is_not() {
        for (code, tries) in [(Code::Unavailable, 3), (Code::NotFound, 1)] {
            let tried = Cell::new(0);
            let ended = roster(3)
                .retrying(|| {
                    tried.set(tried.get() + 1);
                    async move { Err::<(), _>(Status::new(code, "no")) }
                })
                .await;
            assert!(ended.is_err());
            assert_eq!(tried.get(), tries, "{code:?}");
        }
    }

    #[tokio::test]
    async fn the_attempt_that_succeeds_is_the_last() {
        let tried = Cell::new(0);
        let ended = roster(6)
            .retrying(|| {
                tried.set(tried.get() + 1);
                let tried = tried.get();
                async move {
                    if tried < 3 {
                        return Err(Status::unavailable("no"));
                    }
                    Ok(tried)
                }
            })
            .await;
        assert_eq!(ended.expect("the third"), 3);
    }

    #[tokio::test]
    async fn a_call_that_hangs_ends_at_its_timeout() {
        let ended = roster(6)
            .in_time(std::future::pending::<Result<(), _>>())
            .await;
        assert!(matches!(ended, Err(Error::Deadline { .. })), "{ended:?}");
    }

    #[test]
    fn pauses_grow_to_a_limit_and_are_never_shorter_than_asked() {
        for tried in 1..40 {
            let made = pause(tried, None);
            assert!(made >= PAUSE_FIRST / 2 && made <= PAUSE_MAX, "{made:?}");
        }
        assert!(pause(9, None) >= PAUSE_MAX / 2);
        let asked = Duration::from_secs(7);
        assert_eq!(pause(1, Some(asked)), asked);
    }
}
