//! The rejected rows as a CSV file that a person opens in Excel, corrects and sends again.
//!
//! Excel takes a cell that begins with `=`, `+`, `-` or `@` for a formula, whatever quotes stand
//! around it, so such a cell gets an apostrophe in front. An import of the corrected file, which
//! is known by the last three columns of its header, takes exactly that apostrophe off again, so
//! nothing is lost on the way: a cell that began with apostrophes before such a character gets one
//! more, and loses one.

use csv::{QuoteStyle, Terminator, WriterBuilder};
use roster_storage::{ImportRecord, ImportReject};

use crate::layout::REJECT_HEADERS;

/// So that Excel reads UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The beginning of the file: its header.
pub fn header(import: &ImportRecord) -> Vec<u8> {
    let columns = import.new.columns.iter().map(|(header, _)| header.clone());
    let ours = REJECT_HEADERS.map(str::to_owned);
    let mut bytes = BYTE_ORDER_MARK.to_vec();
    bytes.extend(records([columns.map(marked).chain(ours)]));
    bytes
}

/// Rows of the file.
pub fn rows(import: &ImportRecord, rejects: &[ImportReject]) -> Vec<u8> {
    let width = import.new.columns.len();
    records(rejects.iter().map(|reject| {
        let blank = std::iter::repeat(String::new());
        let cells = reject.cells.iter().cloned().chain(blank).take(width);
        let ours = [
            reject.number.to_string(),
            reject.header.clone(),
            format!("{}: {}", reject.reason, reject.message),
        ];
        cells.chain(ours).map(marked).collect::<Vec<_>>()
    }))
}

/// What the error cells of a workbook are called.
const ERROR_NAMES: [&str; 8] = [
    "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!",
];

/// The cells of a corrected file that are still errors. In a CSV file they are text, but whoever
/// left them as they were has corrected nothing.
pub(crate) fn errors(cells: &[String]) -> Vec<usize> {
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
        // Writing to memory cannot fail, and all records are equally long.
        let _ = writer.write_record(record);
    }
    writer.into_inner().unwrap_or_default()
}

/// Whether Excel would take the cell, apostrophes in front aside, for a formula.
fn is_formula(cell: &str) -> bool {
    let begins = cell.trim_start_matches('\'');
    begins.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn marked(cell: String) -> String {
    if is_formula(&cell) {
        format!("'{cell}")
    } else {
        cell
    }
}

/// Takes off what [`rows`] put in front.
pub(crate) fn unmark(cell: &mut String) {
    if cell.starts_with('\'') && is_formula(cell) {
        cell.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_excel_would_calculate_is_marked_and_comes_back_as_it_was() {
        for cell in [
            "=1+1", "+81 3", "-5", "@x", "'=1", "''-", "'", "'x", "", "a=1", "\tx",
        ] {
            let mut file = marked(cell.to_owned());
            assert!(!file.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
            unmark(&mut file);
            assert_eq!(file, cell);
        }
    }

    #[test]
    fn an_apostrophe_of_a_name_stays() {
        assert_eq!(marked("'n Beetje".to_owned()), "'n Beetje");
    }
}
