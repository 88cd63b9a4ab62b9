//! Reads the cells of a worksheet row by row, in the order of the part.

use super::markup::{BytesStart, Event, Markup, attribute};
use super::{Shared, shared};
use crate::error::SheetError;
use crate::row::{self, Row};
use crate::value::{self, Number, Style};

/// The rows of one worksheet.
pub(crate) struct Cells<'a> {
    markup: Markup<'a>,
    shared: &'a Shared,
    /// The number of the last row that was read.
    number: u64,
    ended: bool,
    value: String,
}

/// The attributes of a cell.
struct Head {
    column: usize,
    kind: Kind,
    style: Style,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    SharedText,
    Bool,
    Error,
    /// A text or an ISO date, which is used unchanged.
    Verbatim,
}

/// Maximum bytes of a character in UTF-8.
const CHARACTER_BYTES_MAX: usize = 4;

impl<'a> Cells<'a> {
    pub(super) fn open(mut markup: Markup<'a>, shared: &'a Shared) -> Result<Self, SheetError> {
        loop {
            match markup.next()? {
                Some(Event::Start(element)) if element.local_name().as_ref() == "sheetData" => {
                    return Ok(Self {
                        markup,
                        shared,
                        number: 0,
                        ended: false,
                        value: String::new(),
                    });
                }
                Some(_) => {}
                None => return Err(SheetError::damaged("a worksheet has no `sheetData`")),
            }
        }
    }

    pub(super) fn has_row(mut self) -> Result<bool, SheetError> {
        self.next_row(&mut Row::default())
    }

    pub(crate) fn next_row(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        let last = self.number;
        self.read_row(row).map_err(|error| {
            self.ended = true;
            error.after_row(last)
        })
    }

    fn read_row(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        while !self.ended {
            let number = match self.markup.next()? {
                Some(Event::Start(element)) if element.local_name().as_ref() == "row" => {
                    row_number(&element, self.number)?
                }
                // `read_cells` consumes the end of a row, so this is the end of `sheetData`.
                Some(Event::End(_)) => {
                    self.ended = true;
                    break;
                }
                Some(Event::Start(_)) => {
                    self.markup.skip()?;
                    continue;
                }
                Some(_) => continue,
                None => return Err(SheetError::truncated("a worksheet ends inside `sheetData`")),
            };
            self.number = number;
            row.begin(number);
            self.read_cells(row)?;
            if row.finish() {
                row::check_number(number, &self.shared.limits)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_cells(&mut self, row: &mut Row) -> Result<(), SheetError> {
        let mut next_column = 0;
        loop {
            let event = self.markup.next()?;
            match event.ok_or_else(|| SheetError::truncated("a row has no end"))? {
                Event::Start(element) if element.local_name().as_ref() == "c" => {
                    let head = read_head(&element, next_column, self.shared)?;
                    next_column = head.column + 1;
                    self.read_cell(&head, row)?;
                }
                Event::Start(_) => self.markup.skip()?,
                Event::End(_) => return Ok(()),
                _ => {}
            }
        }
    }

    fn read_cell(&mut self, head: &Head, row: &mut Row) -> Result<(), SheetError> {
        enum Content {
            Value,
            Inline,
        }
        let limits = &self.shared.limits;
        let bytes_max = limits.cell_characters * CHARACTER_BYTES_MAX;
        loop {
            self.value.clear();
            let event = self.markup.next()?;
            let content = match event.ok_or_else(|| SheetError::truncated("a cell has no end"))? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => Some(Content::Value),
                    "is" => Some(Content::Inline),
                    // For example, a formula.
                    _ => None,
                },
                Event::End(_) => return Ok(()),
                _ => continue,
            };
            match content {
                None => self.markup.skip()?,
                Some(Content::Inline) => {
                    shared::read_item(&mut self.markup, &mut self.value, bytes_max)?;
                    self.write_text(head.column, row)?;
                }
                Some(Content::Value) => {
                    self.markup.read_text(&mut self.value, bytes_max)?;
                    self.write_value(head, row)?;
                }
            }
        }
    }

    /// Writes `self.value` in the form of its kind.
    fn write_value(&mut self, head: &Head, row: &mut Row) -> Result<(), SheetError> {
        let limits = &self.shared.limits;
        let value = self.value.as_str();
        match head.kind {
            _ if value.is_empty() => Ok(()),
            Kind::Verbatim => {
                shared::unescape(&mut self.value, 0);
                self.write_text(head.column, row)
            }
            Kind::Error => {
                self.write_text(head.column, row)?;
                row.mark_error(head.column);
                Ok(())
            }
            Kind::SharedText => {
                let text = value
                    .trim()
                    .parse()
                    .ok()
                    .and_then(|at| self.shared.texts.get(at));
                let text = text.ok_or_else(|| SheetError::damaged("a shared text is missing"))?;
                if !text.is_empty() {
                    let cell = row.cell(head.column, limits)?;
                    cell.clear();
                    cell.push_str(text);
                }
                row.check_length(head.column, limits)
            }
            Kind::Bool => {
                let cell = row.cell(head.column, limits)?;
                cell.clear();
                cell.push_str(if matches!(value.trim(), "1" | "true") {
                    "TRUE"
                } else {
                    "FALSE"
                });
                Ok(())
            }
            Kind::Number => {
                let value = parse_number(value.trim())?;
                let from_1904 = self.shared.from_1904;
                let cell = row.cell(head.column, limits)?;
                cell.clear();
                value::write_number(
                    Number {
                        value,
                        style: head.style,
                        from_1904,
                    },
                    cell,
                );
                Ok(())
            }
        }
    }

    /// Writes `self.value` as it is.
    fn write_text(&mut self, column: usize, row: &mut Row) -> Result<(), SheetError> {
        if self.value.is_empty() {
            return Ok(());
        }
        let cell = row.cell(column, &self.shared.limits)?;
        std::mem::swap(cell, &mut self.value);
        row.check_length(column, &self.shared.limits)
    }
}

/// Returns the number of a row: its attribute, or the last number plus one. Rows must be in
/// ascending order.
fn row_number(element: &BytesStart<'_>, last: u64) -> Result<u64, SheetError> {
    let Some(number) = attribute(element, "r")? else {
        return Ok(last + 1);
    };
    let number = number
        .parse()
        .ok()
        .filter(|number| *number > last && *number < u64::MAX);
    number.ok_or_else(|| SheetError::damaged("the rows are not in order"))
}

fn read_head(element: &BytesStart<'_>, next: usize, shared: &Shared) -> Result<Head, SheetError> {
    let mut head = Head {
        column: next,
        kind: Kind::Number,
        style: Style::Number,
    };
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(SheetError::damaged)?;
        let value = attribute.value.as_ref();
        match attribute.key.as_ref() {
            "r" => head.column = column_of(value)?,
            "s" => {
                let style = value
                    .parse()
                    .ok()
                    .and_then(|at: usize| shared.styles.get(at));
                head.style = style.copied().unwrap_or_default();
            }
            "t" => {
                head.kind = match value {
                    "n" => Kind::Number,
                    "s" => Kind::SharedText,
                    "b" => Kind::Bool,
                    "e" => Kind::Error,
                    _ => Kind::Verbatim,
                };
            }
            _ => {}
        }
    }
    Ok(head)
}

/// Maximum letters of a column. Excel's last column is XFD.
const COLUMN_LETTERS_MAX: usize = 3;

/// Returns the column of a reference such as `AB12`, counted from 0.
fn column_of(reference: &str) -> Result<usize, SheetError> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let (mut column, mut count) = (0, 0);
    for letter in letters.take(COLUMN_LETTERS_MAX + 1) {
        column = column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
        count += 1;
    }
    if !(1..=COLUMN_LETTERS_MAX).contains(&count) {
        return Err(SheetError::damaged("a cell reference is invalid"));
    }
    Ok(column - 1)
}

fn parse_number(text: &str) -> Result<f64, SheetError> {
    // Rust also parses words such as `inf` as numbers.
    let has_no_words = !text
        .bytes()
        .any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E'));
    let number = text
        .parse()
        .ok()
        .filter(|number: &f64| has_no_words && number.is_finite());
    number.ok_or_else(|| SheetError::damaged("a number is invalid"))
}
