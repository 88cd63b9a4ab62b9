//! XLS (BIFF8): an OLE container whose workbook stream is a list of records. The whole stream is in
//! memory, and cells refer to it until their row is read.

mod cells;
mod globals;
mod record;
mod text;

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use cells::Cell;
pub(crate) use cells::Cells;
use globals::Globals;
use record::Bytes;

use crate::error::SheetError;
use crate::limit::Limits;

/// An XLS file: its workbook stream and the records before the sheets.
#[derive(Debug)]
pub(crate) struct Workbook {
    stream: Vec<u8>,
    globals: Globals,
    /// The cells of the first sheet with a row. Loaded before the first row is read.
    cells: Option<Vec<Cell>>,
    limits: Limits,
}

impl Workbook {
    pub(crate) fn open(input: impl Read + Seek, limits: Limits) -> Result<Self, SheetError> {
        let stream = workbook_stream(input, limits)?;
        let globals = Globals::read(&stream)?;
        Ok(Self {
            stream,
            globals,
            cells: None,
            limits,
        })
    }

    pub(crate) fn rows(&mut self) -> Result<Cells<'_>, SheetError> {
        if self.cells.is_none() {
            self.cells = Some(self.load()?);
        }
        let cells = self.cells.as_deref().unwrap_or_default();
        Ok(Cells::new(&self.stream, &self.globals, cells, self.limits))
    }

    fn load(&self) -> Result<Vec<Cell>, SheetError> {
        for offset in &self.globals.sheets {
            let cells = cells::read(&self.stream, *offset)?;
            if Cells::new(&self.stream, &self.globals, &cells, self.limits).has_row()? {
                return Ok(cells);
            }
        }
        Ok(Vec::new())
    }
}

/// The position of bytes in the stream.
type Span = Range<usize>;

/// Reads the workbook stream from its container. An encrypted XLSX file is such a container, too.
fn workbook_stream(mut input: impl Read + Seek, limits: Limits) -> Result<Vec<u8>, SheetError> {
    check_sector_table(&mut input)?;
    let mut container = cfb::CompoundFile::open(input).map_err(fault)?;
    if container.is_stream("/EncryptedPackage") {
        return Err(SheetError::Encrypted);
    }
    // Excel 95 and some writers of the newer format use the second name. The version inside the
    // stream decides.
    let name = ["/Workbook", "/Book"]
        .into_iter()
        .find(|name| container.is_stream(name));
    let name = name.ok_or(SheetError::NotASpreadsheet)?;
    let stream = container.open_stream(name).map_err(fault)?;
    if stream.len() > limits.xls_bytes {
        return Err(SheetError::TooManyBytes {
            max: limits.xls_bytes,
        });
    }
    // Reserves no memory: the length is only a claim of the directory.
    let (claimed, mut bytes) = (stream.len(), Vec::new());
    stream
        .take(limits.xls_bytes)
        .read_to_end(&mut bytes)
        .map_err(fault)?;
    if (bytes.len() as u64) < claimed {
        return Err(SheetError::truncated(
            "the workbook is shorter than its directory says",
        ));
    }
    Ok(bytes)
}

/// Offsets in the header of the sector size (as a power of two) and of the first sector of the list
/// of table sectors.
const SECTOR_SHIFT_OFFSET: usize = 30;
const LIST_OFFSET: usize = 68;
const HEADER_BYTES: usize = 512;

/// Numbers from here on are marks, not sectors.
const SECTOR_MAX: u32 = 0xFFFF_FFFA;

/// Checks that the list of the table sectors is no longer than a file of this size needs. The
/// library reads a table sector each time the list names it, so a file that consists of the list
/// would need a thousand times its size in memory.
fn check_sector_table(input: &mut (impl Read + Seek)) -> Result<(), SheetError> {
    let bytes = input.seek(SeekFrom::End(0)).map_err(fault)?;
    input.rewind().map_err(fault)?;
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header).map_err(fault)?;
    let header = Bytes(&header);
    let sector_bytes = match header.u16(SECTOR_SHIFT_OFFSET) {
        Some(9) => 512,
        Some(12) => 4_096,
        _ => {
            return Err(SheetError::damaged(
                "the container has an unknown sector size",
            ));
        }
    };
    // A table sector has one entry for each sector of the file, and a list sector has one entry for
    // each table sector.
    let entries = sector_bytes / 4;
    let length_max = bytes / sector_bytes / entries / (entries - 1) + 1;
    let mut sector = header.u32(LIST_OFFSET).unwrap_or(SECTOR_MAX);
    let mut length = 0;
    while sector < SECTOR_MAX {
        length += 1;
        if length > length_max {
            return Err(SheetError::damaged(
                "the container has more table sectors than its size needs",
            ));
        }
        let last_entry = (u64::from(sector) + 2) * sector_bytes - 4;
        let mut next = [0; 4];
        input.seek(SeekFrom::Start(last_entry)).map_err(fault)?;
        input.read_exact(&mut next).map_err(fault)?;
        sector = u32::from_le_bytes(next);
    }
    input.rewind().map_err(fault)?;
    Ok(())
}

fn fault(error: std::io::Error) -> SheetError {
    if error.raw_os_error().is_some() {
        return SheetError::Io(error);
    }
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => SheetError::truncated(error),
        _ => SheetError::damaged(error),
    }
}
