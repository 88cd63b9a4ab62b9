//! Recording, listing and deleting tickets.

use crate::world::World;

#[test]
fn a_ticket_is_recorded_updated_listed_and_deleted() {
    let world = World::start();
    world.ok(&["accounts", "create", "A"]);
    world.ok(&["contacts", "create", "田中", "--email", "tanaka@example.jp"]);
    world.ok(&["contacts", "create", "鈴木"]);
    world.ok(&["associate", "a1", "c1"]);
    let ran = world.run(&[
        "tickets",
        "record",
        "T-1",
        "tanaka@example.jp",
        "--subject",
        "印刷できない",
        "--cc",
        "c2",
        "--created",
        "2026-04-01T09:00:00+09:00",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        "id\tT-1\nsubject\t印刷できない\nstatus\topen\nrequester\tc1\naccount\ta1\nCC\tc2\n\
         created\t2026-04-01T00:00:00Z\n"
    );
    assert!(ran.err.contains("account filled in"), "{ran:?}");

    let update = [
        "tickets",
        "record",
        "T-1",
        "c1",
        "--status",
        "closed",
        "--private",
        "--no-account",
    ];
    let closed = world.ok(&update);
    assert!(
        closed.contains("subject\t印刷できない\nstatus\tclosed, private\n"),
        "{closed}"
    );
    assert!(!closed.contains("account\t"), "{closed}");
    assert_eq!(
        world
            .ok(&["tickets", "list", "--requester", "c1", "--status", "open"])
            .lines()
            .count(),
        1
    );
    assert_eq!(
        world
            .ok(&["tickets", "list", "--requester", "c1"])
            .lines()
            .count(),
        2
    );

    let part = world.run(&["tickets", "delete", "T-1", "T-9"]);
    assert_eq!(part.code, 3);
    assert_eq!(
        part.out,
        "TICKET\tOUTCOME\nT-1\tdeleted\nT-9\tTICKET_NOT_FOUND (NOT_FOUND)\n"
    );
}

#[test]
fn a_record_that_is_refused_says_why_and_what_to_do() {
    let world = World::start();
    world.ok(&["accounts", "create", "A"]);
    world.ok(&["contacts", "create", "田中"]);
    let record = ["tickets", "record", "T-1", "c1", "--account", "a1"];
    let refused = world.fails(1, &record);
    assert!(
        refused.contains("reason: NOT_REQUESTERS_ACCOUNT (FAILED_PRECONDITION)"),
        "{refused}"
    );
    assert!(refused.contains("--allow-unassociated"), "{refused}");
    world.ok(&[&record[..], &["--allow-unassociated"]].concat());
    assert_eq!(world.account_of("T-1"), "a1");
}

#[test]
fn a_list_needs_an_account_or_a_requester() {
    let world = World::start();
    let usage = world.fails(2, &["tickets", "list"]);
    assert!(
        usage.contains("--account") && usage.contains("--requester"),
        "{usage}"
    );
}
