//! How cells are parsed, and which errors invalid cells and headers cause.

use roster_api::v1::*;
use tonic::Code;

use crate::import_file::sample;
use crate::importing::{counts, of};
use crate::world::{World, both_engines, refused};

both_engines!(
    rows_of_the_same_association_that_disagree_about_primary_are_rejected,
    a_row_with_an_error_cell_of_a_workbook_is_rejected,
    a_file_with_other_separators_is_refused_and_the_message_names_them,
    a_row_that_identifies_no_record_is_rejected_with_all_columns_that_could,
    japanese_dates_and_digits_of_either_width_are_parsed,
);

const ACCOUNTS: ImportKind = ImportKind::Accounts;
const CONTACTS: ImportKind = ImportKind::Contacts;
const ASSOCIATIONS: ImportKind = ImportKind::Associations;
const TICKETS: ImportKind = ImportKind::Tickets;

/// Row, column and reason of a reject.
fn reject(row: &str, column: &str, reason: &str) -> (String, String, String) {
    (row.to_owned(), column.to_owned(), reason.to_owned())
}

async fn rows_of_the_same_association_that_disagree_about_primary_are_rejected(world: World) {
    world.allow_several_accounts().await;
    world
        .import(of(CONTACTS), "社員番号,姓\nn1,田中\nn2,林\n")
        .await;
    world
        .import(
            of(ACCOUNTS),
            "取引先コード,会社名\nr1,本社\ns1,山田\nt1,鈴木\n",
        )
        .await;
    let mapping = ["contact.external_id", "account.external_id"].map(|field| ImportColumn {
        header: field.into(),
        field: field.into(),
    });
    let config = ImportConfig {
        mapping: mapping.to_vec(),
        ..of(ASSOCIATIONS)
    };
    let file = |rows: &[&str]| {
        let header = "contact.external_id,account.external_id,メイン";
        format!("{header}\n{}\n", rows.join("\n"))
    };
    let first = world
        .import(config.clone(), file(&["n1,r1,はい", "n2,r1,"]))
        .await;
    assert_eq!(counts(&first), [2, 0, 0, 0]);
    let before = world.read_token().await;

    let disagree = |row: &str| reject(row, "contact.external_id", "ROWS_DISAGREE");
    let import = world
        .import(config.clone(), file(&["n1,s1,はい", "n1,s1,いいえ"]))
        .await;
    assert_eq!(counts(&import), [0, 0, 0, 2]);
    assert_eq!(
        world.rejects(&import.id).await,
        [disagree("2"), disagree("3")]
    );
    let text = String::from_utf8(world.rejects_file(&import.id).await).unwrap();
    assert!(
        text.contains("rows 2 and 3 describe the same record with different values"),
        "{text}"
    );

    let import = world
        .import(
            config.clone(),
            file(&["n1,s1,はい", "n1,t1,いいえ", "n1,t1,はい"]),
        )
        .await;
    assert_eq!(
        world.rejects(&import.id).await,
        [disagree("2"), disagree("3"), disagree("4")]
    );
    assert_eq!(world.read_token().await, before);

    // A blank cell agrees with any value.
    let rows = ["n1,s1,はい", "n1,s1,", "n2,s1,いいえ", "n2,s1,"];
    let import = world.import(config, file(&rows)).await;
    assert_eq!(counts(&import), [2, 0, 2, 0]);
}

async fn a_row_with_an_error_cell_of_a_workbook_is_rejected(world: World) {
    for format in ["xlsx", "xls"] {
        let import = world
            .import(of(CONTACTS), sample(&format!("errors.{format}")))
            .await;
        let expected = if format == "xlsx" {
            [2, 0, 0, 3]
        } else {
            [0, 0, 2, 3]
        };
        assert_eq!(counts(&import), expected, "{format}");
        assert_eq!(
            world.rejects(&import.id).await,
            [
                reject("3", "氏名", "FIELD_INVALID"),
                reject("4", "社員番号", "FIELD_INVALID"),
                reject("5", "予備のメール", "FIELD_INVALID"),
            ],
            "{format}"
        );
        let text = String::from_utf8(world.rejects_file(&import.id).await).unwrap();
        assert!(
            text.contains("the cell contains the spreadsheet error #REF!"),
            "{text}"
        );

        // If the error cells are not corrected, the rows are rejected again.
        let again = world.import(of(CONTACTS), &text).await;
        assert_eq!(
            (counts(&again), again.ignored_headers),
            ([0, 0, 0, 3], vec!["備考".to_owned()])
        );
    }
    // A text cell with the same characters is a text.
    assert_eq!(world.by_email("e5@example.com").await.family_name, "#N/A");
    let import = world.import(of(ACCOUNTS), "取引先名\n#N/A\n").await;
    assert_eq!(counts(&import), [1, 0, 0, 0]);
}

async fn a_file_with_other_separators_is_refused_and_the_message_names_them(world: World) {
    for (file, separator) in [
        ("取引先コード;取引先名\nD1;山田\n", "semicolons"),
        (
            "取引先コード\t取引先名\tフリガナ\nD1\t山田, 本社\tヤマダ\n",
            "tabs",
        ),
        (
            "\"Account Number\";\"Account Name\"\n\"D1\";\"A, B\"\n",
            "semicolons",
        ),
    ] {
        let mapping = vec![ImportColumn {
            header: "取引先名".into(),
            field: String::new(),
        }];
        for mapping in [vec![], mapping] {
            let config = ImportConfig {
                mapping,
                ..of(ACCOUNTS)
            };
            let status = refused(
                world.try_import(config, file).await,
                Code::InvalidArgument,
                "HEADER_UNUSABLE",
            );
            assert!(status.message().contains(separator), "{}", status.message());
            assert!(status.message().contains("commas"), "{}", status.message());
        }
    }
    // For a header with unknown columns and no other separator, the message names the missing
    // field.
    let status = refused(
        world.try_import(of(ACCOUNTS), "a,b;c,d\n").await,
        Code::InvalidArgument,
        "HEADER_UNUSABLE",
    );
    assert!(
        status.message().contains("account.name"),
        "{}",
        status.message()
    );
}

async fn a_row_that_identifies_no_record_is_rejected_with_all_columns_that_could(world: World) {
    let import = world
        .import(of(TICKETS), "Ticket ID,Email,担当者名,件名\nT1,,,壊れた\n")
        .await;
    assert_eq!(
        world.rejects(&import.id).await,
        [reject("2", "Email, 担当者名", "FIELD_REQUIRED")]
    );
    let text = String::from_utf8(world.rejects_file(&import.id).await).unwrap();
    assert!(
        text.contains("the row names no requester, which a new ticket needs"),
        "{text}"
    );

    let import = world
        .import(
            of(ASSOCIATIONS),
            "Email,取引先ID,会社名\n,a1,\nt@example.com,,\n",
        )
        .await;
    assert_eq!(
        world.rejects(&import.id).await,
        [
            reject("2", "Email", "FIELD_REQUIRED"),
            reject("3", "取引先ID, 会社名", "FIELD_REQUIRED"),
        ]
    );
    // The column of a missing name is the column of names that the file has.
    let import = world
        .import(of(CONTACTS), "氏名,メール\n,t@example.com\n")
        .await;
    assert_eq!(
        world.rejects(&import.id).await,
        [reject("2", "氏名", "FIELD_REQUIRED")]
    );
    let import = world
        .import(
            of(CONTACTS),
            "姓,メール,予備のメール\n田中,t@example.com,nowhere\n",
        )
        .await;
    assert_eq!(
        world.rejects(&import.id).await,
        [reject("2", "予備のメール", "FIELD_INVALID")]
    );
}

async fn japanese_dates_and_digits_of_either_width_are_parsed(world: World) {
    world
        .import(of(CONTACTS), "氏名,メール\n田中 太郎,t@example.com\n")
        .await;
    let file = "問い合わせ番号,連絡先ID,作成日時,非公開\n\
                    T1,c1,2026年1月2日,１\n\
                    T2,ｃ１,2026年1月2日 10時05分,はい\n\
                    T3,c1,２０２６年１月２日　１０：０５,０\n\
                    T4,c1,２０２６／０１／０２,\n\
                    T5,c1,2026年2月30日,\n";
    let import = world.import(of(TICKETS), file).await;
    assert_eq!(
        world.rejects(&import.id).await,
        [reject("6", "作成日時", "FIELD_INVALID")]
    );
    let midnight = 1_767_312_000;
    let morning = midnight + (10 * 60 + 5) * 60;
    for (id, seconds, private) in [
        ("T1", midnight, true),
        ("T2", morning, true),
        ("T3", morning, false),
        ("T4", midnight, false),
    ] {
        let ticket = world.get_ticket(id).await;
        assert_eq!(
            (ticket.create_time.unwrap().seconds, ticket.private),
            (seconds, private),
            "{id}"
        );
    }
}
