//! Bytes to rows: CSV, XLSX and XLS in bounded memory, safe on hostile input.
//!
//! [`Sheet::open`] detects the format of a stored file; [`Sheet::rows`] reads its rows and can be
//! called again for another pass. This crate does not know the meaning of a column.
//!
//! **Rows.** The number of a row is the number that a spreadsheet program shows: the first row is
//! 1, a CSV record with line breaks is one row, and blank rows are counted but not returned. A row
//! is blank if all its cells are empty. A row ends with its last cell that is not empty, so rows
//! differ in length. Of a workbook, the first visible worksheet that is not blank is read.
//!
//! **Cells** are text as a person sees it: `42`, `0.1`, `2026-11-24`, `2026-11-24T09:30:00`,
//! `TRUE`, `#N/A`. A number whose format consists only of zeros keeps its leading zeros (`00042`),
//! because such a number is a code. The text of a formula is its stored value. An error cell of a
//! workbook is marked ([`Row::errors`]), which distinguishes it from a text cell with the same
//! characters.
//!
//! **Hostile input.** Every size is bounded before memory is allocated for it ([`limit`]), and no
//! memory is reserved for sizes that a file only claims. This crate parses the workbook formats
//! itself, on top of libraries for the containers and the markup, because the available readers
//! reserve memory by numbers in the file and follow its pointers without a bound.

mod decode;
mod delimited;
mod error;
pub mod limit;
mod row;
mod sheet;
#[cfg(test)]
mod tests;
mod value;
mod xls;
mod xlsx;

pub use error::SheetError;
pub use row::Row;
pub use sheet::{Encoding, Format, Rows, Sheet};
