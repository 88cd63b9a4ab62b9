//! Which record a row means, and which rows mean none.

use super::*;

#[test]
fn an_account_is_known_by_id_then_external_id_then_name_and_takes_the_rest_from_the_row() {
    for (words, id, (external_id, text)) in [
        ("id=5 ext=D9 name=海風", 5, (Some("D9"), "海風")),
        ("ext=d1 name=海風", 5, (Some("D1"), "海風")),
        ("ext=Ｄ１", 5, (Some("D1"), "青葉")),
        ("ext=D9 name=朝霧", 7, (Some("D9"), "朝霧")),
        ("id=7 name=海風", 7, (None, "海風")),
    ] {
        let mut world = known();
        let was = world.maps.accounts[&a(id)].clone();
        let outcome = outcome(&mut world, account_row(words));
        let now = &world.maps.accounts[&a(id)];
        let expected = if was == *now { Unchanged } else { Updated };
        assert_eq!(outcome, expected, "{words}");
        assert_eq!(now.record.name.as_str(), text, "{words}");
        assert_eq!(now.record.external_id, external_id.map(external), "{words}");
        assert_eq!(world.maps.accounts.len(), 7);
    }
}

#[test]
fn a_contact_is_known_by_id_then_external_id_then_address_then_name() {
    for (words, id) in [
        ("id=5 ext=E9 mail=n@x.jp name=森野", 5),
        ("ext=e1 mail=n@x.jp name=森野", 5),
        ("mail=S@X.jp name=森野", 5),
        ("mail=- mail=s@x.jp name=森野", 5),
        ("name=佐藤 id=5", 5),
        ("ext=E9 mail=n@x.jp name=森", 7),
        ("ext=E9 name=森/", 7),
    ] {
        let mut world = known();
        let outcome = outcome(&mut world, contact_row(words, ""));
        assert!(
            matches!(outcome, Updated | Unchanged),
            "{words}: {outcome:?}"
        );
        let changed: Vec<u64> = (1..=7)
            .filter(|id| world.maps.contacts[&c(*id)].revision == world.maps.revision)
            .filter(|_| outcome == Updated)
            .collect();
        assert_eq!(
            changed,
            if outcome == Updated { vec![id] } else { vec![] },
            "{words}"
        );
        assert_eq!(world.maps.contacts.len(), 7, "{words}");
    }
}

#[test]
fn a_name_that_several_have_is_ambiguous_unless_something_stronger_tells_which() {
    let mut world = known();
    let row = outcome(&mut world, account_row("name=山田商事"));
    is_ambiguous(&row, Field::AccountName);
    let row = outcome(&mut world, contact_row("name=田中", ""));
    is_ambiguous(&row, Field::ContactName);
    let row = outcome(&mut world, contact_row("name=田中/", ""));
    is_ambiguous(&row, Field::ContactFamilyName);
    // An external id or an address that nobody has could be any of theirs.
    for words in ["ext=E9 name=田中", "mail=n@x.jp name=田中"] {
        let row = outcome(&mut world, contact_row(words, ""));
        is_ambiguous(&row, Field::ContactName);
    }
    assert_eq!(world.changes, []);
    let rows = [
        contact_row("id=2 name=田中", ""),
        account_row("id=3 name=山田商事"),
    ];
    assert_eq!(
        import(&mut world, &rows, false).outcomes,
        [Unchanged, Unchanged]
    );
    // It says whom it may be, so that the row can be corrected.
    let row = outcome(&mut world, contact_row("name=田中", ""));
    let RowOutcome::Rejected { refusal, .. } = row else {
        panic!("{row:?}");
    };
    assert!(refusal.to_string().contains("c1 and c2"), "{refusal}");
}

#[test]
fn of_many_namesakes_only_those_without_what_the_row_has_may_be_meant() {
    let mut world = World::new(true);
    for number in 0..20 {
        let words = format!("mail=p{number}@x.jp name=鈴木/一");
        assert_eq!(outcome(&mut world, contact_row(&words, "")), Created);
        let words = format!("ext=D{number} name=霧島");
        assert_eq!(outcome(&mut world, account_row(&words)), Created);
    }
    is_ambiguous(
        &outcome(&mut world, contact_row("name=鈴木/一", "")),
        Field::ContactFamilyName,
    );
    // Any of them may have this id, which none of them is known by.
    is_ambiguous(
        &outcome(&mut world, contact_row("ext=E1 name=鈴木/一", "")),
        Field::ContactFamilyName,
    );
    is_ambiguous(
        &outcome(&mut world, account_row("name=霧島")),
        Field::AccountName,
    );

    let without = CreateContact {
        family_name: name("鈴木一"),
        fields: ContactPatch::default(),
    };
    let (id, _) = world.done(without);
    let rows = [
        contact_row("mail=q1@x.jp name=鈴木/一", ""),
        contact_row("mail=q2@x.jp name=鈴木/一", ""),
    ];
    assert_eq!(
        import(&mut world, &rows, false).outcomes,
        [Updated, Created]
    );
    assert_eq!(world.maps.contacts[&id].record.emails, [email("q1@x.jp")]);
    let rows = [
        contact_row("ext=E1 mail=q1@x.jp", ""),
        contact_row("ext=E2 mail=q2@x.jp", ""),
        contact_row("ext=E3 name=鈴木/一 mail=q3@x.jp", ""),
    ];
    assert_eq!(
        import(&mut world, &rows, false).outcomes,
        [Updated, Updated, Created]
    );
}

#[test]
fn identifiers_of_two_accounts_are_rejected_where_the_weaker_stands() {
    for (words, field, refusal) in [
        (
            "id=5 ext=D2",
            Field::AccountExternalId,
            differ("a5", "external_id", "a6"),
        ),
        (
            "id=5 name=白峰",
            Field::AccountName,
            differ("a5", "name", "a6"),
        ),
        (
            "ext=D1 name=朝霧",
            Field::AccountName,
            differ("a5", "name", "a7"),
        ),
        (
            "id=5 name=山田商事",
            Field::AccountName,
            differ("a5", "name", "a1"),
        ),
    ] {
        let mut world = known();
        assert_eq!(
            outcome(&mut world, account_row(words)),
            rejected(field, refusal),
            "{words}"
        );
        assert_eq!(world.changes, [], "{words}");
    }
}

#[test]
fn identifiers_of_two_contacts_are_rejected_where_the_weaker_stands() {
    for (words, field, refusal) in [
        (
            "id=5 ext=E2",
            Field::ContactExternalId,
            differ("c5", "external_id", "c6"),
        ),
        (
            "id=5 mail=h@x.jp",
            Field::ContactEmail,
            differ("c5", "email", "c6"),
        ),
        (
            "ext=E1 mail=h@x.jp",
            Field::ContactEmail,
            differ("c5", "email", "c6"),
        ),
        (
            "mail=s@x.jp mail=h@x.jp",
            Field::ContactEmail,
            differ("c5", "email", "c6"),
        ),
        (
            "ext=E9 mail=h@x.jp",
            Field::ContactEmail,
            differ("E9", "email", "c6"),
        ),
        (
            "ext=E1 name=森",
            Field::ContactName,
            differ("c5", "name", "c7"),
        ),
        (
            "mail=s@x.jp name=森/",
            Field::ContactFamilyName,
            differ("c5", "name", "c7"),
        ),
        (
            "id=5 name=林",
            Field::ContactName,
            differ("c5", "name", "c6"),
        ),
        (
            "id=5 name=田中",
            Field::ContactName,
            differ("c5", "name", "c1"),
        ),
    ] {
        let mut world = known();
        let row = outcome(&mut world, contact_row(words, ""));
        assert_eq!(row, rejected(field, refusal), "{words}");
        assert_eq!(world.changes, [], "{words}");
    }
}

#[test]
fn a_namesake_with_another_external_id_or_with_addresses_of_its_own_is_somebody_else() {
    for words in [
        "ext=E9 name=佐藤",
        "mail=n@x.jp name=佐藤",
        "ext=E9 mail=n@x.jp name=佐藤",
    ] {
        let mut world = known();
        assert_eq!(
            outcome(&mut world, contact_row(words, "")),
            Created,
            "{words}"
        );
        assert_eq!(
            outcome(&mut world, contact_row(words, "")),
            Unchanged,
            "{words}"
        );
        assert_eq!(world.maps.contacts.len(), 8, "{words}");
    }
    let mut world = known();
    assert_eq!(
        outcome(&mut world, account_row("ext=D9 name=青葉")),
        Created
    );
    // So also where a row of another kind names it: it does not exist.
    let row = associated("id=5", "ext=D8 name=青葉", None);
    let (what, text) = ("external_id", "D8".to_owned());
    let unknown = rejected(
        Field::AccountExternalId,
        Refusal::AccountUnknown { what, text },
    );
    assert_eq!(outcome(&mut world, row.clone()), unknown);
    assert_eq!(import(&mut world, &[row], true).outcomes, [Created]);
    assert_eq!(world.accounts_of(5), [9]);
}

#[test]
fn an_id_that_was_never_given_is_rejected_and_never_made_up() {
    let mut world = known();
    let unknown = rejected(Field::AccountId, Refusal::AccountNotFound(a(99)));
    assert_eq!(outcome(&mut world, account_row("id=99 name=海風")), unknown);
    let rows = [
        contact_row("id=99 name=森", ""),
        associated("id=99 name=森", "id=5", None),
    ];
    let unknown = rejected(Field::ContactId, Refusal::ContactNotFound(c(99)));
    assert_eq!(
        import(&mut world, &rows, true).outcomes,
        [unknown.clone(), unknown]
    );
    assert_eq!(world.changes, []);
}

#[test]
fn a_new_record_needs_a_name() {
    let mut world = known();
    let missing = |field: Field| rejected(field, Refusal::Missing(field.path()));
    let row = outcome(&mut world, account_row("ext=D9"));
    assert_eq!(row, missing(Field::AccountName));
    let row = outcome(&mut world, contact_row("ext=E9 mail=n@x.jp", ""));
    assert_eq!(row, missing(Field::ContactFamilyName));
}

#[test]
fn what_rows_of_other_kinds_name_is_created_where_that_is_asked_and_has_a_name() {
    let unknown_account = |what, text: &str| Refusal::AccountUnknown {
        what,
        text: text.to_owned(),
    };
    let unknown_contact = |what, text: &str| Refusal::ContactUnknown {
        what,
        text: text.to_owned(),
    };
    // With and without a name: the row, where it is rejected without `create_missing`, and whether
    // it is with it.
    let cases = [
        (
            contact_row("name=海野", "ext=D9 name=海風"),
            rejected(
                Field::AccountExternalId,
                unknown_account("external_id", "D9"),
            ),
            (1, 0),
        ),
        (
            associated("id=7", "name=海風", None),
            rejected(Field::AccountName, unknown_account("name", "海風")),
            (1, 0),
        ),
        (
            associated("mail=n@x.jp name=海野/渚", "id=5", None),
            rejected(Field::ContactEmail, unknown_contact("email", "n@x.jp")),
            (0, 1),
        ),
        (
            associated("name=海野/渚", "ext=D9 name=海風", None),
            rejected(
                Field::AccountExternalId,
                unknown_account("external_id", "D9"),
            ),
            (1, 1),
        ),
        (
            ImportRow::Ticket(ticket("T1", "ext=E9 name=海野", "")),
            rejected(
                Field::ContactExternalId,
                unknown_contact("external_id", "E9"),
            ),
            (0, 1),
        ),
    ];
    for (row, without, (accounts, contacts)) in cases {
        let mut world = known();
        assert_eq!(outcome(&mut world, row.clone()), without);
        assert_eq!(world.changes, []);
        let answer = import(&mut world, &[row], true);
        assert_eq!(answer.outcomes, [Created]);
        assert_eq!(
            (answer.accounts_created, answer.contacts_created),
            (accounts, contacts)
        );
    }
    for row in [
        associated("id=7", "ext=D9", None),
        associated("mail=n@x.jp", "id=5", None),
        ImportRow::Ticket(ticket("T1", "mail=n@x.jp", "")),
    ] {
        let mut world = known();
        let without = outcome(&mut world, row.clone());
        assert!(matches!(without, RowOutcome::Rejected { .. }));
        let answer = import(&mut world, &[row], true);
        assert_eq!(answer.outcomes, [without]);
        assert_eq!((answer.accounts_created, answer.contacts_created), (0, 0));
    }
}

#[test]
fn what_a_rejected_row_would_have_created_goes_with_it() {
    let mut world = known();
    // The account would be made before the ambiguous name is met.
    let rows = [
        associated("name=田中", "name=海風", None),
        account_row("name=霧島"),
    ];
    let answer = import(&mut world, &rows, true);
    is_ambiguous(&answer.outcomes[0], Field::ContactName);
    assert_eq!(
        (answer.accounts_created, &answer.outcomes[1]),
        (0, &Created)
    );
    // Its number was not used up either.
    assert_eq!(world.maps.accounts[&a(8)].record.name.as_str(), "霧島");
}

#[test]
fn a_row_is_judged_after_those_before_it() {
    let mut world = known();
    let rows = [
        account_row("ext=D9 name=海風"),
        contact_row("ext=E9 name=海野/渚", "ext=D9"),
        contact_row("ext=E9 mail=n@x.jp", ""),
        associated("mail=n@x.jp", "name=白峰", Some(true)),
        ImportRow::Ticket(ticket("T1", "mail=n@x.jp", "")),
        account_row("ext=d9 name=海風"),
        // The second of a name that the file itself made two of.
        contact_row("ext=E8 name=海野/渚", ""),
        contact_row("name=海野渚", ""),
    ];
    let mut outcomes = import(&mut world, &rows, false).outcomes;
    is_ambiguous(&outcomes.pop().unwrap(), Field::ContactName);
    let expected = [
        Created, Created, Updated, Created, Created, Unchanged, Created,
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(
        (world.accounts_of(8), world.primary_of(8)),
        (vec![6, 8], Some(6))
    );
    assert_eq!(world.under("T1"), Some(6));
}

#[test]
fn a_name_that_a_row_before_gave_away_means_nobody_any_more() {
    let mut world = known();
    let rows = [
        contact_row("id=7 name=海野", ""),
        contact_row("name=森", ""),
        contact_row("name=海野", ""),
    ];
    let outcomes = import(&mut world, &rows, false).outcomes;
    assert_eq!(outcomes, [Updated, Created, Unchanged]);
    // One that got an address is not the one without any.
    let rows = [
        contact_row("name=海野 mail=u1@x.jp", ""),
        contact_row("name=海野 mail=u2@x.jp", ""),
    ];
    let outcomes = import(&mut world, &rows, false).outcomes;
    assert_eq!(outcomes, [Updated, Created]);
}
