//! The output of the bench.

use std::fmt::Display;
use std::io::Write;

/// Prints a line. Ignores errors, so that a report is written even if the output was closed.
pub(crate) fn print_line(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
