//! The key for exact matches of names.

use super::fold::{fold_name, fold_run_together};
use super::spelling::{entirely, strip_bracketed, take_apart};

/// Returns the key of an account's name: two names match exactly if their keys are equal.
///
/// Width and case do not count ([`fold`](super::fold())), white space is collapsed, and invisible
/// characters are removed. All spellings of a legal form at the start or the end become the same,
/// as does white space next to it: `㈱ 山田` and `株式会社山田` are equal; `山田株式会社` differs, because the
/// position of the form is part of a company's name. The function is idempotent.
pub fn name_key(name: &str) -> String {
    with_forms_alike(fold_name(name))
}

/// Returns the key of a person's name, family name first: like [`name_key`], but white space does
/// not count, so that 田中太郎, 田中　太郎 and a family and given name joined in that order are equal. `John
/// Smith` and `Smith John` differ.
pub fn person_key(name: &str) -> String {
    with_forms_alike(fold_run_together(name))
}

/// Replaces the spellings of legal forms by their names until nothing changes: a replacement may
/// produce a longer form, as (医) does before 社団. Each further round needs a spelling that was not
/// replaced before, so real names never reach the bound.
fn with_forms_alike(folded: String) -> String {
    const ROUNDS_MAX: usize = 8;
    let mut key = folded;
    for _ in 0..ROUNDS_MAX {
        let next = replaced(&key);
        if next == key {
            break;
        }
        key = next;
    }
    key
}

/// Returns a folded name with the spellings of legal forms unified as in its key, and also the
/// forms in brackets inside the name: 山田㈱東京支店 becomes 山田株式会社東京支店.
pub(super) fn with_all_forms_alike(folded: &str) -> String {
    let key = with_forms_alike(folded.to_owned());
    let mut alike = String::with_capacity(key.len());
    let mut rest = key.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some((form, after)) = strip_bracketed(rest) {
            alike.push_str(&form.key());
            rest = after;
        } else {
            alike.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    alike
}

fn replaced(folded: &str) -> String {
    if let Some(form) = entirely(folded) {
        return form.key();
    }
    let parts = take_apart(folded);
    let mut key = String::with_capacity(folded.len() + 16);
    if let Some(form) = parts.start {
        key.push_str(&form.key());
    }
    match entirely(parts.rest) {
        Some(form) => key.push_str(&form.key()),
        None => key.push_str(parts.rest),
    }
    if let Some(form) = parts.end {
        if form.is_latin() {
            key.push(' ');
        }
        key.push_str(&form.key());
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::spelling::any_text;

    #[test]
    fn the_spellings_of_a_legal_form_are_one_name() {
        for name in [
            "株式会社山田",
            "(株)山田",
            "（株）　山田",
            "㈱山田",
            "㈱ 山田",
            "株式会社\u{3000}山田",
            "カ）山田",
            "㏍山田",
        ] {
            assert_eq!(name_key(name), "株式会社山田", "{name}");
        }
        for name in [
            "Acme Inc",
            "ACME, Inc.",
            "ａｃｍｅ Incorporated",
            "Acme  inc .",
        ] {
            assert_eq!(name_key(name), "acme inc", "{name}");
        }
        for name in ["山田 Co., Ltd.", "山田Co.,Ltd", "山田 company limited"] {
            assert_eq!(name_key(name), "山田 co ltd", "{name}");
        }
        assert_eq!(name_key("NPO法人 虹"), name_key("特定非営利活動法人虹"));
        assert_eq!(name_key("Sony K.K."), name_key("Sony㈱"));
    }

    #[test]
    fn a_form_before_the_name_and_one_after_it_make_two_names() {
        assert_ne!(name_key("株式会社山田"), name_key("山田株式会社"));
        assert_ne!(name_key("株式会社山田"), name_key("山田"));
    }

    #[test]
    fn forms_that_differ_in_law_make_two_names() {
        for (left, right) in [
            ("株式会社山田", "有限会社山田"),
            ("Acme Inc.", "Acme Corp."),
            ("一般社団法人山田", "社団法人山田"),
            ("(合)山田", "合同会社山田"),
            ("(合)山田", "合資会社山田"),
        ] {
            assert_ne!(name_key(left), name_key(right), "{left} {right}");
        }
    }

    #[test]
    fn kana_kind_and_white_space_within_a_companys_name_count() {
        assert_ne!(name_key("ヤマダ商店"), name_key("やまだ商店"));
        assert_ne!(name_key("山田 商店"), name_key("山田商店"));
        assert_eq!(name_key("山田\u{3000} 商店"), name_key("山田 商店"));
    }

    #[test]
    fn a_form_that_is_the_whole_name_is_made_alike_too() {
        assert_eq!(name_key("㈱"), "株式会社");
        assert_eq!(name_key("株式会社㈱"), "株式会社株式会社");
        assert_eq!(name_key(""), "");
    }

    #[test]
    fn white_space_does_not_count_in_a_persons_name() {
        for name in ["田中太郎", "田中 太郎", "田中\u{3000}太郎", " 田 中 太 郎 "] {
            assert_eq!(person_key(name), "田中太郎", "{name}");
        }
        assert_eq!(person_key("Smith John"), person_key("smithJOHN"));
        assert_ne!(person_key("John Smith"), person_key("Smith John"));
        assert_eq!(
            person_key("㈱山田 ご担当者様"),
            person_key("株式会社山田ご担当者様")
        );
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_itself(text in any_text()) {
            let key = name_key(&text);
            prop_assert_eq!(name_key(&key), key);
            let key = person_key(&text);
            prop_assert_eq!(person_key(&key), key);
        }

        #[test]
        fn white_space_anywhere_leaves_a_persons_key_as_it_is(text in any_text()) {
            let together: String = text.split_whitespace().collect();
            prop_assert_eq!(person_key(&text), person_key(&together));
        }

        #[test]
        fn white_space_around_a_name_does_not_count(text in any_text()) {
            prop_assert_eq!(name_key(&format!("\u{3000}{text} ")), name_key(&text));
        }
    }
}
