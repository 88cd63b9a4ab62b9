//! The texts that cells share, in one piece of memory.

use super::markup::{Event, Markup};
use crate::error::SheetError;
use crate::limit::Limits;

/// The texts of a workbook by their number.
#[derive(Debug, Default)]
pub(crate) struct SharedTexts {
    text: String,
    ends: Vec<u32>,
}

impl SharedTexts {
    pub(super) fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let start = number
            .checked_sub(1)
            .map_or(0, |before| self.ends[before] as usize);
        self.text.get(start..end)
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }
}

pub(super) fn read(mut markup: Markup<'_>, limits: Limits) -> Result<SharedTexts, SheetError> {
    let max = limits.shared_text_bytes;
    let mut texts = SharedTexts::default();
    let mut item = String::new();
    while let Some(event) = markup.next()? {
        if !matches!(&event, Event::Start(element) if element.local_name().as_ref() == "si") {
            continue;
        }
        item.clear();
        read_item(&mut markup, &mut item, max)?;
        texts.text.push_str(&item);
        let end = u32::try_from(texts.text.len())
            .ok()
            .filter(|_| texts.bytes() <= max);
        texts
            .ends
            .push(end.ok_or(SheetError::TooManyBytes { max: max as u64 })?);
    }
    texts.text.shrink_to_fit();
    Ok(texts)
}

/// Reads the text of an `si` or `is` whose start was the last event: its own, or that of its
/// runs, but not the reading that Excel keeps beside Japanese text. Stops when there is more than
/// `bytes_max`; the caller refuses it.
pub(super) fn read_item(
    markup: &mut Markup<'_>,
    text: &mut String,
    bytes_max: usize,
) -> Result<(), SheetError> {
    enum Step {
        Into,
        Text,
        Skip,
        Out,
        Stay,
    }
    let start = text.len();
    let mut depth = 1;
    while depth > 0 && text.len() <= bytes_max {
        let event = markup.next()?;
        let step = match event.ok_or_else(|| SheetError::truncated("a text has no end"))? {
            Event::Start(element) => match element.local_name().as_ref() {
                "t" => Step::Text,
                "r" => Step::Into,
                _ => Step::Skip,
            },
            Event::End(_) => Step::Out,
            _ => Step::Stay,
        };
        match step {
            Step::Into => depth += 1,
            Step::Text => markup.text(text, bytes_max)?,
            Step::Skip => markup.skip()?,
            Step::Out => depth -= 1,
            Step::Stay => {}
        }
    }
    unescape(text, start);
    Ok(())
}

/// Characters that XML does not have stand as `_x000D_`, and an underscore before what would look
/// so as `_x005F_`.
pub(super) fn unescape(text: &mut String, start: usize) {
    if !text[start..].contains("_x") {
        return;
    }
    let escaped = text.split_off(start);
    let mut rest = escaped.as_str();
    while let Some(at) = rest.find("_x") {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        match escaped_character(rest) {
            Some(character) => {
                text.push(character);
                rest = &rest[ESCAPE_BYTES..];
            }
            None => {
                text.push_str("_x");
                rest = &rest[2..];
            }
        }
    }
    text.push_str(rest);
}

/// `_x000D_`
const ESCAPE_BYTES: usize = 7;

fn escaped_character(text: &str) -> Option<char> {
    let digits = text.get(2..ESCAPE_BYTES)?.strip_suffix('_')?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16)
        .ok()
        .filter(|_| is_hex)
        .and_then(char::from_u32)
}
