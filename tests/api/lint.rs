//! The rules of Prometheus for metrics, as `promtool check metrics` has them, over the text of a
//! scrape in the format of OpenMetrics.

use std::collections::{BTreeMap, BTreeSet};

/// What the text says of a family of metrics.
#[derive(Debug, Default)]
pub struct Family {
    kind: String,
    help: String,
    unit: String,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    name: String,
    labels: Vec<String>,
    series: String,
}

/// The families of a text, by name.
pub fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap());
            current = name.to_owned();
            let family = families.entry(current.clone()).or_default();
            let said = words.next().unwrap_or_default().to_owned();
            match what {
                "HELP" => family.help = said,
                "TYPE" => family.kind = said,
                "UNIT" => family.unit = said,
                other => panic!("{other}: {line}"),
            }
            continue;
        }
        let (series, _) = line.rsplit_once(' ').expect("a sample");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}');
        let labels = labels
            .split("\",")
            .filter_map(|label| label.split_once('='));
        families
            .entry(current.clone())
            .or_default()
            .samples
            .push(Sample {
                name: name.to_owned(),
                labels: labels.map(|(key, _)| key.to_owned()).collect(),
                series: series.to_owned(),
            });
    }
    families
}

const TYPES: [&str; 5] = ["counter", "gauge", "histogram", "summary", "info"];
/// Units that are no base units, and short words for units.
const WRONG_UNITS: [&str; 24] = [
    "nanoseconds",
    "microseconds",
    "milliseconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "ns",
    "us",
    "ms",
    "sec",
    "secs",
    "millis",
    "kilobytes",
    "megabytes",
    "gigabytes",
    "kb",
    "mb",
    "kib",
    "mib",
    "bits",
    "percent",
    "celsius_degrees",
    "kilometers",
];

fn is_snake_case(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
        && !name.contains("__")
        && !name.ends_with('_')
}

/// What is wrong with a text of metrics, in sentences.
pub fn lint(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !text.ends_with("# EOF\n") {
        wrong.push("the text does not end with EOF".to_owned());
    }
    let mut series = BTreeSet::new();
    for (name, family) in families(text) {
        let mut complain = |what: &str| wrong.push(format!("{name} {what}"));
        if family.help.trim_matches(['.', ' ']).is_empty() {
            complain("has no help text");
        }
        if !TYPES.contains(&family.kind.as_str()) {
            complain("has no type");
        }
        if !is_snake_case(&name) {
            complain("is not in snake_case");
        }
        if !name.starts_with("roster_") && !name.starts_with("process_") {
            complain("has not the prefix of the server or of its process");
        }
        if !family.unit.is_empty() && !name.ends_with(&format!("_{}", family.unit)) {
            complain("does not end in its unit");
        }
        let words: Vec<&str> = name.split('_').collect();
        if words.iter().any(|word| WRONG_UNITS.contains(word)) {
            complain("has a unit that is no base unit");
        }
        if words.iter().any(|word| TYPES.contains(word)) {
            complain("has its type in its name");
        }
        if ["total", "bucket", "sum", "count"].contains(words.last().unwrap()) {
            complain("ends in a word that is kept for samples");
        }
        for sample in &family.samples {
            let ending = sample.name.strip_prefix(name.as_str()).unwrap_or("?");
            let allowed: &[&str] = match family.kind.as_str() {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                "info" => &["_info"],
                _ => &[""],
            };
            if !allowed.contains(&ending) {
                complain(&format!("has the sample {} of another type", sample.name));
            }
            if sample.labels.iter().any(|label| !is_snake_case(label)) {
                complain("has a label that is not in snake_case");
            }
            if ending != "_bucket" && sample.labels.iter().any(|label| label == "le") {
                complain("has a label that is kept for buckets");
            }
            if !series.insert(sample.series.clone()) {
                complain(&format!("has the series {} twice", sample.series));
            }
        }
    }
    wrong
}

#[test]
fn the_linter_finds_what_each_rule_forbids() {
    let good = "# HELP roster_a_seconds Time.\n# TYPE roster_a_seconds counter\n\
                # UNIT roster_a_seconds seconds\nroster_a_seconds_total{x=\"1\",y=\"2\"} 1\n# EOF\n";
    assert_eq!(lint(good), Vec::<String>::new());
    for (from, to, said) in [
        ("# EOF\n", "", "does not end"),
        ("# HELP roster_a_seconds Time.\n", "", "no help text"),
        ("counter", "curve", "no type"),
        ("roster_a_seconds", "roster_A_seconds", "not in snake_case"),
        ("roster_a_seconds", "rooster_a_seconds", "prefix"),
        (
            "UNIT roster_a_seconds seconds",
            "UNIT roster_a_seconds bytes",
            "its unit",
        ),
        ("_seconds", "_ms", "no base unit"),
        ("roster_a_", "roster_gauge_", "type in its name"),
        ("_total{", "{", "of another type"),
        (
            "# TYPE roster_a_seconds counter",
            "# TYPE roster_a_seconds gauge",
            "of another type",
        ),
        ("x=", "X=", "label that is not"),
        ("x=", "le=", "kept for buckets"),
        (
            "# EOF",
            "roster_a_seconds_total{x=\"1\",y=\"2\"} 2\n# EOF",
            "twice",
        ),
    ] {
        let bad = good.replace(from, to);
        let wrong = lint(&bad);
        assert!(
            wrong.iter().any(|what| what.contains(said)),
            "{said}: {wrong:?}"
        );
    }
    let total = good
        .replace("roster_a_seconds", "roster_a_total")
        .replace("# UNIT roster_a_total seconds\n", "");
    assert!(
        lint(&total)
            .iter()
            .any(|what| what.contains("kept for samples"))
    );
}
