//! Texts of the workbook stream: UTF-16, or its lower bytes alone.

use super::record::Bytes;
use crate::error::SheetError;

/// Bytes in pieces: a record and those that continue it.
pub(super) struct Pieces<'a> {
    current: &'a [u8],
    next: std::vec::IntoIter<&'a [u8]>,
}

/// The flags before the characters of a text.
const WIDE: u8 = 0x01;
const HAS_EXTENSION: u8 = 0x04;
const HAS_RUNS: u8 = 0x08;

/// Bytes of one run of formatting.
const RUN_BYTES: usize = 4;

impl<'a> Pieces<'a> {
    pub(super) fn new(first: &'a [u8], continued: Vec<&'a [u8]>) -> Self {
        Self {
            current: first,
            next: continued.into_iter(),
        }
    }

    /// Whether nothing is left; moves on to the next piece that has bytes.
    pub(super) fn is_empty(&mut self) -> bool {
        while self.current.is_empty() {
            match self.next.next() {
                Some(piece) => self.current = piece,
                None => return true,
            }
        }
        false
    }

    /// Takes `N` bytes, which may stand in two pieces.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SheetError> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            if self.is_empty() {
                return Err(cut());
            }
            *byte = self.current[0];
            self.current = &self.current[1..];
        }
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, mut bytes: usize) -> Result<(), SheetError> {
        while bytes > 0 {
            if self.is_empty() {
                return Err(cut());
            }
            let here = bytes.min(self.current.len());
            self.current = &self.current[here..];
            bytes -= here;
        }
        Ok(())
    }

    /// Appends a text: a length in characters, flags, the characters, formatting.
    pub(super) fn text(&mut self, text: &mut String) -> Result<(), SheetError> {
        let characters = usize::from(u16::from_le_bytes(self.take()?));
        let [flags] = self.take()?;
        let mut after = 0;
        if flags & HAS_RUNS != 0 {
            after += usize::from(u16::from_le_bytes(self.take()?)) * RUN_BYTES;
        }
        if flags & HAS_EXTENSION != 0 {
            after += u32::from_le_bytes(self.take()?) as usize;
        }
        self.characters(characters, flags & WIDE != 0, text)?;
        self.skip(after)
    }

    /// Appends characters. Where they go on in another piece, that begins with a flag of its own:
    /// the rest may be stored in the other width.
    fn characters(
        &mut self,
        mut count: usize,
        mut wide: bool,
        text: &mut String,
    ) -> Result<(), SheetError> {
        // The two halves of a character beyond U+FFFF may stand in two pieces.
        let mut units = Vec::new();
        while count > 0 {
            if self.current.is_empty() {
                if self.is_empty() {
                    return Err(cut());
                }
                let [flags] = self.take()?;
                wide = flags & WIDE != 0;
                continue;
            }
            let width = if wide { 2 } else { 1 };
            let here = count.min(self.current.len() / width);
            if here == 0 {
                return Err(cut());
            }
            let (taken, rest) = self.current.split_at(here * width);
            if wide {
                units.extend(taken.chunks_exact(2).filter_map(|unit| Bytes(unit).u16(0)));
            } else {
                units.extend(taken.iter().map(|byte| u16::from(*byte)));
            }
            self.current = rest;
            count -= here;
        }
        text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}')));
        Ok(())
    }
}

fn cut() -> SheetError {
    SheetError::truncated("a text is cut")
}
