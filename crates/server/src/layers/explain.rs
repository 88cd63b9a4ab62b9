//! Adds a reason to errors that tonic produces before a handler runs.

use roster_api::v1::ErrorReason;
use tonic::{Code, Status};

use super::{Answer, answer};
use crate::fault::{self, Fault};

/// The header that lists the accepted compressions.
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";
/// tonic's status for an unknown method, which has no message.
const METHOD_UNKNOWN: &str = "";

/// Rewrites an error that tonic produced so that it has a reason, and the code of a caller's fault
/// if the request cannot be decoded.
pub(super) fn explain(method: &str, status: &Status, told: Answer) -> Answer {
    match status.code() {
        Code::Internal => match fault::of_unreadable(status.message()) {
            Some(fault) => answer(fault),
            None => answer(fault::internal(status.message())),
        },
        Code::OutOfRange => answer(fault::too_large()),
        Code::Unimplemented if status.message() == METHOD_UNKNOWN => answer(
            Fault::new(
                Code::Unimplemented,
                ErrorReason::MethodUnknown,
                "there is no such method: use reflection to list all methods",
            )
            .with("method", method),
        ),
        Code::Unimplemented => {
            let mut answer = answer(fault::compressed());
            // Tells a client which compressions it may send.
            if let Some(accepted) = told.headers().get(ACCEPT_ENCODING) {
                answer
                    .headers_mut()
                    .insert(ACCEPT_ENCODING, accepted.clone());
            }
            answer
        }
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::refusal_of;
    use tonic_types::StatusExt;

    #[test]
    fn what_tonic_refuses_has_a_reason_too() {
        let unreadable = "failed to decode Protobuf message: A.b: invalid varint";
        for (status, code, reason) in [
            (
                Status::internal(unreadable),
                Code::InvalidArgument,
                "MESSAGE_INVALID",
            ),
            (Status::internal("a riddle"), Code::Internal, "INTERNAL"),
            (
                Status::out_of_range("too large"),
                Code::ResourceExhausted,
                "MESSAGE_TOO_LARGE",
            ),
            (
                Status::unimplemented(""),
                Code::Unimplemented,
                "METHOD_UNKNOWN",
            ),
            (
                Status::unimplemented("Content is compressed with `gzip` which isn't supported"),
                Code::Unimplemented,
                "COMPRESSION_UNKNOWN",
            ),
            (
                Status::internal("Unexpected EOF decoding stream."),
                Code::InvalidArgument,
                "MESSAGE_INVALID",
            ),
        ] {
            let told = explain("/a.B/C", &status, status.clone().into_http());
            let status = refusal_of(&told).expect("a refusal");
            let details = status.get_error_details();
            let info = details.error_info().expect("an ErrorInfo");
            assert_eq!((status.code(), info.reason.as_str()), (code, reason));
        }
    }
}
