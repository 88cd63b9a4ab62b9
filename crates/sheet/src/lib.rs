//! Bytes to rows: CSV, XLSX and XLS in bounded memory, safe on hostile input.
//!
//! [`Sheet::open`] looks at a stored file and says what it is; [`Sheet::rows`] goes through its
//! rows, as often as is wanted. What a column means is not known here.
//!
//! **Rows.** A row's number is the one that a spreadsheet program shows beside it: the first is 1,
//! a CSV record that holds line breaks is one row, and blank rows are counted but not returned. A
//! row is blank if all its cells are empty; a row ends with its last cell that is not empty, so
//! rows differ in length. Of a workbook the first visible worksheet that is not blank is read.
//!
//! **Cells** are text as a person sees them: `42`, `0.1`, `2026-11-24`, `2026-11-24T09:30:00`,
//! `TRUE`, `#N/A`. A number whose format is zeros alone keeps them (`00042`), because codes are
//! written so. Formulas give the value that was stored with them. A cell of a workbook that holds an
//! error is marked ([`Row::errors`]), so that `#N/A` is told from the text of the same letters.
//!
//! **Hostile input.** Every size is bounded before memory is taken for it ([`limit`]); nothing is
//! reserved because a file says that it will come. The workbook formats are read here, on top of
//! libraries for the containers and the markup, because the readers at hand reserve memory by
//! numbers in the file and follow its pointers without an end.

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
