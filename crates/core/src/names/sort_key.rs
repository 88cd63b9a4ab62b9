//! Sort keys: the order of names in a list.

use std::sync::LazyLock;

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::locale;

use super::fold::fold_name;
use super::heading::Heading;
use super::spelling::take_apart;

/// The maximum bytes of a sort key: an index row of PostgreSQL must stay under 2,700 bytes. Names
/// that are equal up to the cut (from about 170 kanji on) are ordered by id, like equal names.
pub const SORT_KEY_BYTES_MAX: usize = 512;

/// Only this many characters can affect the first [`SORT_KEY_BYTES_MAX`] bytes, except characters
/// without weight.
const COLLATED_CHARACTERS_MAX: usize = SORT_KEY_BYTES_MAX;

/// The rules of Japanese collation: kana by sound, then voiced marks and small kana; kana kind does
/// not count; kanji in the order of JIS. It refers only to static data and is shared by all
/// threads.
static COLLATOR: LazyLock<CollatorBorrowed<'static>> = LazyLock::new(|| {
    Collator::try_new(locale!("ja").into(), CollatorOptions::default())
        .expect("the collation of ja is compiled in")
});

/// Returns the bytes that order names: the heading's code, then the collation key of the reading
/// (or of the name, if the reading is absent or blank), without legal forms. Comparing the bytes
/// compares the names; the id breaks ties.
///
/// At most [`SORT_KEY_BYTES_MAX`] bytes.
pub fn sort_key(heading: Heading, reading: Option<&str>, name: &str) -> Vec<u8> {
    match reading.map(fold_name) {
        Some(reading) if !reading.is_empty() => of_folded(heading, &reading),
        _ => of_folded(heading, &fold_name(name)),
    }
}

/// Returns the sort key of text that [`fold_name`] has folded.
pub(super) fn of_folded(heading: Heading, folded: &str) -> Vec<u8> {
    let text = take_apart(folded).rest;
    let end = text
        .char_indices()
        .nth(COLLATED_CHARACTERS_MAX)
        .map_or(text.len(), |(end, _)| end);
    let mut key = Vec::with_capacity(64);
    key.push(heading.code());
    let Ok(()) = COLLATOR.write_sort_key_to(&text[..end], &mut key);
    key.truncate(SORT_KEY_BYTES_MAX);
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::spelling::any_text;

    fn key(name: &str) -> Vec<u8> {
        sort_key(Heading::of(None, name), None, name)
    }

    #[test]
    fn names_are_ordered_by_heading_then_by_sound() {
        let ordered = [
            "Acme",
            "Ångström",
            "Bell",
            "Zeta",
            "あい",
            "あおき",
            "アオヤマ",
            "かとう",
            "がとう",
            "かとうだ",
            "きむら",
            "さとう",
            "ハート",
            "わだ",
            "3M",
            "亜細亜",
            "山田",
        ];
        let keys: Vec<_> = ordered.iter().map(|name| key(name)).collect();
        assert!(keys.is_sorted(), "{ordered:?}");
    }

    #[test]
    fn kana_kind_width_and_case_do_not_count() {
        assert_eq!(key("ヤマダ"), key("やまだ"));
        assert_eq!(key("ﾔﾏﾀﾞ"), key("やまだ"));
        assert_eq!(key("ＡＣＭＥ"), key("acme"));
    }

    #[test]
    fn voiced_marks_and_small_kana_count_only_between_names_otherwise_equal() {
        let ordered = ["はき", "ばき", "ぱき", "はく", "ばく"];
        assert!(ordered.map(key).is_sorted());
        let ordered = ["あっか", "あつか", "あっき", "あつき"];
        assert!(ordered.map(key).is_sorted());
        assert_ne!(key("はき"), key("ばき"));
    }

    #[test]
    fn legal_forms_do_not_count_on_either_side() {
        assert_eq!(key("株式会社ヤマダ"), key("ヤマダ"));
        assert_eq!(key("ヤマダ㈱"), key("ヤマダ"));
        assert_eq!(key("Acme, Inc."), key("Acme"));
        assert!(key("ヤマダ株式会社") < key("ヤマダサービス株式会社"));
    }

    #[test]
    fn a_key_has_at_most_512_bytes_and_order_holds_up_to_there() {
        for c in ["山", "a", "ｶﾞ", "ﷺ", "가", "\u{301}", "\u{10fffd}"] {
            assert!(key(&c.repeat(10_000)).len() <= SORT_KEY_BYTES_MAX, "{c}");
        }
        assert!(key(&"あ".repeat(200)) < key(&("あ".repeat(150) + "い")));
    }

    proptest! {
        #[test]
        fn the_heading_decides_before_the_name(left in any_text(), right in any_text()) {
            let (a, b) = (Heading::of(None, &left), Heading::of(None, &right));
            prop_assert!(a == b || a.cmp(&b) == key(&left).cmp(&key(&right)));
        }

        #[test]
        fn bytes_order_names_as_the_collator_does(left in any_text(), right in any_text()) {
            let (a, b) = (fold_name(&left), fold_name(&right));
            let collated = COLLATOR.compare(take_apart(&a).rest, take_apart(&b).rest);
            prop_assert_eq!(of_folded(Heading::A, &a).cmp(&of_folded(Heading::A, &b)), collated);
        }
    }
}
