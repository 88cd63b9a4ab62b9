//! The errors of the client.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use roster_api::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, RpcStatusExt, StatusExt};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is invalid.
    #[error(
        "{address:?} is not an address of a server: {why} (it looks like http://127.0.0.1:7400)"
    )]
    Address {
        /// The given address.
        address: String,
        /// The reason.
        why: String,
    },
    /// The name of the organization is invalid.
    #[error(
        "{0:?} is not a name of an organization: use 1 to 63 characters of a to z, 0 to 9 and the hyphen"
    )]
    Organization(String),
    /// The token or its file is unusable.
    #[error("{0}")]
    Token(String),
    /// The token would be sent unencrypted over a network.
    #[error(
        "the token is not sent to {address:?}, since anybody on the way could read it: use https"
    )]
    TokenInClear {
        /// The given address.
        address: String,
    },
    /// The options of TLS are unusable.
    #[error("{0}")]
    Tls(String),
    /// There is no connection, or it broke. The server may have executed a write.
    #[error("the server at {address} cannot be reached: {cause}")]
    Unreachable {
        /// The address of the server.
        address: String,
        /// The error of the transport.
        cause: String,
    },
    /// No answer within the client's timeout. The server may have executed a write.
    #[error("the server at {address} did not answer within {} s", after.as_secs_f32())]
    Deadline {
        /// The address of the server.
        address: String,
        /// The timeout.
        after: Duration,
    },
    /// The server refused the call.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// The answer lacks a required part: server and client have different versions.
    #[error("the answer of {address} lacks {part}: is it a Roster server of this version?")]
    Answer {
        /// The address of the server.
        address: String,
        /// The missing part.
        part: &'static str,
    },
}

impl Error {
    pub(crate) fn unreachable(address: &str, cause: &dyn std::error::Error) -> Self {
        Self::Unreachable {
            address: address.to_owned(),
            cause: innermost(cause),
        }
    }

    pub(crate) fn of_status(address: &str, status: &Status) -> Self {
        // A status from a server has no source; a status with a source comes from the transport.
        match status.source() {
            Some(cause) => Self::unreachable(address, cause),
            None => Self::Refused(Box::new(Refusal::of_status(status))),
        }
    }

    /// The gRPC code; `None` if no server was called.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Unreachable { .. } => Some(Code::Unavailable),
            Self::Deadline { .. } => Some(Code::DeadlineExceeded),
            _ => None,
        }
    }

    /// The reason that the server sent, if this version knows it.
    pub fn reason(&self) -> Option<ErrorReason> {
        self.refusal().and_then(Refusal::known_reason)
    }

    /// The refusal, if the server refused the call.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same call may succeed later. The client has already retried such calls.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(refusal) => {
                refusal.code == Code::Unavailable
                    || refusal.known_reason() == Some(ErrorReason::QueueFull)
            }
            _ => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(|refusal| refusal.retry_after)
    }
}

/// The refusal of a call or of an item of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// A value of [`ErrorReason`] without its prefix (`PRIMARY_STAYS`); empty if the server sent no
    /// reason.
    pub reason: String,
    /// The field at fault (`account.name`).
    pub field: Option<String>,
    /// A message for people. It may change between versions; code and reason do not.
    pub message: String,
    /// The values that the reason's comment in the API names: ids, counts, limits.
    pub metadata: BTreeMap<String, String>,
    /// The delay before a retry.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Makes a refusal from the `error` of an item.
    ///
    /// ```
    /// # use roster_client::v1;
    /// # let result = v1::AssociateContactsResult::default();
    /// if let Some(error) = &result.error {
    ///     println!("{}", roster_client::Refusal::of_item(error));
    /// }
    /// ```
    pub fn of_item(error: &tonic_types::Status) -> Self {
        // Ignore malformed details: code and message remain.
        let details = error.check_error_details().unwrap_or_default();
        Self::of(Code::from_i32(error.code), &error.message, &details)
    }

    fn of_status(status: &Status) -> Self {
        let details = status.check_error_details().unwrap_or_default();
        Self::of(status.code(), status.message(), &details)
    }

    fn of(code: Code, message: &str, details: &ErrorDetails) -> Self {
        let info = details.error_info();
        let violation = details
            .bad_request()
            .and_then(|request| request.field_violations.first());
        Self {
            code,
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            field: violation.map(|violation| violation.field.clone()),
            message: message.to_owned(),
            metadata: info
                .map(|info| info.metadata.clone().into_iter().collect())
                .unwrap_or_default(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }

    /// The reason, if this version knows it; otherwise use the code.
    pub fn known_reason(&self) -> Option<ErrorReason> {
        ErrorReason::from_str_name(&format!("ERROR_REASON_{}", self.reason))
    }

    /// The code as gRPC spells it (`FAILED_PRECONDITION`).
    pub fn code_name(&self) -> &'static str {
        match self.code {
            Code::Ok => "OK",
            Code::Cancelled => "CANCELLED",
            Code::Unknown => "UNKNOWN",
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::NotFound => "NOT_FOUND",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::Aborted => "ABORTED",
            Code::OutOfRange => "OUT_OF_RANGE",
            Code::Unimplemented => "UNIMPLEMENTED",
            Code::Internal => "INTERNAL",
            Code::Unavailable => "UNAVAILABLE",
            Code::DataLoss => "DATA_LOSS",
            Code::Unauthenticated => "UNAUTHENTICATED",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.message, self.code_name())?;
        if !self.reason.is_empty() {
            write!(f, ", {}", self.reason)?;
        }
        // Messages of Roster begin with the field; other messages may not.
        if let Some(field) = &self.field
            && !self.message.contains(field.as_str())
        {
            write!(f, ", field {field}")?;
        }
        f.write_str(")")
    }
}

/// The message of the innermost source: the outer layers only say "transport error".
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn status(details: ErrorDetails) -> Status {
        Status::with_error_details(Code::InvalidArgument, "account.name is too long", details)
    }

    #[test]
    fn a_refusal_shows_code_reason_field_message_and_metadata() {
        let metadata = HashMap::from([("max".to_owned(), "200".to_owned())]);
        let mut details = ErrorDetails::with_error_info("TEXT_TOO_LONG", "roster.v1", metadata);
        details.add_bad_request_violation("account.name", "is too long");
        details.set_retry_info(Some(Duration::from_millis(500)));
        let Error::Refused(refusal) = Error::of_status("a", &status(details)) else {
            panic!("it was the server");
        };
        assert_eq!(refusal.known_reason(), Some(ErrorReason::TextTooLong));
        assert_eq!(refusal.field.as_deref(), Some("account.name"));
        assert_eq!(refusal.metadata["max"], "200");
        assert_eq!(refusal.retry_after, Some(Duration::from_millis(500)));
        assert_eq!(
            refusal.to_string(),
            "account.name is too long (INVALID_ARGUMENT, TEXT_TOO_LONG)"
        );
    }

    #[test]
    fn details_that_are_rubbish_are_no_details() {
        let status = Status::with_details(Code::Aborted, "no", vec![0xff; 40].into());
        let refusal = Refusal::of_status(&status);
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (Code::Aborted, "no")
        );
        assert_eq!(
            (refusal.reason.as_str(), refusal.field.as_ref()),
            ("", None)
        );
    }

    #[test]
    fn a_reason_of_a_later_version_is_kept_as_text() {
        let details = ErrorDetails::with_error_info("NEWER", "roster.v1", HashMap::new());
        let refusal = Refusal::of_status(&status(details));
        assert_eq!(
            (refusal.reason.as_str(), refusal.known_reason()),
            ("NEWER", None)
        );
    }

    #[test]
    fn only_what_may_pass_later_is_transient() {
        let of = |code, reason: &str| {
            let details = ErrorDetails::with_error_info(reason, "roster.v1", HashMap::new());
            Error::of_status("a", &Status::with_error_details(code, "m", details)).is_transient()
        };
        assert!(of(Code::Unavailable, "UNAVAILABLE"));
        assert!(of(Code::Unavailable, ""));
        assert!(of(Code::ResourceExhausted, "QUEUE_FULL"));
        assert!(!of(Code::ResourceExhausted, "FILE_TOO_LARGE"));
        assert!(!of(Code::Aborted, "ETAG_MISMATCH"));
    }
}
