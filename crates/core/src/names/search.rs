//! Search: the text that decides which queries match a record, and the grams that nominate it.
//!
//! A search text concatenates the folded fields of a record. Each field begins with a character
//! that folded text cannot contain (folding drops control characters): [`NAME_START`] for a name or
//! a reading, [`OTHER_START`] for any other field. So a query never matches across fields, and a
//! query of one character matches the beginning of a name because it includes [`NAME_START`].
//!
//! A name appears as it is written and, if that differs, with its legal forms spelled out. A query
//! is searched in the same two forms; either match suffices. So ㈱山田, 株式会社山田 and their prefixes find
//! each other, and text that only resembles a legal form is found as it is written.
//!
//! A character is a Unicode scalar value of the folded text.

use std::collections::BTreeSet;

use super::fold::{fold_name, fold_search};
use super::heading::Heading;
use super::name_key::with_all_forms_alike;
use super::spelling::take_apart;

/// Begins a name or a reading in a search text.
pub const NAME_START: char = '\u{1e}';

/// Begins a field of a search text that is neither a name nor a reading.
pub const OTHER_START: char = '\u{1f}';

/// A field of a record that a search reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A name or a reading. A query of one character matches at its beginning, and at its beginning
    /// after a legal form: 山 finds 株式会社山田.
    Name(&'a str),
    /// An e-mail address, an external id, or a name in reversed order: any part matches, but a
    /// query of one character never does.
    Other(&'a str),
}

/// Returns the text that queries search for the fields of one record. Fields that fold to an empty
/// text are omitted.
pub fn search_text(fields: &[Field<'_>]) -> String {
    let mut text = String::with_capacity(64);
    for field in fields {
        match field {
            Field::Name(name) => {
                let written = fold_search(name);
                push(&mut text, NAME_START, &written);
                let folded = fold_name(name);
                if let Some(spelled) = spelled_out(&folded).filter(|spelled| *spelled != written) {
                    push(&mut text, NAME_START, &spelled);
                }
                let parts = take_apart(&folded);
                if parts.start.is_some() {
                    push(&mut text, NAME_START, &fold_search(parts.rest));
                }
            }
            Field::Other(other) => push(&mut text, OTHER_START, &fold_search(other)),
        }
    }
    text
}

/// Returns text that [`fold_name`] has folded, with its legal forms spelled out and folded for
/// search; `None` if that changes nothing.
fn spelled_out(folded: &str) -> Option<String> {
    let alike = with_all_forms_alike(folded);
    (alike != folded).then(|| fold_search(&alike))
}

fn push(text: &mut String, start: char, folded: &str) {
    if !folded.is_empty() {
        text.push(start);
        text.push_str(folded);
    }
}

/// Two adjacent characters of one field, or [`NAME_START`] and the first character of a name or
/// reading; or the heading of a record, so that a search under a heading uses the same nomination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gram(u64);

impl Gram {
    fn new(first: char, second: char) -> Self {
        Self(u64::from(u32::from(first)) << 21 | u64::from(u32::from(second)))
    }

    /// Returns the gram of all records under a heading. Its first half is a number that is not a
    /// character.
    pub fn of_heading(heading: Heading) -> Self {
        const NO_CHARACTER: u64 = char::MAX as u64 + 1;
        Self(NO_CHARACTER << 21 | u64::from(heading.code()))
    }

    /// Returns whether the gram correlates with a record's position in name order. Two ASCII
    /// characters do not: they occur in e-mail addresses everywhere.
    pub fn tells_where(self) -> bool {
        const ASCII_END: u64 = 0x80;
        const LETTER: u64 = (1 << 21) - 1;
        let (first, second) = (self.0 >> 21, self.0 & LETTER);
        first <= u64::from(u32::from(char::MAX))
            && (first >= ASCII_END
                || second >= ASCII_END
                || first == u64::from(u32::from(NAME_START)))
    }

    /// Returns the gram as a 42-bit number, with the first character in the upper half. The
    /// encoding is stored and must not change.
    pub fn code(self) -> u64 {
        self.0
    }
}

/// Returns the distinct grams of a search text.
pub fn grams(search_text: &str) -> BTreeSet<Gram> {
    search_text
        .chars()
        .zip(search_text.chars().skip(1))
        .filter(|(first, second)| *first != OTHER_START && !is_start(*second))
        .map(|(first, second)| Gram::new(first, second))
        .collect()
}

fn is_start(c: char) -> bool {
    matches!(c, NAME_START | OTHER_START)
}

/// Returns the digits of a telephone number, in any script and width.
pub(super) fn digits(number: &str) -> String {
    fold_name(number)
        .chars()
        .filter(char::is_ascii_digit)
        .collect()
}

/// Returns the digits of a query in the form of a telephone number: digits with marks between them.
fn digits_of_a_number(query: &str) -> Option<String> {
    let folded = fold_name(query);
    let of_a_number = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
    let is_number = folded.chars().all(of_a_number) && digits.len() >= 2;
    (is_number && digits.len() < folded.chars().count()).then_some(digits)
}

/// A search query, folded in the same way as search texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// The query as written; a query of one character follows [`NAME_START`].
    written: String,
    /// The query with its legal forms spelled out, if that can match more.
    spelled: Option<String>,
}

impl SearchQuery {
    /// Folds a query. Only white space folds to an empty query.
    pub fn parse(text: &str) -> Self {
        let mut written = fold_search(text);
        let spelled = spelled_out(&fold_name(text)).or_else(|| digits_of_a_number(text));
        let spelled = spelled.filter(|spelled| !spelled.contains(&written));
        if written.chars().nth(1).is_none() && !written.is_empty() {
            written.insert(0, NAME_START);
        }
        Self { written, spelled }
    }

    /// Returns the texts of which a search text must contain at least one, for a database that
    /// searches itself: the query as written, and the query with its legal forms spelled out, if
    /// needed.
    pub fn needles(&self) -> (&str, Option<&str>) {
        (&self.written, self.spelled.as_deref())
    }

    /// Returns whether the query is empty, so that every record matches.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Returns whether the query matches this search text: two or more characters match anywhere in
    /// a field, one character at the beginning of a name or reading, and an empty query matches
    /// every record.
    pub fn matches(&self, search_text: &str) -> bool {
        let contained = |needle: &String| search_text.contains(needle);
        contained(&self.written) || self.spelled.as_ref().is_some_and(contained)
    }

    /// Returns the distinct grams of each needle. A search text that matches has all grams of at
    /// least one needle. The reverse does not hold: [`matches`](Self::matches) decides.
    pub fn grams(&self) -> Vec<BTreeSet<Gram>> {
        [&self.written]
            .into_iter()
            .chain(&self.spelled)
            .map(|needle| grams(needle))
            .collect()
    }
}

#[cfg(test)]
mod tests;
