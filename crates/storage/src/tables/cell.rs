//! Rows as the engines receive them: cells in the order of a table's columns.

use std::borrow::Cow;
use std::slice::ChunksExact;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Int,
    Text,
    Bool,
    Bytes,
}

/// One value of a row. `None` is NULL.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Int(Option<i64>),
    Text(Option<Cow<'a, str>>),
    Bool(bool),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Cell<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Some(Cow::Borrowed(text)))
    }

    pub(crate) fn bytes(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

/// A table that storage writes: its key is the organization and the first `keys` columns.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) keys: usize,
    pub(crate) columns: &'static [(&'static str, ColumnType)],
    /// The columns that are written when a row is created and never updated.
    pub(crate) stamps: &'static [&'static str],
}

impl Table {
    /// The columns that an update writes.
    pub(crate) fn updated(&self) -> impl Iterator<Item = &'static str> {
        let names = self.columns[self.keys..].iter().map(|(name, _)| *name);
        names.filter(|name| !self.stamps.contains(name))
    }
}

/// The names of columns.
pub(crate) fn names(columns: &[(&'static str, ColumnType)]) -> Vec<&'static str> {
    columns.iter().map(|(name, _)| *name).collect()
}

/// Rows of one table, or only their keys.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    width: usize,
    cells: Vec<Cell<'a>>,
}

impl<'a> Rows<'a> {
    /// Creates an empty list of rows with this many cells each.
    pub(crate) fn of_width(width: usize) -> Self {
        Self {
            width,
            cells: Vec::new(),
        }
    }

    /// Creates rows of one cell each.
    pub(crate) fn of_numbers(numbers: impl IntoIterator<Item = i64>) -> Self {
        let cell = |number| Cell::Int(Some(number));
        Self {
            width: 1,
            cells: numbers.into_iter().map(cell).collect(),
        }
    }

    /// Appends the next cell of the current row.
    pub(crate) fn push(&mut self, cell: Cell<'a>) {
        self.cells.push(cell);
    }

    /// Appends a row.
    pub(crate) fn push_row<const N: usize>(&mut self, row: [Cell<'a>; N]) {
        debug_assert_eq!(N, self.width);
        self.cells.extend(row);
    }

    /// Appends the rows of another list for the same table.
    pub(crate) fn extend(&mut self, rows: &Self) {
        debug_assert_eq!(rows.width, self.width);
        self.cells.extend(rows.cells.iter().cloned());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub(crate) fn iter(&self) -> ChunksExact<'_, Cell<'a>> {
        debug_assert_eq!(self.cells.len() % self.width, 0);
        self.cells.chunks_exact(self.width)
    }

    /// The cells as one JSON list, for rows of one cell.
    pub(crate) fn json_numbers(&self) -> String {
        let mut text = String::with_capacity(self.cells.len() * 8 + 2);
        text.push('[');
        for (place, cell) in self.cells.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            push_json(&mut text, cell);
        }
        text.push(']');
        text
    }

    /// The rows as one JSON text, for an engine behind a network: a list of lists, with bytes as
    /// hexadecimal digits.
    pub(crate) fn json(&self) -> String {
        let mut text = String::with_capacity(self.cells.len() * 12 + 2);
        for (row, cells) in self.iter().enumerate() {
            text.push_str(if row == 0 { "[[" } else { "],[" });
            for (place, cell) in cells.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                push_json(&mut text, cell);
            }
        }
        text.push_str(if self.is_empty() { "[]" } else { "]]" });
        text
    }
}

fn push_json(out: &mut String, cell: &Cell<'_>) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = match cell {
        Cell::Int(None) | Cell::Text(None) => write!(out, "null"),
        Cell::Int(Some(number)) => write!(out, "{number}"),
        Cell::Bool(is) => write!(out, "{is}"),
        Cell::Text(Some(text)) => {
            // Any string can be serialized as JSON.
            out.push_str(&serde_json::to_string(text.as_ref()).unwrap_or_default());
            Ok(())
        }
        Cell::Bytes(bytes) => {
            out.push('"');
            for byte in bytes.iter() {
                let _ = write!(out, "{byte:02x}");
            }
            out.push('"');
            Ok(())
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_lists_of_cells_in_json() {
        let mut rows = Rows::of_width(5);
        assert_eq!(rows.json(), "[]");
        let row = || {
            [
                Cell::Int(Some(-7)),
                Cell::text("a\"\u{1}山"),
                Cell::Bool(true),
                Cell::bytes(&[0, 255]),
                Cell::Text(None),
            ]
        };
        rows.push_row(row());
        assert_eq!(rows.json(), "[[-7,\"a\\\"\\u0001山\",true,\"00ff\",null]]");
        rows.push_row(row());
        let json: serde_json::Value = serde_json::from_str(&rows.json()).expect("JSON");
        assert_eq!(json.as_array().map(Vec::len), Some(2));
    }
}
