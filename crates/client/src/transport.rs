//! The layer of every call: adds the organization and the token, and repairs answers that would make the
//! generated client panic.

use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::Service;

use crate::token::Token;

/// The metadata key that names the organization.
pub(crate) const ORGANIZATION_KEY: &str = "roster-organization";
/// The header with the details of an error.
const DETAILS_KEY: &str = "grpc-status-details-bin";
/// The decoder of the details.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A connection that sends its organization and its token. The generated clients use it.
#[derive(Clone, Debug)]
pub struct Transport {
    channel: Channel,
    organization: Option<HeaderValue>,
    token: Option<Token>,
}

impl Transport {
    pub(crate) fn new(
        channel: Channel,
        organization: Option<HeaderValue>,
        token: Option<Token>,
    ) -> Self {
        Self {
            channel,
            organization,
            token,
        }
    }
}

impl Service<http::Request<Body>> for Transport {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        if let Some(organization) = &self.organization {
            let headers = request.headers_mut();
            headers.insert(ORGANIZATION_KEY, organization.clone());
        }
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, token.header());
        }
        let answer = self.channel.call(request);
        Box::pin(async move { Ok(made_harmless(answer.await?)) })
    }
}

/// The details of an error are in the headers of an answer without a body, otherwise in the
/// trailers.
fn made_harmless(mut answer: http::Response<Body>) -> http::Response<Body> {
    drop_unreadable_details(answer.headers_mut());
    answer.map(|body| {
        Body::new(body.map_frame(|mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                drop_unreadable_details(trailers);
            }
            frame
        }))
    })
}

/// tonic panics on details that are not base64. Removes such details; code and message remain.
fn drop_unreadable_details(headers: &mut HeaderMap) {
    let unreadable = headers
        .get(DETAILS_KEY)
        .is_some_and(|details| BASE64.decode(details.as_bytes()).is_err());
    if unreadable {
        headers.remove(DETAILS_KEY);
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;

    fn headers(details: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("9"));
        headers.insert("grpc-message", HeaderValue::from_static("no"));
        headers.insert(DETAILS_KEY, HeaderValue::from_static(details));
        headers
    }

    #[test]
    fn details_that_are_not_base64_are_dropped_and_code_and_message_stay() {
        for bad in ["%%%", "A", "AAAA=AAA", "é"] {
            let Ok(value) = HeaderValue::from_bytes(bad.as_bytes()) else {
                panic!("{bad} is a header");
            };
            let mut all = headers("");
            all.insert(DETAILS_KEY, value);
            drop_unreadable_details(&mut all);
            let status = Status::from_header_map(&all).expect("a status");
            assert_eq!(
                (status.code(), status.message()),
                (Code::FailedPrecondition, "no")
            );
            assert!(status.details().is_empty());
        }
    }

    #[test]
    fn details_with_and_without_padding_stay() {
        for good in ["CAkSAm5v", "CAkSAg==", "CAkSAg", ""] {
            let mut all = headers(good);
            drop_unreadable_details(&mut all);
            assert!(all.contains_key(DETAILS_KEY), "{good}");
            Status::from_header_map(&all).expect("a status");
        }
    }

    #[tokio::test]
    async fn details_in_the_trailers_of_a_body_are_looked_at_too() {
        let body = http_body_util::Empty::<tonic::codegen::Bytes>::new()
            .with_trailers(async { Some(Ok(headers("%%%"))) });
        let answer = made_harmless(http::Response::new(Body::new(body)));
        let collected = answer.into_body().collect().await.expect("a body");
        let trailers = collected.trailers().expect("trailers");
        assert!(trailers.contains_key("grpc-status"));
        assert!(!trailers.contains_key(DETAILS_KEY));
    }
}
