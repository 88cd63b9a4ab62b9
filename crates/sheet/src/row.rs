//! One row, and how it is filled.

use crate::error::SheetError;
use crate::limit::Limits;

/// One row of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// As a spreadsheet program shows it: the first is 1; blank rows are skipped but counted.
    pub number: u64,
    /// The cells from the first column to the last that is not empty.
    pub cells: Vec<String>,
    /// The columns, counted from 0, whose cell holds an error of the spreadsheet program and not a
    /// text: what a formula came to that could not be calculated. The cell has the error's name
    /// (`#N/A`), which as a text of its own is no error.
    pub errors: Vec<usize>,
}

impl Row {
    /// Begins anew, keeping the memory of the cells.
    pub(crate) fn begin(&mut self, number: u64) {
        self.number = number;
        self.cells.iter_mut().for_each(String::clear);
        self.errors.clear();
    }

    /// The cell of a column, counted from 0, to write into. Ask only for a cell that is not
    /// empty: empty cells beyond the last column are no error.
    pub(crate) fn cell(
        &mut self,
        column: usize,
        limits: &Limits,
    ) -> Result<&mut String, SheetError> {
        if column >= limits.columns {
            return Err(SheetError::TooManyColumns {
                row: self.number,
                found: column + 1,
                max: limits.columns,
            });
        }
        if column >= self.cells.len() {
            self.cells.resize_with(column + 1, String::new);
        }
        // A cell that is written again is what it was written last.
        self.errors.retain(|error| *error != column);
        Ok(&mut self.cells[column])
    }

    /// Says that what was written into a cell is the name of an error.
    pub(crate) fn mark_error(&mut self, column: usize) {
        self.errors.push(column);
    }

    /// Whether a cell is short enough. A cell that is still growing may be asked as well.
    pub(crate) fn check_length(&self, column: usize, limits: &Limits) -> Result<(), SheetError> {
        let max = limits.cell_characters;
        let Some(cell) = self.cells.get(column).filter(|cell| cell.len() > max) else {
            return Ok(());
        };
        let found = cell.chars().count();
        if found <= max {
            return Ok(());
        }
        Err(SheetError::TooManyCharacters {
            row: self.number,
            column: column + 1,
            found,
            max,
        })
    }

    /// Ends the row at its last cell that is not empty; whether there is one.
    pub(crate) fn finish(&mut self) -> bool {
        let used = self.cells.iter().rposition(|cell| !cell.is_empty());
        self.cells.truncate(used.map_or(0, |last| last + 1));
        used.is_some()
    }
}

/// Whether a row of this number may be read.
pub(crate) fn check_number(number: u64, limits: &Limits) -> Result<(), SheetError> {
    if number > limits.rows {
        return Err(SheetError::TooManyRows {
            row: number,
            max: limits.rows,
        });
    }
    Ok(())
}
