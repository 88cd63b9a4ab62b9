//! The body of an answer, given to the connection in pieces.
//!
//! The HTTP/2 library queues whatever it is given, even if the caller takes no byte. So it is given
//! one piece after another, and the rest stays with the call, which has a limit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;

use super::call;
use super::connection::Connection;
use crate::fault;

/// The longest piece: the frame size that all callers accept. So a piece costs no frame more.
const PIECE_BYTES: usize = 16 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct AnswerBody {
    inner: Body,
    /// What was not given yet of the last frame.
    rest: Bytes,
    connection: Arc<Connection>,
    /// Whether the answer was ended before its end.
    is_cut: bool,
}

impl AnswerBody {
    pub(super) fn new(inner: Body, connection: &Arc<Connection>) -> Self {
        Self {
            inner,
            rest: Bytes::new(),
            connection: Arc::clone(connection),
            is_cut: false,
        }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        let length = self.rest.len().min(PIECE_BYTES);
        call::piece_given();
        Frame::data(self.rest.split_to(length))
    }

    /// Ends the answer with a refusal.
    fn cut(&mut self) -> Frame<Bytes> {
        self.is_cut = true;
        self.inner = Body::empty();
        self.connection.wire.metrics.refused("QUEUE_FULL");
        let refusal = fault::busy("bytes of answers").status().into_http::<()>();
        Frame::trailers(refusal.into_parts().0.headers)
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        call::piece_wanted();
        if self.is_cut {
            return Poll::Ready(None);
        }
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
        };
        if data.len() > PIECE_BYTES {
            match self.connection.answer_bytes.take(data.len()) {
                Some(held) => call::hold_answer(held),
                None => return Poll::Ready(Some(Ok(self.cut()))),
            }
        }
        self.rest = data;
        Poll::Ready(Some(Ok(self.piece())))
    }

    fn is_end_stream(&self) -> bool {
        self.is_cut || (self.rest.is_empty() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        // A part may be replaced by a refusal.
        SizeHint::default()
    }
}
