//! Finds a legal form at the start or the end of a folded name.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::fold::{fold_name, to_hiragana};
use super::legal_form::{LEGAL_FORMS, LegalForm};

/// The parts of a folded name. `rest` is empty only if the whole name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// The legal form at the start.
    pub(super) start: Option<&'static LegalForm>,
    /// The name itself, without white space (or the comma of `Acme, Inc.`) next to the forms.
    pub(super) rest: &'a str,
    /// The legal form at the end.
    pub(super) end: Option<&'static LegalForm>,
}

/// Removes the legal forms from a name that [`fold_name`] has folded: at most one at the start and
/// one at the end, the longest spelling that fits. A form that is the whole name stays.
pub(super) fn take_apart(folded: &str) -> Parts<'_> {
    let (start, rest) = match strip_start(folded) {
        Some((form, rest)) if !rest.is_empty() => (Some(form), rest),
        _ => (None, folded),
    };
    let (end, rest) = match strip_end(rest) {
        Some((form, rest)) if !rest.is_empty() => (Some(form), rest),
        _ => (None, rest),
    };
    Parts { start, rest, end }
}

/// Returns the legal form if the folded name consists only of it.
pub(super) fn entirely(folded: &str) -> Option<&'static LegalForm> {
    [strip_start(folded), strip_end(folded)]
        .into_iter()
        .flatten()
        .find_map(|(form, rest)| rest.is_empty().then_some(form))
}

/// Returns the legal form in brackets at the beginning of the text, and the text after it.
pub(super) fn strip_bracketed(folded: &str) -> Option<(&'static LegalForm, &str)> {
    folded
        .starts_with(|c| alike(c) == '(')
        .then(|| strip_start(folded))?
}

fn strip_start(folded: &str) -> Option<(&'static LegalForm, &str)> {
    let first = alike(folded.chars().next()?);
    SPELLINGS.at_start.get(&first)?.iter().find_map(|spelling| {
        let length = length_of(&mut folded.chars(), spelling.letters.iter())?;
        let rest = &folded[length..];
        let whole_word = !spelling
            .letters
            .last()
            .is_some_and(char::is_ascii_alphanumeric)
            || rest.chars().next().is_none_or(ends_latin_word);
        whole_word.then(|| (spelling.form, rest.trim_start()))
    })
}

fn strip_end(folded: &str) -> Option<(&'static LegalForm, &str)> {
    let last = alike(folded.chars().rev().find(|c| !is_latin_filler(*c))?);
    SPELLINGS.at_end.get(&last)?.iter().find_map(|spelling| {
        let length = length_of(&mut folded.chars().rev(), spelling.letters.iter().rev())?;
        let rest = &folded[..folded.len() - length];
        if !spelling
            .letters
            .first()
            .is_some_and(char::is_ascii_alphanumeric)
        {
            return Some((spelling.form, rest.trim_end()));
        }
        rest.chars()
            .next_back()
            .is_none_or(ends_latin_word)
            .then(|| (spelling.form, rest.trim_end_matches([' ', ','])))
    })
}

/// Returns how many bytes of the text the letters occupy. White space between letters does not
/// count, nor do the full stops and commas of a Latin form.
fn length_of<'a>(
    text: &mut dyn Iterator<Item = char>,
    letters: impl Iterator<Item = &'a char>,
) -> Option<usize> {
    let mut length = 0;
    for letter in letters {
        loop {
            let c = text.next()?;
            length += c.len_utf8();
            if alike(c) == *letter {
                break;
            }
            if !(c.is_whitespace() || letter.is_ascii_alphanumeric() && is_latin_filler(c)) {
                return None;
            }
        }
    }
    Some(length)
}

/// Returns whether the character may appear between and after the letters of a Latin form: `Co.,
/// Ltd.`
fn is_latin_filler(c: char) -> bool {
    c.is_whitespace() || matches!(c, '.' | ',')
}

/// Returns whether a character next to a Latin form makes it a separate word: the `inc` of `acme
/// inc` and of `山田inc`, not of `zinc` or `acme.inc`.
fn ends_latin_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ')') || u32::from(c) >= FIRST_EAST_ASIAN
}

/// The first code point of the scripts without spaces between words (CJK radicals, kana, kanji).
const FIRST_EAST_ASIAN: u32 = 0x2e80;

/// Normalizes a character to compare spellings of a form: kana kind, small kana (which bank
/// transfers lack) and the kind of brackets do not count.
fn alike(c: char) -> char {
    match to_hiragana(c) {
        'ぁ' => 'あ',
        'ぃ' => 'い',
        'ぅ' => 'う',
        'ぇ' => 'え',
        'ぉ' => 'お',
        'っ' => 'つ',
        'ゃ' => 'や',
        'ゅ' => 'ゆ',
        'ょ' => 'よ',
        'ゎ' => 'わ',
        '[' | '〔' | '【' | '〈' | '《' | '<' | '「' => '(',
        ']' | '〕' | '】' | '〉' | '》' | '>' | '」' => ')',
        c => c,
    }
}

/// One spelling of a form, with characters normalized by [`alike`].
struct Spelling {
    letters: Box<[char]>,
    form: &'static LegalForm,
}

/// The spellings by their outermost character, longest first.
#[derive(Default)]
struct Spellings {
    at_start: HashMap<char, Vec<Spelling>>,
    at_end: HashMap<char, Vec<Spelling>>,
}

static SPELLINGS: LazyLock<Spellings> = LazyLock::new(|| {
    let mut spellings = Spellings::default();
    for form in LEGAL_FORMS {
        spellings.add_end(form, form.name);
        if !form.is_latin() {
            spellings.add_start(form, form.name);
        }
        for spelling in form.spellings {
            spellings.add_start(form, spelling);
            spellings.add_end(form, spelling);
        }
        for mark in form.abbreviations {
            let both = format!("({mark})");
            spellings.add_start(form, &both);
            spellings.add_end(form, &both);
            spellings.add_start(form, &format!("{mark})"));
            spellings.add_end(form, &format!("({mark}"));
        }
        for spelling in form.latin_at_start {
            spellings.add_start(form, spelling);
        }
        for spelling in form.latin_at_end {
            spellings.add_end(form, spelling);
        }
    }
    let by_place = [&mut spellings.at_start, &mut spellings.at_end];
    for list in by_place.into_iter().flat_map(HashMap::values_mut) {
        list.sort_by_key(|spelling| std::cmp::Reverse(spelling.letters.len()));
    }
    spellings
});

impl Spellings {
    fn add_start(&mut self, form: &'static LegalForm, text: &str) {
        let letters = letters(text);
        if let Some(first) = letters.first() {
            self.at_start
                .entry(*first)
                .or_default()
                .push(Spelling { letters, form });
        }
    }

    fn add_end(&mut self, form: &'static LegalForm, text: &str) {
        let letters = letters(text);
        if let Some(last) = letters.last() {
            self.at_end
                .entry(*last)
                .or_default()
                .push(Spelling { letters, form });
        }
    }
}

fn letters(text: &str) -> Box<[char]> {
    fold_name(text)
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(alike)
        .collect()
}

/// Text of all kinds of character that folding treats specially, for property tests.
#[cfg(test)]
pub(super) fn any_text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;

    let nasty = "[ -~｡-ﾟＡ-ｚ\u{300}-\u{345}ぁ-ヿㇰ-ㇿÀ-ſ\u{3000}\u{200b}\u{e0100}㈱㈲㍿㊑ﷺΣςßİΐᾳ´㎏Ⅷ①々〆ー゛゜\t\u{1e}\u{1f}\u{0}가각ΑΩЖ田中林😀]{0,12}";
    let forms: Vec<&'static str> = LEGAL_FORMS
        .iter()
        .flat_map(|form| {
            [
                &[form.name],
                form.spellings,
                form.latin_at_start,
                form.latin_at_end,
            ]
            .concat()
        })
        .chain([
            "(株)",
            "（株",
            "ｶ)",
            "〔有〕",
            "(医)",
            "山田",
            "社団",
            " ",
            "\u{3000}",
            "農業",
            ", ",
        ])
        .collect();
    prop_oneof![
        2 => nasty.prop_map(String::from),
        2 => proptest::collection::vec(proptest::sample::select(forms), 0..5).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(name: &str) -> (Option<&'static str>, String, Option<&'static str>) {
        let folded = fold_name(name);
        let Parts { start, rest, end } = take_apart(&folded);
        (
            start.map(|form| form.name),
            rest.to_owned(),
            end.map(|form| form.name),
        )
    }

    #[test]
    fn every_spelling_of_a_form_is_found_at_the_start() {
        for spelling in [
            "株式会社",
            "(株)",
            "（株）",
            "㈱",
            "㍿",
            "㊑",
            "〔株〕",
            "[株]",
            "株）",
            "株式 会社",
            "カブシキガイシャ",
            "かぶしきがいしゃ",
            "ｶﾌﾞｼｷｶﾞｲｼﾔ",
            "カ）",
            "ｶ)",
            "(カ)",
            "㏍",
            "K.K.",
            "Kabushiki Kaisha ",
        ] {
            for space in ["", " ", "\u{3000}"] {
                let name = format!("{spelling}{space}山田");
                assert_eq!(
                    apart(&name),
                    (Some("株式会社"), "山田".to_owned(), None),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn every_spelling_of_a_form_is_found_at_the_end() {
        for spelling in [
            "有限会社",
            "(有)",
            "㈲",
            "（有",
            "ユウゲンガイシャ",
            "（ユ",
            "(ﾕ",
            " Y.K.",
        ] {
            let name = format!("山田{spelling}");
            assert_eq!(
                apart(&name),
                (None, "山田".to_owned(), Some("有限会社")),
                "{name}"
            );
        }
    }

    #[test]
    fn a_latin_form_is_a_word_of_its_own_at_the_end() {
        assert_eq!(apart("Acme, Inc."), (None, "acme".to_owned(), Some("Inc")));
        assert_eq!(
            apart("ACME INCORPORATED"),
            (None, "acme".to_owned(), Some("Inc"))
        );
        assert_eq!(
            apart("山田Co.,Ltd."),
            (None, "山田".to_owned(), Some("Co Ltd"))
        );
        assert_eq!(apart("Acme L.L.C."), (None, "acme".to_owned(), Some("LLC")));
        for name in [
            "zinc",
            "acme.inc",
            "inc zinc",
            "cisco-ltd",
            "kk tanaka",
            "flag",
        ] {
            assert_eq!(apart(name), (None, name.to_owned(), None), "{name}");
        }
    }

    #[test]
    fn the_longest_spelling_that_fits_is_taken() {
        assert_eq!(apart("医療法人社団山田会").0, Some("医療法人社団"));
        assert_eq!(apart("（医）社団 山田会").0, Some("医療法人社団"));
        assert_eq!(apart("一般社団法人日本協会").0, Some("一般社団法人"));
        assert_eq!(apart("Acme Pte. Ltd.").2, Some("Pte Ltd"));
    }

    #[test]
    fn a_form_that_is_all_there_is_is_the_name() {
        for name in ["株式会社", "(株)", "カ)", "inc."] {
            assert_eq!(apart(name), (None, fold_name(name), None), "{name}");
            assert!(entirely(&fold_name(name)).is_some(), "{name}");
        }
        assert_eq!(apart("株式会社有限会社").1, "有限会社");
        assert_eq!(apart(""), (None, String::new(), None));
    }

    #[test]
    fn no_spelling_stands_for_two_forms() {
        for places in [&SPELLINGS.at_start, &SPELLINGS.at_end] {
            for list in places.values() {
                let mut seen = HashMap::new();
                for spelling in list {
                    let before = seen.insert(&spelling.letters, spelling.form.name);
                    assert!(
                        before.is_none(),
                        "{:?}: {before:?}, {}",
                        spelling.letters,
                        spelling.form.name
                    );
                }
            }
        }
    }
}
