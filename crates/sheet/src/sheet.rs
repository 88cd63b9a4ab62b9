//! Opens a stored file as a sheet and reads its rows.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use crate::delimited::{self, Records};
use crate::error::SheetError;
use crate::limit::Limits;
use crate::row::Row;
use crate::{xls, xlsx};

/// The supported formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// A workbook of Excel 2007 or later.
    Xlsx,
    /// A workbook of Excel 97 to 2003 (BIFF8).
    Xls,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
            Self::Xls => "XLS",
        })
    }
}

/// The encodings of CSV files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// Shift_JIS as Windows writes it (CP932, with ① and 髙).
    ShiftJis,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::ShiftJis => "Shift_JIS",
        })
    }
}

/// A stored file, opened as a sheet.
#[derive(Debug)]
pub struct Sheet {
    content: Content,
    limits: Limits,
}

#[derive(Debug)]
enum Content {
    Csv { file: File, encoding: Encoding },
    Xlsx(Box<xlsx::Workbook>),
    Xls(Box<xls::Workbook>),
}

impl Sheet {
    /// Opens a stored file. Detects the format and the encoding from the bytes if they are `None`.
    ///
    /// Performs only cheap checks: of the first bytes, of the container, and of the unpacked size
    /// that it claims. A CSV file without an encoding is decoded once to detect the encoding. A
    /// given encoding is checked only when the rows are read. For a workbook, the encoding is
    /// ignored.
    pub fn open(
        path: &Path,
        format: Option<Format>,
        encoding: Option<Encoding>,
    ) -> Result<Self, SheetError> {
        Self::open_within(path, format, encoding, Limits::default())
    }

    /// As [`open`](Self::open), for an open file that can be read, from its start.
    pub fn of(
        mut file: File,
        format: Option<Format>,
        encoding: Option<Encoding>,
    ) -> Result<Self, SheetError> {
        file.rewind().map_err(SheetError::Io)?;
        Self::within(file, format, encoding, Limits::default())
    }

    pub(crate) fn open_within(
        path: &Path,
        format: Option<Format>,
        encoding: Option<Encoding>,
        limits: Limits,
    ) -> Result<Self, SheetError> {
        let file = File::open(path).map_err(SheetError::Io)?;
        Self::within(file, format, encoding, limits)
    }

    fn within(
        mut file: File,
        format: Option<Format>,
        encoding: Option<Encoding>,
        limits: Limits,
    ) -> Result<Self, SheetError> {
        let start = read_start(&mut file)?;
        let content = match kind_of(&start) {
            Kind::Text => {
                check_format(Format::Csv, format)?;
                let encoding = match encoding {
                    Some(encoding) => encoding,
                    None => delimited::detect_encoding(&file, limits)?,
                };
                Content::Csv { file, encoding }
            }
            Kind::Zip => {
                let workbook = xlsx::Workbook::open(BufReader::new(file), limits)?;
                check_format(Format::Xlsx, format)?;
                Content::Xlsx(Box::new(workbook))
            }
            Kind::Ole => {
                let workbook = xls::Workbook::open(BufReader::new(file), limits)?;
                check_format(Format::Xls, format)?;
                Content::Xls(Box::new(workbook))
            }
            Kind::Utf16 => return Err(SheetError::Utf16),
            Kind::Other => return Err(SheetError::NotASpreadsheet),
        };
        Ok(Self { content, limits })
    }

    /// Returns the given or detected format.
    pub fn format(&self) -> Format {
        match self.content {
            Content::Csv { .. } => Format::Csv,
            Content::Xlsx(_) => Format::Xlsx,
            Content::Xls(_) => Format::Xls,
        }
    }

    /// Returns the given or detected encoding; `None` for a workbook.
    pub fn encoding(&self) -> Option<Encoding> {
        match self.content {
            Content::Csv { encoding, .. } => Some(encoding),
            Content::Xlsx(_) | Content::Xls(_) => None,
        }
    }

    /// Returns all rows from the first row on, including the header. Can be called again for
    /// another pass.
    pub fn rows(&mut self) -> Result<Rows<'_>, SheetError> {
        Ok(Rows(match &mut self.content {
            Content::Csv { file, encoding } => {
                Source::Csv(delimited::read_from_start(file, *encoding, self.limits)?)
            }
            Content::Xlsx(workbook) => Source::Xlsx(workbook.rows()?),
            Content::Xls(workbook) => Source::Xls(workbook.rows()?),
        }))
    }
}

/// The rows of a sheet.
pub struct Rows<'a>(Source<'a>);

enum Source<'a> {
    Csv(Records<&'a File>),
    /// `None` if no sheet of the workbook has a row.
    Xlsx(Option<Box<xlsx::Cells<'a>>>),
    Xls(xls::Cells<'a>),
}

impl Rows<'_> {
    /// Reads the next row that is not blank into `row`, which keeps its memory. Returns false at
    /// the end. Do not call this again after an error.
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        match &mut self.0 {
            Source::Csv(records) => records.next_row(row),
            Source::Xlsx(None) => Ok(false),
            Source::Xlsx(Some(cells)) => cells.next_row(row),
            Source::Xls(cells) => cells.next_row(row),
        }
    }
}

/// The kind of a file, by its first bytes.
#[derive(Debug, PartialEq)]
enum Kind {
    Text,
    Zip,
    Ole,
    Utf16,
    Other,
}

/// The number of first bytes from which the kind is detected.
const START_BYTES: u64 = 512;

/// First characters of web pages and documents that are saved under the name of a spreadsheet. Some
/// web applications export their tables like this.
const MARKUP: [&str; 5] = ["<!doctype", "<html", "<table", "<?xml", "%pdf-"];

fn read_start(file: &mut File) -> Result<Vec<u8>, SheetError> {
    let mut start = Vec::new();
    file.take(START_BYTES)
        .read_to_end(&mut start)
        .map_err(SheetError::Io)?;
    file.rewind().map_err(SheetError::Io)?;
    Ok(start)
}

fn kind_of(start: &[u8]) -> Kind {
    if start.starts_with(b"PK\x03\x04") {
        return Kind::Zip;
    }
    if start.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Kind::Ole;
    }
    if start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") {
        return Kind::Utf16;
    }
    let text = String::from_utf8_lossy(start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start));
    let text = text.trim_start().to_ascii_lowercase();
    if start.contains(&0) || MARKUP.iter().any(|prefix| text.starts_with(prefix)) {
        return Kind::Other;
    }
    Kind::Text
}

fn check_format(found: Format, named: Option<Format>) -> Result<(), SheetError> {
    match named {
        Some(named) if named != found => match found {
            // `Csv` means any bytes that are not another kind, so the message cannot name CSV.
            Format::Csv => Err(SheetError::NotASpreadsheet),
            Format::Xlsx | Format::Xls => Err(SheetError::OtherFormat { named, found }),
        },
        _ => Ok(()),
    }
}
