//! How the rows of a file identify records, what they write, and which rows are rejected.

use roster_api::v1::*;

use crate::importing::{counts, creating, of};
use crate::world::{World, both_engines};

both_engines!(
    a_file_of_accounts_creates_them_and_a_second_import_of_the_file_changes_nothing,
    an_external_id_identifies_the_same_account_in_any_width_and_case,
    a_blank_cell_keeps_what_is_stored_and_a_filled_one_replaces_it,
    keys_take_precedence_in_the_order_id_external_id_address_name,
    a_row_with_identifiers_of_different_records_is_rejected,
    a_row_with_an_ambiguous_name_is_rejected,
    accounts_or_contacts_with_the_same_name_and_different_keys_stay_separate,
    a_record_found_by_its_name_gets_the_external_id_of_the_row,
    two_rows_of_the_same_person_create_one_contact_and_the_second_row_counts_as_unchanged,
    all_rows_of_a_record_are_rejected_if_any_two_disagree,
    tickets_are_recorded_and_a_later_file_changes_only_its_columns,
    a_row_with_an_invalid_cell_is_rejected_with_the_column,
);

const ACCOUNTS: ImportKind = ImportKind::Accounts;
const CONTACTS: ImportKind = ImportKind::Contacts;
const ASSOCIATIONS: ImportKind = ImportKind::Associations;
const TICKETS: ImportKind = ImportKind::Tickets;

async fn a_file_of_accounts_creates_them_and_a_second_import_of_the_file_changes_nothing(
    world: World,
) {
    let file = "取引先コード,取引先名（必須）,フリガナ\nD1,株式会社山田,ヤマダ\nD2,鈴木商店,\n";
    let import = world.import(of(ACCOUNTS), file).await;
    assert_eq!(import.state(), ImportState::Completed, "{import:?}");
    assert_eq!((counts(&import), import.rows_total), ([2, 0, 0, 0], 2));
    let columns: Vec<&str> = import.columns.iter().map(|c| c.field.as_str()).collect();
    assert_eq!(
        columns,
        [
            "account.external_id",
            "account.name",
            "account.name_reading"
        ]
    );
    let accounts = world.all_accounts().await;
    assert_eq!(accounts.len(), 2);
    assert!(
        accounts
            .iter()
            .any(|a| a.external_id == "D1" && a.name_reading == "ヤマダ")
    );

    let before = world.read_token().await;
    let again = world.import(of(ACCOUNTS), file).await;
    assert_eq!(counts(&again), [0, 0, 2, 0]);
    assert_eq!(world.read_token().await, before);
    assert_eq!(again.written_token, import.written_token);
    assert_eq!(world.all_accounts().await, accounts);
}

async fn an_external_id_identifies_the_same_account_in_any_width_and_case(world: World) {
    let file =
        "取引先コード,取引先名\nD0001,株式会社山田\nd0001,株式会社山田\nＤ０００１,株式会社山田\n";
    let import = world.import(of(ACCOUNTS), file).await;
    assert_eq!(counts(&import), [1, 0, 2, 0]);
    let accounts = world.all_accounts().await;
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].external_id, "D0001");

    let file = "取引先コード,取引先名\nｄ０００１,山田株式会社\n";
    let import = world.import(of(ACCOUNTS), file).await;
    assert_eq!(counts(&import), [0, 1, 0, 0]);
    let accounts = world.all_accounts().await;
    assert_eq!(
        (accounts.len(), accounts[0].name.as_str()),
        (1, "山田株式会社")
    );
    assert_eq!(accounts[0].external_id, "D0001");
}

async fn a_blank_cell_keeps_what_is_stored_and_a_filled_one_replaces_it(world: World) {
    world
        .import(
            of(CONTACTS),
            "社員番号,姓,名,メール,セイ\nE1,田中,太郎,t@example.com,タナカ\n",
        )
        .await;
    let import = world
        .import(of(CONTACTS), "社員番号,姓,名,メール,セイ\nE1,,次郎,,\n")
        .await;
    assert_eq!(counts(&import), [0, 1, 0, 0]);
    let contact = world.by_email("t@example.com").await;
    assert_eq!(
        (contact.family_name.as_str(), contact.given_name.as_str()),
        ("田中", "次郎")
    );
    assert_eq!(contact.family_name_reading, "タナカ");
}

async fn keys_take_precedence_in_the_order_id_external_id_address_name(world: World) {
    let file =
        "External ID,Full Name,Email\nE1,田中 太郎,t1@example.com\nE2,林 花子,t2@example.com\n";
    world.import(of(CONTACTS), file).await;
    let first = world.by_email("t1@example.com").await.id;

    // Each row identifies the first contact by one key and has new values for the weaker keys.
    for row in [
        format!("{first},E9,t9@example.com,森 一"),
        ",E9,t8@example.com,森 二".to_owned(),
        ",,t8@example.com,森 三".to_owned(),
    ] {
        let import = world
            .import(
                of(CONTACTS),
                format!("Contact ID,External ID,Email,Name\n{row}\n"),
            )
            .await;
        assert_eq!(counts(&import), [0, 1, 0, 0], "{row}");
    }
    let contact = world.by_email("t8@example.com").await;
    assert_eq!((contact.id, contact.external_id.as_str()), (first, "E9"));
    assert_eq!(
        (contact.family_name.as_str(), contact.given_name.as_str()),
        ("森", "三")
    );
    let import = world
        .import(of(CONTACTS), "名前,フリガナ\n森三,モリ サン\n")
        .await;
    assert_eq!(counts(&import), [0, 1, 0, 0]);
    assert_eq!(world.all_contacts().await.len(), 2);
    let contact = world.by_email("t8@example.com").await;
    assert_eq!(
        (
            contact.family_name.as_str(),
            contact.given_name_reading.as_str()
        ),
        ("森", "サン")
    );
}

async fn a_row_with_identifiers_of_different_records_is_rejected(world: World) {
    world
        .import(
            of(ACCOUNTS),
            "取引先コード,取引先名\nD1,山田\nD2,鈴木\n,佐藤\n",
        )
        .await;
    world
        .import(
            of(CONTACTS),
            "社員番号,姓,メール\nE1,田中,t1@example.com\nE2,林,t2@example.com\n",
        )
        .await;
    let accounts = world.all_accounts().await;
    let first = &accounts.iter().find(|a| a.external_id == "D1").unwrap().id;
    let person = world.by_email("t1@example.com").await.id;
    let before = world.read_token().await;

    let file = format!("取引先ID,取引先コード,取引先名\n{first},D2,\n,D1,佐藤\n{first},,佐藤\n");
    let import = world.import(of(ACCOUNTS), file).await;
    assert_eq!(import.state(), ImportState::CompletedWithErrors);
    let rejects = world.rejects(&import.id).await;
    let identifiers_differ = |row: &str, column: &str| {
        (
            row.to_owned(),
            column.to_owned(),
            "IDENTIFIERS_DIFFER".to_owned(),
        )
    };
    assert_eq!(
        rejects,
        [
            identifiers_differ("2", "取引先コード"),
            identifiers_differ("3", "取引先名"),
            identifiers_differ("4", "取引先名")
        ]
    );

    let file = format!(
        "連絡先ID,社員番号,メール,姓\n{person},E2,,\n,E1,t2@example.com,\n,E9,t1@example.com,田中\n"
    );
    let import = world.import(of(CONTACTS), file).await;
    let rejects = world.rejects(&import.id).await;
    assert_eq!(
        rejects,
        [
            identifiers_differ("2", "社員番号"),
            identifiers_differ("3", "メール"),
            identifiers_differ("4", "メール")
        ]
    );
    assert_eq!(world.read_token().await, before);
}

async fn a_row_with_an_ambiguous_name_is_rejected(world: World) {
    for _ in 0..2 {
        world.account("株式会社山田").await;
        world.contact("田中").await;
    }
    let import = world
        .import(of(ACCOUNTS), "取引先名,フリガナ\n㈱山田,ヤマダ\n")
        .await;
    assert_eq!(world.rejects(&import.id).await[0].2, "NAME_AMBIGUOUS");
    let import = world
        .import(creating(ASSOCIATIONS), "連絡先名,会社名\n田中,新しい会社\n")
        .await;
    assert_eq!(
        world.rejects(&import.id).await,
        [("2".into(), "連絡先名".into(), "NAME_AMBIGUOUS".into())]
    );
    // The rejected row did not create its account.
    assert_eq!(
        (import.accounts_created, world.all_accounts().await.len()),
        (0, 2)
    );
}

async fn accounts_or_contacts_with_the_same_name_and_different_keys_stay_separate(world: World) {
    let file = "取引先コード,取引先名\nD1,株式会社山田\nD2,(株)山田\n";
    assert_eq!(
        counts(&world.import(of(ACCOUNTS), file).await),
        [2, 0, 0, 0]
    );
    assert_eq!(
        counts(&world.import(of(ACCOUNTS), file).await),
        [0, 0, 2, 0]
    );
    let file = "氏名,メール\n田中 太郎,t1@example.com\n田中太郎,t2@example.com\n";
    assert_eq!(
        counts(&world.import(of(CONTACTS), file).await),
        [2, 0, 0, 0]
    );
    assert_eq!(
        counts(&world.import(of(CONTACTS), file).await),
        [0, 0, 2, 0]
    );
}

async fn a_record_found_by_its_name_gets_the_external_id_of_the_row(world: World) {
    let account = world.account("株式会社山田").await;
    let import = world
        .import(of(ACCOUNTS), "取引先コード,取引先名\nD1,㈱山田\n")
        .await;
    assert_eq!(counts(&import), [0, 1, 0, 0]);
    let accounts = world.all_accounts().await;
    assert_eq!((accounts.len(), &accounts[0].id), (1, &account));
    // The name was only a key, so its spelling does not change.
    assert_eq!(
        (accounts[0].external_id.as_str(), accounts[0].name.as_str()),
        ("D1", "株式会社山田")
    );
}

async fn two_rows_of_the_same_person_create_one_contact_and_the_second_row_counts_as_unchanged(
    world: World,
) {
    let file = "姓,名,メール\n田中,太郎,t@example.com\n林,花子,h@example.com\n\
                田中,太郎,T@Example.com\n田中,,t@example.com\n";
    let import = world.import(of(CONTACTS), file).await;
    assert_eq!(import.state(), ImportState::Completed);
    assert_eq!(counts(&import), [2, 0, 2, 0]);
    assert_eq!(world.all_contacts().await.len(), 2);
}

async fn all_rows_of_a_record_are_rejected_if_any_two_disagree(world: World) {
    let file = "姓,名,メール\n田中,太郎,t@example.com\n林,花子,h@example.com\n\
                田中,次郎,t@example.com\n田中,太郎,t@example.com\n";
    let import = world.import(of(CONTACTS), file).await;
    assert_eq!(counts(&import), [1, 0, 0, 3]);
    let rejects = world.rejects(&import.id).await;
    let rows: Vec<&str> = rejects.iter().map(|(row, _, _)| row.as_str()).collect();
    assert_eq!(rows, ["2", "4", "5"]);
    assert!(
        rejects
            .iter()
            .all(|(_, column, reason)| column == "メール" && reason == "ROWS_DISAGREE")
    );
    assert_eq!(world.all_contacts().await.len(), 1);

    // The same applies to a file of accounts and to an external ID in another case.
    let file = "取引先コード,取引先名\nD1,山田\nd1,鈴木\n";
    assert_eq!(
        counts(&world.import(of(ACCOUNTS), file).await),
        [0, 0, 0, 2]
    );
    assert!(world.all_accounts().await.is_empty());
}

async fn tickets_are_recorded_and_a_later_file_changes_only_its_columns(world: World) {
    world
        .import(
            creating(CONTACTS),
            "氏名,メール,会社名\n田中 太郎,t@example.com,山田\n林 花子,h@example.com,鈴木\n",
        )
        .await;
    let file = "問い合わせ番号,件名,ステータス,メール,会社名,CC,非公開,作成日時\n\
                    T1,壊れた,完了,t@example.com,山田,h@example.com,はい,2026/11/24 9:30\n\
                    T2,遅い,対応中,t@example.com,,,,\n\
                    T3,鈴木の,,t@example.com,鈴木,,,\n\
                    T4,誰も,,x@example.com,,,,\n\
                    T5,CC,,t@example.com,,c1;nobody@example.com,,\n";
    let import = world.import(of(TICKETS), file).await;
    assert_eq!(counts(&import), [2, 0, 0, 3]);
    let reject = |row: &str, column: &str, reason: &str| {
        (row.to_owned(), column.to_owned(), reason.to_owned())
    };
    assert_eq!(
        world.rejects(&import.id).await,
        [
            reject("4", "会社名", "NOT_REQUESTERS_ACCOUNT"),
            reject("5", "メール", "CONTACT_NOT_FOUND"),
            reject("6", "CC", "CONTACT_NOT_FOUND"),
        ]
    );
    let ticket = world.get_ticket("T1").await;
    let (t, h) = (
        world.by_email("t@example.com").await.id,
        world.by_email("h@example.com").await.id,
    );
    assert_eq!(
        (ticket.status(), ticket.private),
        (TicketStatus::Closed, true)
    );
    assert_eq!(
        (&ticket.requester_id, &ticket.cc_contact_ids),
        (&t, &vec![h])
    );
    assert_eq!(ticket.create_time.unwrap().seconds, 1_795_512_600);
    // Without an account in the row, the ticket gets the requester's primary account.
    let filled = world.get_ticket("T2").await;
    assert_eq!(
        (filled.account_id.clone(), filled.status()),
        (world.primary_of(&t).await, TicketStatus::Open)
    );

    let import = world
        .import(of(TICKETS), "Ticket ID,Status\nT1,Open\nT9,Open\n")
        .await;
    assert_eq!(counts(&import), [0, 1, 0, 1]);
    assert_eq!(
        world.rejects(&import.id).await,
        [reject("3", "contact.id", "FIELD_REQUIRED")]
    );
    let after = world.get_ticket("T1").await;
    assert_eq!(after.status(), TicketStatus::Open);
    assert_eq!(
        Ticket {
            status: ticket.status,
            etag: ticket.etag.clone(),
            ..after
        },
        ticket
    );
}

async fn a_row_with_an_invalid_cell_is_rejected_with_the_column(world: World) {
    let long = "あ".repeat(201);
    let file = format!(
        "姓,名,メール,取引先ID,会社名\n田中,,nowhere,,\n,太郎,,,\n林,{long},,,\n森,,,c1,\n\"改\n行\",,,,\n良,,,,\n"
    );
    let import = world.import(of(CONTACTS), file).await;
    assert_eq!(counts(&import), [1, 0, 0, 5]);
    let rejects = world.rejects(&import.id).await;
    let row_column_reason: Vec<_> = rejects
        .iter()
        .map(|(row, column, reason)| (row.as_str(), column.as_str(), reason.as_str()))
        .collect();
    assert_eq!(
        row_column_reason,
        [
            ("2", "メール", "FIELD_INVALID"),
            ("3", "姓", "FIELD_REQUIRED"),
            ("4", "名", "TEXT_TOO_LONG"),
            ("5", "取引先ID", "ID_INVALID"),
            ("6", "姓", "TEXT_CONTROL_CHARACTER"),
        ]
    );
}
