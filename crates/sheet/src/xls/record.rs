//! The records of the workbook stream: a kind, a length, that many bytes.

use super::Place;
use crate::error::SheetError;

pub(super) const BOF: u16 = 0x0809;
pub(super) const EOF: u16 = 0x000A;
pub(super) const CONTINUE: u16 = 0x003C;

/// Bytes of kind and length.
const HEAD_BYTES: usize = 4;

/// The records of a stream from a place on.
pub(super) struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

/// One record.
pub(super) struct Record<'a> {
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
    /// Where the data stand in the stream.
    pub(super) place: Place,
}

impl<'a> Records<'a> {
    pub(super) fn new(stream: &'a [u8], at: usize) -> Self {
        Self { stream, at }
    }

    /// The next record. A stream that ends without an end record is cut.
    pub(super) fn next(&mut self) -> Result<Record<'a>, SheetError> {
        let record = self.peek()?;
        self.at = record.place.end;
        Ok(record)
    }

    /// The data of the records that continue the last one.
    pub(super) fn continued(&mut self) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while let Ok(record) = self.peek() {
            if record.kind != CONTINUE {
                break;
            }
            self.at = record.place.end;
            pieces.push(record.data);
        }
        pieces
    }

    fn peek(&self) -> Result<Record<'a>, SheetError> {
        let head = self.stream.get(self.at..).unwrap_or_default();
        let head = Bytes(head);
        let (Some(kind), Some(length)) = (head.u16(0), head.u16(2)) else {
            return Err(SheetError::truncated("the records end without an end"));
        };
        let place = self.at + HEAD_BYTES..self.at + HEAD_BYTES + usize::from(length);
        let data = self.stream.get(place.clone());
        let data = data.ok_or_else(|| SheetError::truncated("a record is cut"))?;
        Ok(Record { kind, data, place })
    }
}

impl Record<'_> {
    /// A field of the record; a record that is too short for it is damaged.
    pub(super) fn u16(&self, at: usize) -> Result<u16, SheetError> {
        Bytes(self.data).u16(at).ok_or_else(short)
    }

    pub(super) fn u32(&self, at: usize) -> Result<u32, SheetError> {
        Bytes(self.data).u32(at).ok_or_else(short)
    }

    pub(super) fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], SheetError> {
        Bytes(self.data).array(at).ok_or_else(short)
    }
}

fn short() -> SheetError {
    SheetError::damaged("a record is too short")
}

/// Little-endian numbers in bytes.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }
}
