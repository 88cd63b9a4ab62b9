//! The deadline that a caller sets (`grpc-timeout`), kept with an error that says so.
//!
//! tonic keeps it too, around all layers of ours, but its error has neither reason nor the right
//! code. Ours begins before tonic's, and is asked before it whenever the call is looked at: so it is
//! always ours that ends a call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderMap, Request};
use pin_project_lite::pin_project;
use roster_api::v1::ErrorReason;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Code;
use tower::{Layer, Service};

use super::{Answer, answer};
use crate::fault::Fault;

/// The header that has it.
const HEADER: &str = "grpc-timeout";
/// Digits that the protocol allows before the unit.
const DIGITS_MAX: usize = 8;

/// Ends a call at its deadline. A call without one, and one that is answered at once, costs
/// nothing: no timer is begun before there is something to wait for.
#[derive(Clone, Copy)]
pub(super) struct KeepDeadline;

/// A service under that layer.
#[derive(Clone)]
pub(super) struct Kept<S>(S);

impl<S> Layer<S> for KeepDeadline {
    type Service = Kept<S>;

    fn layer(&self, inner: S) -> Kept<S> {
        Kept(inner)
    }
}

impl<S, B> Service<Request<B>> for Kept<S>
where
    S: Service<Request<B>, Response = Answer>,
{
    type Response = Answer;
    type Error = S::Error;
    type Future = Until<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Now, and not when the call is first looked at: tonic's begins after this returns.
        let deadline =
            time_given(request.headers()).and_then(|time| Instant::now().checked_add(time));
        Until {
            rest: self.0.call(request),
            deadline: deadline.map(sleep_until),
        }
    }
}

pin_project! {
    /// The rest of a call, at most until its deadline.
    pub(super) struct Until<F> {
        #[pin]
        rest: F,
        #[pin]
        deadline: Option<Sleep>,
    }
}

impl<F: Future<Output = Result<Answer, E>>, E> Future for Until<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(told) = this.rest.poll(cx) {
            return Poll::Ready(told);
        }
        let Some(deadline) = this.deadline.as_pin_mut() else {
            return Poll::Pending;
        };
        // By the clock as well: of two timers of one moment, tonic's may go off first.
        if Instant::now() < deadline.deadline() {
            ready!(deadline.poll(cx));
        }
        Poll::Ready(Ok(answer(passed())))
    }
}

fn passed() -> Fault {
    Fault::new(
        Code::DeadlineExceeded,
        ErrorReason::DeadlineExceeded,
        "the call was not answered before its deadline, and a write may have been carried out: \
         repeat it with the same request_id and more time",
    )
}

/// How much time the caller gives; none where it gives no limit, or one that cannot be read, which
/// tonic leaves aside too.
pub(crate) fn time_given(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, text.parse().expect("a header"));
        time_given(&headers)
    }

    #[test]
    fn a_timeout_is_a_number_of_at_most_8_digits_and_a_unit() {
        assert_eq!(of("99999999H"), Some(Duration::from_secs(359_999_996_400)));
        assert_eq!(of("2M"), Some(Duration::from_secs(120)));
        assert_eq!(of("3S"), Some(Duration::from_secs(3)));
        assert_eq!(of("50m"), Some(Duration::from_millis(50)));
        assert_eq!(of("7u"), Some(Duration::from_micros(7)));
        assert_eq!(of("0n"), Some(Duration::ZERO));
        for none in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "1.5S",
            "123456789S",
            "1 S",
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
        assert_eq!(time_given(&HeaderMap::new()), None);
    }
}
