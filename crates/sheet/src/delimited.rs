//! CSV: text to rows, in one pass and with the memory of one row.
//!
//! The dialect is that of Excel: commas; a cell that begins with a quote goes on to the quote that
//! closes it, a doubled quote within is one; text after the closing quote is kept; a quote within
//! a bare cell is text; CRLF, LF and CR end a row. Read here and not by a library, because a row
//! must keep the number that Excel shows, blank lines counted, and a quote that is never closed
//! must not swallow the rest of the file unseen.

use std::fs::File;
use std::io::{Read, Seek};

use crate::decode::{Fault, Text};
use crate::error::SheetError;
use crate::limit::Limits;
use crate::row::{self, Row};
use crate::sheet::Encoding;

/// The most bytes of a character, in UTF-8.
const CHARACTER_BYTES_MAX: usize = 4;

/// The rows of a CSV file.
pub(crate) struct Records<R> {
    text: Text<R>,
    encoding: Encoding,
    limits: Limits,
    /// How much of the text's piece has been taken.
    taken: usize,
    /// The last row ended with CR: an LF that follows belongs to it.
    after_return: bool,
    number: u64,
}

/// Where in a cell the text stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Start,
    Bare,
    Quoted,
    /// After a quote within a quoted cell: the one that closes it, or the first of two.
    Closed,
}

/// The cell that is being read.
struct Open {
    column: usize,
    place: Place,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(input: R, encoding: Encoding, limits: Limits) -> Self {
        let text = Text::new(input, encoding);
        Self {
            text,
            encoding,
            limits,
            taken: 0,
            after_return: false,
            number: 0,
        }
    }

    pub(crate) fn next_row(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        loop {
            self.number += 1;
            row.begin(self.number);
            if !self.record(row)? {
                return Ok(false);
            }
            if row.finish() {
                row::check_number(self.number, &self.limits)?;
                return Ok(true);
            }
        }
    }

    /// Reads one record; false if the text has ended.
    fn record(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        let mut open = Open {
            column: 0,
            place: Place::Start,
        };
        let mut begun = false;
        loop {
            if self.taken == self.text.piece().len() && !self.refill()? {
                return self.end_of_text(begun, &open, row);
            }
            if std::mem::take(&mut self.after_return)
                && self.text.piece().as_bytes()[self.taken] == b'\n'
            {
                self.taken += 1;
                continue;
            }
            begun = true;
            if self.scan(row, &mut open)? {
                return Ok(true);
            }
        }
    }

    fn refill(&mut self) -> Result<bool, SheetError> {
        self.taken = 0;
        self.text.advance().map_err(|fault| match fault {
            Fault::Encoding => SheetError::Encoding {
                encoding: self.encoding,
                row: self.number,
            },
            Fault::Nul => SheetError::NotASpreadsheet,
            Fault::Io(error) => SheetError::Io(error),
        })
    }

    fn end_of_text(&self, begun: bool, open: &Open, row: &Row) -> Result<bool, SheetError> {
        if open.place == Place::Quoted {
            return Err(SheetError::UnclosedQuote { row: self.number });
        }
        row.check_length(open.column, &self.limits)?;
        Ok(begun)
    }

    /// Takes the piece up to the end of the record; false if the piece ends first.
    fn scan(&mut self, row: &mut Row, open: &mut Open) -> Result<bool, SheetError> {
        let piece = self.text.piece();
        while self.taken < piece.len() {
            let rest = &piece[self.taken..];
            match open.place {
                Place::Quoted => {
                    let run = rest.find('"');
                    append(
                        row,
                        open.column,
                        &rest[..run.unwrap_or(rest.len())],
                        &self.limits,
                    )?;
                    self.taken += run.map_or(rest.len(), |run| run + 1);
                    if run.is_some() {
                        open.place = Place::Closed;
                    }
                }
                Place::Start if rest.starts_with('"') => {
                    self.taken += 1;
                    open.place = Place::Quoted;
                }
                Place::Closed if rest.starts_with('"') => {
                    append(row, open.column, "\"", &self.limits)?;
                    self.taken += 1;
                    open.place = Place::Quoted;
                }
                Place::Start | Place::Bare | Place::Closed => {
                    let end = rest
                        .bytes()
                        .position(|byte| matches!(byte, b',' | b'\r' | b'\n'));
                    let run = end.unwrap_or(rest.len());
                    append(row, open.column, &rest[..run], &self.limits)?;
                    self.taken += run;
                    open.place = Place::Bare;
                    if end.is_some() {
                        self.taken += 1;
                        row.check_length(open.column, &self.limits)?;
                        if rest.as_bytes()[run] != b',' {
                            self.after_return = rest.as_bytes()[run] == b'\r';
                            return Ok(true);
                        }
                        *open = Open {
                            column: open.column + 1,
                            place: Place::Start,
                        };
                    }
                }
            }
        }
        Ok(false)
    }
}

fn append(row: &mut Row, column: usize, text: &str, limits: &Limits) -> Result<(), SheetError> {
    if text.is_empty() {
        return Ok(());
    }
    let cell = row.cell(column, limits)?;
    cell.push_str(text);
    // Too long for certain: it is not read on to its end, which may be that of the file.
    if cell.len() > limits.cell_characters * CHARACTER_BYTES_MAX {
        row.check_length(column, limits)?;
    }
    Ok(())
}

/// The encoding of a file that does not say: UTF-8 if all of it is, else Shift_JIS if all of it
/// is, else an error that names the first row which the better of the two cannot read.
pub(crate) fn detect(file: &File, limits: Limits) -> Result<Encoding, SheetError> {
    let utf8 = decodable_bytes(file, Encoding::Utf8)?;
    let Some(utf8) = utf8 else {
        return Ok(Encoding::Utf8);
    };
    let shift_jis = decodable_bytes(file, Encoding::ShiftJis)?;
    let Some(shift_jis) = shift_jis else {
        return Ok(Encoding::ShiftJis);
    };
    let better = if utf8 >= shift_jis {
        Encoding::Utf8
    } else {
        Encoding::ShiftJis
    };
    let mut records = rewound(file, better, limits)?;
    let mut row = Row::default();
    while records.next_row(&mut row)? {}
    // The same bytes were not decodable a moment ago: the file has changed meanwhile.
    Ok(better)
}

/// The rows of a file from its first.
pub(crate) fn rewound(
    mut file: &File,
    encoding: Encoding,
    limits: Limits,
) -> Result<Records<&File>, SheetError> {
    file.rewind().map_err(SheetError::Io)?;
    Ok(Records::new(file, encoding, limits))
}

/// How many bytes of the file are of the encoding; `None` if all are.
fn decodable_bytes(mut file: &File, encoding: Encoding) -> Result<Option<u64>, SheetError> {
    file.rewind().map_err(SheetError::Io)?;
    let mut text = Text::new(file, encoding);
    loop {
        match text.advance() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(Fault::Encoding) => return Ok(Some(text.decoded_bytes())),
            Err(Fault::Nul) => return Err(SheetError::NotASpreadsheet),
            Err(Fault::Io(error)) => return Err(SheetError::Io(error)),
        }
    }
}
