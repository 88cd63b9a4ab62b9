//! Why a file could not be read. The message is for the person who sent the file. The error of a
//! library is only in `source`.

use crate::sheet::{Encoding, Format};

/// The error of a library about a broken file.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A fault of a file: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SheetError {
    /// The file is neither text nor a supported workbook.
    #[error("this is not a spreadsheet: send a CSV, XLSX or XLS file")]
    NotASpreadsheet,
    /// The file has another format than the caller named.
    #[error("the file is {found}, not {named}: name {found}, or leave the format out")]
    OtherFormat {
        /// The format that the caller named.
        named: Format,
        /// The format of the bytes.
        found: Format,
    },
    /// The file is UTF-16 text, which Excel calls Unicode text.
    #[error("the file is UTF-16 text: save it as CSV UTF-8 or as XLSX")]
    Utf16,
    /// The file is a workbook of Excel 95 or older.
    #[error("the file is a workbook of Excel 95 or older: save it as XLSX")]
    OldWorkbook,
    /// The workbook is protected by a password.
    #[error("the file is protected by a password: save it without one")]
    Encrypted,
    /// The end of the file is missing.
    #[error("the file is incomplete{}: send it again", after(*row))]
    Truncated {
        /// The last row that was read, if any.
        row: Option<u64>,
        /// The error of the library.
        #[source]
        cause: Option<Cause>,
    },
    /// The structure of a workbook is broken.
    #[error(
        "the file is damaged{}: open it in a spreadsheet program, save it and send it again",
        after(*row)
    )]
    Damaged {
        /// The last row that was read, if any.
        row: Option<u64>,
        /// The error of the library.
        #[source]
        cause: Option<Cause>,
    },
    /// A quote that opens a CSV cell is never closed.
    #[error(
        "a quote opens in row {row} and is never closed: close it, or double it if it is part of the text"
    )]
    UnclosedQuote {
        /// The row in which the quote opens.
        row: u64,
    },
    /// The file contains bytes that are invalid in its encoding.
    #[error(
        "row {row} is not valid {encoding}: save the file as CSV UTF-8, or name the encoding of the file"
    )]
    Encoding {
        /// The named encoding, or the encoding in which the most bytes are valid.
        encoding: Encoding,
        /// The first invalid row.
        row: u64,
    },
    /// A row has a cell after the last column ([`limit::COLUMNS_MAX`](crate::limit::COLUMNS_MAX)).
    #[error(
        "row {row} has a cell in column {found}, but a row can have at most {max} columns: remove the columns that are not needed"
    )]
    TooManyColumns {
        /// The row.
        row: u64,
        /// The column of the first excess cell, counted from 1.
        found: usize,
        /// The maximum number of columns.
        max: usize,
    },
    /// A cell is too long ([`limit::CELL_CHARACTERS_MAX`](crate::limit::CELL_CHARACTERS_MAX)).
    #[error(
        "column {column} of row {row} has {found} or more characters, but a cell can have at most {max}: shorten the cell, or look for a quote that is never closed"
    )]
    TooManyCharacters {
        /// The row.
        row: u64,
        /// The column, counted from 1.
        column: usize,
        /// The number of characters that were read.
        found: usize,
        /// The maximum number of characters.
        max: usize,
    },
    /// The sheet is too long ([`limit::ROWS_MAX`](crate::limit::ROWS_MAX)).
    #[error(
        "the sheet has a row {row}, but a sheet can have at most {max} rows: split it into several files"
    )]
    TooManyRows {
        /// The first excess row.
        row: u64,
        /// The maximum number of rows.
        max: u64,
    },
    /// The file is too large when unpacked.
    #[error(
        "the file has more than {max} bytes when unpacked: split it into several files, or save it as CSV"
    )]
    TooManyBytes {
        /// The maximum number of bytes.
        max: u64,
    },
    /// The file could not be read from the disk.
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

    /// Adds the last row that was read before the error, unless the error already has one.
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
