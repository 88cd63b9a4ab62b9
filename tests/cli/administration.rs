//! Organizations, credentials, keys and scopes.

use std::os::unix::fs::PermissionsExt;

use crate::world::World;

#[test]
fn an_organization_is_created_changed_suspended_deleted_and_restored() {
    let world = World::start();
    let created = world.ok(&["organization", "create", "acme", "--display-name", "Acme"]);
    assert!(
        created.starts_with("name\tacme\ndisplay_name\tAcme\nstate\tactive\n"),
        "{created}"
    );
    assert_eq!(world.ok(&["organization", "get", "acme"]), created);
    let updated = world.json(&[
        "organization",
        "update",
        "acme",
        "--requests-per-second-max",
        "9",
        "--clear",
        "display_name",
    ]);
    let organization = &updated[0]["organization"];
    assert_eq!(organization["requests_per_second_max"], 9);
    assert_eq!(organization["display_name"], "");
    for (command, state) in [("suspend", "suspended"), ("resume", "active")] {
        let shown = world.ok(&["organization", command, "acme"]);
        assert!(shown.contains(&format!("\nstate\t{state}\n")), "{shown}");
    }
    let refused = world.fails(1, &["organization", "delete", "acme", "--confirm", "Acme"]);
    assert!(refused.contains("CONFIRMATION_MISMATCH"), "{refused}");
    let deleted = world.ok(&["organization", "delete", "acme", "--confirm", "acme"]);
    assert!(deleted.contains("\nstate\tdeleted\n") && deleted.contains("\nundelete_until\t"));
    assert_eq!(
        world.ok(&["organization", "list"]),
        "NAME\tSTATE\tDISPLAY NAME\nacme\tdeleted\t\n"
    );
    let restored = world.ok(&["organization", "undelete", "acme"]);
    assert!(restored.contains("\nstate\tactive\n"), "{restored}");
    world.fails(2, &["organization", "update", "acme"]);
}

#[test]
fn a_credential_and_its_keys_are_managed_and_a_key_goes_to_a_file_of_its_owner() {
    let world = World::start();
    world.ok(&["organization", "create", "acme"]);
    let create = [
        "credential",
        "create",
        "billing",
        "--of",
        "acme",
        "--scope",
        "reader",
    ];
    // Neither to a pipe, nor over a file.
    let refused = world.fails(2, &create);
    assert!(refused.contains("name a file with --out"), "{refused}");
    let file = world.folder.path().join("billing.key");
    let out = ["--out", "billing.key"];
    let created = world.ok(&[&create[..], &out].concat());
    assert!(
        created.starts_with("id\tq1\nname\tbilling\norganization\tacme\n"),
        "{created}"
    );
    let key = std::fs::read_to_string(&file).expect("the key");
    assert!(key.starts_with("rst_") && !created.contains(key.trim()));
    let mode = std::fs::metadata(&file)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let refused = world.fails(5, &[&create[..], &out].concat());
    assert!(refused.contains("already exists"), "{refused}");

    let json = world.json(&["key", "add", "q1", "--out", "second.key"]);
    assert_eq!(json[0]["key"], "");
    let second = json[0]["key_id"].as_str().expect("an id").to_owned();
    let rolled = world.json(&[
        "key",
        "roll",
        "q1",
        &second,
        "--old-key-hours",
        "0",
        "--out",
        "third.key",
    ]);
    let third = rolled[0]["key_id"].as_str().expect("an id").to_owned();
    let shown = world.ok(&["credential", "get", "q1"]);
    assert!(shown.contains(&third), "{shown}");
    let revoked = world.ok(&["key", "revoke", "q1", &third]);
    assert!(!revoked.contains(&third), "{revoked}");
    // A call that fails leaves no file.
    world.fails(1, &["key", "add", "q9", "--out", "none.key"]);
    assert!(!world.folder.path().join("none.key").exists());

    let updated = world.ok(&["credential", "update", "q1", "--network", "10.0.0.0/8"]);
    assert!(updated.contains("\nnetworks\t10.0.0.0/8\n"), "{updated}");
    for (command, state) in [("suspend", "suspended"), ("resume", "active")] {
        let shown = world.ok(&["credential", command, "q1"]);
        assert!(shown.contains(&format!("\nstate\t{state}\n")), "{shown}");
    }
    let listed = world.ok(&["credential", "list", "--of", "acme"]);
    assert!(
        listed.contains("\nq1\tbilling\tacme\tactive\t1\t"),
        "{listed}"
    );
}

#[test]
fn a_credential_without_a_key_prints_none() {
    let world = World::start();
    world.ok(&["organization", "create", "acme"]);
    let without = [
        "credential",
        "create",
        "gate",
        "--of",
        "acme",
        "--scope",
        "portal",
        "--without-key",
    ];
    let created = world.ok(&without);
    assert!(!created.contains("\nkeys\t"), "{created}");
}

#[test]
fn a_key_is_printed_to_a_terminal() {
    let world = World::start();
    world.ok(&["organization", "create", "acme"]);
    let create = [
        "credential",
        "create",
        "billing",
        "--of",
        "acme",
        "--scope",
        "reader",
    ];
    let ran = world.at_a_terminal("", &create);
    assert!(ran.code == 0 && ran.out.contains("rst_"), "{ran:?}");
}

#[test]
fn the_table_of_scopes_needs_no_server_and_names_every_method() {
    let world = World::start();
    let mut command = world.command(&["scopes", "--json"]);
    let output = command
        .env("ROSTER_SERVER", "http://127.0.0.1:1")
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut methods = Vec::new();
    for line in text.lines() {
        let scope: serde_json::Value = serde_json::from_str(line).expect("JSON");
        for method in scope["methods"].as_array().expect("methods") {
            methods.push(
                method
                    .as_str()
                    .expect("a name")
                    .trim_end_matches('*')
                    .to_owned(),
            );
        }
    }
    let mut all: Vec<_> = roster_api::METHODS
        .iter()
        .map(|method| method.name.to_owned())
        .collect();
    all.sort();
    methods.sort();
    assert_eq!(methods, all);
    let table = world.ok(&["scopes"]);
    assert!(
        table.starts_with("SCOPE\tSETS\tMETHODS\tALLOWS\n"),
        "{table}"
    );
    assert!(
        table.contains("\nimports:write\timporter, owner\tStartImport*\t"),
        "{table}"
    );
}
