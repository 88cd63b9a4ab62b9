//! Associating, promoting, changing; what a contact may see.

use crate::world::World;

fn world() -> World {
    let world = World::start();
    world.ok(&["accounts", "create", "A", "--external-id", "D1"]);
    world.ok(&["contacts", "create", "田中", "--email", "tanaka@example.jp"]);
    world.ok(&["contacts", "create", "鈴木"]);
    world
}

#[test]
fn contacts_are_associated_item_by_item_and_the_exit_code_says_whether_all_were() {
    let world = world();
    let all = world.ok(&[
        "associate",
        "D1",
        "tanaka@example.jp",
        "--sees-tickets",
        "--role",
        "部長",
    ]);
    assert_eq!(
        all,
        "CONTACT\tOUTCOME\tPRIMARY\tSEES TICKETS\tROLE\nc1\tassociated\tprimary\tyes\t部長\n"
    );
    let part = world.run(&["associate", "a1", "c1", "c2", "c2", "c9"]);
    assert_eq!(part.code, 3, "{part:?}");
    let outcomes: Vec<&str> = part
        .out
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect();
    assert_eq!(
        outcomes[..3],
        ["already associated", "associated", "named twice"]
    );
    assert!(
        outcomes[3].starts_with("CONTACT_NOT_FOUND (NOT_FOUND)"),
        "{outcomes:?}"
    );
    let none = world.run(&["associate", "a1", "c9"]);
    assert_eq!(none.code, 1, "{none:?}");
    let members = world.ok(&["accounts", "contacts", "a1"]);
    assert!(
        members.contains("c1\t田中\tprimary\tyes\t部長\t\n"),
        "{members}"
    );
    assert_eq!(
        world
            .ok(&["contacts", "list", "--not-in", "a1"])
            .lines()
            .count(),
        1
    );
}

#[test]
fn all_or_nothing_changes_nothing_and_says_which_item_failed() {
    let world = world();
    let refused = world.fails(1, &["associate", "a1", "c1", "c9", "--all-or-nothing"]);
    assert!(refused.contains("ALL_OR_NOTHING"), "{refused}");
    assert_eq!(world.ok(&["accounts", "contacts", "a1"]).lines().count(), 1);
}

#[test]
fn tickets_without_an_account_are_adopted_when_asked() {
    let world = world();
    world.ok(&["tickets", "record", "T-1", "c1"]);
    let ran = world.run(&["associate", "a1", "c1", "--adopt"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "1 ticket adopted\n"));
    assert_eq!(world.account_of("T-1"), "a1");
}

#[test]
fn another_account_becomes_the_primary_one() {
    let world = world();
    world.ok(&["settings", "set", "multiple_accounts=true"]);
    world.ok(&["accounts", "create", "B"]);
    world.ok(&["associate", "a1", "c1"]);
    world.ok(&["associate", "a2", "c1", "--sees-tickets=false"]);
    let shown = world.ok(&["set-primary", "c1", "a2"]);
    assert_eq!(
        shown,
        "account\ta2\ncontact\tc1\nprimary\tyes\nsees tickets\tno\n"
    );
    let accounts = world.ok(&["contacts", "accounts", "c1"]);
    assert_eq!(accounts.lines().nth(1), Some("a2\tB\tprimary\t\t"));
}

#[test]
fn an_association_gets_a_role_and_loses_it() {
    let world = world();
    world.ok(&["associate", "a1", "c1"]);
    let update = ["association", "update", "a1", "c1"];
    let shown = world.ok(&[&update[..], &["--role", "課長", "--sees-tickets", "true"]].concat());
    assert!(
        shown.ends_with("sees tickets\tyes\nrole\t課長\n"),
        "{shown}"
    );
    let shown = world.ok(&[&update[..], &["--role", ""]].concat());
    assert!(shown.ends_with("sees tickets\tyes\n"), "{shown}");
    assert!(world.fails(2, &update).contains("nothing to change"));
}

#[test]
fn check_list_viewers_and_explain_answer_alike() {
    let world = world();
    world.ok(&["associate", "a1", "c1", "c2"]);
    world.ok(&[
        "tickets",
        "record",
        "T-1",
        "c1",
        "--subject",
        "印刷\u{1b}[2Jできない",
    ]);
    let hidden = world.run(&["check", "c2", "T-1", "T-9"]);
    assert_eq!(hidden.code, 1);
    assert_eq!(
        hidden.out,
        "TICKET\tVISIBILITY\tSEEN AS\nT-1\thidden\t\nT-9\tTICKET_NOT_FOUND (NOT_FOUND)\t\n"
    );
    assert_eq!(world.ok(&["visible", "c2"]).lines().count(), 1);
    let why = world.ok(&["explain", "c2", "T-1"]);
    assert!(
        why.starts_with("c2 does not see T-1: no clause holds.\nCLAUSE\tHOLDS\tWHY\n"),
        "{why}"
    );
    assert!(
        why.contains("account a1\tno\tthe account shares with marked associations"),
        "{why}"
    );

    world.ok(&[
        "association",
        "update",
        "a1",
        "c2",
        "--sees-tickets",
        "true",
    ]);
    assert!(
        world
            .ok(&["check", "c2", "T-1"])
            .contains("T-1\tvisible\taccount a1\n")
    );
    let seen = world.ok(&["visible", "c2", "--status", "open", "--account", "D1"]);
    // What drives a terminal is gone from a subject.
    assert!(
        seen.ends_with("T-1\topen\tc1\ta1\taccount a1\t印刷 [2Jできない\n"),
        "{seen}"
    );
    assert_eq!(
        world.ok(&["viewers", "T-1"]),
        "CONTACT\tSEES IT AS\nc1\trequester\nc2\taccount a1\n"
    );
    let why = world.ok(&["explain", "c2", "T-1"]);
    assert!(why.starts_with("c2 sees T-1.\n"), "{why}");
    assert_eq!(
        world.json(&["explain", "c2", "T-1"])[0]["visibility"],
        "VISIBILITY_VISIBLE"
    );

    world.ok(&["contacts", "update", "c1", "--blocked", "true"]);
    let why = world.ok(&["explain", "c1", "T-1"]);
    assert!(
        why.starts_with("c1 does not see T-1: it is blocked"),
        "{why}"
    );
    assert!(
        why.contains("requester\tyes\tthe contact requested the ticket\n"),
        "{why}"
    );
}
