//! What the wire holds for a call: its place, its bytes, and its patience for an answer that the
//! caller does not take.
//!
//! Each call is a task of its own. The state is local to that task, which costs no allocation; the
//! body of the request and the answer are polled in it and find the state there. Only reflection
//! reads its requests in another task: it needs no place, and its messages hold no bytes.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::task_local;
use tokio::time::{Instant, Sleep, sleep};

use super::places::Place;
use super::share::Held;
use crate::metrics::WireMetrics;

task_local! {
    /// The state of the call that the current task works on.
    static CALL: State;
}

/// See the module.
#[derive(Default)]
struct State {
    place: Cell<Option<Place>>,
    /// The bytes of its messages. They stay held after a message is complete, since the message is
    /// still in memory.
    request: Cell<Option<Held>>,
    /// The bytes of its answer.
    answer: Cell<Option<Held>>,
    /// The pieces of the answer that were given to the connection.
    pieces: Cell<usize>,
    /// Whether the last piece waits for the caller.
    is_untaken: Cell<bool>,
}

/// Gives the call its place.
pub(super) fn hold_place(place: Place) {
    let _ = CALL.try_with(|state| state.place.set(Some(place)));
}

/// Frees the place of the call.
pub(super) fn free_place() {
    let _ = CALL.try_with(|state| drop(state.place.take()));
}

/// Holds the bytes of a message until the call ends, in place of those of an earlier message.
pub(super) fn hold_message(bytes: Held) {
    let _ = CALL.try_with(|state| state.request.set(Some(bytes)));
}

/// Holds the bytes of an answer until the call ends.
pub(super) fn hold_answer(bytes: Held) {
    let _ = CALL.try_with(|state| state.answer.set(Some(bytes)));
}

/// Records that a piece of the answer was given to the connection.
pub(super) fn piece_given() {
    let _ = CALL.try_with(|state| {
        state.pieces.set(state.pieces.get().wrapping_add(1));
        state.is_untaken.set(true);
    });
}

/// Records that the connection asks for the next piece.
pub(super) fn piece_wanted() {
    let _ = CALL.try_with(|state| state.is_untaken.set(false));
}

/// Spawns the calls of a connection.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    pub(super) answer_patience: Duration,
    pub(super) metrics: Arc<WireMetrics>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Calls {
    fn execute(&self, rest: F) {
        let call = Call {
            rest,
            calls: self.clone(),
            untaken: None,
        };
        tokio::spawn(CALL.scope(State::default(), call));
    }
}

/// An answer whose last piece waits for the caller.
struct Untaken {
    piece: usize,
    patience: Pin<Box<Sleep>>,
}

pin_project! {
    /// The task of a call. It ends early, which resets the stream, if the caller does not take the
    /// answer.
    struct Call<F> {
        #[pin]
        rest: F,
        calls: Calls,
        untaken: Option<Untaken>,
    }
}

impl<F: Future<Output = ()>> Future for Call<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.rest.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let (is_untaken, piece) = CALL.with(|state| (state.is_untaken.get(), state.pieces.get()));
        if !is_untaken {
            *this.untaken = None;
            return Poll::Pending;
        }
        let limit = this.calls.answer_patience;
        let untaken = this.untaken.get_or_insert_with(|| Untaken {
            piece,
            patience: Box::pin(sleep(limit)),
        });
        if untaken.piece != piece {
            untaken.piece = piece;
            untaken.patience.as_mut().reset(Instant::now() + limit);
        }
        ready!(untaken.patience.as_mut().poll(cx));
        this.calls.metrics.answers_untaken.inc();
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};

    use super::*;

    fn call<F: Future<Output = ()>>(rest: F) -> impl Future<Output = ()> {
        let calls = Calls {
            answer_patience: Duration::from_secs(30),
            metrics: Arc::default(),
        };
        let untaken = None;
        CALL.scope(
            State::default(),
            Call {
                rest,
                calls,
                untaken,
            },
        )
    }

    /// How long a call lasts, if it ends within an hour.
    async fn lasts(rest: impl Future<Output = ()>) -> Option<u64> {
        let begun = Instant::now();
        let hour = Duration::from_secs(3_600);
        let ended = tokio::time::timeout(hour, call(rest)).await;
        ended.is_ok().then(|| begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_for_itself_has_no_limit() {
        assert_eq!(lasts(pending()).await, None);
        let begun = async {
            piece_given();
            piece_wanted();
            pending().await
        };
        assert_eq!(lasts(begun).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_the_caller_does_not_take_ends_the_call() {
        let untaken = async {
            piece_given();
            pending().await
        };
        assert_eq!(lasts(untaken).await, Some(30));
    }

    #[tokio::test(start_paused = true)]
    async fn every_piece_that_the_caller_takes_prolongs_the_call() {
        let slow = async {
            for _ in 0..10 {
                piece_given();
                // hyper asks for the next piece only when the last was taken.
                sleep(Duration::from_secs(29)).await;
                piece_wanted();
            }
        };
        assert_eq!(lasts(slow).await, Some(290));
        let taken_in_one_poll = async {
            let mut given = 0;
            poll_fn(|_| {
                given += 1;
                piece_wanted();
                piece_given();
                if given == 1 {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            })
            .await;
        };
        assert_eq!(lasts(taken_in_one_poll).await, Some(30));
    }
}
