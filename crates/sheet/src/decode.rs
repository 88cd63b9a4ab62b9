//! Decodes a text file piece by piece, so that memory does not grow with the file.

use std::io::Read;

use encoding_rs::{Decoder, DecoderResult, SHIFT_JIS, UTF_8};

use crate::sheet::Encoding;

/// Bytes of one read: large enough to make system calls cheap, small enough for many imports.
const PIECE_BYTES: usize = 64 << 10;

/// Excel begins a UTF-8 file with this mark.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why the text ends before the file does.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The next bytes are not valid in the encoding.
    Encoding,
    /// The file contains a NUL, so it is not text.
    Nul,
    Io(std::io::Error),
}

/// The text of a file in pieces.
pub(crate) struct Text<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// The range of `raw` that is not decoded yet.
    pending: std::ops::Range<usize>,
    text: String,
    started: bool,
    ended: bool,
    broken: bool,
    decoded_bytes: u64,
    encoding: Encoding,
}

impl<R: Read> Text<R> {
    pub(crate) fn new(input: R, encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Utf8 => UTF_8.new_decoder_without_bom_handling(),
            Encoding::ShiftJis => SHIFT_JIS.new_decoder_without_bom_handling(),
        };
        Self {
            input,
            decoder,
            raw: vec![0; PIECE_BYTES],
            pending: 0..0,
            text: String::with_capacity(PIECE_BYTES),
            started: false,
            ended: false,
            broken: false,
            decoded_bytes: 0,
            encoding,
        }
    }

    /// Returns the number of bytes that were decoded without a fault.
    pub(crate) fn decoded_bytes(&self) -> u64 {
        self.decoded_bytes
    }

    /// Returns the piece that [`Text::advance`] read.
    pub(crate) fn piece(&self) -> &str {
        &self.text
    }

    /// Reads the next piece; returns false at the end. Text before a fault is returned before the
    /// fault.
    pub(crate) fn advance(&mut self) -> Result<bool, Fault> {
        self.text.clear();
        while self.text.is_empty() {
            if self.broken {
                return Err(Fault::Encoding);
            }
            if self.pending.is_empty() && !self.fill()? {
                return Ok(false);
            }
            self.decode();
        }
        if self.text.as_bytes().contains(&0) {
            return Err(Fault::Nul);
        }
        Ok(true)
    }

    /// Reads bytes; returns false after the decoder has received the end of the input.
    fn fill(&mut self) -> Result<bool, Fault> {
        if self.ended {
            return Ok(false);
        }
        let mut read = self.read(0)?;
        if !self.started {
            self.started = true;
            // The three bytes of the mark can arrive in three reads.
            while read < BYTE_ORDER_MARK.len() && !self.ended {
                read += self.read(read)?;
            }
            self.pending = 0..read;
            self.skip_byte_order_mark();
        } else {
            self.pending = 0..read;
        }
        Ok(true)
    }

    fn read(&mut self, offset: usize) -> Result<usize, Fault> {
        loop {
            match self.input.read(&mut self.raw[offset..]) {
                Ok(read) => {
                    self.ended = read == 0;
                    return Ok(read);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Io(error)),
            }
        }
    }

    /// Skips the byte order mark. The mark means UTF-8, so it is a fault in any other encoding.
    fn skip_byte_order_mark(&mut self) {
        if self.raw[self.pending.clone()].starts_with(BYTE_ORDER_MARK) {
            self.pending.start = BYTE_ORDER_MARK.len();
            self.broken = self.encoding != Encoding::Utf8;
        }
    }

    fn decode(&mut self) {
        if self.broken {
            return;
        }
        let source = &self.raw[self.pending.clone()];
        let (result, read) =
            self.decoder
                .decode_to_string_without_replacement(source, &mut self.text, self.ended);
        self.pending.start += read;
        self.decoded_bytes += read as u64;
        self.broken = matches!(result, DecoderResult::Malformed(..));
    }
}
