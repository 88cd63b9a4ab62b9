//! Reads the XML of a part in events of bounded size.

use std::borrow::Cow;
use std::io::{self, BufReader, Read};

use quick_xml::XmlVersion;
pub(crate) use quick_xml::events::{BytesStart, Event};
use zip::read::ZipFile;

use super::Input;
use crate::error::SheetError;

/// Maximum bytes of a tag, a comment or a piece of text. The longest allowed cell, with each
/// character written as a reference of ten bytes, takes a third of this.
const EVENT_BYTES_MAX: u64 = 1 << 20;

/// Maximum depth of nested elements. A worksheet has a depth of 6 to 12.
const DEPTH_MAX: usize = 100;

/// Bytes to unpack at a time.
const BUFFER_BYTES: usize = 32 << 10;

/// The XML of a part.
pub(crate) struct Markup<'a> {
    reader: quick_xml::Reader<BufReader<Unpacked<'a>>>,
    event: Vec<u8>,
    depth: usize,
}

impl<'a> Markup<'a> {
    pub(super) fn new(file: ZipFile<'a, Input>) -> Self {
        let unpacked = Unpacked {
            file,
            event_left: EVENT_BYTES_MAX,
        };
        let input = BufReader::with_capacity(BUFFER_BYTES, unpacked);
        let mut reader = quick_xml::Reader::from_reader(input);
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            event: Vec::new(),
            depth: 0,
        }
    }

    /// Returns the next event; `None` at the end of the part.
    pub(crate) fn next(&mut self) -> Result<Option<Event<'_>>, SheetError> {
        self.event.clear();
        self.reader.get_mut().get_mut().event_left = EVENT_BYTES_MAX;
        let event = self
            .reader
            .read_event_into(&mut self.event)
            .map_err(fault)?;
        match event {
            Event::Start(_) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(SheetError::damaged("elements are nested too deeply"));
                }
            }
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Eof if self.depth > 0 => {
                return Err(SheetError::truncated("the markup ends inside an element"));
            }
            Event::Eof => return Ok(None),
            _ => {}
        }
        Ok(Some(event))
    }

    /// Skips to the end of the element whose start was the last event.
    pub(crate) fn skip(&mut self) -> Result<(), SheetError> {
        let outside = self.depth - 1;
        while self.depth > outside {
            self.next_inside()?;
        }
        Ok(())
    }

    /// Reads the text of the element whose start was the last event and appends it to `text`,
    /// without the text of nested elements. Stops when `text` has more than `bytes_max` bytes.
    pub(crate) fn read_text(
        &mut self,
        text: &mut String,
        bytes_max: usize,
    ) -> Result<(), SheetError> {
        let outside = self.depth - 1;
        loop {
            let inside = self.depth - outside;
            match self.next_inside()? {
                Event::Text(piece) if inside == 1 => text.push_str(&piece.xml10_content()),
                Event::CData(piece) if inside == 1 => text.push_str(&piece.xml10_content()),
                Event::GeneralRef(name) if inside == 1 => text.push(resolve(&name)?),
                _ => {}
            }
            if self.depth == outside || text.len() > bytes_max {
                return Ok(());
            }
        }
    }

    /// Returns the next event inside an element. Fails at the end of the part.
    fn next_inside(&mut self) -> Result<Event<'_>, SheetError> {
        self.next()?
            .ok_or_else(|| SheetError::truncated("the markup ends inside an element"))
    }
}

fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, SheetError> {
    if let Some(character) = reference.resolve_char_ref().map_err(SheetError::damaged)? {
        return Ok(character);
    }
    match reference.as_ref() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        // Other entities need a declaration. A workbook has no declarations, and declarations allow
        // texts that expand without a bound.
        _ => Err(SheetError::damaged(
            "the markup has a reference to an unknown entity",
        )),
    }
}

/// Returns the value of an attribute by its name without prefix.
pub(crate) fn attribute<'e>(
    element: &'e BytesStart<'_>,
    name: &str,
) -> Result<Option<Cow<'e, str>>, SheetError> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(SheetError::damaged)?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            return value.map(Some).map_err(SheetError::damaged);
        }
    }
    Ok(None)
}

/// Unpacks the bytes of a part. The library ensures that a part is not longer than the directory
/// claims; this type limits the bytes of an event.
struct Unpacked<'a> {
    file: ZipFile<'a, Input>,
    event_left: u64,
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let left = self.event_left.checked_sub(read as u64);
        self.event_left =
            left.ok_or_else(|| io::Error::other("a tag or a text of the markup is too long"))?;
        Ok(read)
    }
}

/// Converts an error of the disk, of the zip or of the XML.
fn fault(error: quick_xml::Error) -> SheetError {
    match error {
        quick_xml::Error::Io(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof => SheetError::truncated(error),
            _ if error.raw_os_error().is_some() => {
                SheetError::Io(io::Error::new(error.kind(), error))
            }
            _ => SheetError::damaged(error),
        },
        quick_xml::Error::Syntax(error) => SheetError::truncated(error),
        error => SheetError::damaged(error),
    }
}
