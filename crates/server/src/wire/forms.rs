//! The form of a call, read from its headers: what may be served, and what its limits are.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use roster_api::{METHODS, method_of_path};
use tonic::body::Body;

/// The paths of probes, which are answered when no place is free.
const PROBES: &str = "/grpc.health.v1.Health/";
/// The paths of reflection, whose requests are streams.
const REFLECTION: &str = "/grpc.reflection.";
/// The content type of gRPC with Protobuf messages, which the suffix names.
const CONTENT_TYPE: &str = "application/grpc";
const SUFFIX: &str = "+proto";

/// The form of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One message.
    Unary,
    /// A stream of messages.
    Stream,
    /// One message, and no place.
    Probe,
    /// A stream of messages, and no place.
    Reflection,
}

/// The form of a call, or the HTTP status with which it is refused.
pub(super) fn form_of(call: &Parts) -> Result<Form, StatusCode> {
    if call.method != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    if !is_grpc(&call.headers) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let path = call.uri.path();
    let method = method_of_path(path).and_then(|index| METHODS.get(index));
    Ok(match method {
        Some(method) if method.streams_requests => Form::Stream,
        Some(_) => Form::Unary,
        None if path.starts_with(PROBES) => Form::Probe,
        None if path.starts_with(REFLECTION) => Form::Reflection,
        None => Form::Unary,
    })
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return false;
    };
    let Some(rest) = value.as_bytes().strip_prefix(CONTENT_TYPE.as_bytes()) else {
        return false;
    };
    let rest = rest.strip_prefix(SUFFIX.as_bytes()).unwrap_or(rest);
    // Parameters may follow.
    rest.is_empty() || rest[0] == b';'
}

/// The answer to something that is not a call of gRPC.
pub(super) fn not_grpc(code: StatusCode) -> http::Response<Body> {
    let mut answer = http::Response::new(Body::empty());
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    if code == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    let expected = HeaderValue::from_static("this port serves gRPC: POST application/grpc");
    headers.insert("grpc-message", expected);
    // UNIMPLEMENTED, for a client that reads no status of HTTP.
    headers.insert("grpc-status", HeaderValue::from_static("12"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str, content_type: Option<&str>) -> Result<Form, u16> {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        form_of(&parts).map_err(|code| code.as_u16())
    }

    #[test]
    fn only_a_post_of_grpc_is_served() {
        let path = "/roster.v1.AccountService/GetAccount";
        for given in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;a=b",
        ] {
            assert_eq!(of("POST", path, Some(given)), Ok(Form::Unary), "{given}");
        }
        for given in [
            "application/json",
            "application/grpc+json",
            "application/grpc-web",
            "application/grpcx",
            "text/plain",
            "",
        ] {
            assert_eq!(of("POST", path, Some(given)), Err(415), "{given}");
        }
        assert_eq!(of("POST", path, None), Err(415));
        for method in ["GET", "PUT", "OPTIONS", "HEAD"] {
            assert_eq!(of(method, path, Some("application/grpc")), Err(405));
        }
    }

    #[test]
    fn a_form_is_known_by_the_path() {
        for (path, form) in [
            ("/roster.v1.ImportService/StartImport", Form::Stream),
            ("/roster.v1.ImportService/WatchImport", Form::Unary),
            ("/grpc.health.v1.Health/Watch", Form::Probe),
            (
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                Form::Reflection,
            ),
            ("/unknown/Method", Form::Unary),
        ] {
            assert_eq!(
                of("POST", path, Some("application/grpc")),
                Ok(form),
                "{path}"
            );
        }
    }
}
