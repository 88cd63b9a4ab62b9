//! Why a file could not be read. The text is for the person who sent the file; what a library
//! said stays in `source`.

use crate::sheet::{Encoding, Format};

/// What a library said about a broken file.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What is wrong with a file, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SheetError {
    /// Neither text nor a workbook that we read.
    #[error("this is not a spreadsheet: send a CSV, XLSX or XLS file")]
    NotASpreadsheet,
    /// A workbook of another format than was named.
    #[error("the file is {found}, not {named}: name {found}, or leave the format out")]
    OtherFormat {
        /// What was named.
        named: Format,
        /// What the bytes say.
        found: Format,
    },
    /// Text in UTF-16, which Excel calls Unicode text.
    #[error("the file is UTF-16 text: save it as CSV UTF-8 or as XLSX")]
    Utf16,
    /// A workbook of Excel 95 or older.
    #[error("the file is of Excel 95 or older: save it as XLSX")]
    OldWorkbook,
    /// A workbook under a password.
    #[error("the file is protected by a password: save it without one")]
    Encrypted,
    /// The end of the file is missing.
    #[error("the file is incomplete{}: send it again", after(*row))]
    Truncated {
        /// The last row that could be read, if any.
        row: Option<u64>,
        /// What the library said.
        #[source]
        cause: Option<Cause>,
    },
    /// The structure of a workbook is broken.
    #[error(
        "the file is damaged{}: open it in a spreadsheet program, save it and send it again",
        after(*row)
    )]
    Damaged {
        /// The last row that could be read, if any.
        row: Option<u64>,
        /// What the library said.
        #[source]
        cause: Option<Cause>,
    },
    /// A quote of a CSV that opens a cell and is never closed.
    #[error(
        "a quote opens in row {row} and is never closed: close it, or double it if it is part of the text"
    )]
    UnclosedQuote {
        /// The row in which it opens.
        row: u64,
    },
    /// Bytes that the encoding does not have.
    #[error(
        "row {row} is not {encoding}: save the file as CSV UTF-8, or name the encoding that it has"
    )]
    Encoding {
        /// The encoding that was named, or the one that fitted longest.
        encoding: Encoding,
        /// The first row that does not fit.
        row: u64,
    },
    /// A row has a cell beyond the last column ([`limit::COLUMNS_MAX`](crate::limit::COLUMNS_MAX)).
    #[error(
        "row {row} has a cell in column {found}, at most {max} columns are read: remove the columns that are not needed"
    )]
    TooManyColumns {
        /// The row.
        row: u64,
        /// The column of the first cell beyond, counted from 1.
        found: usize,
        /// The last column that is read.
        max: usize,
    },
    /// A cell is too long ([`limit::CELL_CHARACTERS_MAX`](crate::limit::CELL_CHARACTERS_MAX)).
    #[error(
        "column {column} of row {row} has {found} characters or more, a cell has at most {max}: shorten it, or look for a quote that is never closed"
    )]
    TooManyCharacters {
        /// The row.
        row: u64,
        /// The column, counted from 1.
        column: usize,
        /// How many there are, or were until reading stopped.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// The sheet is too long ([`limit::ROWS_MAX`](crate::limit::ROWS_MAX)).
    #[error(
        "the sheet goes on at row {row}, at most {max} rows are read: divide it into several files"
    )]
    TooManyRows {
        /// The first row beyond.
        row: u64,
        /// The last row that is read.
        max: u64,
    },
    /// The file takes too much space when unpacked.
    #[error(
        "the file unpacks to more than {max} bytes: divide it into several files, or save it as CSV"
    )]
    TooManyBytes {
        /// How many there may be.
        max: u64,
    },
    /// The file could not be read from its disk.
    #[error("the file could not be read: try again")]
    Io(#[source] std::io::Error),
}

impl SheetError {
    pub(crate) fn damaged(cause: impl Into<Cause>) -> Self {
        Self::Damaged {
            row: None,
            cause: Some(cause.into()),
        }
    }

    pub(crate) fn truncated(cause: impl Into<Cause>) -> Self {
        Self::Truncated {
            row: None,
            cause: Some(cause.into()),
        }
    }

    /// The same error, saying after which row it was met.
    pub(crate) fn after_row(mut self, last: u64) -> Self {
        if let Self::Truncated { row, .. } | Self::Damaged { row, .. } = &mut self {
            *row = row.or((last > 0).then_some(last));
        }
        self
    }
}

fn after(row: Option<u64>) -> String {
    row.map_or_else(String::new, |row| format!(" after row {row}"))
}
