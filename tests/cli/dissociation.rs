//! `roster dissociate`: the decision about the tickets, by a flag or by a question.

use crate::world::World;

const DISSOCIATE: [&str; 3] = ["dissociate", "a2", "c1"];

#[test]
fn without_a_terminal_a_missing_choice_is_refused_naming_the_flag() {
    let world = World::with_tickets_of_a_secondary_account();
    let refused = world.fails(1, &DISSOCIATE);
    assert!(refused.contains("3 tickets"), "{refused}");
    assert!(
        refused.contains("reason: DISPOSITION_REQUIRED (FAILED_PRECONDITION)"),
        "{refused}"
    );
    assert!(
        refused.contains("try: --tickets keep, primary, clear or move:ACCOUNT"),
        "{refused}"
    );
    assert_eq!(world.account_of("T-1"), "a2");
}

#[test]
fn each_choice_does_what_it_says() {
    for (choice, open, closed) in [
        (&["--tickets", "keep"][..], "a2", "a2"),
        (&["--tickets", "primary"], "a1", "a1"),
        (&["--tickets", "clear", "--open-only"], "", "a2"),
        (&["--tickets", "move:a1"], "a1", "a1"),
    ] {
        let world = World::with_tickets_of_a_secondary_account();
        let told = world.ok(&[&DISSOCIATE[..], choice].concat());
        assert!(told.starts_with("c1 is dissociated from a2: "), "{told}");
        assert_eq!(world.account_of("T-1"), open, "{choice:?}");
        assert_eq!(world.account_of("T-3"), closed, "{choice:?}");
    }
}

#[test]
fn without_tickets_nothing_is_asked() {
    let world = World::with_tickets_of_a_secondary_account();
    world.ok(&["tickets", "delete", "T-1", "T-2", "T-3"]);
    let ran = world.at_a_terminal("", &DISSOCIATE);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "c1 is dissociated from a2: 0 tickets changed\n")
    );
}

#[test]
fn at_a_terminal_the_preview_is_shown_and_the_answer_counts() {
    let world = World::with_tickets_of_a_secondary_account();
    let ran = world.at_a_terminal("primary", &DISSOCIATE);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out
            .contains("c1 requested 3 tickets of a2: 2 open, 1 closed."),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("it still sees 3 tickets of a2 as requester and 0 in CC"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .ends_with("c1 is dissociated from a2: 3 tickets changed\n"),
        "{}",
        ran.out
    );
    assert_eq!(world.account_of("T-3"), "a1");
}

#[test]
fn at_a_terminal_one_may_quit() {
    let world = World::with_tickets_of_a_secondary_account();
    let ran = world.at_a_terminal("quit", &DISSOCIATE);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.ends_with("error: nothing was changed\n"),
        "{}",
        ran.out
    );
    assert_eq!(world.ok(&["contacts", "accounts", "c1"]).lines().count(), 3);
}

#[test]
fn what_is_refused_for_another_reason_asks_no_question() {
    let world = World::with_tickets_of_a_secondary_account();
    let ran = world.at_a_terminal("keep", &["dissociate", "a1", "c1"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("PRIMARY_STAYS") && !ran.out.contains("quit?"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("try: roster set-primary c1 ACCOUNT first"),
        "{}",
        ran.out
    );
}

#[test]
fn a_transfer_asks_about_the_tickets_of_the_old_primary_account() {
    let world = World::with_tickets_of_a_secondary_account();
    world.ok(&["set-primary", "c1", "a2"]);
    world.ok(&["accounts", "create", "C", "--external-id", "D3"]);
    let refused = world.fails(1, &["transfer", "c1", "D3"]);
    assert!(refused.contains("DISPOSITION_REQUIRED"), "{refused}");
    let ran = world.at_a_terminal("primary", &["transfer", "c1", "D3", "--role", "課長"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("c1 is transferred: 3 tickets changed\n"),
        "{}",
        ran.out
    );
    assert_eq!(world.account_of("T-1"), "a3");
    let accounts = world.ok(&["contacts", "accounts", "c1"]);
    assert!(accounts.contains("a3\tC\tprimary\t\t課長\n"), "{accounts}");
}

#[test]
fn an_account_in_use_is_deleted_only_with_both_choices() {
    let world = World::with_tickets_of_a_secondary_account();
    let refused = world.fails(1, &["accounts", "delete", "a2"]);
    assert!(
        refused.contains("STILL_IN_USE") && refused.contains("--dissociate"),
        "{refused}"
    );
    let told = world.ok(&[
        "accounts",
        "delete",
        "a2",
        "--dissociate",
        "--tickets",
        "primary",
    ]);
    assert_eq!(
        told,
        "a2 is deleted: 1 association ended, 3 tickets changed\n"
    );
    world.fails(1, &["contacts", "delete", "c1", "--dissociate"]);
    let told = world.ok(&[
        "contacts",
        "delete",
        "c1",
        "--dissociate",
        "--delete-tickets",
    ]);
    assert_eq!(
        told,
        "c1 is deleted: 1 association ended, 3 tickets deleted, \
         0 tickets moved to the new requester\n"
    );
}
