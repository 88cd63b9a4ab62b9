//! A row of a sheet.

use crate::error::SheetError;
use crate::limit::Limits;

/// A row of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The number that a spreadsheet program shows: the first row is 1, and blank rows are counted.
    pub number: u64,
    /// The cells from the first column to the last that is not empty.
    pub cells: Vec<String>,
    /// The columns, counted from 0, whose cell contains an error of the spreadsheet program: the
    /// result of a formula that could not be calculated. The text of the cell is the name of the
    /// error (`#N/A`). A text cell with the same characters is not an error.
    pub errors: Vec<usize>,
}

impl Row {
    /// Clears the row but keeps the memory of the cells.
    pub(crate) fn begin(&mut self, number: u64) {
        self.number = number;
        self.cells.iter_mut().for_each(String::clear);
        self.errors.clear();
    }

    /// Returns the cell of a column, counted from 0, for writing. Call this only for a cell that is
    /// not empty: empty cells after the last column are valid.
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
        // A later write of the same cell replaces an error.
        self.errors.retain(|error| *error != column);
        Ok(&mut self.cells[column])
    }

    /// Marks the text of a cell as the name of an error.
    pub(crate) fn mark_error(&mut self, column: usize) {
        self.errors.push(column);
    }

    /// Checks the length of a cell, which can be incomplete.
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

    /// Ends the row at its last cell that is not empty; returns false if there is none.
    pub(crate) fn finish(&mut self) -> bool {
        let used = self.cells.iter().rposition(|cell| !cell.is_empty());
        self.cells.truncate(used.map_or(0, |last| last + 1));
        used.is_some()
    }
}

/// Checks the number of a row.
pub(crate) fn check_number(number: u64, limits: &Limits) -> Result<(), SheetError> {
    if number > limits.rows {
        return Err(SheetError::TooManyRows {
            row: number,
            max: limits.rows,
        });
    }
    Ok(())
}
