//! Calls whose bytes are the test's own: no generated client would send them.

use bytes::{Buf, BufMut};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::manual;

/// Messages are bytes, taken and given as they are.
#[derive(Clone, Copy, Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}

/// A unary call of any method (`/package.Service/Method`) with any bytes.
pub async fn call(
    channel: &Channel,
    method: &str,
    message: impl Into<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Status> {
    call_of(channel, method, None, message).await
}

/// The same for an organization other than `default`.
pub async fn call_of(
    channel: &Channel,
    method: &str,
    organization: Option<&str>,
    message: impl Into<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone())
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX);
    client.ready().await.expect("a connection");
    let path = method.parse().expect("a path");
    let mut request = Request::new(message.into());
    if let Some(organization) = organization {
        let organization = organization.parse().expect("a value of metadata");
        request
            .metadata_mut()
            .insert("roster-organization", organization);
    }
    let answer = client.unary(request, path, Bytes).await;
    match &answer {
        Ok(answer) => manual::check_items(method, answer.get_ref()),
        Err(status) => manual::check(method, status),
    }
    answer
}

/// The first message of an answer to any kind of call, with these metadata.
pub async fn first_message(
    channel: &Channel,
    method: &str,
    metadata: &[(&'static str, String)],
    message: Vec<u8>,
) -> Result<Option<Vec<u8>>, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("a connection");
    let path = method.parse().expect("a path");
    let mut request = Request::new(tokio_stream::once(message));
    for (key, value) in metadata {
        if key.ends_with("-bin") {
            let value = tonic::metadata::MetadataValue::from_bytes(value.as_bytes());
            request.metadata_mut().append_bin(*key, value);
        } else {
            let value = value.parse().expect("a value of metadata");
            request.metadata_mut().append(*key, value);
        }
    }
    let first = async {
        let mut answer = client.streaming(request, path, Bytes).await?.into_inner();
        answer.message().await
    };
    let first = first.await;
    if let Err(status) = &first {
        manual::check(method, status);
    }
    first
}

/// What a server answers to a call that is nothing but HTTP/2: these headers and these bytes, as
/// nobody's library would send them. No clock runs on this side.
pub async fn http(
    address: &str,
    method: &str,
    headers: &[(&'static str, &str)],
    body: impl Into<bytes::Bytes>,
) -> Status {
    send(address, method, headers, Some(body.into())).await
}

/// The same for a call whose message never comes.
pub async fn http_open(address: &str, method: &str, headers: &[(&'static str, &str)]) -> Status {
    send(address, method, headers, None).await
}

async fn send(
    address: &str,
    method: &str,
    headers: &[(&'static str, &str)],
    body: Option<bytes::Bytes>,
) -> Status {
    let stream = tokio::net::TcpStream::connect(address).await;
    let handshake = h2::client::handshake(stream.expect("a connection")).await;
    let (client, connection) = handshake.expect("HTTP/2");
    tokio::spawn(connection);
    let mut request = http::Request::post(format!("http://{address}{method}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut client = client.ready().await.expect("room for a call");
    let sent = client.send_request(request.body(()).expect("a request"), false);
    let (answer, mut sending) = sent.expect("a call");
    // A server that refuses by the headers may end the call before the bytes are on their way.
    if let Some(body) = body {
        let _ = sending.send_data(body, true);
    }
    let answer = answer.await.expect("an answer");
    let status = Status::from_header_map(answer.headers()).expect("nothing but a status");
    manual::check(method, &status);
    status
}
