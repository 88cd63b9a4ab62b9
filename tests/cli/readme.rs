//! The console blocks of the README do what they show, in the order in which they stand there, in a
//! new folder with the sample data and on an empty server.

mod grpcurl;

use std::path::Path;
use std::process::Stdio;

use crate::world::World;

const README: &str = include_str!("../../README.md");
/// Where the README's server listens.
const ADDRESS: &str = "127.0.0.1:7400";

/// A command of a console block, and what it prints.
#[derive(Debug)]
struct Step {
    command: String,
    output: String,
}

/// The steps of all blocks of a language.
fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        match (line, inside) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (_, false) => {}
            (line, true) => {
                let continued = steps.last_mut().filter(|step| step.command.ends_with('\\'));
                if let Some(step) = continued {
                    step.command.pop();
                    step.command.push_str(line.trim_start());
                } else if let Some(command) = line.strip_prefix("$ ") {
                    steps.push(Step {
                        command: command.to_owned(),
                        output: String::new(),
                    });
                } else {
                    let step = steps.last_mut().expect("a command before its output");
                    step.output.push_str(line);
                    step.output.push('\n');
                }
            }
        }
    }
    steps
}

/// A folder with what a clone has there: the sample data.
fn copy_sample(to: &Path) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let there = to.join("tests/data");
    std::fs::create_dir_all(&there).unwrap();
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, there.join(path.file_name().unwrap())).unwrap();
    }
}

/// What a command of the shell prints, with the command `roster` of this build.
fn shell(world: &World, command: &str) -> String {
    let bin = world.folder.path().join("bin");
    if !bin.exists() {
        std::fs::create_dir(&bin).unwrap();
        let roster = env!("CARGO_BIN_EXE_roster");
        std::os::unix::fs::symlink(roster, bin.join("roster")).unwrap();
    }
    let path = std::env::var("PATH").expect("a path");
    let ran = std::process::Command::new("sh")
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("ROSTER_SERVER", &world.address)
        .env_remove("ROSTER_ORGANIZATION")
        .current_dir(world.folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    String::from_utf8(ran.stdout).expect("text")
}

/// How many columns of a terminal a text takes: those of Japanese take two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// What a terminal shows of a table, whose cells are separated by tabs elsewhere.
fn aligned(rows: &[Vec<&str>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| width(cell)).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width_of).collect();
    let mut shown = String::new();
    for row in rows {
        for (cell, column_width) in row.iter().zip(&widths) {
            shown.push_str(cell);
            shown.push_str(&" ".repeat(column_width + 2 - width(cell)));
        }
        shown.push('\n');
    }
    shown
}

/// What a command prints, as a terminal shows it.
fn on_terminal(printed: &str) -> String {
    let (mut shown, mut table) = (String::new(), Vec::new());
    for line in printed.lines() {
        if line.contains('\t') {
            table.push(line.split('\t').collect());
        } else {
            shown.push_str(&aligned(&std::mem::take(&mut table)));
            shown.push_str(line);
            shown.push('\n');
        }
    }
    shown.push_str(&aligned(&table));
    shown
}

/// Without the white space at the ends of lines, which a text file need not have.
fn trimmed(output: &str) -> String {
    let lines = output.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

#[test]
fn every_command_of_the_readme_prints_what_the_readme_shows() {
    let world = World::start();
    copy_sample(world.folder.path());
    let (mut of_roster, mut of_grpcurl) = (0, 0);
    for step in steps() {
        if let Some(arguments) = step.command.strip_prefix("grpcurl -plaintext ") {
            grpcurl::check(&world.address, arguments, &step.output);
            of_grpcurl += 1;
        } else {
            let printed = shell(&world, &step.command);
            assert_eq!(
                trimmed(&on_terminal(&printed)),
                trimmed(&step.output),
                "$ {}",
                step.command
            );
            of_roster += 1;
        }
    }
    assert!(
        of_roster >= 20 && of_grpcurl >= 7,
        "{of_roster} and {of_grpcurl}"
    );
}

/// The commands of the blocks `sh`, without comments.
fn commands() -> Vec<&'static str> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => commands.push(line.split(" #").next().unwrap_or(line).trim()),
            _ => {}
        }
    }
    commands
}

#[test]
fn the_shell_blocks_of_the_readme_name_programs_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let exists = |path: &str| assert!(root.join(path).exists(), "{path}");
    for command in commands() {
        match command.split(' ').collect::<Vec<_>>()[..] {
            // The server: the only default member of the workspace.
            ["cargo", "run", "--release"] => exists("crates/server/src/main.rs"),
            ["tests/run"] => exists("tests/run"),
            [
                "alias",
                "roster='cargo",
                "run",
                "--quiet",
                "--release",
                "-p",
                "roster-cli",
                "--'",
            ] => {}
            // The bench's own tests read its commands.
            ["cargo", "run", "--release", "-p", "roster-bench", "--", ..] => {}
            ["buf", "generate", "proto", "--path", path] => exists(path),
            ["protoc", "-I", import, ..] => {
                exists(import);
                assert!(command.ends_with(" proto/roster/v1/*.proto"), "{command}");
            }
            _ => panic!("say what this command is: {command}"),
        }
    }
}
