//! Folding: removes differences of spelling that do not matter.

use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();
const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();

/// Folds an external id or an e-mail address: NFKC, then full case folding without a locale, then
/// NFKC again (case folding can produce text that NFKC composes).
///
/// `D0001`, `d0001` and `Ｄ０００１` are equal. White space stays, inside and at the ends: the parser of
/// the id decides whether to trim it. Folding is idempotent.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let composed = NFKC.normalize(text);
    let folded = CASES.fold_string(&composed);
    NFKC.normalize(&folded).into_owned()
}

/// Folds a name for display order and exact matching: [`fold`], with invisible characters removed
/// and white space collapsed to single spaces and trimmed (NFKC turns the ideographic space into a
/// space).
pub(super) fn fold_name(text: &str) -> String {
    let folded = fold(&visible(text));
    if is_collapsed(&folded) {
        return folded;
    }
    let mut collapsed = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed
}

/// Folds text in which white space does not matter: [`fold`], with white space, control characters
/// and invisible characters removed.
pub(super) fn fold_run_together(text: &str) -> String {
    let unneeded = |c: char| c.is_whitespace() || c.is_control();
    let visible = visible(text);
    let together = if visible.contains(unneeded) {
        Cow::Owned(visible.replace(unneeded, ""))
    } else {
        visible
    };
    let folded = fold(&together);
    // NFKC turns a spacing accent into a space and a combining accent. Without the space, the
    // combining accent applies to the preceding character.
    if folded.contains(char::is_whitespace) {
        fold(&folded.replace(char::is_whitespace, ""))
    } else {
        folded
    }
}

/// Folds text for search: [`fold_run_together`], and katakana to hiragana.
pub(super) fn fold_search(text: &str) -> String {
    let folded = fold_run_together(text);
    if !folded
        .chars()
        .any(|c| matches!(c, 'ァ'..='ヺ' | 'ヽ' | 'ヾ'))
    {
        return folded;
    }
    let mut hiragana = String::with_capacity(folded.len());
    for c in folded.chars() {
        match c {
            // These four have no hiragana: use the plain letter and the voiced mark.
            'ヷ' => hiragana.push_str("わ\u{3099}"),
            'ヸ' => hiragana.push_str("ゐ\u{3099}"),
            'ヹ' => hiragana.push_str("ゑ\u{3099}"),
            'ヺ' => hiragana.push_str("を\u{3099}"),
            c => hiragana.push(to_hiragana(c)),
        }
    }
    NFKC.normalize(&hiragana).into_owned()
}

/// Returns the hiragana of a katakana letter or iteration mark, or the character itself if it has
/// no hiragana.
pub(super) fn to_hiragana(c: char) -> char {
    match c {
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        c => c,
    }
}

/// Returns whether the text has only single spaces between words as white space.
fn is_collapsed(text: &str) -> bool {
    let mut after_space = true;
    for c in text.chars() {
        let space = c.is_whitespace();
        if space && (after_space || c != ' ') {
            return false;
        }
        after_space = space;
    }
    text.is_empty() || !after_space
}

/// Returns the text without characters that readers cannot see (zero-width characters, soft
/// hyphens, the variation selectors that choose between shapes of one kanji). Also rewrites the
/// characters that NFKC would decompose wrongly: standalone voiced marks become combining marks
/// instead of a space and a combining mark; ㊑, ㊒ and ㏍ become (株), (有) and K.K. instead of 株, 有 and
/// KK.
fn visible(text: &str) -> Cow<'_, str> {
    const INVISIBLE: icu_properties::CodePointSetDataBorrowed<'static> =
        CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let rewritten = |c: char| match c {
        '゛' => Some("\u{3099}"),
        '゜' => Some("\u{309a}"),
        '㊑' => Some("(株)"),
        '㊒' => Some("(有)"),
        '㏍' => Some("k.k."),
        c if !c.is_ascii() && INVISIBLE.contains(c) => Some(""),
        _ => None,
    };
    if !text.chars().any(|c| rewritten(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    for c in text.chars() {
        match rewritten(c) {
            Some(instead) => seen.push_str(instead),
            None => seen.push(c),
        }
    }
    Cow::Owned(seen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::spelling::any_text;

    #[test]
    fn width_and_case_are_no_difference_between_ids() {
        for id in ["D0001", "d0001", "Ｄ０００１", "ｄ０００１", "Ⓓ0001"] {
            assert_eq!(fold(id), "d0001", "{id}");
        }
        assert_eq!(fold("ＴＡＲＯ＠Example.ＣＯＭ"), "taro@example.com");
    }

    #[test]
    fn composed_and_decomposed_spellings_are_one_id() {
        assert_eq!(fold("caf\u{e9}"), fold("cafe\u{301}"));
        assert_eq!(fold("ガ"), fold("カ\u{3099}"));
        assert_eq!(fold("ｶﾞ"), fold("ガ"));
    }

    #[test]
    fn case_folding_is_full_and_knows_no_locale() {
        assert_eq!(fold("STRASSE"), fold("Straße"));
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_eq!(fold("ISTANBUL"), "istanbul");
        assert_eq!(fold("ĲSSEL"), "ijssel");
    }

    #[test]
    fn ids_that_differ_in_more_than_width_and_case_stay_apart() {
        let ids = [
            "d0001",
            "d0001 ",
            " d0001",
            "d0001\u{0}",
            "d001",
            "ｄ-0001",
            "カ",
            "か",
            "e",
            "é",
        ];
        for (i, left) in ids.iter().enumerate() {
            for right in &ids[i + 1..] {
                assert_ne!(fold(left), fold(right), "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn folding_any_single_character_twice_changes_nothing() {
        // Kanji and hangul syllables fold to themselves and are many.
        let plain = |c: &char| matches!(c, '㐀'..='鿿' | '가'..='힣' | '\u{20000}'..='\u{dffff}');
        let last = '\u{e0fff}';
        for c in ('\0'..=last).filter(|c| !plain(c)).map(String::from) {
            for folded in [fold, fold_name, fold_run_together, fold_search] {
                let once = folded(&c);
                assert_eq!(folded(&once), once, "{c:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_seen_is_no_part_of_a_name() {
        assert_eq!(fold_name("辻\u{e0100}村\u{200b}"), "辻村");
        assert_eq!(fold_name("\u{feff}Ac\u{ad}me"), "acme");
    }

    #[test]
    fn white_space_in_a_name_is_collapsed_and_trimmed() {
        assert_eq!(fold_name("\u{3000}山田\u{3000}\t 商店\n"), "山田 商店");
        assert_eq!(fold_name("   "), "");
        assert_eq!(fold_name("a b"), "a b");
    }

    #[test]
    fn a_voiced_mark_that_stands_alone_belongs_to_the_letter_before_it() {
        assert_eq!(fold_name("カ゛ス"), "ガス");
        assert_eq!(fold_search("ハ ゜ン"), "ぱん");
    }

    #[test]
    fn search_knows_neither_kana_kind_nor_width_nor_white_space() {
        for name in [
            "ヴァイオリン",
            "ゔぁいおりん",
            "ｳﾞｧｲｵﾘﾝ",
            "ヴァイ\u{3000}オ リン",
        ] {
            assert_eq!(fold_search(name), "ゔぁいおりん", "{name}");
        }
        assert_eq!(fold_search("ヷヸヹヺ"), fold_search("わ゛ゐ゛ゑ゛を゛"));
        assert_eq!(fold_search("スヾキ ヵ ヶ"), "すゞきゕゖ");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any_text()) {
            for folded in [fold, fold_name, fold_run_together, fold_search] {
                let once = folded(&text);
                prop_assert_eq!(folded(&once), once);
            }
        }

        #[test]
        fn search_text_holds_no_white_space_and_no_control_character(text in any_text()) {
            let folded = fold_search(&text);
            prop_assert!(!folded.contains(|c: char| c.is_whitespace() || c.is_control()));
        }
    }
}
