//! How a command complains, and with which exit code.

use std::net::TcpListener;
use std::process::Stdio;

use crate::world::World;

#[test]
fn a_refusal_says_what_why_and_what_to_do() {
    let world = World::start();
    world.ok(&["accounts", "create", "A", "--external-id", "D1"]);
    let refused = world.fails(1, &["accounts", "create", "B", "--external-id", "d1"]);
    assert!(refused.starts_with("error: "), "{refused}");
    assert!(
        refused.contains("\nreason: KEY_TAKEN (ALREADY_EXISTS)\n"),
        "{refused}"
    );
    let missing = world.fails(1, &["accounts", "show", "D9"]);
    assert_eq!(
        missing,
        "error: no account has the external id \"D9\"\n\
         try: roster accounts list QUERY finds its id by a part of its name\n"
    );
    let missing = world.fails(1, &["contacts", "show", "x@example.jp"]);
    assert!(
        missing.contains("no contact has the address or external id"),
        "{missing}"
    );
}

#[test]
fn with_json_an_error_is_json_too() {
    let world = World::start();
    let refused = world.fails(1, &["accounts", "create", "", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&refused).unwrap();
    let error = &error["error"];
    assert_eq!(error["code"], "INVALID_ARGUMENT");
    assert_eq!(error["reason"], "FIELD_REQUIRED");
    assert_eq!(error["field"], "account.name");
}

#[test]
fn the_error_of_an_item_has_its_details_in_json() {
    let world = World::start();
    world.ok(&["accounts", "create", "A"]);
    let ran = world.run(&["associate", "a1", "c9", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let error = &answer["results"][0]["error"];
    assert_eq!(error["details"][0]["reason"], "CONTACT_NOT_FOUND");
    assert_eq!(error["details"][0]["metadata"]["contact_id"], "c9");
}

#[test]
fn a_server_that_is_not_there_has_an_exit_code_of_its_own() {
    let world = World::start();
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = world.fails(
        4,
        &["--server", &format!("http://{free}"), "accounts", "list"],
    );
    assert!(refused.contains("cannot be reached"), "{refused}");
    assert!(refused.contains("try: start roster-server"), "{refused}");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let world = World::start();
    world.fails(2, &["accounts"]);
    world.fails(2, &["dissociate", "a1", "c1", "--tickets", "perhaps"]);
    world.fails(
        2,
        &[
            "contacts",
            "delete",
            "c1",
            "--delete-tickets",
            "--new-requester",
            "c2",
        ],
    );
    let refused = world.fails(1, &["--server", "127.0.0.1:7400", "accounts", "list"]);
    assert!(
        refused.contains("it looks like http://127.0.0.1:7400"),
        "{refused}"
    );
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let world = World::start();
    let mut command = world.command(&["completions", "bash"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn help_teaches_the_first_steps_and_the_exit_codes() {
    let world = World::start();
    let help = world.ok(&["--help"]);
    assert!(
        help.contains("First steps:") && help.contains("Exit codes:"),
        "{help}"
    );
    assert!(
        world
            .ok(&["check", "--help"])
            .contains("1 if one is hidden or unknown")
    );
    assert!(world.ok(&["--version"]).starts_with("roster "));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            world.ok(&["completions", shell]).contains("set-primary"),
            "{shell}"
        );
    }
}
