//! What is derived of 200 names, kept: a change to any of it is a change of stored data.
//!
//! When this test fails, a rule was changed or an update of the Unicode and collation data (the icu
//! crates) moved a name. If that is wanted, look at each difference (`cargo insta review`), accept
//! it **and raise [`roster_core::names::DERIVATION`]**: only then do servers rebuild what their
//! databases hold, and without it old and new rows stand in two orders at once.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use roster_core::names::{AccountNames, ContactNames, Derived, NAME_START, OTHER_START};

const NAMES: &str = include_str!("names.txt");

/// Reads `\\u{…}`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut read = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        read.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        read.push_str(rest);
    }
    read
}

fn derived(kind: &str, name: &str, reading: &str) -> Derived {
    let (name, reading) = (unescaped(name), unescaped(reading));
    if kind == "account" {
        return Derived::of_account(&AccountNames {
            name: &name,
            reading: Some(&reading),
            external_id: None,
        });
    }
    let (family, given) = name.split_once('/').unwrap();
    let (family_reading, given_reading) = reading.split_once('/').unwrap_or_default();
    let names = ContactNames {
        family,
        given: Some(given),
        family_reading: Some(family_reading),
        given_reading: Some(given_reading),
        external_id: None,
        phone: None,
    };
    Derived::of_contact::<&str>(&names, &[])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of a record: its heading, what it is, by what it matches, in what it is searched, and its key.
fn line(written: &str, made: &Derived) -> String {
    let searched = made
        .search_text
        .replace(NAME_START, " ▸")
        .replace(OTHER_START, " ·");
    format!(
        "{} | {written} | {} |{searched} | {}",
        made.heading,
        made.name_key.escape_debug(),
        hex(&made.sort_key),
    )
}

#[test]
fn what_is_derived_of_a_name_stays_what_it_is() {
    let mut all = Vec::new();
    for written in NAMES.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = written.split('|');
        let mut field = || fields.next().unwrap();
        let made = derived(field(), field(), field());
        all.push((made.sort_key.clone(), line(written, &made)));
    }
    assert_eq!(all.len(), 200);
    // Equal keys are told apart by id in a list, here by the order of the file.
    all.sort_by(|(left, _), (right, _)| left.cmp(right));
    let lines: Vec<String> = all.into_iter().map(|(_, line)| line).collect();
    insta::assert_snapshot!(lines.join("\n"));
}
