//! The bench itself: a tiny report from end to end, against the real server on SQLite.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The server as cargo built it beside the bench; built now where only the bench was.
fn server() -> PathBuf {
    let server = Path::new(env!("CARGO_BIN_EXE_roster-bench")).with_file_name("roster-server");
    if !server.is_file() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "roster-server"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success());
    }
    server
}

fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster-bench"));
    command
        .args(arguments.split(' '))
        .arg("--folder")
        .arg(folder);
    command
}

fn bench(folder: &Path, arguments: &str) -> Output {
    let ran = command(folder, arguments).output();
    ran.expect("the bench runs")
}

/// The arguments of a report in a tiny world.
fn report_of(more: &str) -> String {
    let server = server();
    format!(
        "report --database sqlite --world tiny --slices 2 --slice-ms 50 --server {} {more}",
        server.display()
    )
}

fn report(folder: &Path, more: &str) -> Output {
    bench(folder, &report_of(more))
}

/// What a bench that succeeded said.
fn said(ran: &Output) -> String {
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let why = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{why}");
    said
}

/// The line of a figure.
fn line<'s>(said: &'s str, figure: &str) -> &'s str {
    let beginning = format!("{figure}: ");
    let line = said.lines().find(|line| line.starts_with(&beginning));
    line.unwrap_or_else(|| panic!("no line for {figure} in {said}"))
}

#[test]
fn a_report_has_every_figure_and_a_wrong_answer_fails_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let said = said(&report(folder.path(), &format!("--out {}", out.display())));
    let table = std::fs::read_to_string(out.join("report.md")).expect("a table");
    for figure in [
        "check (sqlite)",
        "check-processor (sqlite)",
        "decision",
        "batch (sqlite)",
        "list (sqlite)",
        "associate (sqlite)",
        "associate-processor (sqlite)",
        "associate-while-importing (sqlite)",
        "import (sqlite)",
        "import-memory (sqlite)",
        "search (sqlite)",
        "restart (sqlite)",
    ] {
        let told = line(&said, figure);
        let verdicts = [") ok", ") missed", ") not applicable"];
        assert!(verdicts.iter().any(|one| told.contains(one)), "{told}");
        assert!(table.contains(&format!("| {figure} | ")), "{table}");
    }
    assert!(said.starts_with("a sync takes "), "{said}");

    // The answers of another world are wrong, by every way of asking.
    for row in ["check", "decision", "batch", "list", "search"] {
        let ran = report(folder.path(), &format!("--row {row} --expect-seed 7"));
        let why = String::from_utf8_lossy(&ran.stderr);
        assert!(!ran.status.success(), "{row} takes wrong answers");
        assert!(why.contains(&format!("row {row} failed")), "{row}: {why}");
    }
}

#[test]
fn check_latency_compares_two_worlds_where_it_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let named = report(
        folder.path(),
        "--row check-latency --small tiny --large tiny",
    );
    line(&said(&named), "check-latency (sqlite)");
}

#[test]
fn associate_goes_on_with_a_fresh_copy_when_a_world_has_no_new_pairs_left() {
    let folder = tempfile::tempdir().expect("a folder");
    // A slice on 64 streams takes 64 of them at least.
    let ran = report(folder.path(), "--row associate --new-pairs-max 100");
    let said = said(&ran);
    line(&said, "associate (sqlite)");
    let copies = said.lines().find_map(|line| {
        line.strip_suffix(" copies of the database")?
            .rsplit(' ')
            .next()
    });
    let copies: u32 = copies.expect("a count").parse().expect("a number");
    assert!(copies > 2, "{said}");
    // No slice found its pairs used up.
    assert!(
        !said.contains("NaN") && !said.contains(" 0 calls/s"),
        "{said}"
    );
}

#[test]
fn a_server_compared_with_itself_has_a_ratio_an_interval_and_costs_in_every_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server();
    let ran = bench(
        folder.path(),
        &format!(
            "compare --old {0} --new {0} --database sqlite --world tiny --pairs 6 --slice-ms 50",
            server.display()
        ),
    );
    let said = String::from_utf8_lossy(&ran.stdout);
    let why = String::from_utf8_lossy(&ran.stderr);
    let mut worse = false;
    for row in ["check", "list", "associate", "import"] {
        let told = line(&said, &format!("{row} (sqlite)"));
        assert!(told.contains(" of 6 pairs] "), "{told}");
        worse |= told.ends_with("] worse");
    }
    // Six slices of this length can be worse by chance: then the bench must fail, and only then.
    assert_eq!(ran.status.success(), !worse, "{said}{why}");
    assert_eq!(why.contains("the new server is slower"), worse, "{why}");
    assert_eq!(
        said.matches(" µs of processor time a ").count(),
        8,
        "{said}"
    );
}

#[test]
fn associate_while_importing_ends_its_calls_when_a_world_has_no_new_pairs_left() {
    let folder = tempfile::tempdir().expect("a folder");
    // The import uses 200 of them.
    let ran = report(
        folder.path(),
        "--row associate-while-importing --new-pairs-max 203",
    );
    let said = said(&ran);
    line(&said, "associate-while-importing (sqlite)");
    assert!(said.contains(" of 3 calls; "), "{said}");
    assert!(said.contains("ran out of new pairs"), "{said}");
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("a folder").count()
}

#[test]
fn a_run_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    said(&report(folder.path(), "--row restart"));
    assert_eq!(files_in(folder.path()), 0);
}

#[test]
fn a_run_that_is_terminated_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let endless = report_of("--row check").replace("--slices 2", "--slices 1000");
    let mut running = command(folder.path(), &endless);
    let mut running = running
        .stdout(Stdio::piped())
        .spawn()
        .expect("the bench runs");
    let output = BufReader::new(running.stdout.take().expect("an output"));
    let filled = |line: &str| line.starts_with("  filled all");
    let mut lines = output.lines().map(|line| line.expect("a line"));
    assert!(lines.any(|line| filled(&line)), "it ended before");
    assert_eq!(files_in(folder.path()), 1);
    let pid = running.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(asked.expect("kill runs").success());
    assert!(!running.wait().expect("it ends").success());
    assert_eq!(files_in(folder.path()), 0);
}
