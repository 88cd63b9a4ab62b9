//! Checks that the bench parses the commands of the README. Running them takes minutes to hours.

use std::process::Command;

const README: &str = include_str!("../../../README.md");
/// The start of the commands in the README.
const START: &str = "cargo run --release -p roster-bench -- ";

fn is_understood(arguments: &str) -> bool {
    let ran = Command::new(env!("CARGO_BIN_EXE_roster-bench"))
        .args(arguments.split_whitespace())
        // Help is printed only if the arguments before it are valid.
        .arg("--help")
        .output();
    ran.expect("the bench runs").status.success()
}

#[test]
fn the_bench_parses_the_commands_of_the_readme() {
    let list = Command::new(env!("CARGO_BIN_EXE_roster-bench"))
        .arg("list")
        .output();
    let rows = String::from_utf8(list.expect("the bench runs").stdout).expect("text");
    let mut commands = 0;
    for command in README.lines().filter_map(|line| line.strip_prefix(START)) {
        let command = command.split(" #").next().unwrap_or(command);
        assert!(is_understood(command), "{command}");
        for row in command.split("--row ").skip(1) {
            let row = row.split(' ').next().expect("a row");
            let is_row = rows
                .lines()
                .any(|line| line.split_whitespace().next() == Some(row));
            assert!(is_row, "no row {row} in {rows}");
        }
        commands += 1;
    }
    assert!(commands >= 3, "{commands} commands");
    assert!(!is_understood("report --world nowhere"));
    assert!(!is_understood("report --slices"));
}
