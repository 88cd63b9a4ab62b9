//! The rejected rows as a CSV file that a person opens in Excel, corrects and sends again.
//!
//! Excel interprets a cell that begins with `=`, `+`, `-` or `@` as a formula, even inside quotes.
//! Such a cell therefore gets a leading apostrophe. An import of the corrected file, which is
//! recognized by the last three columns of its header, removes exactly this apostrophe. The round
//! trip loses nothing: a cell that already begins with apostrophes before such a character gets one
//! more apostrophe, and the import removes one.

use csv::{QuoteStyle, Terminator, WriterBuilder};
use roster_storage::{ImportRecord, ImportReject};

use crate::layout::REJECT_HEADERS;

/// Makes Excel read the file as UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Returns the beginning of the file: the byte order mark and the header.
pub fn header(import: &ImportRecord) -> Vec<u8> {
    let columns = import.new.columns.iter().map(|(header, _)| header.clone());
    let added = REJECT_HEADERS.map(str::to_owned);
    let mut bytes = BYTE_ORDER_MARK.to_vec();
    bytes.extend(records([columns.map(escape_formula).chain(added)]));
    bytes
}

/// Returns rows of the file.
pub fn rows(import: &ImportRecord, rejects: &[ImportReject]) -> Vec<u8> {
    let width = import.new.columns.len();
    records(rejects.iter().map(|reject| {
        let blank = std::iter::repeat(String::new());
        let cells = reject.cells.iter().cloned().chain(blank).take(width);
        let added = [
            reject.number.to_string(),
            reject.header.clone(),
            format!("{}: {}", reject.reason, reject.message),
        ];
        cells.chain(added).map(escape_formula).collect::<Vec<_>>()
    }))
}

/// The names of the error cells of a workbook.
const ERROR_NAMES: [&str; 8] = [
    "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!",
];

/// Returns the columns of a corrected file that still contain an error. In a CSV file an error is
/// text, but an unchanged error cell was not corrected.
pub(crate) fn error_columns(cells: &[String]) -> Vec<usize> {
    let is_error = |cell: &String| ERROR_NAMES.contains(&cell.trim());
    let cells = cells.iter().enumerate();
    let errors = cells.filter(|(_, cell)| is_error(cell));
    errors.map(|(column, _)| column).collect()
}

fn records<R: IntoIterator<Item = String>>(records: impl IntoIterator<Item = R>) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .from_writer(Vec::new());
    for record in records {
        // Writing to memory cannot fail, and all records have the same length.
        let _ = writer.write_record(record);
    }
    writer.into_inner().unwrap_or_default()
}

/// Returns whether Excel would interpret the cell, without leading apostrophes, as a formula.
fn is_formula(cell: &str) -> bool {
    let text = cell.trim_start_matches('\'');
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn escape_formula(cell: String) -> String {
    if is_formula(&cell) {
        format!("'{cell}")
    } else {
        cell
    }
}

/// Removes the apostrophe that [`rows`] added.
pub(crate) fn unescape_formula(cell: &mut String) {
    if cell.starts_with('\'') && is_formula(cell) {
        cell.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_excel_would_calculate_is_escaped_and_survives_the_round_trip() {
        for cell in [
            "=1+1", "+81 3", "-5", "@x", "'=1", "''-", "'", "'x", "", "a=1", "\tx",
        ] {
            let mut escaped = escape_formula(cell.to_owned());
            assert!(!escaped.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
            unescape_formula(&mut escaped);
            assert_eq!(escaped, cell);
        }
    }

    #[test]
    fn an_apostrophe_at_the_start_of_a_name_stays() {
        assert_eq!(escape_formula("'n Beetje".to_owned()), "'n Beetje");
    }
}
