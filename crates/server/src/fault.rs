//! What a caller is told when something is wrong: the one place where a cause becomes a code, a
//! reason and details.

mod import;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use roster_api::v1::ErrorReason;
use roster_core::id::IdFault;
use roster_core::text::TextFault;
use roster_storage::{NotDone, StorageError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

pub(crate) use import::{explain_row, file_too_large, import_not_found, of_import, stopping};
pub(crate) use refusal::{ACCOUNT, CONTACT, of_refusal};

/// The domain of every ErrorInfo.
const DOMAIN: &str = "roster.v1";
/// Longest value of an error's metadata, in bytes: the ids of a whole copy list fit, and the whole
/// status stays below the 8 KiB that clients take in a trailer.
const METADATA_BYTES_MAX: usize = 2_100;
/// Longest message, in bytes. It stands in a status three times: in a header of its own, where a
/// byte may take three, in the details, and in what they say of the field.
const MESSAGE_BYTES_MAX: usize = 512;
/// Longest path of a field, in bytes: a path is long only by the key of an attribute.
const FIELD_BYTES_MAX: usize = 256;
/// When to try again after the queue was full or the database away.
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
    /// What the log tells of it and callers do not see.
    cause: Option<Arc<str>>,
}

/// The cause of a fault, which goes with its status as far as the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(Arc<str>);

/// What was not found, or is in the way.
#[derive(Clone, Debug)]
struct Resource {
    kind: &'static str,
    name: String,
}

/// The beginning of a text, marked where something is left out.
fn beginning(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push('…');
    }
    text
}

impl Fault {
    pub(crate) fn new(code: Code, reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: beginning(message.into(), MESSAGE_BYTES_MAX),
            metadata: Vec::new(),
            field: None,
            resource: None,
            cause: None,
        }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        let value = beginning(value.to_string(), METADATA_BYTES_MAX);
        self.metadata.push((key, value));
        self
    }

    /// A list of values, as many whole ones as fit.
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

    /// Tells the log the cause.
    fn because(mut self, cause: &str) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What was not found, or is in the way: its kind and what it was asked by.
    pub(crate) fn about(mut self, kind: &'static str, name: impl ToString) -> Self {
        let name = beginning(name.to_string(), METADATA_BYTES_MAX);
        self.resource = Some(Box::new(Resource { kind, name }));
        self
    }

    /// The error of an item of a batch.
    pub(crate) fn item(self) -> tonic_types::Status {
        let status = self.status();
        // What was encoded a moment ago is readable.
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
        if matches!(
            self.reason,
            ErrorReason::Unavailable | ErrorReason::QueueFull
        ) {
            details.set_retry_info(Some(RETRY_AFTER));
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
        TextFault::NotAnAddress => Fault::field(path, ErrorReason::FieldInvalid, fault),
    }
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
            StorageError::Outgrown => internal("a brief read was not done again"),
            StorageError::ImportMoved => internal("an import moved under a call"),
            StorageError::Defect(cause) => internal(&cause.to_string()),
            // They are told when a store is opened, and a call meets one that is open.
            StorageError::NotADatabase
            | StorageError::NoFile
            | StorageError::NotSqlite
            | StorageError::Unreadable(_)
            | StorageError::NotMigrated
            | StorageError::InUse => internal(&error.to_string()),
            // Another server, a newer one, can.
            StorageError::NewerDerivation { .. } | StorageError::NewerSchema { .. } => {
                unreachable(&error.to_string())
            }
        }
    }
}

fn unreachable(cause: &str) -> Fault {
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        "the database cannot be reached: try again, a write with the same request_id",
    )
    .because(cause)
}

/// Memory was last level with the database too long ago to answer by it.
pub(crate) fn stale(max: Duration) -> Fault {
    let seconds = max.as_secs();
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        format!(
            "this server has not been level with the database for more than {seconds} seconds, and \
             answers by older facts are not given: try again, or ask another server"
        ),
    )
}

/// The database did not answer before the caller's deadline.
pub(crate) fn slow() -> Fault {
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        "the database did not answer within the time that the call was given: try again, with a \
         later deadline",
    )
}

/// Too much waits already.
pub(crate) fn busy(of_what: &str) -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::QueueFull,
        format!(
            "too many {of_what} wait already and nothing was changed: try again a little later"
        ),
    )
}

/// A message longer than is taken.
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
        "the message is compressed, and this server takes no compression: send it as it is",
    )
}

/// What tonic says of a request in which no message can be found at all.
const NO_MESSAGE: [&str; 3] = [
    "Missing request message.",
    "Unexpected EOF decoding stream.",
    "protocol error: received message with",
];

/// What prost and tonic say of bytes that are not the message that they should be, none if it is
/// something else: where the bytes went wrong, as a path from the request.
pub(crate) fn of_unreadable(said: &str) -> Option<Fault> {
    if NO_MESSAGE.iter().any(|begin| said.starts_with(begin)) {
        let what = "there is no whole message in the request: it ends early, or is framed wrongly";
        let fault = Fault::new(Code::InvalidArgument, ErrorReason::MessageInvalid, what);
        return Some(fault.at(""));
    }
    let (_, said) = said.split_once("failed to decode Protobuf message: ")?;
    // Each message on the way is told as `Message.field: `, the innermost first, then what is wrong.
    let mut names: Vec<&str> = said
        .split(": ")
        .map_while(|step| step.split_once('.').filter(|_| !step.contains(' ')))
        .map(|(_, field)| field)
        .collect();
    names.reverse();
    let path = names.join(".");
    let what =
        "the request is not a readable message: text must be UTF-8 and no byte may be missing";
    let fault = Fault::new(Code::InvalidArgument, ErrorReason::MessageInvalid, what);
    Some(fault.at(&path))
}

pub(crate) fn internal(cause: &str) -> Fault {
    Fault::new(
        Code::Internal,
        ErrorReason::Internal,
        "a fault of Roster: the server's log says more",
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
