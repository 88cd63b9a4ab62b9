//! Which texts a query finds, and what its grams nominate.

use proptest::prelude::*;

use super::*;
use crate::names::spelling::any_text;
use crate::names::{LEGAL_FORMS, LegalForm};

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
fn the_spellings_of_a_legal_form_find_each_other() {
    for (names, queries) in [
        (
            &[
                "株式会社山田",
                "(株)山田",
                "㈱ 山田",
                "カ）山田",
                "K.K. 山田",
            ][..],
            &["株式会社山田", "（株）山田", "㈱山田", "㈱　山", "株)山田"][..],
        ),
        (
            &["山田株式会社", "山田㈱", "山田 (株)"],
            &[
                "山田株式会社",
                "山田㈱",
                "山田（株）",
                "山田(株",
                "田株式会",
            ],
        ),
        (
            &["有限会社山田", "（有）山田", "㈲山田"],
            &["(有)山田", "有限会社山", "㈲山田", "（有）"],
        ),
        (
            &["合同会社山田", "(同)山田", "（同） 山田"],
            &["（同）山田", "合同会社山田", "合同会"],
        ),
        (
            &["Acme, Inc.", "ACME Incorporated", "Acme Inc"],
            &["acme inc", "Acme, Inc.", "acme incorporated"],
        ),
        (
            &[
                "山田㈱ 東京支店",
                "山田株式会社東京支店",
                "山田（株）東京支店",
            ],
            &["山田株式会社", "山田㈱東京", "田（株）東"],
        ),
    ] {
        for (name, query) in names
            .iter()
            .flat_map(|n| queries.iter().map(move |q| (n, q)))
        {
            assert!(found(query, &[Field::Name(name)]), "{query} in {name}");
        }
    }
    let yamada = [Field::Name("株式会社山田")];
    for query in ["(有)山田", "山田㈱", "㈱山本", "(同)"] {
        assert!(!found(query, &yamada), "{query}");
    }
}

#[test]
fn a_legal_form_is_found_alone_and_while_it_is_typed() {
    for name in ["株式会社山田", "㈱山田", "山田（株）", "株式 会社山田"] {
        for query in ["株式", "株式会", "株式会社", "(株)", "㈱", "（株", "株）"] {
            assert!(found(query, &[Field::Name(name)]), "{query} in {name}");
        }
    }
    for name in ["株式会社山田", "㈱山田"] {
        assert!(found("株", &[Field::Name(name)]), "{name}");
    }
}

#[test]
fn what_reads_like_a_legal_form_is_still_found_as_it_is_written() {
    for (name, query) in [
        ("Acme Limited Partners", "Acme Limited"),
        ("Acme Corporation Japan", "acme corporation"),
        ("(アメリカ)商会", "カ)商会"),
        ("山田(有志の会)", "山田(有"),
    ] {
        assert!(found(query, &[Field::Name(name)]), "{query} in {name}");
    }
    assert!(found("AB Limited", &[Field::Other("AB Limited")]));
}

#[test]
fn an_empty_query_filters_nothing() {
    for query in ["", " ", "\u{3000}\t", "\u{200b}"] {
        let query = SearchQuery::parse(query);
        assert!(query.is_empty() && query.grams().iter().all(BTreeSet::is_empty));
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

/// Returns the text as it is written, and with its legal forms spelled out.
fn both_ways(text: &str) -> [String; 2] {
    let alike = with_all_forms_alike(&fold_name(text));
    [fold_search(text), fold_search(&alike)]
}

/// The rule in its plain form, without search texts.
fn found_naively(query: &str, fields: &[Field<'_>]) -> bool {
    let queries = both_ways(query);
    let in_one = |texts: &[String]| {
        let mut pairs = texts
            .iter()
            .flat_map(|t| queries.iter().map(move |q| (t, q)));
        pairs.any(|(text, query)| text.contains(query))
    };
    let query = &queries[0];
    fields
        .iter()
        .any(|field| match (field, query.chars().count()) {
            (Field::Name(text), 2..) => in_one(&both_ways(text)),
            (Field::Other(text), 2..) => in_one(&[fold_search(text)]),
            (Field::Name(text), 1) => {
                let folded = fold_name(text);
                both_ways(text).iter().any(|text| text.starts_with(query))
                    || take_apart(&folded).start.is_some()
                        && fold_search(take_apart(&folded).rest).starts_with(query)
            }
            (Field::Other(_), 1) => false,
            (_, _) => true,
        })
        || query.is_empty()
}

/// Returns whether the text has all grams of one of the needles.
fn nominates(query: &SearchQuery, text: &str) -> bool {
    let all = grams(text);
    query.grams().iter().any(|needle| needle.is_subset(&all))
}

/// Returns the spellings of a legal form before or after a name.
fn spellings(form: &LegalForm, first: bool) -> Vec<String> {
    let short = form.abbreviations.iter().flat_map(|mark| {
        let half = if first {
            format!("{mark}）")
        } else {
            format!("（{mark}")
        };
        [format!("({mark})"), format!("〔{mark}〕"), half]
    });
    let long = [&[form.name], form.spellings].concat();
    short.chain(long.into_iter().map(String::from)).collect()
}

/// Joins two parts of a name. Adjacent Latin letters (A and NPOホウジン) would form one word.
fn joined(left: &str, space: &str, right: &str) -> String {
    let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let meet = space.is_empty() && latin(left.chars().next_back()) && latin(right.chars().next());
    let space = if meet { " " } else { space };
    format!("{left}{space}{right}")
}

/// A company name in two spellings.
fn written_twice() -> impl Strategy<Value = (String, String)> {
    let body = "[山田あナAb1][山田あナ Ab1営業]{0,6}";
    let parts = (
        body,
        any::<bool>(),
        any::<[prop::sample::Index; 3]>(),
        "[ \u{3000}]{0,2}",
    );
    parts.prop_map(|(body, first, [form, one, other], space)| {
        let kanji: Vec<&LegalForm> = LEGAL_FORMS.iter().filter(|f| !f.is_latin()).collect();
        let all = spellings(kanji[form.index(kanji.len())], first);
        let name = |spelling: &String| {
            if first {
                joined(spelling, &space, &body)
            } else {
                joined(&body, &space, spelling)
            }
        };
        (
            name(&all[one.index(all.len())]),
            name(&all[other.index(all.len())]),
        )
    })
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
        prop_assert!(!query.matches(&text) || nominates(&query, &text));
    }

    #[test]
    fn grams_nominate_whatever_matches(query in any_text(), fields in any_fields()) {
        let (query, text) = (SearchQuery::parse(&query), search_text(&as_fields(&fields)));
        prop_assert!(!query.matches(&text) || nominates(&query, &text));
    }

    #[test]
    fn a_company_is_found_by_every_spelling_of_its_legal_form((name, query) in written_twice()) {
        prop_assert!(found(&query, &[Field::Name(&name)]), "{} in {}", query, name);
    }

    #[test]
    fn what_is_typed_on_the_way_to_a_name_finds_it(name in any_text(), length in 1..12_usize) {
        let typed: String = fold_search(&name).chars().take(length).collect();
        prop_assert!(found(&typed, &[Field::Name(&name)]), "{} in {}", typed, name);
    }
}
