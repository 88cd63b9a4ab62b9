//! How a command complains, and with which exit code.

use std::net::{SocketAddr, TcpListener};
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
         try: roster accounts list QUERY finds its id by part of its name\n"
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
    assert_eq!(error["code"], "NOT_FOUND");
    assert_eq!(error["reason"], "CONTACT_NOT_FOUND");
    assert_eq!(error["metadata"]["contact_id"], "c9");
    assert_eq!(keys(error), KEYS);
}

#[test]
fn with_json_every_error_has_the_same_form_whoever_says_it() {
    let world = World::start();
    world.ok(&["accounts", "create", "A"]);
    let away = format!("http://{}", free_address());
    for (exit, code, reason, args) in [
        (
            1,
            "NOT_FOUND",
            "ACCOUNT_NOT_FOUND",
            &["accounts", "show", "a9"][..],
        ),
        (
            1,
            "NOT_FOUND",
            "ACCOUNT_NOT_FOUND",
            &["accounts", "show", "D9"],
        ),
        (
            1,
            "NOT_FOUND",
            "CONTACT_NOT_FOUND",
            &["contacts", "show", "D9"],
        ),
        (
            1,
            "INVALID_ARGUMENT",
            "FIELD_REQUIRED",
            &["accounts", "create", ""],
        ),
        (1, "NOT_FOUND", "TICKET_NOT_FOUND", &["viewers", "nope"]),
        (
            4,
            "UNAVAILABLE",
            "UNREACHABLE",
            &["--server", &away, "accounts", "list"],
        ),
        (
            2,
            "INVALID_ARGUMENT",
            "USAGE",
            &["--server", "nonsense", "accounts", "list"],
        ),
        (
            2,
            "INVALID_ARGUMENT",
            "USAGE",
            &["accounts", "update", "a1"],
        ),
        (2, "INVALID_ARGUMENT", "USAGE", &["accounts", "dance"]),
        (5, "UNKNOWN", "FILE", &["import", "accounts", "nowhere.csv"]),
    ] {
        let args = [args, &["--json"]].concat();
        let said = world.fails(exit, &args);
        let told: serde_json::Value = serde_json::from_str(&said).unwrap();
        let error = &told["error"];
        assert_eq!(
            (&error["code"], &error["reason"]),
            (&code.into(), &reason.into()),
            "{said}"
        );
        assert_eq!(keys(error), KEYS, "{said}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{said}"
        );
    }
}

/// What every error has in JSON.
const KEYS: [&str; 5] = ["code", "reason", "message", "field", "metadata"];

fn keys(error: &serde_json::Value) -> Vec<&str> {
    error
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn a_server_that_is_not_there_has_an_exit_code_of_its_own() {
    let world = World::start();
    let free = free_address();
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
    for address in ["127.0.0.1:7400", "nonsense"] {
        let refused = world.fails(2, &["--server", address, "accounts", "list"]);
        assert!(
            refused.contains("it looks like http://127.0.0.1:7400"),
            "{refused}"
        );
    }
    world.fails(2, &["--organization", "A B", "accounts", "list"]);
}

#[test]
fn what_is_known_without_a_server_ends_with_2_though_there_is_none() {
    let world = World::start();
    let away = format!("http://{}", free_address());
    for (args, said) in [
        (
            &["settings", "set", "foo=1"][..],
            "there is no setting \"foo\"",
        ),
        (
            &["settings", "set", "sharing_enabled=1"],
            "expected true or false",
        ),
        (
            &["settings", "set", "accounts_per_contact_max=x"],
            "expected a number",
        ),
        (
            &["settings", "set", "default_sharing_mode=x"],
            "nobody, granted, roles or everyone",
        ),
        (&["accounts", "update", "a1"], "nothing to change"),
        (
            &["accounts", "update", "a1", "--clear", "foo"],
            "name_reading",
        ),
        (
            &[
                "accounts",
                "update",
                "a1",
                "--reading",
                "x",
                "--clear",
                "name_reading",
            ],
            "at once",
        ),
        (&["contacts", "update", "c1"], "nothing to change"),
        (
            &["contacts", "update", "c1", "--clear", "family_name"],
            "given_name",
        ),
        (&["association", "update", "a1", "c1"], "nothing to change"),
    ] {
        let args = [args, &["--server", &away]].concat();
        let refused = world.fails(2, &args);
        assert!(
            refused.starts_with("error: ") && refused.contains(said),
            "{refused}"
        );
    }
}

#[test]
fn a_list_that_is_refused_prints_no_header() {
    let world = World::start();
    for args in [
        &["viewers", "nope"][..],
        &["visible", "c9"],
        &["tickets", "list", "--account", "a9"],
        &["accounts", "contacts", "a9"],
        &["contacts", "accounts", "c9"],
        &["accounts", "list", "--heading", "nope"],
        &["contacts", "list", "--not-in", "a9"],
    ] {
        let ran = world.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{args:?}: {ran:?}");
    }
    assert_eq!(
        world.ok(&["accounts", "list"]),
        "ID\tNAME\tREADING\tEXTERNAL ID\n"
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
