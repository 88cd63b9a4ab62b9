//! The first bytes of a connection: the preface of HTTP/2, read before anything is built for it.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// The bytes with which every HTTP/2 client begins.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads the preface. Fails at the first byte that differs from it.
pub(super) async fn read_preface<T: AsyncRead + Unpin>(mut stream: T) -> Result<Replayed<T>> {
    let (mut bytes, mut read) = ([0; PREFACE.len()], 0);
    while read < PREFACE.len() {
        let count = stream.read(&mut bytes[read..]).await?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        read += count;
        if bytes[..read] != PREFACE[..read] {
            return Err(Error::new(ErrorKind::InvalidData, "not HTTP/2"));
        }
    }
    Ok(Replayed { stream, read: 0 })
}

/// A stream that yields the preface again, for the HTTP/2 library.
#[derive(Debug)]
pub(super) struct Replayed<T> {
    stream: T,
    /// The bytes of the preface that were yielded.
    read: usize,
}

impl<T: AsyncRead + Unpin> AsyncRead for Replayed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.read < PREFACE.len() {
            let count = into.remaining().min(PREFACE.len() - self.read);
            into.put_slice(&PREFACE[self.read..self.read + count]);
            self.read += count;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Replayed<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_preface_is_read_and_yielded_again_with_the_bytes_behind_it() {
        let sent = [&PREFACE[..], b"behind"].concat();
        let mut replayed = read_preface(&sent[..]).await.expect("HTTP/2");
        let mut read = Vec::new();
        replayed.read_to_end(&mut read).await.expect("bytes");
        assert_eq!(read, sent);
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let mut wrong = *PREFACE;
        wrong[23] = b'x';
        for sent in [&b"GET / HTTP/1.1\r\n\r\n"[..], &PREFACE[..23], &wrong, b""] {
            assert!(read_preface(sent).await.is_err(), "{sent:?}");
        }
    }
}
