//! Imports: headers to columns, rows to commands, batches, rejects.
//!
//! A file is read twice. The first pass writes nothing: it checks that the file can be read, counts
//! the rows and finds rows that identify the same record but disagree ([`survey`]). The second pass
//! splits the file into batches ([`batches`]). Each batch is one command and one transaction, with
//! its rejects and counts ([`work`]). How a row changes records is a rule of `roster-core`.

mod batches;
mod cells;
mod fault;
mod header;
mod layout;
pub mod rejects;
mod runner;
mod survey;
mod time;
mod totals;
mod work;

pub use batches::Explain;
pub use fault::{FileFault, RowFault};
pub use header::HeaderFault;
pub use layout::{Kind, Mapping};
pub use roster_sheet::{Encoding, Format, SheetError};
pub use runner::{Config, Intake, PATIENCE_SECONDS, Upload};
pub use totals::{Counts, Totals};
