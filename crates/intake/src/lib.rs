//! Imports: headers to columns, rows to commands, batches, rejects.
//!
//! A file is read twice. The first pass writes nothing: it finds what makes the file unusable,
//! counts its rows and notes those that name the same record and do not agree ([`survey`]). The
//! second cuts it into batches ([`batches`]), each one command and one transaction with its
//! rejects and its counts ([`work`]). What the rows mean to the records is a rule of core.

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
pub use runner::{Config, Intake, PATIENCE_SECONDS};
pub use totals::{Counted, Totals};
