//! What a caller is told when something is wrong: the one place where a cause becomes a code, a
//! reason and details.

use std::time::Duration;

use prost::Message;
use roster_api::v1::ErrorReason;
use roster_core::fact::UniqueKey;
use roster_core::id::{IdFault, ImportId, Pair};
use roster_core::refusal::Refusal;
use roster_core::text::TextFault;
use roster_intake::{FileFault, RowFault, SheetError};
use roster_storage::{ImportFailure, NotDone, StorageError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every ErrorInfo.
const DOMAIN: &str = "roster.v1";
/// Longest value of an error's metadata, in bytes: the whole status stays below the 8 KiB that
/// clients take in a trailer.
const METADATA_BYTES_MAX: usize = 1_024;
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
}

impl Fault {
    pub(crate) fn new(code: Code, reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            metadata: Vec::new(),
            field: None,
        }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        let mut value = value.to_string();
        if value.len() > METADATA_BYTES_MAX {
            let end = (0..=METADATA_BYTES_MAX)
                .rev()
                .find(|end| value.is_char_boundary(*end))
                .unwrap_or(0);
            value.truncate(end);
            value.push('…');
        }
        self.metadata.push((key, value));
        self
    }

    /// An INVALID_ARGUMENT of one field.
    pub(crate) fn field(path: &str, reason: ErrorReason, what: impl std::fmt::Display) -> Self {
        let mut fault = Self::new(Code::InvalidArgument, reason, format!("{path} {what}"));
        fault.field = Some(path.to_owned());
        fault.with("field", path)
    }

    fn at(mut self, path: &str) -> Self {
        self.field = Some(path.to_owned());
        self.with("field", path)
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
        match self.code {
            Code::InvalidArgument => {
                if let Some(path) = &self.field {
                    details.add_bad_request_violation(path, &self.message);
                }
            }
            Code::FailedPrecondition => {
                details.add_precondition_failure_violation(reason, "", &self.message);
            }
            Code::Unavailable | Code::ResourceExhausted => {
                details.set_retry_info(Some(RETRY_AFTER));
            }
            _ => {}
        }
        Status::with_error_details(self.code, self.message, details)
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

fn pair(fault: Fault, pair: Pair) -> Fault {
    fault
        .with("account_id", pair.account)
        .with("contact_id", pair.contact)
}

/// What a rule refuses: every reason, once.
pub(crate) fn of_refusal(refusal: &Refusal) -> Fault {
    use Code::{Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
    use ErrorReason as Reason;
    let of = |code, reason| Fault::new(code, reason, refusal.to_string());
    match refusal {
        Refusal::AccountNotFound(id) => {
            of(NotFound, Reason::AccountNotFound).with("account_id", id)
        }
        Refusal::ContactNotFound(id) => {
            of(NotFound, Reason::ContactNotFound).with("contact_id", id)
        }
        Refusal::AssociationNotFound(of_pair) => {
            pair(of(NotFound, Reason::AssociationNotFound), *of_pair)
        }
        Refusal::TicketNotFound(key) => {
            of(NotFound, Reason::TicketNotFound).with("ticket_id", key.as_str())
        }
        Refusal::OneAccount { contact, has } => of(FailedPrecondition, Reason::OneAccount)
            .with("contact_id", contact)
            .with("account_id", has),
        Refusal::SeveralAccounts { contacts } => {
            of(FailedPrecondition, Reason::SeveralAccounts).with("contacts", contacts)
        }
        Refusal::AccountsPerContact { contact, max } => {
            of(FailedPrecondition, Reason::AccountsPerContact)
                .with("contact_id", contact)
                .with("max", max)
        }
        Refusal::PrimaryStays(of_pair) => {
            pair(of(FailedPrecondition, Reason::PrimaryStays), *of_pair)
        }
        Refusal::NothingToTransfer(contact) => {
            of(FailedPrecondition, Reason::NothingToTransfer).with("contact_id", contact)
        }
        Refusal::DispositionRequired {
            pair: of_pair,
            tickets,
        } => pair(
            of(FailedPrecondition, Reason::DispositionRequired),
            *of_pair,
        )
        .with("tickets", tickets),
        Refusal::TargetNotAssociated(of_pair) => pair(
            of(FailedPrecondition, Reason::TargetNotAssociated),
            *of_pair,
        ),
        Refusal::TargetIsLeft(account) => of(InvalidArgument, Reason::TargetIsLeft)
            .at("move_to_account_id")
            .with("account_id", account),
        Refusal::RequesterIsDeleted(contact) => of(InvalidArgument, Reason::TargetIsLeft)
            .at("new_requester_id")
            .with("contact_id", contact),
        Refusal::StillInUse {
            id,
            associations,
            tickets,
        } => {
            let kind = if id.starts_with('a') {
                "account_id"
            } else {
                "contact_id"
            };
            of(FailedPrecondition, Reason::StillInUse)
                .with(kind, id)
                .with("associations", associations)
                .with("tickets", tickets)
        }
        Refusal::EtagMismatch => of(Aborted, Reason::EtagMismatch).at("etag"),
        Refusal::KeyTaken { key, owner } => {
            let path = match key {
                UniqueKey::AccountExternalId(_) => "account.external_id",
                UniqueKey::ContactExternalId(_) => "contact.external_id",
                UniqueKey::Email(_) => "contact.emails",
                UniqueKey::Ticket(_) => "id",
            };
            of(AlreadyExists, Reason::KeyTaken)
                .at(path)
                .with("owner", owner)
        }
        Refusal::AddressRepeated(_) => of(InvalidArgument, Reason::Repeated).at("contact.emails"),
        Refusal::RequesterNotFound(id) => {
            of(NotFound, Reason::RequesterNotFound).with("contact_id", id)
        }
        Refusal::CopiesNotFound(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            of(NotFound, Reason::CopiesNotFound).with("contact_ids", ids.join(","))
        }
        Refusal::TicketRepeated(_) => of(InvalidArgument, Reason::Repeated).at("id"),
        Refusal::NotRequestersAccount(of_pair) => pair(
            of(FailedPrecondition, Reason::NotRequestersAccount),
            *of_pair,
        ),
        Refusal::AccountUnknown { what, text } => {
            of(NotFound, Reason::AccountNotFound).with(what, text)
        }
        Refusal::ContactUnknown { what, text } => {
            of(NotFound, Reason::ContactNotFound).with(what, text)
        }
        Refusal::IdentifiersDiffer { found, what, other } => {
            of(InvalidArgument, Reason::IdentifiersDiffer)
                .with("found", found)
                .with("identifier", what)
                .with("other", other)
        }
        Refusal::NameAmbiguous { candidates, .. } => {
            of(FailedPrecondition, Reason::NameAmbiguous).with("candidates", candidates)
        }
        Refusal::Missing(field) => of(InvalidArgument, Reason::FieldRequired).at(field),
        Refusal::Items(items) => of_items(refusal, items),
    }
}

/// What is wrong with a row of an import.
fn of_row(fault: &RowFault) -> Fault {
    // Which column is at fault is said beside it.
    const CELL: &str = "the cell";
    match fault {
        RowFault::Rule(refusal) => of_refusal(refusal),
        RowFault::Text(fault) => of_text(CELL, fault),
        RowFault::Id(fault) => of_id(CELL, fault),
        RowFault::Malformed(what) => Fault::field(CELL, ErrorReason::FieldInvalid, what),
        RowFault::RowsDisagree([first, second]) => Fault::new(
            Code::InvalidArgument,
            ErrorReason::RowsDisagree,
            fault.to_string(),
        )
        .with("rows", format!("{first},{second}")),
    }
}

/// The reason and the words of a row's fault, as a list of rejects has them.
pub(crate) fn explain_row(fault: &RowFault) -> (String, String) {
    let fault = of_row(fault);
    (reason_name(fault.reason).to_owned(), fault.message)
}

fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

impl From<FileFault> for Fault {
    fn from(fault: FileFault) -> Self {
        match fault {
            FileFault::Sheet(error) => of_sheet(&error),
            FileFault::Header(error) => {
                let reason = ErrorReason::HeaderUnusable;
                let fault = Self::new(Code::InvalidArgument, reason, error.to_string());
                match error.header() {
                    Some(header) => fault.with("header", header),
                    None => fault,
                }
            }
            FileFault::QueueFull => Self::new(
                Code::ResourceExhausted,
                ErrorReason::QueueFull,
                fault.to_string(),
            ),
            FileFault::Stopping => stopping(),
            FileFault::NotDone(error) => error.into(),
        }
    }
}

/// The server is going away.
pub(crate) fn stopping() -> Fault {
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        "the server is shutting down: try again in a while",
    )
}

fn of_sheet(error: &SheetError) -> Fault {
    let (reason, encoding, row) = match error {
        SheetError::Encoding { encoding, row } => {
            (ErrorReason::FileEncoding, Some(*encoding), Some(*row))
        }
        SheetError::Io(cause) => return internal(&cause.to_string()),
        other => (ErrorReason::FileUnreadable, None, row_of(other)),
    };
    let mut fault = Fault::new(Code::InvalidArgument, reason, error.to_string());
    if let Some(encoding) = encoding {
        fault = fault.with("encoding", encoding);
    }
    if let Some(row) = row {
        fault = fault.with("row", row);
    }
    fault
}

/// The row at fault, or the last one before the fault.
fn row_of(error: &SheetError) -> Option<u64> {
    match error {
        SheetError::Truncated { row, .. } | SheetError::Damaged { row, .. } => *row,
        SheetError::UnclosedQuote { row }
        | SheetError::TooManyColumns { row, .. }
        | SheetError::TooManyCharacters { row, .. }
        | SheetError::TooManyRows { row, .. } => Some(*row),
        _ => None,
    }
}

/// Why an import ended before the end of its file.
pub(crate) fn of_import(failure: ImportFailure) -> Fault {
    const AGAIN: &str = "what was committed stays, and sending the file again finishes it";
    let unavailable = |what: &str| {
        let (code, reason) = (Code::Unavailable, ErrorReason::Unavailable);
        Fault::new(code, reason, format!("{what}: {AGAIN}"))
    };
    match failure {
        ImportFailure::ServerDied => unavailable("the server of the import died"),
        ImportFailure::ServerStopped => unavailable("the server of the import was stopped"),
        ImportFailure::DatabaseAway => unavailable("the database was away for too long"),
        ImportFailure::Fault => Fault::new(
            Code::Internal,
            ErrorReason::Internal,
            format!("a fault of Roster, of which the server's log says more: {AGAIN}"),
        ),
    }
}

/// There is no such import.
pub(crate) fn import_not_found(id: ImportId) -> Fault {
    Fault::new(
        Code::NotFound,
        ErrorReason::ImportNotFound,
        format!("there is no import {id}"),
    )
    .with("import_id", id)
}

/// A file has more bytes than are taken.
pub(crate) fn file_too_large(max: u64) -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::FileTooLarge,
        format!("the file has more than {max} bytes: divide it"),
    )
    .with("max_bytes", max)
}

fn of_items(refusal: &Refusal, items: &[(usize, Refusal)]) -> Fault {
    let indexes: Vec<String> = items.iter().map(|(index, _)| index.to_string()).collect();
    let first = items.first().map(|(_, first)| of_refusal(first));
    let (code, reason) = first.map_or((Code::Internal, ErrorReason::Internal), |first| {
        (first.code, first.reason)
    });
    Fault::new(code, ErrorReason::AllOrNothing, refusal.to_string())
        .with("failed", items.len())
        .with("indexes", indexes.join(","))
        .with("first_reason", reason_name(reason))
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unreachable(cause) => {
                tracing::warn!(%cause, "the database cannot be reached");
                Self::new(
                    Code::Unavailable,
                    ErrorReason::Unavailable,
                    "the database cannot be reached: try again, a write with the same request_id",
                )
            }
            StorageError::QueueFull => Self::new(
                Code::ResourceExhausted,
                ErrorReason::QueueFull,
                "too many writes wait already and nothing was changed: try again a little later",
            ),
            StorageError::RequestIdReused => Self::field(
                "request_id",
                ErrorReason::RequestIdReused,
                "was used with another request: use a new one",
            ),
            StorageError::ImportMoved => internal("an import moved under a call"),
            StorageError::Defect(cause) => internal(&cause.to_string()),
            StorageError::NotADatabase(name) => internal(&name),
        }
    }
}

pub(crate) fn internal(cause: &str) -> Fault {
    tracing::error!(cause, "a call failed by a fault of ours");
    Fault::new(
        Code::Internal,
        ErrorReason::Internal,
        "a fault of Roster: the server's log says more",
    )
}

impl From<NotDone> for Fault {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Refused(refusal) => of_refusal(&refusal),
            NotDone::Storage(error) => error.into(),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        of_refusal(&refusal)
    }
}
