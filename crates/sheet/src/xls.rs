//! XLS (BIFF8): an OLE container whose workbook stream is a list of records. The stream is held
//! whole; cells refer to it until their row is given.

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

/// An XLS file: its workbook stream and what stands at its beginning.
#[derive(Debug)]
pub(crate) struct Workbook {
    stream: Vec<u8>,
    globals: Globals,
    /// The cells of the first sheet that has any, found when the first row is asked for.
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
        for at in &self.globals.sheets {
            let cells = cells::read(&self.stream, *at)?;
            if Cells::new(&self.stream, &self.globals, &cells, self.limits).has_row()? {
                return Ok(cells);
            }
        }
        Ok(Vec::new())
    }
}

/// Where bytes of the stream stand.
type Place = Range<usize>;

/// Takes the workbook stream out of its container. An encrypted XLSX is such a container too.
fn workbook_stream(mut input: impl Read + Seek, limits: Limits) -> Result<Vec<u8>, SheetError> {
    check_table(&mut input)?;
    let mut container = cfb::CompoundFile::open(input).map_err(fault)?;
    if container.is_stream("/EncryptedPackage") {
        return Err(SheetError::Encrypted);
    }
    // Excel 95 wrote the second name, and some writers of the newer format do: the version that
    // stands within decides.
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
    // Nothing is reserved: the length is what the directory claims.
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

/// Where the header says the power of two of a sector's size, and the first sector of the list.
const SECTOR_SHIFT_AT: usize = 30;
const LIST_AT: usize = 68;
const HEADER_BYTES: usize = 512;

/// Numbers above this are marks and no sectors.
const SECTOR_MAX: u32 = 0xFFFF_FFFA;

/// Holds the list of the sectors in which the container's table stands to the length that a file
/// of this size can need. The library reads the table as often as the list names its sectors: a
/// file that is all list would take a thousand times its size.
fn check_table(input: &mut (impl Read + Seek)) -> Result<(), SheetError> {
    let bytes = input.seek(SeekFrom::End(0)).map_err(fault)?;
    input.rewind().map_err(fault)?;
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header).map_err(fault)?;
    let header = Bytes(&header);
    let sector_bytes = match header.u16(SECTOR_SHIFT_AT) {
        Some(9) => 512,
        Some(12) => 4_096,
        _ => return Err(SheetError::damaged("a container of unknown sectors")),
    };
    // A sector of the table has an entry a sector of the file, one of the list one of the table.
    let entries = sector_bytes / 4;
    let longest = bytes / sector_bytes / entries / (entries - 1) + 1;
    let mut sector = header.u32(LIST_AT).unwrap_or(SECTOR_MAX);
    let mut length = 0;
    while sector < SECTOR_MAX {
        length += 1;
        if length > longest {
            return Err(SheetError::damaged(
                "a container with more table than content",
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
