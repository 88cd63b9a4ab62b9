//! What can be wrong with a file and with a row. The texts are for whoever made the file.

use roster_core::id::IdFault;
use roster_core::refusal::Refusal;
use roster_core::rules::import::Field;
use roster_core::text::TextFault;
use roster_sheet::SheetError;
use roster_storage::NotDone;

use crate::header::HeaderFault;
use crate::layout::{ACCOUNT, CONTACT};

/// Why a row is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// A rule says no.
    #[error(transparent)]
    Rule(#[from] Refusal),
    /// A cell is no text of its kind.
    #[error(transparent)]
    Text(#[from] TextFault),
    /// A cell is no id of its kind.
    #[error(transparent)]
    Id(#[from] IdFault),
    /// A cell is nothing that its field knows.
    #[error("{0}")]
    Malformed(String),
    /// A cell holds an error of the spreadsheet program.
    #[error("holds the error {0} of the spreadsheet: correct its formula, or write the value")]
    ErrorCell(String),
    /// Rows that name the same record do not agree.
    #[error(
        "rows {} and {} are about the same record and say different things, so no row about it was \
         applied: correct them, or leave only one", .0[0], .0[1]
    )]
    RowsDisagree([u64; 2]),
}

/// Where in a row something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// In a column, counted from 0.
    Column(usize),
    /// In the first column that fills a field.
    Field(Field),
    /// In all columns that fill one of these fields: any of them would do.
    AnyOf(&'static [Field]),
}

impl From<Field> for At {
    fn from(field: Field) -> Self {
        Self::Field(field)
    }
}

impl At {
    /// Where what a rule refuses stands.
    pub(crate) fn of(field: Field, refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Unnamed { .. } if CONTACT.contains(&field) => Self::AnyOf(CONTACT),
            Refusal::Unnamed { .. } => Self::AnyOf(ACCOUNT),
            _ => Self::Field(field),
        }
    }
}

/// Why a file is not taken: nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It cannot be read.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// Its header cannot be used.
    #[error(transparent)]
    Header(#[from] HeaderFault),
    /// Too many imports wait.
    #[error("too many imports wait: try again when one of them has ended")]
    QueueFull,
    /// The server is shutting down.
    #[error("the server is shutting down: send the file again in a while")]
    Stopping,
    /// The database did not do what was asked.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}
