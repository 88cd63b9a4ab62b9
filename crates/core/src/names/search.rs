//! Search: the text that decides what a query finds, and the grams that nominate it.
//!
//! A search text is the folded fields of a record one after another, each begun by a character
//! that folded text cannot contain (folding drops control characters): [`NAME_START`] begins a
//! name or a reading, [`OTHER_START`] any other field. So a query that runs over the end of a field
//! finds nothing, and the beginning of a name is where a query of one character follows
//! [`NAME_START`].
//!
//! A character is a Unicode scalar value of the folded text.

use std::collections::BTreeSet;

use super::fold::{fold_name, fold_search};
use super::heading::Heading;
use super::spelling::take_apart;

/// Begins a name or a reading in a search text.
pub const NAME_START: char = '\u{1e}';

/// Begins a field of a search text that is neither a name nor a reading.
pub const OTHER_START: char = '\u{1f}';

/// A field of a record that a search looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A name or a reading. A query of one character finds its beginning, and its beginning after
    /// a legal form: 山 finds 株式会社山田.
    Name(&'a str),
    /// An e-mail address, an external id, a name turned round: any part is found, but by no query
    /// of one character.
    Other(&'a str),
}

/// The text in which queries look for the fields of one record. Fields that fold to nothing are
/// left out.
pub fn search_text(fields: &[Field<'_>]) -> String {
    let mut text = String::with_capacity(64);
    for field in fields {
        match field {
            Field::Name(name) => {
                push(&mut text, NAME_START, &fold_search(name));
                let folded = fold_name(name);
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

fn push(text: &mut String, start: char, folded: &str) {
    if !folded.is_empty() {
        text.push(start);
        text.push_str(folded);
    }
}

/// Two characters that stand side by side in one field, or [`NAME_START`] and the first character
/// of a name or reading; or the heading of a record, so that a search under one is nominated
/// alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gram(u64);

impl Gram {
    fn new(first: char, second: char) -> Self {
        Self(u64::from(u32::from(first)) << 21 | u64::from(u32::from(second)))
    }

    /// The gram of all records under a heading: where the first character would stand, it has a
    /// number that is no character's.
    pub fn of_heading(heading: Heading) -> Self {
        const NO_CHARACTER: u64 = char::MAX as u64 + 1;
        Self(NO_CHARACTER << 21 | u64::from(heading.code()))
    }

    /// Whether it says something of where in the order of names a record stands. Two ASCII
    /// characters do not: e-mail addresses have them all everywhere.
    pub fn tells_where(self) -> bool {
        const ASCII_END: u64 = 0x80;
        const LETTER: u64 = (1 << 21) - 1;
        let (first, second) = (self.0 >> 21, self.0 & LETTER);
        first <= u64::from(u32::from(char::MAX))
            && (first >= ASCII_END
                || second >= ASCII_END
                || first == u64::from(u32::from(NAME_START)))
    }

    /// The gram as a number of 42 bits, the first character in the upper half. Stored ones stay
    /// what they are.
    pub fn code(self) -> u64 {
        self.0
    }
}

/// The distinct grams of a search text.
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

/// What a caller searches for, folded as search texts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// What a search text must contain; for one character, [`NAME_START`] stands before it.
    needle: String,
}

impl SearchQuery {
    /// Folds a query. One of white space alone is empty.
    pub fn parse(text: &str) -> Self {
        let mut needle = fold_search(text);
        if needle.chars().nth(1).is_none() && !needle.is_empty() {
            needle.insert(0, NAME_START);
        }
        Self { needle }
    }

    /// What a search text must contain, for a database that looks for it itself.
    pub fn needle(&self) -> &str {
        &self.needle
    }

    /// Whether the query filters nothing.
    pub fn is_empty(&self) -> bool {
        self.needle.is_empty()
    }

    /// Whether the query finds the record of this search text: two characters or more anywhere in
    /// a field, one at the beginning of a name or reading, none in every record.
    pub fn matches(&self, search_text: &str) -> bool {
        search_text.contains(&self.needle)
    }

    /// The distinct grams that every search text has that the query matches. A text that has them
    /// all need not match: [`matches`](Self::matches) decides.
    pub fn grams(&self) -> BTreeSet<Gram> {
        grams(&self.needle)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::spelling::any_text;

    fn found(query: &str, fields: &[Field<'_>]) -> bool {
        SearchQuery::parse(query).matches(&search_text(fields))
    }

    const TANAKA: &[Field<'_>] = &[
        Field::Name("田中 太郎"),
        Field::Name("タナカ タロウ"),
        Field::Other("Taro.Tanaka@example.com"),
        Field::Other("Ｄ０００１"),
    ];

    #[test]
    fn two_characters_find_any_part_of_any_field() {
        for query in [
            "田中",
            "田中太郎",
            "田中\u{3000}太郎",
            "中太",
            "たなか",
            "ﾀﾅｶ",
            "なかたろ",
            "TARO.T",
            "@example",
            "d0001",
            "Ｄ０",
            " 0 0 ",
        ] {
            assert!(found(query, TANAKA), "{query}");
        }
        for query in ["田太", "たなな", "d0002", "田中次郎", "太郎田"] {
            assert!(!found(query, TANAKA), "{query}");
        }
    }

    #[test]
    fn one_character_finds_the_beginning_of_a_name_or_reading_only() {
        for query in ["田", "た", "ﾀ", " 田 "] {
            assert!(found(query, TANAKA), "{query}");
        }
        for query in ["中", "太", "な", "t", "d", "@", "か"] {
            assert!(!found(query, TANAKA), "{query}");
        }
    }

    #[test]
    fn one_character_finds_a_name_after_its_legal_form() {
        let name = [
            Field::Name("㈱ 林業"),
            Field::Name("カブシキガイシャ ハヤシギョウ"),
        ];
        for query in ["林", "は", "か", "("] {
            assert!(found(query, &name), "{query}");
        }
        assert!(!found("業", &name));
        assert!(found("(株)林", &name));
    }

    #[test]
    fn an_empty_query_filters_nothing() {
        for query in ["", " ", "\u{3000}\t", "\u{200b}"] {
            let query = SearchQuery::parse(query);
            assert!(query.is_empty() && query.grams().is_empty());
            assert!(query.matches("") && query.matches(&search_text(TANAKA)));
        }
        assert!(!SearchQuery::parse("a").is_empty());
    }

    #[test]
    fn no_query_runs_over_the_end_of_a_field() {
        let fields = [Field::Name("ab"), Field::Other("cd"), Field::Name("ef")];
        for query in ["bc", "de", "abcd", "b\u{1f}c", "d\u{1e}e", "\u{1e}ab"] {
            assert_eq!(found(query, &fields), query == "\u{1e}ab", "{query:?}");
        }
        assert_eq!(search_text(&fields), "\u{1e}ab\u{1f}cd\u{1e}ef");
    }

    #[test]
    fn grams_are_distinct_and_never_span_two_fields() {
        let expected: BTreeSet<Gram> = [(NAME_START, 'a'), ('a', 'b'), ('b', 'a'), ('c', 'd')]
            .map(|(first, second)| Gram::new(first, second))
            .into();
        assert_eq!(
            grams(&search_text(&[
                Field::Name("aba ba"),
                Field::Other("cd"),
                Field::Other("e")
            ])),
            expected
        );
        assert_eq!(Gram::new('\0', '\u{10ffff}').code(), 0x10_ffff);
        assert_eq!(Gram::new('\u{10ffff}', '\0').code(), 0x10_ffff << 21);
    }

    #[test]
    fn the_gram_of_a_heading_has_42_bits_and_is_that_of_no_text() {
        let last = Gram::new(char::MAX, char::MAX).code();
        for heading in Heading::ALL {
            let code = Gram::of_heading(heading).code();
            assert!(last < code && code < 1 << 42, "{heading}");
        }
    }

    #[test]
    fn a_gram_tells_where_unless_it_is_of_ascii_within_a_field_or_of_a_heading() {
        let tells = |first, second| Gram::new(first, second).tells_where();
        assert!(tells('田', '中') && tells('a', 'é') && tells('é', 'a') && tells(NAME_START, 'a'));
        assert!(!tells('a', 'b') && !tells('@', '1'));
        assert!(!Gram::of_heading(Heading::KanaTa).tells_where());
    }

    fn any_fields() -> impl Strategy<Value = Vec<(bool, String)>> {
        proptest::collection::vec((any::<bool>(), any_text()), 0..5)
    }

    fn as_fields(fields: &[(bool, String)]) -> Vec<Field<'_>> {
        fields
            .iter()
            .map(|(name, text)| {
                if *name {
                    Field::Name(text)
                } else {
                    Field::Other(text)
                }
            })
            .collect()
    }

    /// The rule as it reads, without search texts.
    fn found_naively(query: &str, fields: &[Field<'_>]) -> bool {
        let query = fold_search(query);
        fields
            .iter()
            .any(|field| match (field, query.chars().count()) {
                (Field::Name(text) | Field::Other(text), 2..) => fold_search(text).contains(&query),
                (Field::Name(text), 1) => {
                    let folded = fold_name(text);
                    fold_search(text).starts_with(&query)
                        || take_apart(&folded).start.is_some()
                            && fold_search(take_apart(&folded).rest).starts_with(&query)
                }
                (Field::Other(_), 1) => false,
                (_, _) => true,
            })
            || query.is_empty()
    }

    proptest! {
        #[test]
        fn a_query_finds_what_a_look_at_every_field_finds(query in any_text(), fields in any_fields()) {
            let fields = as_fields(&fields);
            prop_assert_eq!(found(&query, &fields), found_naively(&query, &fields));
        }

        #[test]
        fn every_part_of_a_field_finds_it_and_its_grams_nominate_it(
            fields in any_fields(),
            pick in any::<prop::sample::Index>(),
            from in any::<prop::sample::Index>(),
            length in 1..6_usize,
        ) {
            prop_assume!(!fields.is_empty());
            let field = &fields[pick.index(fields.len())];
            let letters: Vec<char> = fold_search(&field.1).chars().collect();
            prop_assume!(!letters.is_empty());
            let part: String = letters[from.index(letters.len())..].iter().take(length).collect();
            let (query, text) = (SearchQuery::parse(&part), search_text(&as_fields(&fields)));
            prop_assert_eq!(found(&part, &as_fields(&fields)), found_naively(&part, &as_fields(&fields)));
            if query.matches(&text) {
                prop_assert!(query.grams().is_subset(&grams(&text)));
            }
        }

        #[test]
        fn grams_nominate_whatever_matches(query in any_text(), fields in any_fields()) {
            let (query, text) = (SearchQuery::parse(&query), search_text(&as_fields(&fields)));
            prop_assert!(!query.matches(&text) || query.grams().is_subset(&grams(&text)));
        }
    }
}
