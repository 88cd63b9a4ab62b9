//! Errors as callers see them: the only place that turns a cause into a code, a reason and details.

mod administration;
mod import;
mod refusal;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use roster_api::v1::ErrorReason;
use roster_core::id::IdFault;
use roster_core::text::TextFault;
use roster_storage::{NotDone, StorageError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

pub(crate) use administration::{credential_not_found, organization_not_found};
pub(crate) use import::{
    explain_row, file_too_large, import_not_found, of_import, spool_broken, spool_full, stopping,
    uploads_full,
};
pub(crate) use refusal::{ACCOUNT, CONTACT, of_refusal};
pub(crate) use visitor::{consistency_denied, contact_denied, secret_key_missing, visitor_gone};

/// The domain of every ErrorInfo.
const DOMAIN: &str = "roster.v1";
/// Longest value of an error's metadata, in bytes: the ids of a full CC fit, and the whole status
/// stays below the 8 KiB that clients accept in a trailer.
const METADATA_BYTES_MAX: usize = 2_100;
/// Longest message, in bytes. A status contains it three times: in a header, where a byte may take
/// three, in the details, and in the violation of the field.
const MESSAGE_BYTES_MAX: usize = 512;
/// Longest path of a field, in bytes: only the key of an attribute makes a path long.
const FIELD_BYTES_MAX: usize = 256;
/// When to retry after a full queue or an unreachable database.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// An error on its way to a caller.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) reason: ErrorReason,
    pub(crate) message: String,
    metadata: Vec<(&'static str, String)>,
    field: Option<String>,
    resource: Option<Box<Resource>>,
    /// When to retry, if that helps.
    retry_after: Option<Duration>,
    /// The cause, for the log only.
    cause: Option<Arc<str>>,
}

/// The cause of a fault, attached to its status for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(Arc<str>);

/// The resource that was not found or that conflicts.
#[derive(Clone, Debug)]
struct Resource {
    kind: &'static str,
    name: String,
}

/// The beginning of a text, with a mark if it is cut.
fn beginning(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push('…');
    }
    text
}

impl Fault {
    pub(crate) fn new(code: Code, reason: ErrorReason, message: impl Into<String>) -> Self {
        let retry_after = match reason {
            ErrorReason::Unavailable | ErrorReason::QueueFull => Some(RETRY_AFTER),
            _ => None,
        };
        Self {
            code,
            reason,
            message: beginning(message.into(), MESSAGE_BYTES_MAX),
            metadata: Vec::new(),
            field: None,
            resource: None,
            retry_after,
            cause: None,
        }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        let value = beginning(value.to_string(), METADATA_BYTES_MAX);
        self.metadata.push((key, value));
        self
    }

    /// Adds a list of values, as many whole values as fit.
    fn with_list(self, key: &'static str, values: impl IntoIterator<Item = impl ToString>) -> Self {
        let mut list = String::new();
        for value in values {
            let value = value.to_string();
            if list.len() + 1 + value.len() > METADATA_BYTES_MAX {
                break;
            }
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(&value);
        }
        self.with(key, list)
    }

    /// An INVALID_ARGUMENT of one field.
    pub(crate) fn field(path: &str, reason: ErrorReason, what: impl std::fmt::Display) -> Self {
        Self::new(Code::InvalidArgument, reason, format!("{path} {what}")).at(path)
    }

    fn at(mut self, path: &str) -> Self {
        let path = beginning(path.to_owned(), FIELD_BYTES_MAX);
        self.field = Some(path.clone());
        self.with("field", path)
    }

    /// Says when to retry.
    pub(crate) fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Adds the cause for the log.
    fn because(mut self, cause: &str) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the resource that was not found or that conflicts: its kind and the name in the
    /// request.
    pub(crate) fn about(mut self, kind: &'static str, name: impl ToString) -> Self {
        let name = beginning(name.to_string(), METADATA_BYTES_MAX);
        self.resource = Some(Box::new(Resource { kind, name }));
        self
    }

    /// The error of an item of a batch.
    pub(crate) fn item(self) -> tonic_types::Status {
        let status = self.status();
        // Decoding bytes that were just encoded succeeds.
        tonic_types::Status::decode(status.details()).unwrap_or_default()
    }

    pub(crate) fn status(self) -> Status {
        let reason = reason_name(self.reason);
        let metadata: std::collections::HashMap<String, String> = self
            .metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
        if let Some(path) = &self.field
            && self.code == Code::InvalidArgument
        {
            details.add_bad_request_violation(path, &self.message);
        }
        if self.code == Code::FailedPrecondition {
            details.add_precondition_failure_violation(reason, "", &self.message);
        }
        if self.code == Code::ResourceExhausted {
            details.add_quota_failure_violation(reason, &self.message);
        }
        if let Some(resource) = &self.resource {
            details.set_resource_info(resource.kind, &resource.name, "", &self.message);
        }
        if self.retry_after.is_some() {
            details.set_retry_info(self.retry_after);
        }
        let mut status = Status::with_error_details(self.code, self.message, details);
        if let Some(cause) = self.cause {
            status.set_source(Arc::new(Cause(cause)));
        }
        status
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        fault.status()
    }
}

pub(crate) fn of_id(path: &str, fault: &IdFault) -> Fault {
    let reason = match fault {
        IdFault::Empty { .. } => ErrorReason::FieldRequired,
        IdFault::Malformed { .. } => ErrorReason::IdInvalid,
    };
    Fault::field(path, reason, fault)
}

pub(crate) fn of_text(path: &str, fault: &TextFault) -> Fault {
    match fault {
        TextFault::Empty => Fault::field(path, ErrorReason::FieldRequired, fault),
        TextFault::TooLong { found, max, unit } => {
            Fault::field(path, ErrorReason::TextTooLong, fault)
                .with("found", found)
                .with("max", max)
                .with("unit", unit)
        }
        TextFault::ControlCharacter { .. } => {
            Fault::field(path, ErrorReason::TextControlCharacter, fault)
        }
        TextFault::NotAnAddress | TextFault::NotACertificateName => {
            Fault::field(path, ErrorReason::FieldInvalid, fault)
        }
    }
}

/// A reason as a text of the program, so that a metric can be named after it.
pub(crate) fn known_reason(reason: &str) -> &'static str {
    let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"));
    known.map_or("OTHER", reason_name)
}

fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unreachable(cause) => unreachable(&cause.to_string()),
            StorageError::QueueFull => busy("writes"),
            StorageError::RequestIdReused => Self::field(
                "request_id",
                ErrorReason::RequestIdReused,
                "was used with another request: use a new one",
            ),
            StorageError::NotServed(_) => organization_suspended(),
            StorageError::Outgrown => internal("an inline read was not repeated"),
            StorageError::ImportMoved => internal("an import changed during a call"),
            StorageError::Defect(cause) => internal(&cause.to_string()),
            // Only opening a store returns these errors, and a call uses an open store.
            StorageError::NotADatabase
            | StorageError::UnusableAddress(_)
            | StorageError::NoFile
            | StorageError::NotSqlite
            | StorageError::Unreadable(_)
            | StorageError::NotMigrated
            | StorageError::Lost(_)
            | StorageError::NoCopy(_)
            | StorageError::NotAFile
            | StorageError::InUse => internal(&error.to_string()),
            // A newer server, or this server once its file is back, can answer.
            StorageError::NewerDerivation { .. }
            | StorageError::NewerSchema { .. }
            | StorageError::Displaced => unreachable(&error.to_string()),
        }
    }
}

/// The organization of a call is suspended or deleted.
pub(crate) fn organization_suspended() -> Fault {
    Fault::new(
        Code::PermissionDenied,
        ErrorReason::OrganizationSuspended,
        "the organization of the call is suspended or deleted",
    )
}

fn unreachable(cause: &str) -> Fault {
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        "the database cannot be reached: try again, a write with the same request_id",
    )
    .because(cause)
}

/// Memory has been behind the database for too long to answer from it.
pub(crate) fn stale(max: Duration) -> Fault {
    let seconds = max.as_secs();
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        format!(
            "this server's facts have been behind the database for more than {seconds} seconds, too \
             long to answer from them: try again, or call another server"
        ),
    )
}

/// The database did not answer before the caller's deadline.
pub(crate) fn slow() -> Fault {
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        "the database did not answer before the call's deadline: try again with a later deadline",
    )
}

/// The access log cannot take a record.
pub(crate) fn access_log_full() -> Fault {
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        "the access log cannot record this read, because the database does not answer: try again",
    )
}

/// The queue is full.
pub(crate) fn busy(of_what: &str) -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::QueueFull,
        format!("too many {of_what} are waiting, and this call changed nothing: try again later"),
    )
}

/// A message over the size limit.
pub(crate) fn too_large() -> Fault {
    let max = crate::limits::MESSAGE_BYTES_MAX;
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::MessageTooLarge,
        format!("the message is longer than {max} bytes: send several calls with fewer items"),
    )
    .with("max_bytes", max)
}

/// A message that is compressed.
pub(crate) fn compressed() -> Fault {
    Fault::new(
        Code::Unimplemented,
        ErrorReason::CompressionUnknown,
        "this server accepts no compression: send the message uncompressed",
    )
}

/// The beginnings of tonic's errors about a request without a message.
const NO_MESSAGE: [&str; 3] = [
    "Missing request message.",
    "Unexpected EOF decoding stream.",
    "protocol error: received message with",
];

/// Turns an error of prost or tonic about undecodable bytes into a fault with the path of the
/// field. `None` for any other error.
pub(crate) fn of_unreadable(said: &str) -> Option<Fault> {
    if NO_MESSAGE.iter().any(|begin| said.starts_with(begin)) {
        let what =
            "the request contains no complete message: it ends early, or its framing is wrong";
        let fault = Fault::new(Code::InvalidArgument, ErrorReason::MessageInvalid, what);
        return Some(fault.at(""));
    }
    let (_, said) = said.split_once("failed to decode Protobuf message: ")?;
    // The text names each message as `Message.field: `, the innermost first, then the error.
    let mut names: Vec<&str> = said
        .split(": ")
        .map_while(|step| step.split_once('.').filter(|_| !step.contains(' ')))
        .map(|(_, field)| field)
        .collect();
    names.reverse();
    let path = names.join(".");
    let what = "cannot decode the request: text must be UTF-8, and no byte may be missing";
    let fault = Fault::new(Code::InvalidArgument, ErrorReason::MessageInvalid, what);
    Some(fault.at(&path))
}

pub(crate) fn internal(cause: &str) -> Fault {
    Fault::new(
        Code::Internal,
        ErrorReason::Internal,
        "an internal error of Roster: see the server's log",
    )
    .because(cause)
}

impl From<NotDone> for Fault {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Refused(refusal) => of_refusal(&refusal),
            NotDone::Storage(error) => error.into(),
        }
    }
}
