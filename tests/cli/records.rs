//! Accounts, contacts and settings.

use crate::world::World;

#[test]
fn an_account_is_created_shown_updated_and_deleted() {
    let world = World::start();
    let created = world.ok(&[
        "accounts",
        "create",
        "株式会社山田",
        "--reading",
        "やまだ",
        "--external-id",
        "D0001",
        "--website",
        "https://yamada.example",
        "--attribute",
        "plan=gold",
    ]);
    assert!(created.contains("\nwebsite\thttps://yamada.example\n"));
    assert!(
        created.starts_with("id\ta1\nname\t株式会社山田\nreading\tやまだ\n"),
        "{created}"
    );
    assert_eq!(world.ok(&["accounts", "show", "a1"]), created);
    // By its external id, folded as the server folds it.
    assert_eq!(world.ok(&["accounts", "show", "ｄ０００１"]), created);

    let updated = world.json(&[
        "accounts",
        "update",
        "D0001",
        "--sharing",
        "everyone",
        "--clear",
        "name_reading",
        "--clear",
        "website",
    ]);
    let account = &updated[0]["account"];
    assert_eq!(account["website"], "");
    assert_eq!(account["sharing_mode"], "SHARING_MODE_EVERYONE");
    assert_eq!(account["name_reading"], "");
    assert_eq!(account["attributes"]["plan"], "gold");

    let deleted = world.ok(&["accounts", "delete", "a1"]);
    assert_eq!(
        deleted,
        "a1 is deleted: 0 associations ended, 0 tickets changed\n"
    );
    assert!(
        world
            .fails(1, &["accounts", "show", "a1"])
            .contains("ACCOUNT_NOT_FOUND")
    );
}

#[test]
fn a_contact_is_created_shown_updated_and_deleted() {
    let world = World::start();
    let created = world.ok(&[
        "contacts",
        "create",
        "田中",
        "--given",
        "太郎",
        "--reading",
        "たなか",
        "--email",
        "tanaka@example.jp",
        "--external-id",
        "E1",
        "--phone",
        "03-1234-5678",
    ]);
    assert!(created.contains("\nphone\t03-1234-5678\n"));
    assert!(
        created.starts_with("id\tc1\nname\t田中 太郎\nreading\tたなか\n"),
        "{created}"
    );
    for name in [
        "c1",
        "E1",
        "tanaka@example.jp",
        "TANAKA@EXAMPLE.JP",
        "ext:e1",
    ] {
        assert_eq!(world.ok(&["contacts", "show", name]), created, "{name}");
    }
    let emails = ["--email", "a@example.jp", "--email", "b@example.jp"];
    let update = [
        &["contacts", "update", "c1", "--blocked", "true"],
        &emails[..],
    ]
    .concat();
    let updated = world.json(&update);
    assert_eq!(updated[0]["contact"]["blocked"], true);
    assert_eq!(updated[0]["contact"]["emails"][1], "b@example.jp");
    assert!(
        world
            .ok(&["contacts", "delete", "c1"])
            .starts_with("c1 is deleted: 0 associations")
    );
}

#[test]
fn an_external_id_that_looks_like_an_id_is_reached_with_ext() {
    let world = World::start();
    world.ok(&["accounts", "create", "A", "--external-id", "a2"]);
    world.ok(&["accounts", "create", "B"]);
    assert!(world.ok(&["accounts", "show", "a2"]).contains("name\tB\n"));
    assert!(
        world
            .ok(&["accounts", "show", "ext:a2"])
            .contains("name\tA\n")
    );
}

#[test]
fn an_address_that_is_another_contacts_external_id_is_no_guess() {
    let world = World::start();
    world.ok(&["contacts", "create", "A", "--email", "x@example.jp"]);
    world.ok(&["contacts", "create", "B", "--external-id", "x@example.jp"]);
    let refused = world.fails(1, &["contacts", "show", "x@example.jp"]);
    assert!(
        refused.contains("the name is ambiguous: c1, c2"),
        "{refused}"
    );
    assert!(
        world
            .ok(&["contacts", "show", "ext:x@example.jp"])
            .contains("name\tB\n")
    );
}

#[test]
fn lists_are_tab_separated_in_a_pipe_and_end_at_their_limit() {
    let world = World::start();
    for name in ["やまだ", "いとう", "Acme"] {
        world.ok(&["accounts", "create", name]);
    }
    let listed = world.ok(&["accounts", "list"]);
    assert_eq!(
        listed,
        "ID\tNAME\tREADING\tEXTERNAL ID\na3\tAcme\t\t\na2\tいとう\t\t\na1\tやまだ\t\t\n"
    );
    assert_eq!(
        world
            .ok(&["accounts", "list", "--limit", "1"])
            .lines()
            .count(),
        2
    );
    assert_eq!(world.ok(&["accounts", "list", "イト"]).lines().count(), 2);
    assert_eq!(
        world
            .ok(&["accounts", "list", "--heading", "や"])
            .lines()
            .count(),
        2
    );
    assert_eq!(
        world.ok(&["accounts", "headings"]),
        "HEADING\tCOUNT\nA\t1\nあ\t1\nや\t1\n"
    );
    let ids = world.json(&["accounts", "list"]);
    let ids: Vec<&str> = ids
        .iter()
        .map(|account| account["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["a3", "a2", "a1"]);
}

#[test]
fn a_list_of_many_pages_is_whole() {
    let world = World::start();
    world.ok(&["contacts", "create", "田中"]);
    for number in 0..7 {
        world.ok(&["tickets", "record", &format!("T-{number}"), "c1"]);
    }
    // Pages of at most two, and the third item of the second page is left.
    let listed = world.json(&["tickets", "list", "--requester", "c1"]);
    assert_eq!(listed.len(), 7);
    assert_eq!(
        world
            .json(&["tickets", "list", "--requester", "c1", "--limit", "2"])
            .len(),
        2
    );
}

#[test]
fn a_terminal_gets_an_aligned_table() {
    let world = World::start();
    world.ok(&["accounts", "create", "株式会社山田", "--reading", "やまだ"]);
    world.ok(&["accounts", "create", "Acme"]);
    let ran = world.at_a_terminal("", &["accounts", "list"]);
    assert_eq!(
        ran.out,
        "ID  NAME          READING  EXTERNAL ID\n\
         a2  Acme\n\
         a1  株式会社山田  やまだ\n"
    );
}

#[test]
fn settings_are_shown_and_set() {
    let world = World::start();
    let set = world.ok(&[
        "settings",
        "set",
        "default_sharing_mode=roles",
        "default_sharing_roles=部長, 課長",
        "accounts_per_contact_max=5",
    ]);
    assert!(
        set.contains("default_sharing_mode\troles\ndefault_sharing_roles\t部長, 課長\n"),
        "{set}"
    );
    assert_eq!(world.ok(&["settings", "show"]), set);
    assert_eq!(
        world.json(&["settings", "show"])[0]["settings"]["accounts_per_contact_max"],
        5
    );
    for (wrong, why) in [
        ("nonsense=1", "there is no setting \"nonsense\""),
        ("sharing_enabled=perhaps", "expected true or false"),
        (
            "default_sharing_mode=some",
            "expected nobody, granted, roles or everyone",
        ),
    ] {
        assert!(
            world.fails(2, &["settings", "set", wrong]).contains(why),
            "{wrong}"
        );
    }
    world.fails(2, &["settings", "set", "sharing_enabled"]);
}

#[test]
fn organizations_are_separate() {
    let world = World::start();
    world.ok(&["accounts", "create", "A"]);
    let other = world.ok(&["--organization", "acme", "accounts", "list"]);
    assert_eq!(other.lines().count(), 1);
    let refused = world.fails(2, &["--organization", "Acme!", "accounts", "list"]);
    assert!(
        refused.contains("is not a name of an organization"),
        "{refused}"
    );
}
