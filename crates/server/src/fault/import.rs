//! Faults of a file, of its rows, and of an import.

use std::io::ErrorKind;

use roster_api::v1::ErrorReason;
use roster_core::id::ImportId;
use roster_intake::{FileFault, RowFault, SheetError};
use roster_storage::ImportFailure;
use tonic::Code;

use super::{Fault, internal, of_id, of_refusal, of_text, reason_name};

/// The fault of a row of an import.
fn of_row(fault: &RowFault) -> Fault {
    // The column is reported separately.
    const CELL: &str = "the cell";
    match fault {
        RowFault::Rule(refusal) => of_refusal(refusal),
        RowFault::Text(fault) => of_text(CELL, fault),
        RowFault::Id(fault) => of_id(CELL, fault),
        RowFault::Malformed(what) => Fault::field(CELL, ErrorReason::FieldInvalid, what),
        RowFault::ErrorCell(_) => Fault::field(CELL, ErrorReason::FieldInvalid, fault),
        RowFault::RowsDisagree([first, second]) => Fault::new(
            Code::InvalidArgument,
            ErrorReason::RowsDisagree,
            fault.to_string(),
        )
        .with("rows", format!("{first},{second}")),
    }
}

/// The reason and the message of a row's fault, as the file of rejected rows contains them.
pub(crate) fn explain_row(fault: &RowFault) -> (String, String) {
    let fault = of_row(fault);
    (reason_name(fault.reason).to_owned(), fault.message)
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

/// The server is shutting down.
pub(crate) fn stopping() -> Fault {
    Fault::new(
        Code::Unavailable,
        ErrorReason::Unavailable,
        "the server is shutting down: try again later",
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

/// Why an import stopped before the end of its file.
pub(crate) fn of_import(failure: ImportFailure) -> Fault {
    const AGAIN: &str = "committed rows stay; send the file again to finish";
    let unavailable = |what: &str| {
        let (code, reason) = (Code::Unavailable, ErrorReason::Unavailable);
        Fault::new(code, reason, format!("{what}: {AGAIN}"))
    };
    match failure {
        ImportFailure::ServerDied => unavailable("the server of the import died"),
        ImportFailure::ServerStopped => unavailable("the server of the import was stopped"),
        ImportFailure::DatabaseAway => unavailable("the database was unreachable for too long"),
        ImportFailure::OrganizationDeleted => Fault::new(
            Code::PermissionDenied,
            ErrorReason::OrganizationSuspended,
            format!("the organization of the import was deleted: {AGAIN}"),
        ),
        ImportFailure::Fault => Fault::new(
            Code::Internal,
            ErrorReason::Internal,
            format!("an internal error of Roster, see the server's log: {AGAIN}"),
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
    .about("roster.v1.Import", id)
}

/// The place of further uploads is taken.
pub(crate) fn uploads_full(whose: &str) -> Fault {
    let message = format!(
        "{whose} receives as many uploads as it may, and nothing was changed: try again later"
    );
    Fault::new(Code::ResourceExhausted, ErrorReason::QueueFull, message)
}

/// The room for the files of imports is taken.
pub(crate) fn spool_full(what: &str) -> Fault {
    let message =
        format!("{what} is taken, and nothing was changed: try again when imports have ended");
    Fault::new(Code::ResourceExhausted, ErrorReason::QueueFull, message)
}

/// The folder for the files of imports cannot be written.
pub(crate) fn spool_broken(folder: &str, error: &std::io::Error) -> Fault {
    let what = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "is full",
        _ => "cannot be written",
    };
    let message = format!(
        "the folder {folder} for uploaded files {what}, and nothing was changed: try again later"
    );
    Fault::new(Code::Unavailable, ErrorReason::Unavailable, message).because(&error.to_string())
}

/// A file over the size limit.
pub(crate) fn file_too_large(max: u64) -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        ErrorReason::FileTooLarge,
        format!("the file has more than {max} bytes: split it"),
    )
    .with("max_bytes", max)
}
