//! What a row writes into the record that it means, and what it leaves.

use super::*;

#[test]
fn a_cell_that_is_blank_keeps_what_is_stored() {
    let mut world = known();
    let row = ImportRow::Contact(ContactRow {
        keys: contact("ext=E1 mail=s@x.jp mail=s2@x.jp name=佐藤/花"),
        reading: Some(Reading::Parts {
            family: Some(name("サトウ")),
            given: Some(name("ハナ")),
        }),
        account: account("ext=D1"),
        ..ContactRow::default()
    });
    assert_eq!(outcome(&mut world, row), Updated);
    let before = world.maps.contacts[&c(5)].clone();
    // Each row leaves out something else.
    for words in [
        "ext=E1",
        "mail=s@x.jp mail=-",
        "id=5 mail=- mail=-",
        "ext=E1 name=佐藤/",
    ] {
        assert_eq!(
            outcome(&mut world, contact_row(words, "")),
            Unchanged,
            "{words}"
        );
        assert_eq!(world.maps.contacts[&c(5)], before);
        assert_eq!(world.accounts_of(5), [5]);
    }
    let row = ImportRow::Contact(ContactRow {
        keys: contact("ext=E1"),
        given_name: Some(name("咲")),
        ..ContactRow::default()
    });
    assert_eq!(outcome(&mut world, row), Updated);
    let now = &world.maps.contacts[&c(5)].record;
    assert_eq!(now.given_name, Some(name("咲")));
    assert_eq!(
        (&now.family_name, &now.family_name_reading),
        (&name("佐藤"), &Some(name("サトウ")))
    );
    // A column of addresses is a place on the list.
    assert_eq!(
        outcome(&mut world, contact_row("ext=E1 mail=- mail=s3@x.jp", "")),
        Updated
    );
    assert_eq!(
        world.maps.contacts[&c(5)].record.emails,
        [email("s@x.jp"), email("s3@x.jp")]
    );
}

#[test]
fn the_same_rows_again_change_nothing_whatever_their_spelling() {
    let mut world = known();
    let file = |spelled: bool| {
        let pick = |plain: &'static str, other: &'static str| if spelled { other } else { plain };
        let mut ticket = ticket(
            "T1",
            pick("mail=n@x.jp", "mail=Ｎ@x.jp"),
            pick("ext=D9", "ext=ｄ９"),
        );
        ticket.subject = Some(Subject::parse("壊れた").unwrap());
        ticket.cc = Some(vec![CcContact::Email(email(pick("h@x.jp", "H@X.JP")))]);
        [
            account_row(pick("ext=D9 name=海風", "ext=ｄ９ name=海風")),
            contact_row(
                pick("mail=n@x.jp name=海野渚", "mail=N@x.jp name=海野渚"),
                pick("ext=D9", "name=海風"),
            ),
            associated(
                pick("mail=n@x.jp", "mail=N@X.JP"),
                pick("name=白峰", "ext=d2"),
                Some(false),
            ),
            ImportRow::Ticket(ticket),
        ]
    };
    assert_eq!(
        import(&mut world, &file(false), true).outcomes,
        [Created, Created, Created, Created]
    );
    for spelled in [false, true] {
        assert_eq!(
            import(&mut world, &file(spelled), true).outcomes,
            [const { Unchanged }; 4]
        );
        assert_eq!(world.changes, []);
    }
}

#[test]
fn the_primary_column_moves_the_primary_and_no_or_blank_moves_nothing() {
    let mut world = World::new(true);
    let row = |account: &str, primary| associated("id=1", account, primary);
    // The first account is primary whatever the row says.
    assert_eq!(outcome(&mut world, row("id=1", Some(false))), Created);
    assert_eq!(world.primary_of(1), Some(1));
    for (with, primary, becomes, is) in [
        ("id=2", None, Created, 1),
        ("id=3", Some(true), Created, 3),
        ("id=3", Some(true), Unchanged, 3),
        ("id=3", Some(false), Unchanged, 3),
        ("id=3", None, Unchanged, 3),
        ("id=2", Some(true), Updated, 2),
        ("id=1", Some(false), Unchanged, 2),
    ] {
        assert_eq!(
            outcome(&mut world, row(with, primary)),
            becomes,
            "{with} {primary:?}"
        );
        assert_eq!(world.primary_of(1), Some(is), "{with} {primary:?}");
    }
}

#[test]
fn a_role_and_a_flag_are_written_where_the_row_has_them() {
    let mut world = World::new(true);
    let row = |text: Option<&str>, flag| {
        ImportRow::Association(AssociationRow {
            contact: contact("id=1"),
            account: account("id=1"),
            role: text.map(role),
            sees_account_tickets: flag,
            ..AssociationRow::default()
        })
    };
    for (text, flag, becomes, (is, sees)) in [
        (Some("部長"), Some(true), Created, ("部長", true)),
        (None, None, Unchanged, ("部長", true)),
        (Some("課長"), None, Updated, ("課長", true)),
        (None, Some(false), Updated, ("課長", false)),
    ] {
        assert_eq!(outcome(&mut world, row(text, flag)), becomes);
        let stored = world.association(1, 1);
        assert_eq!((stored.role, stored.sees_account_tickets), (role(is), sees));
    }
}

#[test]
fn one_account_and_the_limit_of_accounts_hold_for_rows_as_for_calls() {
    let mut world = World::new(false);
    let rows = [
        associated("id=1", "id=1", None),
        associated("id=1", "id=2", Some(true)),
        contact_row("id=1", "id=3"),
    ];
    let outcomes = import(&mut world, &rows, false).outcomes;
    let one = rejected(
        Field::AccountId,
        Refusal::OneAccount {
            contact: c(1),
            has: a(1),
        },
    );
    assert_eq!(outcomes, [Created, one.clone(), one]);
    assert_eq!(world.accounts_of(1), [1]);

    world.done(UpdateSettings {
        multiple_accounts: Some(true),
        accounts_per_contact_max: Some(2),
        ..UpdateSettings::default()
    });
    let rows = [2, 3, 2].map(|account| associated("id=1", &format!("id={account}"), None));
    let outcomes = import(&mut world, &rows, false).outcomes;
    let full = rejected(
        Field::AccountId,
        Refusal::AccountsPerContact {
            contact: c(1),
            has: 2,
            max: 2,
        },
    );
    assert_eq!(outcomes, [Created, full, Unchanged]);
}

#[test]
fn a_row_that_names_neither_side_or_no_requester_is_rejected_saying_so() {
    let mut world = World::new(true);
    let unnamed = |field: Field, what, whose| {
        let path = field.path();
        rejected(
            field,
            Refusal::Unnamed {
                what,
                whose,
                field: path,
            },
        )
    };
    let rows = [
        associated("mail=-", "id=1", None),
        associated("id=1", "", None),
        ImportRow::Ticket(ticket("T1", "", "")),
    ];
    assert_eq!(
        import(&mut world, &rows, true).outcomes,
        [
            unnamed(Field::ContactId, "contact", "an association"),
            unnamed(Field::AccountId, "account", "an association"),
            unnamed(Field::ContactId, "requester", "a new ticket"),
        ]
    );
}

#[test]
fn a_ticket_is_recorded_by_its_id_and_keeps_what_a_later_row_leaves_out() {
    let mut world = known();
    world.associated(5, &[5]);
    let mut row = ticket("T1", "ext=E1", "");
    row.status = Some(TicketStatus::Closed);
    row.cc = Some(vec![CcContact::Id(c(6)), CcContact::Email(email("s@x.jp"))]);
    row.private = Some(true);
    assert_eq!(outcome(&mut world, ImportRow::Ticket(row)), Created);
    let before = world.ticket("T1");
    // Filled in from the requester's primary.
    assert_eq!(before.account.map(AccountId::number), Some(5));
    assert_eq!(
        outcome(&mut world, ImportRow::Ticket(ticket("T1", "", ""))),
        Unchanged
    );
    let mut row = ticket("T1", "", "");
    row.status = Some(TicketStatus::Open);
    assert_eq!(outcome(&mut world, ImportRow::Ticket(row)), Updated);
    let after = world.ticket("T1");
    assert_eq!(
        (after.cc, after.private, after.requester),
        (before.cc, true, c(5))
    );

    // An account that is not the requester's is rejected, and so is a CC of nobody.
    let refusal = Refusal::NotRequestersAccount(pair(5, 6));
    let row = outcome(
        &mut world,
        ImportRow::Ticket(ticket("T2", "id=5", "ext=D2")),
    );
    assert_eq!(row, rejected(Field::AccountExternalId, refusal));
    for contact in [CcContact::Id(c(99)), CcContact::Email(email("nobody@x.jp"))] {
        let mut row = ticket("T2", "id=5", "");
        row.cc = Some(vec![contact]);
        let row = outcome(&mut world, ImportRow::Ticket(row));
        assert!(
            matches!(
                row,
                RowOutcome::Rejected {
                    field: Field::TicketCc,
                    ..
                }
            ),
            "{row:?}"
        );
    }
}
