//! What every error must be like, whatever it is about.

use prost::Message;
use roster_api::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Longest status that all clients take in a trailer.
const STATUS_BYTES_MAX: usize = 8 << 10;

/// The error of an item as the status that it is.
pub fn of_item(error: &tonic_types::Status) -> Status {
    Status::with_details(
        Code::from_i32(error.code),
        error.message.clone(),
        error.encode_to_vec().into(),
    )
}

/// How many bytes a status takes on the wire: its message with what is not plain in three bytes
/// each, its details in base64.
fn bytes_of(status: &Status) -> usize {
    let of_byte = |byte: u8| {
        if byte.is_ascii_graphic() && byte != b'%' {
            1
        } else {
            3
        }
    };
    let message: usize = status.message().bytes().map(of_byte).sum();
    message + status.details().len().div_ceil(3) * 4
}

/// That an error has all that it must have; answers its reason.
#[track_caller]
pub fn well(status: &Status) -> ErrorReason {
    assert!(
        bytes_of(status) <= STATUS_BYTES_MAX,
        "{} bytes",
        bytes_of(status)
    );
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "roster.v1");
    let reason = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason));
    let reason = reason.unwrap_or_else(|| panic!("not in the proto: {}", info.reason));
    assert!(!status.message().is_empty());
    match status.code() {
        Code::InvalidArgument if info.metadata.contains_key("field") => {
            let request = details.bad_request().expect("a BadRequest");
            assert_eq!(request.field_violations[0].field, info.metadata["field"]);
        }
        // They are about metadata, about many items, or about a file.
        Code::InvalidArgument => assert!(matches!(
            reason,
            ErrorReason::OrganizationInvalid
                | ErrorReason::ActorInvalid
                | ErrorReason::AllOrNothing
                | ErrorReason::FileUnreadable
                | ErrorReason::FileEncoding
                | ErrorReason::HeaderUnusable
        )),
        Code::FailedPrecondition => assert!(details.precondition_failure().is_some()),
        Code::NotFound if reason == ErrorReason::AllOrNothing => {}
        Code::NotFound | Code::AlreadyExists => {
            let resource = details.resource_info().expect("a ResourceInfo");
            assert!(resource.resource_type.starts_with("roster.v1."));
            assert!(!resource.resource_name.is_empty());
        }
        Code::ResourceExhausted => assert!(details.quota_failure().is_some()),
        Code::Unavailable | Code::Aborted | Code::Unimplemented | Code::DeadlineExceeded => {}
        other => panic!("{other:?} is no answer: {status:?}"),
    }
    let again = matches!(reason, ErrorReason::QueueFull | ErrorReason::Unavailable);
    assert_eq!(details.retry_info().is_some(), again, "{status:?}");
    reason
}
