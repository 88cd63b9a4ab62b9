//! A rule has one name: the comments of the proto use it, and so do the comments of the code that
//! enforces the rule and of the tests that try it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All files of this kind in a folder, as text.
fn texts(folder: &str, extension: &str) -> Vec<String> {
    let (mut folders, mut texts) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    assert!(!texts.is_empty(), "{folder}");
    texts
}

/// The names in backquotes after these words: "rule `a`", "rules `a`, `b`", "rules `a` and `b`".
fn named_after(text: &str, word: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(word) {
        let mut rest = &text[at + word.len()..];
        while let Some((name, after)) = rest.strip_prefix('`').and_then(|rest| rest.split_once('`'))
        {
            names.insert(name.to_owned());
            let separated = after.strip_prefix(", ").or(after.strip_prefix(" and "));
            rest = separated.unwrap_or_default();
        }
    }
    names
}

/// The rules and the clauses of the visibility rule, as the proto names them.
fn rules() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in texts("proto/roster/v1", "proto") {
        let lines = text
            .lines()
            .map(|line| line.trim().trim_start_matches("//").trim());
        let text = lines.collect::<Vec<_>>().join(" ");
        for word in ["rule ", "rules ", "Clause "] {
            names.extend(named_after(&text, word));
        }
    }
    names
}

/// Doc comments, each with the line that it documents.
fn documented(text: &str) -> Vec<(String, String)> {
    let (mut comment, mut found) = (String::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            comment.push_str(more);
        } else if !comment.is_empty() && !line.starts_with("#[") {
            found.push((std::mem::take(&mut comment), line.to_owned()));
        }
    }
    found
}

/// Whether a comment line of a file names the rule.
fn is_in_comment(text: &str, name: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line.starts_with("//") && line.contains(&format!("`{name}`")))
}

#[test]
fn every_rule_of_the_proto_is_named_where_it_is_enforced_and_where_it_is_tested() {
    let rules = rules();
    assert!(rules.len() >= 16, "{rules:?}");
    // A refusal only says that a rule was broken: it is not among the rules.
    let enforced: Vec<_> = texts("crates/core/src/rules", "rs")
        .iter()
        .flat_map(|text| documented(text))
        .collect();
    for name in &rules {
        let quoted = format!("`{name}`");
        assert!(
            enforced
                .iter()
                .any(|(comment, _)| comment.contains(&quoted)),
            "no doc comment of crates/core/src/rules names {name}"
        );
        for tests in ["crates/core/tests/rules", "tests/api"] {
            assert!(
                texts(tests, "rs")
                    .iter()
                    .any(|text| is_in_comment(text, name)),
                "no comment of {tests} names {name}"
            );
        }
    }
}

#[test]
fn a_rule_is_named_at_the_very_line_or_function_that_is_easily_missed() {
    let association =
        fs::read_to_string(root().join("crates/core/src/rules/association.rs")).unwrap();
    let lines: Vec<&str> = association.lines().collect();
    let first = lines
        .iter()
        .position(|line| line.contains("primary: count == 0"));
    let above = lines[first.expect("the first account becomes primary") - 1];
    assert!(above.contains("`one-primary`"), "{above}");
    let named = |text: &str, name: &str, what: &str| {
        let mut documented = documented(text).into_iter();
        documented.any(|(comment, line)| comment.contains(name) && line.contains(what))
    };
    assert!(named(&association, "`no-backfill`", "fn judge"));
    let ticket = fs::read_to_string(root().join("crates/core/src/rules/ticket.rs")).unwrap();
    assert!(named(&ticket, "`no-backfill`", "fn account_of"));
}
