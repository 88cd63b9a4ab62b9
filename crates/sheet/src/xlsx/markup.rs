//! XML of a part, read in events of bounded size.

use std::borrow::Cow;
use std::io::{self, BufReader, Read};

use quick_xml::XmlVersion;
pub(crate) use quick_xml::events::{BytesStart, Event};
use zip::read::ZipFile;

use super::Input;
use crate::error::SheetError;

/// Bytes of one tag, comment or piece of text: a cell of the longest allowed text, each character
/// written as a reference of ten bytes, takes a third of it.
const EVENT_BYTES_MAX: u64 = 1 << 20;

/// Elements within one another. A worksheet has 6 to 12.
const DEPTH_MAX: usize = 100;

/// How much is unpacked at once.
const BUFFER_BYTES: usize = 32 << 10;

/// The XML of one part.
pub(crate) struct Markup<'a> {
    reader: quick_xml::Reader<BufReader<Unpacked<'a>>>,
    event: Vec<u8>,
    depth: usize,
}

impl<'a> Markup<'a> {
    /// `bytes` is what the part claims to unpack to; the sum of all claims has been checked.
    pub(super) fn new(file: ZipFile<'a, Input>, bytes: u64) -> Self {
        let unpacked = Unpacked {
            file,
            left: bytes,
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

    /// The next event; `None` at the end.
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
                    return Err(SheetError::damaged(
                        "elements stand too deep within one another",
                    ));
                }
            }
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Eof if self.depth > 0 => {
                return Err(SheetError::truncated("the markup ends within an element"));
            }
            Event::Eof => return Ok(None),
            _ => {}
        }
        Ok(Some(event))
    }

    /// Passes to the end of the element whose start was the last event.
    pub(crate) fn skip(&mut self) -> Result<(), SheetError> {
        let outside = self.depth - 1;
        while self.depth > outside {
            self.expect()?;
        }
        Ok(())
    }

    /// Appends the text of the element whose start was the last event, those of the elements
    /// within it left out, until `bytes_max` are there.
    pub(crate) fn text(&mut self, text: &mut String, bytes_max: usize) -> Result<(), SheetError> {
        let outside = self.depth - 1;
        loop {
            let inside = self.depth - outside;
            match self.expect()? {
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

    /// The next event within an element, where the part may not end.
    fn expect(&mut self) -> Result<Event<'_>, SheetError> {
        self.next()?
            .ok_or_else(|| SheetError::truncated("the markup ends within an element"))
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
        // Others would have to be declared; a workbook declares none, and declarations are the
        // way in for texts that refer to texts without end.
        _ => Err(SheetError::damaged(
            "a reference to an entity that XML does not have",
        )),
    }
}

/// The value of an attribute by its name without prefix.
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

/// The bytes of a part as they are unpacked, never more than claimed.
struct Unpacked<'a> {
    file: ZipFile<'a, Input>,
    left: u64,
    event_left: u64,
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)? as u64;
        let within = |left: u64, what| left.checked_sub(read).ok_or_else(|| io::Error::other(what));
        self.left = within(self.left, "a part is larger than the directory says")?;
        self.event_left = within(self.event_left, "a single piece of markup is too large")?;
        Ok(read as usize)
    }
}

/// An error below the markup: of the disk, of the zip or of the XML.
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
