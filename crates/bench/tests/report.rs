//! Runs the bench from end to end in a tiny world, with the real server on SQLite.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The server in the folder of the bench.
fn server() -> PathBuf {
    let bench = Path::new(env!("CARGO_BIN_EXE_roster-bench"));
    let folder = bench.parent().expect("a folder");
    roster_testkit::server::program_in(folder, env!("CARGO"))
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

/// Asserts that the bench succeeded and returns its output.
fn output_of(ran: &Output) -> String {
    let output = String::from_utf8_lossy(&ran.stdout).into_owned();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{output}{errors}");
    output
}

/// The line of a figure.
fn line<'s>(output: &'s str, figure: &str) -> &'s str {
    let beginning = format!("{figure}: ");
    let line = output.lines().find(|line| line.starts_with(&beginning));
    line.unwrap_or_else(|| panic!("no line for {figure} in {output}"))
}

#[test]
fn a_report_has_every_figure_and_fails_on_a_wrong_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let output = output_of(&report(folder.path(), &format!("--out {}", out.display())));
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
        let printed = line(&output, figure);
        let verdicts = [") ok", ") missed", ") not applicable"];
        assert!(
            verdicts.iter().any(|verdict| printed.contains(verdict)),
            "{printed}"
        );
        assert!(table.contains(&format!("| {figure} | ")), "{table}");
    }
    assert!(output.starts_with("a sync takes "), "{output}");

    // In every row with answers, the answers of another world are wrong.
    for row in ["check", "decision", "batch", "list", "search"] {
        let ran = report(folder.path(), &format!("--row {row} --expect-seed 7"));
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(!ran.status.success(), "{row} accepts wrong answers");
        assert!(
            errors.contains(&format!("row {row} failed")),
            "{row}: {errors}"
        );
    }
}

#[test]
fn check_latency_compares_two_worlds_if_it_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let named = report(
        folder.path(),
        "--row check-latency --small tiny --large tiny",
    );
    line(&output_of(&named), "check-latency (sqlite)");
}

#[test]
fn associate_continues_with_a_new_copy_when_a_world_has_no_new_pairs_left() {
    let folder = tempfile::tempdir().expect("a folder");
    // A slice on 64 streams uses at least 64 pairs.
    let ran = report(folder.path(), "--row associate --new-pairs-max 100");
    let output = output_of(&ran);
    line(&output, "associate (sqlite)");
    let copies = output.lines().find_map(|line| {
        line.strip_suffix(" copies of the database")?
            .rsplit(' ')
            .next()
    });
    let copies: u32 = copies.expect("a count").parse().expect("a number");
    assert!(copies > 2, "{output}");
    // No slice started without pairs.
    assert!(
        !output.contains("NaN") && !output.contains(" 0 calls/s"),
        "{output}"
    );
}

#[test]
fn a_comparison_of_a_server_with_itself_has_a_ratio_an_interval_and_costs_in_every_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server();
    let ran = bench(
        folder.path(),
        &format!(
            "compare --old {0} --new {0} --database sqlite --world tiny --pairs 6 --slice-ms 50",
            server.display()
        ),
    );
    let output = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    let mut worse = false;
    for row in ["check", "list", "associate", "import"] {
        let printed = line(&output, &format!("{row} (sqlite)"));
        assert!(printed.contains(" of 6 pairs] "), "{printed}");
        worse |= printed.ends_with("] worse");
    }
    // Slices of this length can be worse by chance: the bench must fail exactly in this case.
    assert_eq!(ran.status.success(), !worse, "{output}{errors}");
    assert_eq!(
        errors.contains("the new server is slower"),
        worse,
        "{errors}"
    );
    assert_eq!(
        output.matches(" µs of processor time per ").count(),
        8,
        "{output}"
    );
}

#[test]
fn associate_while_importing_ends_its_calls_when_a_world_has_no_new_pairs_left() {
    let folder = tempfile::tempdir().expect("a folder");
    // The import uses 200 pairs.
    let ran = report(
        folder.path(),
        "--row associate-while-importing --new-pairs-max 203",
    );
    let output = output_of(&ran);
    line(&output, "associate-while-importing (sqlite)");
    assert!(output.contains(" of 3 calls; "), "{output}");
    assert!(output.contains("ran out of new pairs"), "{output}");
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("a folder").count()
}

#[test]
fn a_run_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    output_of(&report(folder.path(), "--row restart"));
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
    assert!(lines.any(|line| filled(&line)), "the bench ended early");
    assert_eq!(files_in(folder.path()), 1);
    let pid = running.id().to_string();
    let signalled = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(signalled.expect("kill runs").success());
    assert!(!running.wait().expect("it ends").success());
    assert_eq!(files_in(folder.path()), 0);
}
