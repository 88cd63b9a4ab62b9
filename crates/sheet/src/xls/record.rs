//! The records of the workbook stream. A record is a kind, a length, and as many bytes of data.

use super::Span;
use crate::error::SheetError;

pub(super) const BOF: u16 = 0x0809;
pub(super) const EOF: u16 = 0x000A;
pub(super) const CONTINUE: u16 = 0x003C;

/// Bytes of the kind and the length.
const HEAD_BYTES: usize = 4;

/// The records of a stream from an offset on.
pub(super) struct Records<'a> {
    stream: &'a [u8],
    offset: usize,
}

/// A record.
pub(super) struct Record<'a> {
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
    /// The position of the data in the stream.
    pub(super) span: Span,
}

impl<'a> Records<'a> {
    pub(super) fn new(stream: &'a [u8], offset: usize) -> Self {
        Self { stream, offset }
    }

    /// Returns the next record. A stream without an end record is truncated.
    pub(super) fn next(&mut self) -> Result<Record<'a>, SheetError> {
        let record = self.peek()?;
        self.offset = record.span.end;
        Ok(record)
    }

    /// Returns the data of the records that continue the last record.
    pub(super) fn continued(&mut self) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while let Ok(record) = self.peek() {
            if record.kind != CONTINUE {
                break;
            }
            self.offset = record.span.end;
            pieces.push(record.data);
        }
        pieces
    }

    fn peek(&self) -> Result<Record<'a>, SheetError> {
        let head = self.stream.get(self.offset..).unwrap_or_default();
        let head = Bytes(head);
        let (Some(kind), Some(length)) = (head.u16(0), head.u16(2)) else {
            return Err(SheetError::truncated("the stream has no end record"));
        };
        let span = self.offset + HEAD_BYTES..self.offset + HEAD_BYTES + usize::from(length);
        let data = self.stream.get(span.clone());
        let data = data.ok_or_else(|| SheetError::truncated("a record is truncated"))?;
        Ok(Record { kind, data, span })
    }
}

impl Record<'_> {
    /// Reads a field of the record. Fails if the record is too short.
    pub(super) fn u16(&self, offset: usize) -> Result<u16, SheetError> {
        Bytes(self.data).u16(offset).ok_or_else(short)
    }

    pub(super) fn u32(&self, offset: usize) -> Result<u32, SheetError> {
        Bytes(self.data).u32(offset).ok_or_else(short)
    }

    pub(super) fn bytes<const N: usize>(&self, offset: usize) -> Result<[u8; N], SheetError> {
        Bytes(self.data).array(offset).ok_or_else(short)
    }
}

fn short() -> SheetError {
    SheetError::damaged("a record is too short")
}

/// Reads little-endian numbers from bytes.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) fn u16(&self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.0.get(offset..)?.first_chunk().copied()
    }
}
