//! The keys of the file are the options, whoever adds one.

use std::path::Path;

use clap::{ArgAction, Parser};

use super::*;

/// An option of each type that options have.
#[derive(Debug, Parser)]
struct Typed {
    #[arg(long, env = "ROSTER_NUMBER", value_parser = clap::value_parser!(u64).range(1..=9))]
    number: Option<u64>,
    #[arg(long, env = "ROSTER_RATIO")]
    ratio: Option<f64>,
    #[arg(long, env = "ROSTER_SOME_FLAG")]
    some_flag: bool,
    #[arg(long, env = "ROSTER_ADDRESS")]
    address: Option<std::net::SocketAddr>,
    #[arg(long, env = "ROSTER_SEVERAL", action = ArgAction::Append)]
    several: Vec<String>,
    #[arg(long, env = "ROSTER_CHOICE", value_parser = ["a", "b"])]
    choice: Option<String>,
    #[arg(long)]
    once: bool,
}

/// What the file says of each option, or what is wrong.
fn read(text: &str) -> Result<Typed, String> {
    let command = Typed::command();
    let (file, _) =
        File::parse(Path::new("r.toml"), text, &command).map_err(|error| error.to_string())?;
    let matches = file
        .as_defaults_of(command)
        .try_get_matches_from(["x"])
        .expect("valid defaults");
    Ok(Typed::from_arg_matches(&matches).expect("all options"))
}

#[test]
fn every_type_of_option_is_read_from_its_type_of_toml() {
    let typed = read(
        "number = 1_0 # not ten: nine is the most\n"
            .replace("1_0", "0x9")
            .as_str(),
    )
    .expect("read");
    assert_eq!(typed.number, Some(9));
    let typed = read(
        "ratio = 1\nsome-flag = true\naddress = '127.0.0.1:1'\nseveral = ['x', 'y']\nchoice = 'b'",
    )
    .expect("read");
    assert_eq!(typed.ratio, Some(1.0));
    assert!(typed.some_flag && !typed.once);
    assert_eq!(typed.address.expect("set").port(), 1);
    assert_eq!(typed.several, ["x", "y"]);
    assert_eq!(typed.choice.as_deref(), Some("b"));
    assert_eq!(read("ratio = 0.25").expect("read").ratio, Some(0.25));
    assert_eq!(read("several = 'z'").expect("read").several, ["z"]);
    assert!(!read("some-flag = false").expect("read").some_flag);
}

/// Files with a mistake, and what is said about it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "\n\nsome_flag = true",
        "r.toml:3: unknown key `some_flag`: write `some-flag`",
    ),
    (
        "colour = 'red'",
        "r.toml:1: unknown key `colour`: `roster-server config` lists all keys",
    ),
    (
        "once = true",
        "r.toml:1: `once` holds for one start only: remove the line, and give --once on the \
         command line",
    ),
    (
        "config = 'a'",
        "r.toml:1: `config` cannot be set in the file itself: remove the line",
    ),
    (
        "ratio = 1\nnumber = '1'",
        "r.toml:2: `number` is not an integer",
    ),
    ("number = 1.5", "r.toml:1: `number` is not an integer"),
    ("ratio = true", "r.toml:1: `ratio` is not a number"),
    (
        "some-flag = 1",
        "r.toml:1: `some-flag` is not true or false",
    ),
    (
        "address = 7400",
        "r.toml:1: `address` is not a text in quotes",
    ),
    (
        "address = ['127.0.0.1:1']",
        "r.toml:1: `address` is not a text in quotes",
    ),
    (
        "several = ['x',\n 1]",
        "r.toml:2: `several` is not a text in quotes",
    ),
    (
        "number = 10",
        "r.toml:1: the value \"10\" of `number` is invalid: 10 is not in 1..=9",
    ),
    (
        "number = 0",
        "r.toml:1: the value \"0\" of `number` is invalid: 0 is not in 1..=9",
    ),
    (
        "address = 'here'",
        "r.toml:1: the value \"here\" of `address` is invalid: invalid socket address syntax",
    ),
    (
        "choice = 'c'",
        "r.toml:1: the value \"c\" of `choice` is invalid: use a or b",
    ),
    (
        "number = 1\nnumber = 2",
        "r.toml:2: duplicate key: `number`",
    ),
    (
        "number = 1\n[other]\na = 1",
        "r.toml:2: unknown table `other`: remove it",
    ),
    (
        "number = 1\n[[other]]\na = 1",
        "r.toml:2: unknown table `other`: remove it",
    ),
];

#[test]
fn every_mistake_is_reported_with_the_file_the_line_and_what_to_do() {
    for (text, error) in MISTAKES {
        assert_eq!(&read(text).expect_err(text), error, "{text}");
    }
    let unfinished = read("number = 1\nratio =").expect_err("no TOML");
    assert!(unfinished.starts_with("r.toml:2: "), "{unfinished}");
}

#[test]
fn every_option_of_the_server_is_a_key_with_an_environment_variable_of_the_same_name() {
    let command = Options::command();
    for arg in command.get_arguments() {
        let Some(name) = arg.get_long() else { continue };
        let variable = format!("ROSTER_{}", name.to_uppercase().replace('-', "_"));
        let has = arg.get_env().map(|variable| variable.to_string_lossy());
        match name {
            // The variable of every program that logs by these directives.
            "log-level" => assert_eq!(has.as_deref(), Some("RUST_LOG")),
            // For one start only.
            "accept-loss" => assert_eq!(has, None),
            _ => assert_eq!(has.as_deref(), Some(variable.as_str()), "{name}"),
        }
    }
}

#[test]
fn a_hidden_secret_is_no_secret() {
    let read = |text: &str| File::parse(Path::new("r.toml"), text, &Options::command());
    let error = read("database = 'postgres://u:***@h/n'").expect_err("hidden");
    assert!(
        error.to_string().contains("write the secret there"),
        "{error}"
    );
    read("database = 'postgres://u:s3cret@h/n'").expect("a password");
}
