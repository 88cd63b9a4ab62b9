//! Bytes to rows.
#![allow(missing_docs)]
use std::path::Path;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format { Csv, Xlsx, Xls }
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding { Utf8, ShiftJis }
#[derive(Clone, Debug, Default)]
pub struct Row { pub number: u64, pub cells: Vec<String> }
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    #[error("not a spreadsheet")] NotASpreadsheet,
    #[error("io")] Io(#[source] std::io::Error),
    #[error("encoding")] Encoding { encoding: Encoding, row: u64 },
}
pub struct Sheet { file: std::fs::File, encoding: Encoding }
pub struct Rows<'s> { reader: csv::Reader<std::fs::File>, record: csv::ByteRecord, number: u64, _s: std::marker::PhantomData<&'s Sheet> }
impl Sheet {
    pub fn open(path: &Path, _f: Option<Format>, e: Option<Encoding>) -> Result<Self, SheetError> { Ok(Self { file: std::fs::File::open(path).map_err(SheetError::Io)?, encoding: e.unwrap_or(Encoding::Utf8) }) }
    pub fn format(&self) -> Format { Format::Csv }
    pub fn encoding(&self) -> Option<Encoding> { Some(self.encoding) }
    pub fn rows(&mut self) -> Result<Rows<'_>, SheetError> {
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader({use std::io::Seek; let mut f = self.file.try_clone().map_err(SheetError::Io)?; f.rewind().map_err(SheetError::Io)?; f});
        Ok(Rows { reader, record: csv::ByteRecord::new(), number: 0, _s: std::marker::PhantomData })
    }
}
impl Rows<'_> {
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        if !self.reader.read_byte_record(&mut self.record).map_err(|_| SheetError::NotASpreadsheet)? { return Ok(false); }
        self.number += 1;
        row.number = self.number;
        row.cells.clear();
        for cell in &self.record {
            let cell = std::str::from_utf8(cell).map_err(|_| SheetError::Encoding { encoding: Encoding::Utf8, row: self.number })?;
            row.cells.push(cell.trim_start_matches('\u{feff}').to_owned());
        }
        Ok(true)
    }
}
