//! The cells of a worksheet: collected in one pass over its records, then returned row by row.

use super::globals::Globals;
use super::record::{self, Record, Records};
use super::text::Pieces;
use crate::error::SheetError;
use crate::limit::Limits;
use crate::row::{self, Row};
use crate::value::{self, Number};

const FORMULA: u16 = 0x0006;
const MANY_PACKED: u16 = 0x00BD;
const SHARED_TEXT: u16 = 0x00FD;
const NUMBER: u16 = 0x0203;
const LABEL: u16 = 0x0204;
const RICH_LABEL: u16 = 0x00D6;
const BOOL_OR_ERROR: u16 = 0x0205;
const STRING: u16 = 0x0207;
const PACKED: u16 = 0x027E;

/// Offset of the text of a label, after row, column and style.
const LABEL_HEAD_BYTES: usize = 6;

/// A cell. Its text is still in the stream or in the shared texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    row: u16,
    column: u16,
    style: u16,
    value: Value,
}

#[derive(Clone, Copy, Debug)]
enum Value {
    Shared(u32),
    /// The text in the record at this offset, after `skip` bytes of its data.
    Text {
        record: u32,
        skip: u8,
    },
    Number(f64),
    Bool(bool),
    Error(u8),
}

/// Reads the cells of the sheet at `offset`, ordered by row and column.
pub(super) fn read(stream: &[u8], offset: usize) -> Result<Vec<Cell>, SheetError> {
    let mut records = Records::new(stream, offset);
    if records.next()?.kind != record::BOF {
        return Err(SheetError::damaged("a sheet does not begin at its offset"));
    }
    let mut cells: Vec<Cell> = Vec::new();
    // A formula whose value is a text. A later record contains the text.
    let mut awaiting_text = None;
    // A sheet can contain charts, which have their own cells.
    let mut depth = 0_usize;
    loop {
        let record = records.next()?;
        match record.kind {
            record::BOF => depth += 1,
            record::EOF if depth == 0 => break,
            record::EOF => depth -= 1,
            _ if depth > 0 => {}
            MANY_PACKED => read_many_packed(&record, &mut cells)?,
            STRING => {
                if let Some(cell) = awaiting_text.take() {
                    let value = Value::Text {
                        record: offset_of(&record),
                        skip: 0,
                    };
                    cells.push(Cell { value, ..cell });
                }
            }
            FORMULA => match read_formula(&record)? {
                (cell, FormulaResult::Text) => awaiting_text = Some(cell),
                (cell, FormulaResult::Value(value)) => cells.push(Cell { value, ..cell }),
                (_, FormulaResult::Empty) => {}
            },
            _ => cells.extend(read_single(&record)?),
        }
    }
    // The sort is stable, so the last record of a cell stays last and replaces the earlier records.
    cells.sort_by_key(|cell| (cell.row, cell.column));
    Ok(cells)
}

/// Reads a record that contains a single cell.
fn read_single(record: &Record<'_>) -> Result<Option<Cell>, SheetError> {
    let value = match record.kind {
        NUMBER => Value::Number(f64::from_le_bytes(record.bytes(6)?)),
        PACKED => Value::Number(unpack(record.u32(6)?)),
        SHARED_TEXT => Value::Shared(record.u32(6)?),
        LABEL | RICH_LABEL => Value::Text {
            record: offset_of(record),
            skip: LABEL_HEAD_BYTES as u8,
        },
        BOOL_OR_ERROR => match record.bytes(6)? {
            [value, 0] => Value::Bool(value != 0),
            [code, _] => Value::Error(code),
        },
        _ => return Ok(None),
    };
    Ok(Some(Cell {
        value,
        ..read_head(record)?
    }))
}

fn read_head(record: &Record<'_>) -> Result<Cell, SheetError> {
    let (row, column, style) = (record.u16(0)?, record.u16(2)?, record.u16(4)?);
    Ok(Cell {
        row,
        column,
        style,
        value: Value::Bool(false),
    })
}

/// Returns the offset of a record. A stream is much smaller than 4 GiB
/// ([`crate::limit::XLS_BYTES_MAX`]).
fn offset_of(record: &Record<'_>) -> u32 {
    (record.span.start - 4) as u32
}

/// Reads a record with several adjacent numbers: row, first column, a style and a number for each
/// column, last column.
fn read_many_packed(record: &Record<'_>, cells: &mut Vec<Cell>) -> Result<(), SheetError> {
    let (row, first) = (record.u16(0)?, record.u16(2)?);
    let pairs = record
        .data
        .get(4..)
        .unwrap_or_default()
        .chunks_exact(6)
        .count();
    for index in 0..pairs {
        let offset = 4 + index * 6;
        let column = first.saturating_add(index as u16);
        let value = Value::Number(unpack(record.u32(offset + 2)?));
        cells.push(Cell {
            row,
            column,
            style: record.u16(offset)?,
            value,
        });
    }
    Ok(())
}

/// Unpacks a number of 30 bits: an integer or the upper part of a float, optionally stored times
/// 100.
fn unpack(packed: u32) -> f64 {
    let is_integer = packed & 0x02 != 0;
    let value = if is_integer {
        f64::from(packed.cast_signed() >> 2)
    } else {
        f64::from_bits(u64::from(packed & !0x03) << 32)
    };
    if packed & 0x01 != 0 {
        value / 100.0
    } else {
        value
    }
}

/// The result of a formula.
enum FormulaResult {
    Value(Value),
    /// The text is in a later record.
    Text,
    Empty,
}

fn read_formula(record: &Record<'_>) -> Result<(Cell, FormulaResult), SheetError> {
    let bytes: [u8; 8] = record.bytes(6)?;
    let result = match bytes {
        [0, .., 0xFF, 0xFF] => FormulaResult::Text,
        [1, _, value, .., 0xFF, 0xFF] => FormulaResult::Value(Value::Bool(value != 0)),
        [2, _, code, .., 0xFF, 0xFF] => FormulaResult::Value(Value::Error(code)),
        [.., 0xFF, 0xFF] => FormulaResult::Empty,
        number => FormulaResult::Value(Value::Number(f64::from_le_bytes(number))),
    };
    Ok((read_head(record)?, result))
}

/// The rows of one worksheet.
pub(crate) struct Cells<'a> {
    stream: &'a [u8],
    globals: &'a Globals,
    rest: &'a [Cell],
    limits: Limits,
}

impl<'a> Cells<'a> {
    pub(super) fn new(
        stream: &'a [u8],
        globals: &'a Globals,
        cells: &'a [Cell],
        limits: Limits,
    ) -> Self {
        Self {
            stream,
            globals,
            rest: cells,
            limits,
        }
    }

    /// Returns whether any cell is not empty.
    pub(super) fn has_row(mut self) -> Result<bool, SheetError> {
        self.next_row(&mut Row::default())
    }

    pub(crate) fn next_row(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        while let Some(first) = self.rest.first() {
            let count = self.rest.partition_point(|cell| cell.row == first.row);
            let (cells, rest) = self.rest.split_at(count);
            self.rest = rest;
            row.begin(u64::from(first.row) + 1);
            for cell in cells {
                self.write(cell, row)?;
            }
            if row.finish() {
                row::check_number(row.number, &self.limits)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn write(&self, cell: &Cell, row: &mut Row) -> Result<(), SheetError> {
        let mut buffer = String::new();
        let text = match cell.value {
            Value::Shared(number) => {
                let text = self.globals.texts.get(number as usize);
                text.ok_or_else(|| SheetError::damaged("a shared text is missing"))?
            }
            value => {
                self.write_value(cell, value, &mut buffer)?;
                &buffer
            }
        };
        if !text.is_empty() {
            let target = row.cell(cell.column.into(), &self.limits)?;
            target.clear();
            target.push_str(text);
        }
        if matches!(cell.value, Value::Error(_)) {
            row.mark_error(cell.column.into());
        }
        row.check_length(cell.column.into(), &self.limits)
    }

    fn write_value(&self, cell: &Cell, value: Value, text: &mut String) -> Result<(), SheetError> {
        match value {
            Value::Shared(_) => {}
            Value::Number(value) if !value.is_finite() => {
                return Err(SheetError::damaged("a number is not finite"));
            }
            Value::Number(value) => {
                let style = self.globals.styles.get(usize::from(cell.style));
                let style = style.copied().unwrap_or_default();
                let from_1904 = self.globals.from_1904;
                value::write_number(
                    Number {
                        value,
                        style,
                        from_1904,
                    },
                    text,
                );
            }
            Value::Bool(value) => text.push_str(if value { "TRUE" } else { "FALSE" }),
            Value::Error(code) => text.push_str(error_text(code)),
            Value::Text { record, skip } => {
                let mut records = Records::new(self.stream, record as usize);
                let data = records
                    .next()?
                    .data
                    .get(usize::from(skip)..)
                    .unwrap_or_default();
                Pieces::new(data, records.continued()).read_text(text)?;
            }
        }
        Ok(())
    }
}

fn error_text(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => "#NUM!",
        0x2B => "#GETTING_DATA",
        _ => "#N/A",
    }
}
