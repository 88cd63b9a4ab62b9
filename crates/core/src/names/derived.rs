//! The derived columns of an account or contact, computed from its names.

use std::collections::BTreeSet;

use icu_properties::props::Script;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

use super::fold::fold_name;
use super::heading::Heading;
use super::name_key::{name_key, person_key};
use super::search::{Field, Gram, digits, grams, search_text};
use super::sort_key::of_folded;

/// The version of the code that computes derived columns.
///
/// **Raise it with any change that alters the result of this module for any name**: a rule, an
/// entry of the table of legal forms, the layout of search texts, the numbers of headings or grams,
/// or an update of the Unicode and collation data (the icu crates). Servers rebuild the stored
/// columns only when it rises.
pub const DERIVATION: u32 = 2;

/// The names of an account. A blank value counts as absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountNames<'a> {
    /// The name (取引先名).
    pub name: &'a str,
    /// The reading of the name (フリガナ).
    pub reading: Option<&'a str>,
    /// The caller's own id.
    pub external_id: Option<&'a str>,
}

/// The names of a contact. A blank value counts as absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContactNames<'a> {
    /// The family name (姓).
    pub family: &'a str,
    /// The given name (名).
    pub given: Option<&'a str>,
    /// The reading of the family name (セイ).
    pub family_reading: Option<&'a str>,
    /// The reading of the given name (メイ).
    pub given_reading: Option<&'a str>,
    /// The caller's own id.
    pub external_id: Option<&'a str>,
    /// The telephone number: it is found by its digits.
    pub phone: Option<&'a str>,
}

/// The derived columns of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// The heading in a picker.
    pub heading: Heading,
    /// The position in a list: see [`sort_key`](super::sort_key()).
    pub sort_key: Vec<u8>,
    /// The key for exact matches: see [`name_key`] for an account, [`person_key`] for a contact.
    pub name_key: String,
    /// The text that queries search: see [`search_text`].
    pub search_text: String,
}

impl Derived {
    /// Returns the grams that nominate the record: the grams of its search text and of its heading.
    pub fn grams(&self) -> BTreeSet<Gram> {
        let mut all = grams(&self.search_text);
        all.insert(Gram::of_heading(self.heading));
        all
    }

    /// Returns the derived columns of an account.
    pub fn of_account(account: &AccountNames<'_>) -> Self {
        let reading = account.reading.unwrap_or_default();
        let mut listed = fold_name(reading);
        if listed.is_empty() {
            listed = fold_name(account.name);
        }
        let heading = Heading::of_folded(&listed);
        Self {
            heading,
            sort_key: of_folded(heading, &listed),
            name_key: name_key(account.name),
            search_text: search_text(&[
                Field::Name(account.name),
                Field::Name(reading),
                Field::Other(account.external_id.unwrap_or_default()),
            ]),
        }
    }

    /// Returns the derived columns of a contact with these e-mail addresses.
    ///
    /// In a list the family name takes precedence over the given name (はら　ひろし before はらだ　あき); each
    /// sorts by its reading, or by its written form if it has no reading. For search and matching
    /// they are joined, family name first; a name without kana or kanji is also found in the other
    /// order (John Smith, whose family name is Smith).
    pub fn of_contact<E: AsRef<str>>(contact: &ContactNames<'_>, emails: &[E]) -> Self {
        let given = contact.given.unwrap_or_default();
        let name = joined(contact.family, "", given);
        let reading = joined(
            contact.family_reading.unwrap_or_default(),
            "",
            contact.given_reading.unwrap_or_default(),
        );
        let listed = fold_name(&joined(
            read_or_written(contact.family_reading, contact.family),
            " ",
            read_or_written(contact.given_reading, given),
        ));
        let heading = Heading::of_folded(&listed);

        let turned = joined(given, "", contact.family);
        let turns = !given.is_empty() && !is_japanese(&name);
        let mut fields = Vec::with_capacity(5 + emails.len());
        fields.extend([Field::Name(&name), Field::Name(&reading)]);
        fields.extend(turns.then_some(Field::Other(&turned)));
        fields.extend(emails.iter().map(|email| Field::Other(email.as_ref())));
        fields.extend(contact.external_id.map(Field::Other));
        let phone = contact.phone.map(digits).unwrap_or_default();
        fields.push(Field::Other(&phone));
        Self {
            heading,
            sort_key: of_folded(heading, &listed),
            name_key: person_key(&name),
            search_text: search_text(&fields),
        }
    }
}

fn joined(first: &str, between: &str, second: &str) -> String {
    [first, between, second].concat()
}

/// Returns the reading, or the name if the reading is blank.
fn read_or_written<'a>(reading: Option<&'a str>, written: &'a str) -> &'a str {
    reading
        .filter(|reading| !fold_name(reading).is_empty())
        .unwrap_or(written)
}

/// Returns whether the text contains kana or kanji.
fn is_japanese(text: &str) -> bool {
    const SCRIPTS: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::new();
    !text.is_ascii()
        && text.chars().any(|c| {
            matches!(
                SCRIPTS.get(c),
                Script::Han | Script::Hiragana | Script::Katakana
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{NAME_START, OTHER_START, SearchQuery, sort_key};

    const TANAKA: ContactNames<'static> = ContactNames {
        family: "田中",
        given: Some("太郎"),
        family_reading: Some("タナカ"),
        given_reading: Some("タロウ"),
        external_id: Some("E-１"),
        phone: None,
    };

    #[test]
    fn an_account_is_derived_from_its_name_reading_and_external_id() {
        let derived = Derived::of_account(&AccountNames {
            name: "㈱山田",
            reading: Some("ヤマダ"),
            external_id: Some("Ａ1"),
        });
        assert_eq!(derived.heading, Heading::KanaYa);
        assert_eq!(
            derived.sort_key,
            sort_key(Heading::KanaYa, Some("ヤマダ"), "㈱山田")
        );
        assert_eq!(derived.name_key, "株式会社山田");
        assert_eq!(
            derived.search_text,
            format!(
                "{NAME_START}(株)山田{NAME_START}株式会社山田{NAME_START}山田{NAME_START}やまだ\
                 {OTHER_START}a1"
            )
        );
    }

    #[test]
    fn a_contact_is_derived_from_names_run_together_and_all_its_ids() {
        let derived = Derived::of_contact(&TANAKA, &["Taro@Example.com", "t2@example.com"]);
        assert_eq!(derived.heading, Heading::KanaTa);
        assert_eq!(
            derived.sort_key,
            sort_key(Heading::KanaTa, None, "たなか たろう")
        );
        assert_eq!(derived.name_key, person_key("田中　太郎"));
        assert_eq!(
            derived.search_text,
            format!(
                "{NAME_START}田中太郎{NAME_START}たなかたろう{OTHER_START}taro@example.com\
                 {OTHER_START}t2@example.com{OTHER_START}e-1"
            )
        );
    }

    #[test]
    fn a_family_name_orders_contacts_before_their_given_names() {
        let keys = [("ハラ", "ヒロシ"), ("ハラダ", "アキ")].map(|(family, given)| {
            let names = ContactNames {
                family,
                given: Some(given),
                ..ContactNames::default()
            };
            Derived::of_contact::<&str>(&names, &[]).sort_key
        });
        assert!(keys.is_sorted());
    }

    #[test]
    fn a_part_without_a_reading_is_listed_as_it_is_written() {
        let names = ContactNames {
            given_reading: Some("  "),
            ..TANAKA
        };
        let derived = Derived::of_contact::<&str>(&names, &[]);
        assert_eq!(derived.heading, Heading::KanaTa);
        assert_eq!(
            derived.sort_key,
            sort_key(Heading::KanaTa, None, "たなか 太郎")
        );
        let names = ContactNames {
            family_reading: None,
            ..TANAKA
        };
        assert_eq!(
            Derived::of_contact::<&str>(&names, &[]).heading,
            Heading::Other
        );
    }

    #[test]
    fn a_name_without_kana_and_kanji_is_found_in_either_order() {
        let smith = ContactNames {
            family: "Smith",
            given: Some("John"),
            ..ContactNames::default()
        };
        let text = Derived::of_contact::<&str>(&smith, &[]).search_text;
        for query in ["John Smith", "Smith John", "smith", "JOHN", "s"] {
            assert!(SearchQuery::parse(query).matches(&text), "{query}");
        }
        assert!(!SearchQuery::parse("j").matches(&text));
        let text = Derived::of_contact::<&str>(&TANAKA, &[]).search_text;
        assert!(!SearchQuery::parse("太郎田中").matches(&text));
    }
}
