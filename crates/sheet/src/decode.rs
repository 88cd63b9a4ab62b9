//! Bytes of a text file to text, a piece at a time, so that memory does not grow with the file.

use std::io::Read;

use encoding_rs::{Decoder, DecoderResult, SHIFT_JIS, UTF_8};

use crate::sheet::Encoding;

/// Bytes read at once: large enough that calls do not count, small enough for many imports.
const PIECE_BYTES: usize = 64 << 10;

/// What starts a UTF-8 file that Excel wrote.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why the text ends before the file does.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The next bytes are not of the encoding.
    Encoding,
    /// A NUL: this is no text.
    Nul,
    Io(std::io::Error),
}

/// The text of a file in pieces.
pub(crate) struct Text<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// The bytes of `raw` that are read and not yet decoded.
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

    /// How many bytes of the file have been decoded without fault.
    pub(crate) fn decoded_bytes(&self) -> u64 {
        self.decoded_bytes
    }

    /// The piece that [`Text::advance`] read.
    pub(crate) fn piece(&self) -> &str {
        &self.text
    }

    /// Reads the next piece; false at the end. What stands before a fault is given first.
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

    /// Reads bytes; false once the decoder has been told that there are no more.
    fn fill(&mut self) -> Result<bool, Fault> {
        if self.ended {
            return Ok(false);
        }
        let mut read = self.read(0)?;
        if !self.started {
            self.started = true;
            // Three bytes may come in three readings.
            while read < BYTE_ORDER_MARK.len() && !self.ended {
                read += self.read(read)?;
            }
            self.pending = 0..read;
            self.pass_byte_order_mark();
        } else {
            self.pending = 0..read;
        }
        Ok(true)
    }

    fn read(&mut self, at: usize) -> Result<usize, Fault> {
        loop {
            match self.input.read(&mut self.raw[at..]) {
                Ok(read) => {
                    self.ended = read == 0;
                    return Ok(read);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Io(error)),
            }
        }
    }

    /// The mark says UTF-8: in any other encoding it is a contradiction.
    fn pass_byte_order_mark(&mut self) {
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
