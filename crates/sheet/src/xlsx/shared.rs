//! The texts that cells share, in one block of memory.

use super::markup::{Event, Markup, attribute};
use crate::error::SheetError;
use crate::limit::Limits;

/// The shared texts of a workbook, by number.
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
        // The limit is below 4 GiB.
        texts
            .ends
            .push(u32::try_from(texts.text.len()).unwrap_or(u32::MAX));
        if texts.bytes() > max {
            return Err(SheetError::TooManyBytes { max: max as u64 });
        }
    }
    texts.text.shrink_to_fit();
    Ok(texts)
}

/// Reads the text of an `si` or `is` element whose start was the last event: its text or the text
/// of its runs, without the phonetic reading that Excel stores with Japanese text. Stops at more
/// than `bytes_max` bytes; the caller must then refuse the text.
pub(super) fn read_item(
    markup: &mut Markup<'_>,
    text: &mut String,
    bytes_max: usize,
) -> Result<(), SheetError> {
    enum Step {
        Enter,
        /// A text, and whether to keep the white space at both ends.
        Text(bool),
        Skip,
        Leave,
        Ignore,
    }
    let start = text.len();
    let mut depth = 1;
    while depth > 0 && text.len() <= bytes_max {
        let event = markup.next()?;
        let step = match event.ok_or_else(|| SheetError::truncated("a text has no end"))? {
            Event::Start(element) => match element.local_name().as_ref() {
                "t" => {
                    let space = attribute(&element, "space")?;
                    Step::Text(space.is_some_and(|space| space == "preserve"))
                }
                "r" => Step::Enter,
                _ => Step::Skip,
            },
            Event::End(_) => Step::Leave,
            _ => Step::Ignore,
        };
        match step {
            Step::Enter => depth += 1,
            Step::Text(is_preserved) => {
                let begin = text.len();
                markup.read_text(text, bytes_max)?;
                if !is_preserved {
                    trim(text, begin);
                }
            }
            Step::Skip => markup.skip()?,
            Step::Leave => depth -= 1,
            Step::Ignore => {}
        }
    }
    unescape(text, start);
    Ok(())
}

/// Removes the white space of XML from both ends of a text, as Excel does.
fn trim(text: &mut String, begin: usize) {
    let is_space = [' ', '\t', '\r', '\n'];
    let end = begin + text[begin..].trim_end_matches(is_space).len();
    text.truncate(end);
    let start = text.len() - text[begin..].trim_start_matches(is_space).len();
    text.drain(begin..start);
}

/// Decodes escapes. A character that XML does not allow is written like `_x000D_`, and an
/// underscore that would begin such an escape is written as `_x005F_`.
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

/// Length of an escape such as `_x000D_`.
const ESCAPE_BYTES: usize = 7;

fn escaped_character(text: &str) -> Option<char> {
    let digits = text.get(2..ESCAPE_BYTES)?.strip_suffix('_')?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16)
        .ok()
        .filter(|_| is_hex)
        .and_then(char::from_u32)
}
