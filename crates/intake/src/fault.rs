//! Faults of a file and of a row. The messages are for the person who made the file.

use roster_core::id::IdFault;
use roster_core::refusal::Refusal;
use roster_core::rules::import::Field;
use roster_core::text::TextFault;
use roster_sheet::SheetError;
use roster_storage::NotDone;

use crate::header::HeaderFault;
use crate::layout::{ACCOUNT_FIELDS, CONTACT_FIELDS};

/// Why a row is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// A rule refused the row.
    #[error(transparent)]
    Rule(#[from] Refusal),
    /// A cell is not a valid text of its field.
    #[error(transparent)]
    Text(#[from] TextFault),
    /// A cell is not a valid ID of its field.
    #[error(transparent)]
    Id(#[from] IdFault),
    /// A cell is not a valid value of its field.
    #[error("{0}")]
    Malformed(String),
    /// A cell contains an error of the spreadsheet program.
    #[error("contains the spreadsheet error {0}: correct the formula or enter the value")]
    ErrorCell(String),
    /// Rows that identify the same record disagree.
    #[error(
        "rows {} and {} describe the same record with different values, so no row of this record was \
         applied: correct the rows or keep only one", .0[0], .0[1]
    )]
    RowsDisagree([u64; 2]),
}

/// The location of a fault in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A column, counted from 0.
    Column(usize),
    /// The first column of a field.
    Field(Field),
    /// All columns of these fields. A value in any of them resolves the fault.
    AnyOf(&'static [Field]),
}

impl From<Field> for Location {
    fn from(field: Field) -> Self {
        Self::Field(field)
    }
}

impl Location {
    /// Returns the location of a refusal by a rule.
    pub(crate) fn of(field: Field, refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Unnamed { .. } if CONTACT_FIELDS.contains(&field) => {
                Self::AnyOf(CONTACT_FIELDS)
            }
            Refusal::Unnamed { .. } => Self::AnyOf(ACCOUNT_FIELDS),
            _ => Self::Field(field),
        }
    }
}

/// Why a file is refused. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The file cannot be read.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The header cannot be used.
    #[error(transparent)]
    Header(#[from] HeaderFault),
    /// The server has too many unfinished imports.
    #[error("the server has too many unfinished imports: try again when one of them has ended")]
    QueueFull,
    /// The server is shutting down.
    #[error("the server is shutting down: send the file again later")]
    Stopping,
    /// The storage could not start the import.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}
