//! XLS (BIFF8): an OLE container whose workbook stream is a list of records. The stream is held
//! whole; cells refer to it until their row is given.

mod cells;
mod globals;
mod record;
mod text;

use std::io::Read;
use std::ops::Range;

use cells::Cell;
pub(crate) use cells::Cells;
use globals::Globals;

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
    pub(crate) fn open(
        input: impl Read + std::io::Seek,
        limits: Limits,
    ) -> Result<Self, SheetError> {
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
fn workbook_stream(
    input: impl Read + std::io::Seek,
    limits: Limits,
) -> Result<Vec<u8>, SheetError> {
    let mut container = cfb::CompoundFile::open(input).map_err(fault)?;
    if container.is_stream("/EncryptedPackage") {
        return Err(SheetError::Encrypted);
    }
    if !container.is_stream("/Workbook") {
        let is_old = container.is_stream("/Book");
        return Err(if is_old {
            SheetError::OldWorkbook
        } else {
            SheetError::NotASpreadsheet
        });
    }
    let stream = container.open_stream("/Workbook").map_err(fault)?;
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

fn fault(error: std::io::Error) -> SheetError {
    if error.raw_os_error().is_some() {
        return SheetError::Io(error);
    }
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => SheetError::truncated(error),
        _ => SheetError::damaged(error),
    }
}
