//! Headings: the letters and kana groups that divide a picker's list.

use std::fmt;

use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

use super::fold::{fold_name, to_hiragana};
use super::spelling::take_apart;

/// The heading of a name in a picker.
///
/// The variants are in display order: A–Z, あ–わ, `#`, 他. Latin before kana follows Japanese
/// collation (JIS X 4061 and CLDR `ja`), so that headings and the names under them have the same
/// order. Collation sorts digits and symbols first, but index bars show them after the letters, as
/// on telephones. 他 holds names without a reading; その他 comes last in Japanese lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[rustfmt::skip]
#[expect(missing_docs, reason = "a letter says what it is")]
pub enum Heading {
    A = 1, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z,
    /// あ い う え お, and ヴ.
    KanaA,
    /// か き く け こ.
    KanaKa,
    /// さ し す せ そ.
    KanaSa,
    /// た ち つ て と.
    KanaTa,
    /// な に ぬ ね の.
    KanaNa,
    /// は ひ ふ へ ほ.
    KanaHa,
    /// ま み む め も.
    KanaMa,
    /// や ゆ よ.
    KanaYa,
    /// ら り る れ ろ.
    KanaRa,
    /// わ ゐ ゑ を ん.
    KanaWa,
    /// `#`: digits, punctuation, symbols, emoji, and marks that repeat or lengthen a letter but
    /// have no letter before them (ー, ゝ).
    Symbol,
    /// 他: everything else: kanji without a reading, other scripts, unassigned characters.
    Other,
}

use Heading::*;

impl Heading {
    /// All headings, in their order.
    #[rustfmt::skip]
    pub const ALL: [Heading; 38] = [
        A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z,
        KanaA, KanaKa, KanaSa, KanaTa, KanaNa, KanaHa, KanaMa, KanaYa, KanaRa, KanaWa,
        Symbol, Other,
    ];

    /// Returns the heading of a name: from its reading, or from the name if the reading is absent
    /// or blank, by the first character after a legal form.
    ///
    /// Width, case, kana kind, voiced marks and small kana do not count, and Latin letters lose
    /// their accents. A legal form that is the whole name is not skipped.
    pub fn of(reading: Option<&str>, name: &str) -> Heading {
        match reading.map(fold_name) {
            Some(reading) if !reading.is_empty() => Self::of_folded(&reading),
            _ => Self::of_folded(&fold_name(name)),
        }
    }

    /// Returns the heading of text that [`fold_name`] has folded.
    pub(super) fn of_folded(folded: &str) -> Heading {
        take_apart(folded)
            .rest
            .chars()
            .next()
            .map_or(Other, of_character)
    }

    /// Returns the heading as a picker shows it: `A`, `あ`, `#`, `他`.
    pub fn as_str(self) -> &'static str {
        const SHOWN: [&str; 38] = [
            "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q",
            "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "あ", "か", "さ", "た", "な", "は", "ま",
            "や", "ら", "わ", "#", "他",
        ];
        SHOWN[usize::from(self.code()) - 1]
    }

    /// Parses the text that [`as_str`](Self::as_str) returns. Width, case and kana kind do not
    /// count (`ａ`, `ア`, `＃`); い is not a heading.
    pub fn parse(text: &str) -> Option<Heading> {
        let folded: String = fold_name(text)
            .to_uppercase()
            .chars()
            .map(to_hiragana)
            .collect();
        Self::ALL
            .into_iter()
            .find(|heading| heading.as_str() == folded)
    }

    /// Returns the stored number of the heading: 1 to 38, in the order of the headings.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Returns the heading of a stored number.
    pub fn from_code(code: u8) -> Option<Heading> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }
}

impl fmt::Display for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Returns the heading of a folded character.
fn of_character(c: char) -> Heading {
    match to_hiragana(c) {
        'ぁ'..='お' | 'ゔ' => KanaA,
        'か'..='ご' | 'ゕ' | 'ゖ' | 'ㇰ' => KanaKa,
        'さ'..='ぞ' | 'ㇱ' | 'ㇲ' => KanaSa,
        'た'..='ど' | 'ㇳ' => KanaTa,
        'な'..='の' | 'ㇴ' => KanaNa,
        'は'..='ぽ' | 'ㇵ'..='ㇹ' => KanaHa,
        'ま'..='も' | 'ㇺ' => KanaMa,
        'ゃ'..='よ' => KanaYa,
        'ら'..='ろ' | 'ㇻ'..='ㇿ' => KanaRa,
        'ゎ'..='ん' | 'ヷ'..='ヺ' => KanaWa,
        c => latin(c).unwrap_or_else(|| symbol_or_other(c)),
    }
}

/// Returns the heading of a Latin letter without its accents.
fn latin(c: char) -> Option<Heading> {
    const NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();
    let plain = match NFD.normalize_iter(std::iter::once(c)).next()? {
        // Unicode does not decompose these accented letters and ligatures.
        'æ' => 'a',
        'ƀ' | 'ɓ' => 'b',
        'ƈ' => 'c',
        'đ' | 'ð' | 'ɖ' | 'ɗ' => 'd',
        'ə' | 'ɛ' | 'ǝ' => 'e',
        'ǥ' | 'ɠ' | 'ɣ' => 'g',
        'ħ' => 'h',
        'ı' | 'ɨ' => 'i',
        'ƙ' => 'k',
        'ł' | 'ƚ' => 'l',
        'ŋ' | 'ɲ' => 'n',
        'ø' | 'œ' | 'ɔ' | 'ɵ' => 'o',
        'ƥ' => 'p',
        'ŧ' | 'þ' | 'ƭ' => 't',
        'ʉ' => 'u',
        'ʋ' => 'v',
        'ƴ' => 'y',
        'ƶ' => 'z',
        plain => plain,
    };
    plain
        .is_ascii_lowercase()
        .then(|| Heading::from_code(plain as u8 - b'a' + A.code()))?
}

fn symbol_or_other(c: char) -> Heading {
    const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
    const SCRIPTS: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::new();
    let category = CATEGORIES.get(c);
    let symbol = GeneralCategoryGroup::Number
        .union(GeneralCategoryGroup::Punctuation)
        .union(GeneralCategoryGroup::Symbol)
        .union(GeneralCategoryGroup::Separator)
        .union(GeneralCategoryGroup::Mark)
        .union(GeneralCategoryGroup::Control)
        .union(GeneralCategoryGroup::Format);
    // A modifier letter (ー, ゝ) at the start has nothing to modify. 々 has nothing to repeat either,
    // but at the start it is meant as a kanji.
    let modifier = category == GeneralCategory::ModifierLetter && SCRIPTS.get(c) != Script::Han;
    if modifier || symbol.contains(category) {
        Symbol
    } else {
        Other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::spelling::any_text;

    fn of_name(name: &str) -> &'static str {
        Heading::of(None, name).as_str()
    }

    #[test]
    fn headings_are_ordered_latin_kana_symbols_other() {
        let shown: String = Heading::ALL
            .iter()
            .map(|heading| heading.as_str())
            .collect();
        assert_eq!(shown, "ABCDEFGHIJKLMNOPQRSTUVWXYZあかさたなはまやらわ#他");
        assert!(Heading::ALL.is_sorted());
    }

    #[test]
    fn codes_run_from_1_to_38_and_lead_back() {
        for (i, heading) in Heading::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(heading.code()), i + 1);
            assert_eq!(Heading::from_code(heading.code()), Some(heading));
            assert_eq!(Heading::parse(heading.as_str()), Some(heading));
            assert_eq!(heading.to_string(), heading.as_str());
        }
        assert_eq!(Heading::from_code(0), None);
        assert_eq!(Heading::from_code(39), None);
    }

    #[test]
    fn a_heading_is_read_in_any_width_case_and_kana_kind() {
        for (text, heading) in [
            ("ａ", A),
            ("z", Z),
            ("ア", KanaA),
            ("ｶ", KanaKa),
            ("＃", Symbol),
            (" 他 ", Other),
        ] {
            assert_eq!(Heading::parse(text), Some(heading), "{text}");
        }
        for text in ["", "い", "が", "AB", "山", "*"] {
            assert_eq!(Heading::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_kana_is_in_its_group() {
        for (heading, members) in [
            ("あ", "あいうえおぁぃぅぇぉアイウエオァィゥェォヴゔｱｲｳｴｵｧ"),
            ("か", "かきくけこがぎぐげごカヵヶゕゖガｶ㋕ㇰ"),
            ("さ", "さしすせそざじずぜぞサザｻㇱ㌢"),
            ("た", "たちつてとだぢづでどっッｯタダㇳ"),
            ("な", "なにぬねのナㇴ"),
            (
                "は",
                "はひふへほばぱハバパｸ"
                    .strip_suffix('ｸ')
                    .unwrap_or_default(),
            ),
            ("ま", "まみむめもマ㍉ㇺ"),
            ("や", "やゆよゃゅょヤャｬゟ"),
            ("ら", "らりるれろラㇻㇿ"),
            ("わ", "わゐゑをんゎワヰヱヲンヮヷヸヹヺｦﾝ"),
        ] {
            for c in members.chars().map(String::from) {
                // ゟ is より.
                assert_eq!(of_name(&c), heading, "{c}");
            }
        }
    }

    #[test]
    fn latin_letters_lose_width_case_and_accents() {
        for (name, heading) in [
            ("apple", "A"),
            ("Ａｐｐｌｅ", "A"),
            ("Ångström", "A"),
            ("Æon", "A"),
            ("Œuvre", "O"),
            ("élan", "E"),
            ("Łódź", "L"),
            ("Ørsted", "O"),
            ("Đặng", "D"),
            ("ßtart", "S"),
            ("İzmir", "I"),
            ("ığdır", "I"),
            ("Þór", "T"),
            ("Ǆ", "D"),
            ("𝐙eta", "Z"),
            ("Ⓑ", "B"),
            ("Ệ", "E"),
            ("e\u{301}", "E"),
        ] {
            assert_eq!(of_name(name), heading, "{name}");
        }
    }

    #[test]
    fn digits_symbols_and_marks_with_nothing_before_them_are_symbols() {
        for name in [
            "3M",
            "３Ｍ",
            "①番",
            "#tag",
            "@home",
            "「山田」",
            "(仮)山田",
            "・中黒",
            "〇〇商事",
            "○○商事",
            "😀スマイル",
            "℃",
            "￥",
            "ーまる",
            "ｰまる",
            "ゝ",
            "ヾ",
            "〜",
            "゛",
            "\u{301}",
            "1️⃣",
        ] {
            assert_eq!(of_name(name), "#", "{name}");
        }
    }

    #[test]
    fn kanji_without_a_reading_and_other_scripts_are_other() {
        for name in [
            "山田",
            "々木",
            "〆木",
            "一番",
            "Ж",
            "Ωmega",
            "김",
            "\u{e000}",
            "",
            "𠮷野家",
        ] {
            assert_eq!(of_name(name), "他", "{name}");
        }
    }

    #[test]
    fn the_reading_goes_before_the_name_unless_it_is_blank() {
        assert_eq!(Heading::of(Some("ヤマダ"), "山田").as_str(), "や");
        assert_eq!(
            Heading::of(Some(" \u{3000}\u{200b}"), "アオキ").as_str(),
            "あ"
        );
        assert_eq!(Heading::of(Some("山"), "アオキ").as_str(), "他");
    }

    #[test]
    fn a_legal_form_at_the_start_is_skipped() {
        for (name, heading) in [
            ("株式会社アオキ", "あ"),
            ("㈱ Acme", "A"),
            ("(有)さくら", "さ"),
            ("㏍ベル", "は"),
            ("NPO法人みどり", "ま"),
            ("医療法人社団やすらぎ会", "や"),
            ("株式会社3M", "#"),
            ("合同会社 山田", "他"),
            ("(合)カネコ", "か"),
        ] {
            assert_eq!(of_name(name), heading, "{name}");
        }
        assert_eq!(
            Heading::of(Some("カブシキガイシャ ヤマダ"), "株式会社山田").as_str(),
            "や"
        );
        assert_eq!(
            Heading::of(Some("カ）ヤマダ"), "株式会社山田").as_str(),
            "や"
        );
        assert_eq!(of_name("カブトムシ"), "か");
        assert_eq!(of_name("株式会社"), "他");
        assert_eq!(of_name("かぶしきがいしゃ"), "か");
    }

    proptest! {
        #[test]
        fn width_case_and_kana_kind_never_change_a_heading(text in any_text()) {
            let heading = Heading::of(None, &text);
            let folded = fold_name(&text);
            let hiragana: String = folded.chars().map(to_hiragana).collect();
            let wide: String = folded
                .chars()
                .map(|c| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xfee0).unwrap_or(c) } else { c })
                .collect();
            prop_assert_eq!(Heading::of(None, &folded), heading);
            prop_assert_eq!(Heading::of(None, &hiragana), heading);
            prop_assert_eq!(Heading::of(None, &wide), heading);
            prop_assert_eq!(Heading::of(Some(&text), "x"), if folded.is_empty() { X } else { heading });
        }
    }
}
