//! Reads CSV in one pass, with the memory of one row.
//!
//! The dialect is that of Excel: Commas separate cells. A cell that begins with a quote continues
//! up to the closing quote, and a doubled quote inside it is one quote. Text after the closing
//! quote is kept. A quote inside an unquoted cell is text. CRLF, LF and CR end a row. This module
//! does not use a library, because a row must keep the number that Excel shows, including blank
//! lines, and an unclosed quote must be an error instead of hiding the rest of the file.

use std::fs::File;
use std::io::{Read, Seek};

use crate::decode::{Fault, Text};
use crate::error::SheetError;
use crate::limit::Limits;
use crate::row::{self, Row};
use crate::sheet::Encoding;

/// Maximum bytes of a character in UTF-8.
const CHARACTER_BYTES_MAX: usize = 4;

/// The rows of a CSV file.
pub(crate) struct Records<R> {
    text: Text<R>,
    encoding: Encoding,
    limits: Limits,
    /// Offset of the first byte of the text's piece that is not consumed yet.
    consumed: usize,
    /// The last row ended with CR. A following LF is part of the row end.
    after_cr: bool,
    number: u64,
}

/// The state of the parser within a cell.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Unquoted,
    Quoted,
    /// After a quote in a quoted cell: the closing quote, or the first of a doubled quote.
    AfterQuote,
}

/// The cell that is being read.
struct OpenCell {
    column: usize,
    state: State,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(input: R, encoding: Encoding, limits: Limits) -> Self {
        let text = Text::new(input, encoding);
        Self {
            text,
            encoding,
            limits,
            consumed: 0,
            after_cr: false,
            number: 0,
        }
    }

    pub(crate) fn next_row(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        loop {
            self.number += 1;
            row.begin(self.number);
            if !self.read_record(row)? {
                return Ok(false);
            }
            if row.finish() {
                row::check_number(self.number, &self.limits)?;
                return Ok(true);
            }
        }
    }

    /// Reads one record; returns false if the text has ended.
    fn read_record(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        let mut open = OpenCell {
            column: 0,
            state: State::Start,
        };
        let mut has_started = false;
        loop {
            if self.consumed == self.text.piece().len() && !self.refill()? {
                return self.end_of_text(has_started, &open, row);
            }
            if std::mem::take(&mut self.after_cr)
                && self.text.piece().as_bytes()[self.consumed] == b'\n'
            {
                self.consumed += 1;
                continue;
            }
            has_started = true;
            if self.scan(row, &mut open)? {
                return Ok(true);
            }
        }
    }

    fn refill(&mut self) -> Result<bool, SheetError> {
        self.consumed = 0;
        self.text.advance().map_err(|fault| match fault {
            Fault::Encoding => SheetError::Encoding {
                encoding: self.encoding,
                row: self.number,
            },
            Fault::Nul => SheetError::NotASpreadsheet,
            Fault::Io(error) => SheetError::Io(error),
        })
    }

    fn end_of_text(
        &self,
        has_started: bool,
        open: &OpenCell,
        row: &Row,
    ) -> Result<bool, SheetError> {
        if open.state == State::Quoted {
            return Err(SheetError::UnclosedQuote { row: self.number });
        }
        row.check_length(open.column, &self.limits)?;
        Ok(has_started)
    }

    /// Consumes the piece up to the end of the record; returns false if the piece ends before that.
    fn scan(&mut self, row: &mut Row, open: &mut OpenCell) -> Result<bool, SheetError> {
        let piece = self.text.piece();
        while self.consumed < piece.len() {
            let rest = &piece[self.consumed..];
            match open.state {
                State::Quoted => {
                    let run = rest.find('"');
                    append(
                        row,
                        open.column,
                        &rest[..run.unwrap_or(rest.len())],
                        &self.limits,
                    )?;
                    self.consumed += run.map_or(rest.len(), |run| run + 1);
                    if run.is_some() {
                        open.state = State::AfterQuote;
                    }
                }
                State::Start if rest.starts_with('"') => {
                    self.consumed += 1;
                    open.state = State::Quoted;
                }
                State::AfterQuote if rest.starts_with('"') => {
                    append(row, open.column, "\"", &self.limits)?;
                    self.consumed += 1;
                    open.state = State::Quoted;
                }
                State::Start | State::Unquoted | State::AfterQuote => {
                    let end = rest
                        .bytes()
                        .position(|byte| matches!(byte, b',' | b'\r' | b'\n'));
                    let run = end.unwrap_or(rest.len());
                    append(row, open.column, &rest[..run], &self.limits)?;
                    self.consumed += run;
                    open.state = State::Unquoted;
                    if end.is_some() {
                        self.consumed += 1;
                        row.check_length(open.column, &self.limits)?;
                        if rest.as_bytes()[run] != b',' {
                            self.after_cr = rest.as_bytes()[run] == b'\r';
                            return Ok(true);
                        }
                        *open = OpenCell {
                            column: open.column + 1,
                            state: State::Start,
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
    // The cell is certainly too long. Its end can be the end of the file, so reading stops here.
    if cell.len() > limits.cell_characters * CHARACTER_BYTES_MAX {
        row.check_length(column, limits)?;
    }
    Ok(())
}

/// Number of characters of three or more bytes that proves that a file is UTF-8. Byte pairs of
/// Shift_JIS can look like one such character, but rarely like several in succession.
const UTF8_EVIDENCE: usize = 8;

/// Detects the encoding of a file: UTF-8 if the whole file is valid UTF-8, otherwise Shift_JIS if
/// the whole file is valid Shift_JIS. Otherwise returns an error with the first row that is invalid
/// in the likelier encoding. Damaged UTF-8 is often valid Shift_JIS without meaning, so a file that
/// begins as UTF-8 is never read as Shift_JIS.
pub(crate) fn detect_encoding(file: &File, limits: Limits) -> Result<Encoding, SheetError> {
    let Some(utf8) = try_decode(file, Encoding::Utf8)? else {
        return Ok(Encoding::Utf8);
    };
    let mut likelier = Encoding::Utf8;
    if utf8.evidence < UTF8_EVIDENCE {
        let shift_jis = try_decode(file, Encoding::ShiftJis)?;
        let Some(shift_jis) = shift_jis else {
            return Ok(Encoding::ShiftJis);
        };
        if shift_jis.valid_bytes > utf8.valid_bytes {
            likelier = Encoding::ShiftJis;
        }
    }
    let mut records = read_from_start(file, likelier, limits)?;
    let mut row = Row::default();
    while records.next_row(&mut row)? {}
    // Only reached if the file changed after the trial. Reading its rows then returns the error.
    Ok(likelier)
}

/// Returns the rows of a file from the first row on.
pub(crate) fn read_from_start(
    mut file: &File,
    encoding: Encoding,
    limits: Limits,
) -> Result<Records<&File>, SheetError> {
    file.rewind().map_err(SheetError::Io)?;
    Ok(Records::new(file, encoding, limits))
}

/// How far a file is valid in an encoding.
struct Trial {
    valid_bytes: u64,
    /// Characters that indicate UTF-8, counted up to [`UTF8_EVIDENCE`].
    evidence: usize,
}

/// Decodes a file; returns `None` if the whole file is valid in the encoding.
fn try_decode(mut file: &File, encoding: Encoding) -> Result<Option<Trial>, SheetError> {
    file.rewind().map_err(SheetError::Io)?;
    let mut text = Text::new(file, encoding);
    let mut evidence = 0;
    loop {
        match text.advance() {
            Ok(true) => {
                let wide = text
                    .piece()
                    .chars()
                    .filter(|character| character.len_utf8() > 2);
                evidence += wide.take(UTF8_EVIDENCE - evidence).count();
            }
            Ok(false) => return Ok(None),
            Err(Fault::Encoding) => {
                return Ok(Some(Trial {
                    valid_bytes: text.decoded_bytes(),
                    evidence,
                }));
            }
            Err(Fault::Nul) => return Err(SheetError::NotASpreadsheet),
            Err(Fault::Io(error)) => return Err(SheetError::Io(error)),
        }
    }
}
