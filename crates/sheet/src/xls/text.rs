//! Texts of the workbook stream: UTF-16, or only the lower bytes of UTF-16.

use super::record::Bytes;
use crate::error::SheetError;

/// The bytes of a record and of the records that continue it.
pub(super) struct Pieces<'a> {
    current: &'a [u8],
    next: std::vec::IntoIter<&'a [u8]>,
}

/// The flags before the characters of a text.
const WIDE: u8 = 0x01;
const HAS_EXTENSION: u8 = 0x04;
const HAS_RUNS: u8 = 0x08;

/// Bytes of a formatting run.
const RUN_BYTES: usize = 4;

impl<'a> Pieces<'a> {
    pub(super) fn new(first: &'a [u8], continued: Vec<&'a [u8]>) -> Self {
        Self {
            current: first,
            next: continued.into_iter(),
        }
    }

    /// Returns whether no bytes are left. Moves to the next piece that has bytes.
    pub(super) fn is_empty(&mut self) -> bool {
        while self.current.is_empty() {
            match self.next.next() {
                Some(piece) => self.current = piece,
                None => return true,
            }
        }
        false
    }

    /// Consumes `N` bytes, which can span pieces.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SheetError> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            if self.is_empty() {
                return Err(truncated());
            }
            *byte = self.current[0];
            self.current = &self.current[1..];
        }
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, mut bytes: usize) -> Result<(), SheetError> {
        while bytes > 0 {
            if self.is_empty() {
                return Err(truncated());
            }
            let skipped = bytes.min(self.current.len());
            self.current = &self.current[skipped..];
            bytes -= skipped;
        }
        Ok(())
    }

    /// Reads a text and appends it to `text`. A text is a length in characters, flags, the
    /// characters, and formatting.
    pub(super) fn read_text(&mut self, text: &mut String) -> Result<(), SheetError> {
        let characters = usize::from(u16::from_le_bytes(self.take()?));
        let [flags] = self.take()?;
        let mut formatting_bytes = 0;
        if flags & HAS_RUNS != 0 {
            formatting_bytes += usize::from(u16::from_le_bytes(self.take()?)) * RUN_BYTES;
        }
        if flags & HAS_EXTENSION != 0 {
            formatting_bytes += u32::from_le_bytes(self.take()?) as usize;
        }
        self.read_characters(characters, flags & WIDE != 0, text)?;
        self.skip(formatting_bytes)
    }

    /// Reads characters and appends them to `text`. If the characters continue in another piece,
    /// that piece begins with its own flags, because the rest can have the other width.
    fn read_characters(
        &mut self,
        mut count: usize,
        mut wide: bool,
        text: &mut String,
    ) -> Result<(), SheetError> {
        // The two halves of a character above U+FFFF can be in different pieces.
        let mut units = Vec::new();
        while count > 0 {
            if self.current.is_empty() {
                if self.is_empty() {
                    return Err(truncated());
                }
                let [flags] = self.take()?;
                wide = flags & WIDE != 0;
                continue;
            }
            let width = if wide { 2 } else { 1 };
            let available = count.min(self.current.len() / width);
            if available == 0 {
                return Err(truncated());
            }
            let (taken, rest) = self.current.split_at(available * width);
            if wide {
                units.extend(taken.chunks_exact(2).filter_map(|unit| Bytes(unit).u16(0)));
            } else {
                units.extend(taken.iter().map(|byte| u16::from(*byte)));
            }
            self.current = rest;
            count -= available;
        }
        text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}')));
        Ok(())
    }
}

fn truncated() -> SheetError {
    SheetError::truncated("a text is truncated")
}
