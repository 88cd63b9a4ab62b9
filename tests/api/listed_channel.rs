//! The connection of the tests' clients. It fails a test that is answered by an error that the
//! comment of the RPC does not list.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::Service;

use crate::manual;

/// See the module.
#[derive(Clone, Debug)]
pub struct ListedChannel {
    pub channel: Channel,
    /// The API key of each call.
    pub key: Option<String>,
}

type Answer = http::Response<Body>;

impl Service<http::Request<Body>> for ListedChannel {
    type Response = Answer;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        if let Some(key) = &self.key {
            let value = format!("Bearer {key}").parse().expect("a header");
            request.headers_mut().insert("authorization", value);
        }
        let answer = self.channel.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            if let Some(status) = Status::from_header_map(answer.headers()) {
                manual::check(&path, &status);
            }
            Ok(answer.map(|body| watched(path, body)))
        })
    }
}

/// A body whose messages and trailers are checked as they are read.
fn watched(path: String, body: Body) -> Body {
    let mut read = BytesMut::new();
    Body::new(body.map_frame(move |frame| {
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(data);
            while let Some(message) = next_message(&mut read) {
                manual::check_items(&path, &message);
            }
        }
        if let Some(status) = frame.trailers_ref().and_then(Status::from_header_map) {
            manual::check(&path, &status);
        }
        frame
    }))
}

/// The next whole message of a stream: a flag, the length in four bytes, and the message.
fn next_message(read: &mut BytesMut) -> Option<Bytes> {
    let mut header = read.as_ref();
    header.try_get_u8().ok()?;
    let length = header.try_get_u32().ok()? as usize;
    if header.len() < length {
        return None;
    }
    read.advance(5);
    Some(read.split_to(length).freeze())
}
