//! The bench itself: a tiny report from end to end, against the real server on SQLite.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The server as cargo built it beside the bench; built now where only the bench was.
fn server() -> PathBuf {
    let server = Path::new(env!("CARGO_BIN_EXE_roster-bench")).with_file_name("roster-server");
    if !server.is_file() {
        let mut build = Command::new(env!("CARGO"));
        let built = build
            .args(["build", "--quiet", "-p", "roster-server"])
            .status();
        assert!(built.expect("cargo runs").success());
    }
    server
}

fn report(folder: &Path, more: &[&str]) -> Output {
    let tiny =
        "report --database sqlite --world tiny --small tiny --large tiny --slices 2 --slice-ms 50";
    Command::new(env!("CARGO_BIN_EXE_roster-bench"))
        .args(tiny.split(' '))
        .arg("--server")
        .arg(server())
        .arg("--cache")
        .arg(folder.join("cache"))
        .args(more)
        .output()
        .expect("the bench runs")
}

#[test]
fn a_report_has_every_figure_and_a_wrong_answer_fails_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let ran = report(folder.path(), &["--out", out.to_str().expect("a path")]);
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let table = std::fs::read_to_string(out.join("report.md")).expect("a table");
    let plot = std::fs::read_to_string(out.join("report.svg")).expect("a plot");
    for figure in [
        "check (sqlite)",
        "check-processor (sqlite)",
        "decision",
        "batch (sqlite)",
        "list (sqlite)",
        "check-latency (sqlite)",
        "associate (sqlite)",
        "associate-while-importing (sqlite)",
        "import (sqlite)",
        "import-memory (sqlite)",
        "search (sqlite)",
        "restart (sqlite)",
    ] {
        let told = said
            .lines()
            .find(|line| line.starts_with(&format!("{figure}: ")));
        let told = told.unwrap_or_else(|| panic!("no line for {figure} in {said}"));
        assert!(told.contains(") ok") || told.contains(") missed"), "{told}");
        assert!(table.contains(&format!("| {figure} | ")), "{table}");
        assert!(plot.contains(&format!(">{figure}<")), "{plot}");
    }

    // The answers of another world are wrong, by every way of asking.
    for row in ["check", "decision", "batch", "list", "search"] {
        let ran = report(folder.path(), &["--row", row, "--expect-seed", "7"]);
        let why = String::from_utf8_lossy(&ran.stderr);
        assert!(!ran.status.success(), "{row} takes wrong answers");
        assert!(why.contains(&format!("row {row} failed")), "{row}: {why}");
    }
}
