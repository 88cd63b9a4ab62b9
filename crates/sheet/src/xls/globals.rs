//! The records at the beginning of the workbook stream: sheets, styles, shared texts.

use std::collections::HashMap;

use super::record::{self, Record, Records};
use super::text::Pieces;
use crate::error::SheetError;
use crate::limit::SHEETS_MAX;
use crate::value::Style;

const FILE_PASS: u16 = 0x002F;
const DATE_MODE: u16 = 0x0022;
const FORMAT: u16 = 0x041E;
const EXTENDED_FORMAT: u16 = 0x00E0;
const BOUND_SHEET: u16 = 0x0085;
const SHARED_TEXTS: u16 = 0x00FC;

/// The version of Excel 97 to 2003.
const BIFF8: u16 = 0x0600;

/// The first part of the workbook stream.
#[derive(Debug, Default)]
pub(super) struct Globals {
    /// Offsets of the visible worksheets in the stream, in the order of their tabs.
    pub(super) sheets: Vec<usize>,
    pub(super) styles: Vec<Style>,
    pub(super) texts: Vec<String>,
    pub(super) from_1904: bool,
}

impl Globals {
    pub(super) fn read(stream: &[u8]) -> Result<Self, SheetError> {
        let mut records = Records::new(stream, 0);
        let first = records.next()?;
        if first.kind != record::BOF || first.u16(0)? != BIFF8 {
            return Err(SheetError::OldWorkbook);
        }
        let mut globals = Self::default();
        let mut formats = HashMap::new();
        loop {
            let record = records.next()?;
            match record.kind {
                record::EOF => return Ok(globals),
                FILE_PASS => return Err(SheetError::Encrypted),
                DATE_MODE => globals.from_1904 = record.u16(0)? == 1,
                FORMAT => {
                    let mut code = String::new();
                    let text = record.data.get(2..).unwrap_or_default();
                    Pieces::new(text, records.continued()).read_text(&mut code)?;
                    formats.insert(record.u16(0)?, Style::of_code(&code));
                }
                EXTENDED_FORMAT => {
                    let id = record.u16(2)?;
                    let style = formats.get(&id).copied();
                    globals
                        .styles
                        .push(style.unwrap_or_else(|| Style::built_in(id.into())));
                }
                BOUND_SHEET => {
                    globals.sheets.extend(worksheet(&record)?);
                    if globals.sheets.len() > SHEETS_MAX {
                        return Err(SheetError::damaged("the workbook has too many sheets"));
                    }
                }
                SHARED_TEXTS => globals.texts = texts(&record, records.continued())?,
                _ => {}
            }
        }
    }
}

/// Returns the offset of a sheet if it is a visible worksheet.
fn worksheet(record: &Record<'_>) -> Result<Option<usize>, SheetError> {
    let [state, kind] = record.bytes(4)?;
    let is_visible = state & 0x03 == 0;
    let is_worksheet = kind == 0;
    let offset = record.u32(0)? as usize;
    Ok((is_visible && is_worksheet).then_some(offset))
}

/// Reads the shared texts, at most the claimed number. Stops at the end of the bytes.
fn texts(record: &Record<'_>, continued: Vec<&[u8]>) -> Result<Vec<String>, SheetError> {
    let claimed = record.u32(4)?;
    let mut pieces = Pieces::new(record.data.get(8..).unwrap_or_default(), continued);
    let mut texts = Vec::new();
    while texts.len() < claimed as usize && !pieces.is_empty() {
        let mut text = String::new();
        pieces.read_text(&mut text)?;
        texts.push(text);
    }
    Ok(texts)
}
