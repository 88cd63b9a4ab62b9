//! The body of a request: its message has to arrive in time, and its bytes are counted until then.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use roster_api::v1::ErrorReason;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Code, Status};

use super::call;
use super::connection::Connection;
use super::forms::Form;
use super::framing::Framing;
use super::share::Held;
use crate::fault::{self, Fault};
use crate::limits::MESSAGE_BYTES_MAX;

/// The slowest transfer of a long message. Its time limit grows by its length divided by this.
const MESSAGE_BYTES_PER_SECOND_MIN: usize = 256 << 10;

/// See the module.
pub(super) struct RequestBody<B = Incoming> {
    inner: B,
    form: Form,
    connection: Arc<Connection>,
    framing: Framing,
    /// Its part of the calls that wait for a message.
    waiting: Option<Held>,
    /// The timer of the current message, and the length for which it was set.
    timer: Option<(Pin<Box<Sleep>>, usize)>,
    is_timed: bool,
    /// The length of the current message, if it began and is not complete.
    begun: usize,
    /// The length of the longest message so far, whose bytes the call holds: a buffer does not
    /// shrink.
    longest: usize,
    /// Whether the call had its place.
    has_begun: bool,
    has_ended: bool,
}

impl<B> RequestBody<B> {
    pub(super) fn new(inner: B, form: Form, connection: Arc<Connection>) -> Self {
        Self {
            inner,
            form,
            connection,
            framing: Framing::default(),
            waiting: None,
            timer: None,
            is_timed: false,
            begun: 0,
            longest: 0,
            has_begun: false,
            has_ended: false,
        }
    }

    /// Follows the bytes of a frame.
    fn follow(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let seen = self.framing.follow(bytes);
        if seen.completed {
            self.begun = 0;
            if let Form::Stream | Form::Reflection = self.form {
                self.arrived()?;
            }
        }
        if let Some(length) = seen.begun {
            self.begun = length;
            // The decoder refuses a longer message before it takes memory.
            if length <= MESSAGE_BYTES_MAX && length > self.longest {
                self.longest = length;
                let held = self.connection.message_bytes.take(length);
                call::hold_message(held.ok_or_else(|| fault::busy("bytes of messages"))?);
            }
        }
        Ok(())
    }

    /// The message is there: the call may run.
    fn arrived(&mut self) -> Result<(), Fault> {
        self.waiting = None;
        self.is_timed = false;
        let needs_place = matches!(self.form, Form::Unary | Form::Stream);
        if needs_place && !self.has_begun {
            let place = self.connection.wire.places.take();
            call::hold_place(place.ok_or_else(|| fault::busy("calls"))?);
            self.has_begun = true;
        }
        Ok(())
    }

    /// Waits for more bytes, at most until the limit of the message.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        if self.waiting.is_none() && !self.has_begun {
            self.waiting = self.connection.calls_waiting.take(1);
            if self.waiting.is_none() {
                return Poll::Ready(fault::busy("calls without a message"));
            }
        }
        let limit = self.limit();
        let begun = self.begun;
        if let Some((timer, length)) = &mut self.timer {
            if !self.is_timed {
                timer.as_mut().reset(Instant::now() + limit);
            } else if *length != begun {
                let more = limit.saturating_sub(self.connection.wire.limits.patience(self.form));
                let until = timer.deadline() + more;
                timer.as_mut().reset(until);
            }
            *length = begun;
        }
        self.is_timed = true;
        let (timer, _) = self.timer.get_or_insert_with(|| {
            let timer = Box::pin(sleep_until(Instant::now() + limit));
            (timer, begun)
        });
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(late(limit))
    }

    /// The time limit of the current message.
    fn limit(&self) -> Duration {
        let long = self.begun.min(MESSAGE_BYTES_MAX) / MESSAGE_BYTES_PER_SECOND_MIN;
        self.connection.wire.limits.patience(self.form) + Duration::from_secs(long as u64)
    }
}

/// The message did not come in time.
fn late(limit: Duration) -> Fault {
    let seconds = limit.as_secs();
    Fault::new(
        Code::DeadlineExceeded,
        ErrorReason::DeadlineExceeded,
        format!(
            "the message of the call did not arrive within {seconds} seconds, and this call \
             changed nothing: repeat it over a faster connection or with fewer items"
        ),
    )
}

/// The caller reset the call, or the connection broke. No caller receives this error; it must not
/// look like the end of the messages.
fn broken() -> Fault {
    Fault::new(
        Code::Aborted,
        ErrorReason::MessageInvalid,
        "the caller ended the call before its message was complete",
    )
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for RequestBody<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let checked = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Pending => Err(ready!(this.wait(cx))),
            Poll::Ready(Some(Ok(frame))) => {
                let followed = frame.data_ref().map_or(Ok(()), |data| this.follow(data));
                followed.map(|()| Some(frame))
            }
            Poll::Ready(Some(Err(_))) => Err(broken()),
            Poll::Ready(None) => this.arrived().map(|()| None),
        };
        this.has_ended = !matches!(checked, Ok(Some(_)));
        Poll::Ready(match checked {
            Ok(frame) => frame.map(Ok),
            Err(fault) => Some(Err(fault.status())),
        })
    }

    fn is_end_stream(&self) -> bool {
        // The decoder must ask for the end, since the call takes its place there.
        self.has_ended
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
