//! Which files are accepted, how columns are mapped to fields, and the file of rejects.

use std::path::Path;

use roster_api::v1::start_import_request::Part;
use roster_api::v1::*;
use tonic::{Code, Request};

use crate::importing::{counts, creating, messages, of};
use crate::world::{World, both_engines, field, metadata, refused};

both_engines!(
    each_format_of_the_samples_imports_the_same_records,
    a_file_of_another_encoding_than_named_is_refused_before_any_write,
    a_file_that_is_not_a_readable_spreadsheet_is_refused,
    a_file_without_a_usable_header_is_refused,
    a_header_that_fits_two_fields_needs_the_mapping,
    headers_match_in_both_languages_regardless_of_width_case_space_and_marks,
    each_column_of_addresses_is_a_position_in_the_address_list,
    rejects_are_a_file_for_excel_and_the_corrected_file_can_be_imported,
    without_rejects_the_file_of_rejects_contains_only_the_header,
    an_upload_must_begin_with_a_config_that_names_the_kind,
    an_import_is_only_visible_in_its_organization,
);

const ACCOUNTS: ImportKind = ImportKind::Accounts;
const CONTACTS: ImportKind = ImportKind::Contacts;
const ASSOCIATIONS: ImportKind = ImportKind::Associations;

pub fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    std::fs::read(folder.join(name)).expect("a sample file")
}

/// Returns an XLS file whose second record marks the rest as encrypted.
fn encrypted() -> Vec<u8> {
    const BEGIN: &[u8] = &[0x09, 0x08, 0x10, 0x00, 0x00, 0x06, 0x05, 0x00];
    const FILE_PASS: &[u8] = &[0x2F, 0x00];
    let mut file = sample("accounts.xls");
    let begin = file
        .windows(BEGIN.len())
        .position(|bytes| bytes == BEGIN)
        .expect("a workbook");
    let second = begin + 4 + 16;
    file[second..second + 2].copy_from_slice(FILE_PASS);
    file
}

async fn each_format_of_the_samples_imports_the_same_records(world: World) {
    let kinds = [
        ("accounts", ACCOUNTS, 100),
        ("contacts", CONTACTS, 600),
        ("associations", ASSOCIATIONS, 731),
        ("tickets", ImportKind::Tickets, 3_000),
    ];
    world.allow_several_accounts().await;
    for (name, kind, rows) in kinds {
        let first = world.import(of(kind), sample(&format!("{name}.csv"))).await;
        assert_eq!(
            counts(&first),
            [rows, 0, 0, 0],
            "{name} {:?}",
            world.rejects(&first.id).await
        );
        let before = world.read_token().await;
        for format in ["sjis.csv", "xlsx", "xls", "csv"] {
            let import = world
                .import(of(kind), sample(&format!("{name}.{format}")))
                .await;
            assert_eq!(counts(&import), [0, 0, rows, 0], "{name}.{format}");
        }
        assert_eq!(world.read_token().await, before, "{name}");
    }
    let import = world
        .import(of(CONTACTS), sample("contacts-with-mistakes.csv"))
        .await;
    assert_eq!(counts(&import), [24, 0, 0, 6]);
    let rows: Vec<String> = world
        .rejects(&import.id)
        .await
        .into_iter()
        .map(|r| r.0)
        .collect();
    assert_eq!(rows, ["4", "9", "13", "18", "22", "27"]);
}

async fn a_file_of_another_encoding_than_named_is_refused_before_any_write(mut world: World) {
    let config = ImportConfig {
        encoding: ImportEncoding::Utf8.into(),
        ..of(ACCOUNTS)
    };
    let before = world.read_token().await;
    let status = refused(
        world
            .try_import(config.clone(), sample("accounts.sjis.csv"))
            .await,
        Code::InvalidArgument,
        "FILE_ENCODING",
    );
    assert_eq!(
        (metadata(&status, "encoding"), metadata(&status, "row")),
        ("UTF-8".into(), "1".into())
    );

    // The invalid row comes after many valid rows.
    let mut file = b"Account Name\n".to_vec();
    for number in 0..5_000 {
        file.extend(format!("Company {number}\n").bytes());
    }
    file.extend(b"\x8e\x52\x93\x63\n");
    let status = refused(
        world.try_import(config, file).await,
        Code::InvalidArgument,
        "FILE_ENCODING",
    );
    assert_eq!(metadata(&status, "row"), "5002");
    assert_eq!(world.read_token().await, before);
    assert!(world.all_accounts().await.is_empty());
    let missing = GetImportRequest { id: "i1".into() };
    refused(
        world.clients.imports.get_import(missing).await,
        Code::NotFound,
        "IMPORT_NOT_FOUND",
    );
}

async fn a_file_that_is_not_a_readable_spreadsheet_is_refused(world: World) {
    let xlsx = sample("accounts.xlsx");
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend([0; 100]);
    for file in [png.as_slice(), &xlsx[..xlsx.len() / 2], &encrypted()] {
        refused(
            world.try_import(of(ACCOUNTS), file).await,
            Code::InvalidArgument,
            "FILE_UNREADABLE",
        );
    }
    let named = ImportConfig {
        format: ImportFormat::Xls.into(),
        ..of(ACCOUNTS)
    };
    refused(
        world.try_import(named, &xlsx).await,
        Code::InvalidArgument,
        "FILE_UNREADABLE",
    );
}

async fn a_file_without_a_usable_header_is_refused(world: World) {
    for file in ["", "\n\n", "x,y\n1,2\n", "フリガナ\nヤマダ\n"] {
        refused(
            world.try_import(of(ACCOUNTS), file).await,
            Code::InvalidArgument,
            "HEADER_UNUSABLE",
        );
    }
    // The header has the keys of only one side.
    refused(
        world
            .try_import(of(ASSOCIATIONS), "メール\nt@example.com\n")
            .await,
        Code::InvalidArgument,
        "HEADER_UNUSABLE",
    );
    // Two columns match the same field.
    let duplicate = world
        .try_import(of(ACCOUNTS), "取引先名,会社名\nA,B\n")
        .await;
    assert_eq!(
        metadata(
            &refused(duplicate, Code::InvalidArgument, "HEADER_UNUSABLE"),
            "header"
        ),
        "会社名"
    );
    // A file with only a header is a file without rows.
    let import = world.import(of(ACCOUNTS), "取引先名\n").await;
    assert_eq!(
        (import.state(), counts(&import), import.rows_total),
        (ImportState::Completed, [0; 4], 0)
    );
}

async fn a_header_that_fits_two_fields_needs_the_mapping(world: World) {
    world
        .import(of(ACCOUNTS), "顧客コード,会社名\nD1,山田\n")
        .await;
    world
        .import(of(CONTACTS), "顧客コード,氏名\nE1,田中\n")
        .await;
    let file = "顧客コード,担当者名,備考\nD1,田中,x\n";
    let status = refused(
        world.try_import(of(ASSOCIATIONS), file).await,
        Code::InvalidArgument,
        "HEADER_UNUSABLE",
    );
    assert_eq!(metadata(&status, "header"), "顧客コード");
    let column = |header: &str, field: &str| ImportColumn {
        header: header.into(),
        field: field.into(),
    };
    let mapped = ImportConfig {
        mapping: vec![column("顧客コード", "account.external_id")],
        ..of(ASSOCIATIONS)
    };
    let import = world.import(mapped, file).await;
    assert_eq!(counts(&import), [1, 0, 0, 0]);
    assert_eq!(import.ignored_headers, ["備考"]);
    assert_eq!(
        import.columns,
        [
            column("顧客コード", "account.external_id"),
            column("担当者名", "contact.name")
        ]
    );

    let wrong = |mapping: ImportColumn| ImportConfig {
        mapping: vec![mapping],
        ..of(ASSOCIATIONS)
    };
    let status = refused(
        world
            .try_import(wrong(column("備考", "ticket.id")), file)
            .await,
        Code::InvalidArgument,
        "FIELD_INVALID",
    );
    assert_eq!(field(&status), "config.mapping[0].field");
    refused(
        world
            .try_import(wrong(column("", "account.id")), file)
            .await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
    );
    let absent = refused(
        world
            .try_import(wrong(column("ない", "account.id")), file)
            .await,
        Code::InvalidArgument,
        "HEADER_UNUSABLE",
    );
    assert_eq!(metadata(&absent, "header"), "ない");
    // A column that is mapped to no field is ignored.
    let config = ImportConfig {
        mapping: vec![column("会社名", "")],
        ..of(ACCOUNTS)
    };
    let import = world.import(config, "取引先名,会社名\nA,B\n").await;
    assert_eq!(
        (counts(&import), import.ignored_headers),
        ([1, 0, 0, 0], vec!["会社名".to_owned()])
    );
}

async fn headers_match_in_both_languages_regardless_of_width_case_space_and_marks(world: World) {
    for header in [
        "※ 取引先名",
        "ACCOUNT　NAME",
        "account name*",
        "会社名【必須】",
        "Ｃｏｍｐａｎｙ(required)",
        "顧客名（企業）",
        "account.name",
    ] {
        let import = world
            .import(of(ACCOUNTS), format!("{header}\n山田\n"))
            .await;
        assert_eq!(import.columns[0].field, "account.name", "{header}");
    }
    assert_eq!(world.all_accounts().await.len(), 1);
}

async fn each_column_of_addresses_is_a_position_in_the_address_list(world: World) {
    let file = "Last Name,Email,Secondary Email\nSmith,s1@example.com,s2@example.com\n";
    world.import(of(CONTACTS), file).await;
    assert_eq!(
        world.by_email("s2@example.com").await.emails,
        ["s1@example.com", "s2@example.com"]
    );
    let contact = world.by_email("s1@example.com").await;
    let file = format!(
        "Contact ID,Email,Secondary Email\n{},s9@example.com,\n",
        contact.id
    );
    assert_eq!(
        counts(&world.import(of(CONTACTS), file).await),
        [0, 1, 0, 0]
    );
    assert_eq!(
        world.by_email("s9@example.com").await.emails,
        ["s9@example.com", "s2@example.com"]
    );
}

async fn rejects_are_a_file_for_excel_and_the_corrected_file_can_be_imported(world: World) {
    let file = "氏名,メール,内線,会社名\n田中 太郎,nowhere,+81 3,\"=A,1\"\n林 花子,h@example.com,,\n=森,m,'x,-1\n";
    let import = world.import(creating(CONTACTS), file).await;
    assert_eq!(counts(&import), [1, 0, 0, 2]);
    let rejects = String::from_utf8(world.rejects_file(&import.id).await).unwrap();
    let rejects = rejects.strip_prefix('\u{feff}').expect("a BOM").to_owned();
    let lines: Vec<&str> = rejects.split("\r\n").collect();
    assert_eq!(lines[0], "氏名,メール,内線,会社名,Row,Column,Reason");
    assert!(
        lines[1].starts_with("田中 太郎,nowhere,'+81 3,\"'=A,1\",2,メール,FIELD_INVALID: "),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].starts_with("'=森,m,'x,'-1,4,メール,"),
        "{}",
        lines[2]
    );
    assert_eq!((lines.len(), lines[3]), (4, ""));

    let corrected = rejects.replace("nowhere", "t@example.com");
    let again = world.import(creating(CONTACTS), &corrected).await;
    assert_eq!((counts(&again), again.rows_total), ([1, 0, 0, 1], 2));
    assert_eq!(again.ignored_headers, ["内線"]);
    // The apostrophe before the formula is removed.
    assert!(
        world
            .all_accounts()
            .await
            .iter()
            .any(|account| account.name == "=A,1")
    );
    // The next file of rejects has the original columns, and the additional columns only once.
    let rest = String::from_utf8(world.rejects_file(&again.id).await).unwrap();
    let lines: Vec<&str> = rest.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "\u{feff}氏名,メール,内線,会社名,Row,Column,Reason"
    );
    assert!(
        lines[1].starts_with("'=森,m,'x,'-1,3,メール,"),
        "{}",
        lines[1]
    );
}

async fn without_rejects_the_file_of_rejects_contains_only_the_header(mut world: World) {
    let import = world.import(of(ACCOUNTS), "取引先名\nA\n").await;
    assert_eq!(
        world.rejects_file(&import.id).await,
        "\u{feff}取引先名,Row,Column,Reason\r\n".as_bytes()
    );
    let request = DownloadRejectsRequest { id: "i9".into() };
    let missing = world.clients.imports.download_rejects(request).await;
    assert_eq!(
        missing.err().map(|status| status.code()),
        Some(Code::NotFound)
    );
}

async fn an_upload_must_begin_with_a_config_that_names_the_kind(world: World) {
    let chunk = StartImportRequest {
        part: Some(Part::Chunk(b"x".to_vec())),
    };
    let refuse = |messages: Vec<StartImportRequest>| {
        let mut client = world.clients.imports.clone();
        async move { client.start_import(tokio_stream::iter(messages)).await }
    };
    refused(
        refuse(vec![]).await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
    );
    refused(
        refuse(vec![chunk]).await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
    );
    let twice = [messages(of(ACCOUNTS), b""), messages(of(ACCOUNTS), b"")].concat();
    refused(refuse(twice).await, Code::InvalidArgument, "FIELD_INVALID");
    let status = refused(
        world
            .try_import(ImportConfig::default(), "取引先名\nA\n")
            .await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
    );
    assert_eq!(field(&status), "config.kind");
    let long = ImportConfig {
        request_id: "x".repeat(65),
        ..of(ACCOUNTS)
    };
    refused(
        world.try_import(long, "取引先名\nA\n").await,
        Code::InvalidArgument,
        "TEXT_TOO_LONG",
    );
    assert!(world.all_accounts().await.is_empty());
}

async fn an_import_is_only_visible_in_its_organization(mut world: World) {
    let import = world.import(of(ACCOUNTS), "取引先名\nA\n").await;
    let mut elsewhere = Request::new(GetImportRequest { id: import.id });
    elsewhere
        .metadata_mut()
        .insert("roster-organization", "other".parse().unwrap());
    refused(
        world.clients.imports.get_import(elsewhere).await,
        Code::NotFound,
        "IMPORT_NOT_FOUND",
    );
    let wrong = GetImportRequest { id: "a1".into() };
    refused(
        world.clients.imports.get_import(wrong).await,
        Code::InvalidArgument,
        "ID_INVALID",
    );
}
