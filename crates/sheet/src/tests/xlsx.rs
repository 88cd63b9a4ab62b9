use super::build::{Xlsx, errors, ole, read, read_as, read_within, rows};
use crate::limit::{CELL_CHARACTERS_MAX, COLUMNS_MAX, Limits, ROWS_MAX};
use crate::{Format, SheetError};

const SHEET: &str = "xl/worksheets/sheet0.xml";

fn sheet_of(data: &str) -> Xlsx {
    Xlsx::of_sheets(&[data])
}

fn cells_of(data: &str) -> Vec<String> {
    let read = read(&sheet_of(&format!("<row>{data}</row>")).bytes()).unwrap();
    read.into_iter().next().unwrap().1
}

#[test]
fn texts_can_be_shared_inline_rich_or_escaped() {
    let data = "<c t=\"s\"><v>0</v></c><c t=\"inlineStr\"><is><t>in &amp; &#x7530;<![CDATA[<]]></t></is></c>\
        <c t=\"inlineStr\"><is><r><rPr><b/></rPr><t xml:space=\"preserve\">rich </t></r><r><t>text</t></r></is></c>\
        <c t=\"str\"><f>A1&amp;\"x\"</f><v>formula</v></c>\
        <c t=\"inlineStr\"><is><t>a_x000D_b_x005F_x0041_ _xZZ_ _x</t></is></c>";
    let expected = [
        "shared",
        "in & 田<",
        "rich text",
        "formula",
        "a\rb_x0041_ _xZZ_ _x",
    ];
    assert_eq!(cells_of(data), expected);
}

#[test]
fn the_phonetic_reading_of_a_text_is_not_part_of_it() {
    let mut xlsx = sheet_of("<row><c t=\"s\"><v>0</v></c></row>");
    let shared = "<sst uniqueCount=\"1\"><si><t>田中</t>\
                  <rPh sb=\"0\" eb=\"2\"><t>タナカ</t></rPh><phoneticPr/></si></sst>";
    let bytes = xlsx.set("xl/sharedStrings.xml", shared).bytes();
    assert_eq!(read(&bytes).unwrap(), rows(&[(1, &["田中"])]));
}

#[test]
fn white_space_around_a_text_stays_only_if_it_is_marked_as_preserved() {
    let data = "<c t=\"inlineStr\"><is><t> a b\n</t></is></c>\
        <c t=\"inlineStr\"><is><t xml:space=\"preserve\"> a b\n</t></is></c>\
        <c t=\"inlineStr\"><is><r><t>a </t></r><r><t xml:space=\"preserve\"> b</t></r></is></c>\
        <c t=\"inlineStr\"><is><t>\u{3000}a</t></is></c>";
    assert_eq!(cells_of(data), ["a b", " a b\n", "a b", "\u{3000}a"]);
}

#[test]
fn values_are_read_as_the_text_that_a_person_sees() {
    let data = "<c><v>42</v></c><c><v>0.30000000000000004</v></c><c s=\"1\"><v>46350</v></c>\
        <c t=\"b\"><v>1</v></c><c t=\"b\"><v>0</v></c><c t=\"e\"><v>#DIV/0!</v></c>\
        <c t=\"d\"><v>2026-11-24</v></c><c t=\"n\"><v>1E+3</v></c><c s=\"99\"><v>1</v></c>";
    let expected = [
        "42",
        "0.3",
        "2026-11-24",
        "TRUE",
        "FALSE",
        "#DIV/0!",
        "2026-11-24",
        "1000",
        "1",
    ];
    assert_eq!(cells_of(data), expected);
}

#[test]
fn an_error_cell_is_distinguished_from_a_text_with_the_same_characters() {
    let data = "<row><c t=\"e\"><v>#N/A</v></c><c t=\"str\"><v>#N/A</v></c>\
        <c t=\"inlineStr\"><is><t>#N/A</t></is></c><c t=\"e\"><f>1/0</f><v>#DIV/0!</v></c><c t=\"e\"/></row>\
        <row><c r=\"A2\" t=\"e\"><v>#REF!</v></c><c r=\"A2\"><v>1</v></c><c><v>2</v></c></row>";
    let bytes = sheet_of(data).bytes();
    let first = ["#N/A", "#N/A", "#N/A", "#DIV/0!"];
    assert_eq!(
        read(&bytes).unwrap(),
        rows(&[(1, &first), (2, &["1", "2"])])
    );
    assert_eq!(errors(&bytes), [vec![0, 3], vec![]]);
}

#[test]
fn days_can_count_from_1904() {
    let mut xlsx = sheet_of("<row><c s=\"1\"><v>44888</v></c></row>");
    let bytes = xlsx
        .replace(
            "xl/workbook.xml",
            "<workbookPr/>",
            "<workbookPr date1904=\"1\"/>",
        )
        .bytes();
    assert_eq!(read(&bytes).unwrap(), rows(&[(1, &["2026-11-24"])]));
}

#[test]
fn rows_and_cells_can_have_a_reference_or_follow_from_their_order() {
    let data = "<row r=\"2\"><c r=\"B2\"><v>1</v></c><c><v>2</v></c><c r=\"AA2\"><v>3</v></c></row>\
        <row><c><v>4</v></c></row><row r=\"7\" spans=\"1:1\"/><row r=\"9\"><c r=\"A9\" s=\"1\"/><c><v></v></c></row>\
        <row r=\"10\"><c r=\"b10\"><v>5</v></c><c r=\"A10\"><v>6</v></c></row>";
    let mut far = vec![""; 27];
    (far[1], far[2], far[26]) = ("1", "2", "3");
    let expected = rows(&[(2, &far), (3, &["4"]), (10, &["6", "5"])]);
    assert_eq!(read(&sheet_of(data).bytes()).unwrap(), expected);
}

#[test]
fn the_first_visible_worksheet_with_a_row_is_read() {
    let row = |value| format!("<row><c><v>{value}</v></c></row>");
    let mut xlsx = Xlsx::of_sheets(&[
        "",
        &row(1),
        &row(2),
        "<row><c s=\"1\"/></row>",
        &row(3),
        &row(4),
    ]);
    xlsx.replace(
        "xl/workbook.xml",
        "name=\"S1\"",
        "name=\"S1\" state=\"hidden\"",
    );
    xlsx.replace(
        "xl/_rels/workbook.xml.rels",
        "worksheet\" Target=\"worksheets/sheet2",
        "chartsheet\" Target=\"worksheets/sheet2",
    );
    assert_eq!(read(&xlsx.bytes()).unwrap(), rows(&[(1, &["3"])]));
    assert_eq!(read(&Xlsx::of_sheets(&["", ""]).bytes()).unwrap(), []);
}

#[test]
fn names_of_parts_can_differ_in_case_and_path() {
    let mut xlsx = sheet_of("<row><c t=\"s\"><v>0</v></c></row>");
    for (name, _) in &mut xlsx.parts {
        *name = name
            .replace("xl/", "XL\\")
            .replace("sharedStrings", "SharedStrings");
    }
    xlsx.replace(
        "XL\\_rels/workbook.xml.rels",
        "\"worksheets/",
        "\"../xl/./worksheets/",
    );
    assert_eq!(read(&xlsx.bytes()).unwrap(), rows(&[(1, &["shared"])]));
}

#[test]
fn a_zip_that_is_not_a_workbook_is_refused() {
    let mut document = sheet_of("");
    document.set("xl/workbook.xml", "<document><body/></document>");
    let mut nothing = sheet_of("");
    nothing.parts.retain(|(name, _)| name != "_rels/.rels");
    let mut binary = sheet_of("");
    binary
        .replace("_rels/.rels", "workbook.xml", "workbook.bin")
        .set("xl/workbook.bin", "x");
    for bytes in [document.bytes(), nothing.bytes(), binary.bytes()] {
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error, SheetError::NotASpreadsheet), "{error:?}");
    }
}

#[test]
fn a_file_of_another_format_is_refused_with_both_formats() {
    let error = read_as(&sheet_of("").bytes(), Some(Format::Csv), None).unwrap_err();
    let named = matches!(
        error,
        SheetError::OtherFormat {
            named: Format::Csv,
            found: Format::Xlsx
        }
    );
    assert!(named, "{error:?}");
    assert_eq!(
        error.to_string(),
        "the file is XLSX, not CSV: name XLSX, or leave the format out"
    );
}

#[test]
fn an_encrypted_workbook_is_refused() {
    let bytes = ole(&[("/EncryptionInfo", b"x"), ("/EncryptedPackage", &[7; 5000])]);
    for format in [None, Some(Format::Xlsx)] {
        let error = read_as(&bytes, format, None).unwrap_err();
        assert!(matches!(error, SheetError::Encrypted), "{error:?}");
    }
}

#[test]
fn a_row_can_have_200_columns_and_further_empty_columns() {
    let of_columns = |count: usize| {
        sheet_of(&format!(
            "<row>{}<c r=\"XFD1\" s=\"1\"/></row>",
            "<c><v>1</v></c>".repeat(count)
        ))
        .bytes()
    };
    for columns in [COLUMNS_MAX - 1, COLUMNS_MAX] {
        assert_eq!(read(&of_columns(columns)).unwrap()[0].1.len(), columns);
    }
    let error = read(&of_columns(COLUMNS_MAX + 1)).unwrap_err();
    let expected = matches!(
        error,
        SheetError::TooManyColumns {
            row: 1,
            found: 201,
            max: COLUMNS_MAX
        }
    );
    assert!(expected, "{error:?}");
}

#[test]
fn a_cell_can_have_32767_characters_wherever_its_text_is_stored() {
    let inline = |count| {
        format!(
            "<c t=\"inlineStr\"><is><r><t>{}</t></r></is></c>",
            "田".repeat(count)
        )
    };
    let formula = |count| format!("<c t=\"str\"><v>{}</v></c>", "&#x7530;".repeat(count));
    let with = |cell: String| sheet_of(&format!("<row r=\"3\"><c/>{cell}</row>")).bytes();
    let shared = |count| {
        sheet_of("<row r=\"3\"><c/><c t=\"s\"><v>0</v></c></row>")
            .set(
                "xl/sharedStrings.xml",
                &format!("<sst><si><t>{}</t></si></sst>", "田".repeat(count)),
            )
            .bytes()
    };
    for count in [CELL_CHARACTERS_MAX - 1, CELL_CHARACTERS_MAX] {
        for bytes in [with(inline(count)), with(formula(count)), shared(count)] {
            assert_eq!(read(&bytes).unwrap()[0].1[1].chars().count(), count);
        }
    }
    let count = CELL_CHARACTERS_MAX + 1;
    for bytes in [with(inline(count)), with(formula(count)), shared(count)] {
        let error = read(&bytes).unwrap_err();
        let expected = matches!(
            error,
            SheetError::TooManyCharacters {
                row: 3,
                column: 2,
                found: 32_768,
                ..
            }
        );
        assert!(expected, "{error:?}");
    }
}

#[test]
fn a_sheet_can_have_rows_up_to_the_limit() {
    let at = |number: u64| sheet_of(&format!("<row r=\"{number}\"><c><v>1</v></c></row>")).bytes();
    for number in [ROWS_MAX - 1, ROWS_MAX] {
        assert_eq!(read(&at(number)).unwrap()[0].0, number);
    }
    let error = read(&at(ROWS_MAX + 1)).unwrap_err();
    let expected = matches!(
        error,
        SheetError::TooManyRows {
            row: 5_000_001,
            max: ROWS_MAX
        }
    );
    assert!(expected, "{error:?}");
}

#[test]
fn a_file_can_unpack_to_the_limit() {
    let xlsx = sheet_of("<row><c><v>1</v></c></row>");
    let exact = xlsx.unpacked_bytes();
    for unpacked_bytes in [exact, exact + 1] {
        read_within(
            &xlsx.bytes(),
            Limits {
                unpacked_bytes,
                ..Limits::default()
            },
        )
        .unwrap();
    }
    let limits = Limits {
        unpacked_bytes: exact - 1,
        ..Limits::default()
    };
    let error = read_within(&xlsx.bytes(), limits).unwrap_err();
    assert!(
        matches!(error, SheetError::TooManyBytes { max } if max == exact - 1),
        "{error:?}"
    );
}

#[test]
fn a_part_that_unpacks_to_more_than_the_directory_claims_is_refused() {
    let rows = "<row><c><v>1</v></c></row>".repeat(100_000);
    let mut bytes = sheet_of(&rows).bytes();
    let real = u32::try_from(sheet_of(&rows).parts[0].1.len())
        .unwrap()
        .to_le_bytes();
    let mut claims = 0;
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == real {
            bytes[at..at + 4].copy_from_slice(&1_000_u32.to_le_bytes());
            claims += 1;
        }
    }
    assert!(claims > 0);
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error, SheetError::Damaged { .. }), "{error:?}");
}

#[test]
fn shared_texts_can_take_memory_up_to_the_limit() {
    // Six bytes of text and four bytes for the offset of its end.
    let bytes = sheet_of("<row><c t=\"s\"><v>0</v></c></row>").bytes();
    for shared_text_bytes in [10, 11] {
        read_within(
            &bytes,
            Limits {
                shared_text_bytes,
                ..Limits::default()
            },
        )
        .unwrap();
    }
    let error = read_within(
        &bytes,
        Limits {
            shared_text_bytes: 9,
            ..Limits::default()
        },
    )
    .unwrap_err();
    assert!(
        matches!(error, SheetError::TooManyBytes { max: 9 }),
        "{error:?}"
    );
}

#[test]
fn sizes_that_a_file_claims_reserve_no_memory() {
    let mut xlsx = sheet_of("<row r=\"1\"><c t=\"s\"><v>0</v></c></row>");
    xlsx.replace(SHEET, "<cols>", "<dimension ref=\"A9:XFD1048576\"/><cols>");
    let shared = "<sst count=\"9\" uniqueCount=\"18446744073709551615\"><si><t>x</t></si></sst>";
    let bytes = xlsx.set("xl/sharedStrings.xml", shared).bytes();
    assert_eq!(read(&bytes).unwrap(), rows(&[(1, &["x"])]));
}

#[test]
fn broken_markup_is_refused_with_the_last_row_that_was_read() {
    let good = "<row r=\"1\"><c><v>1</v></c></row>";
    let deep = format!("{good}{}", "<row>".repeat(1_000));
    let long = format!("{good}<row><c t=\"{}\"/></row>", "x".repeat(2 << 20));
    for bad in [
        &deep,
        &long,
        &format!("{good}<row r=\"1\"/>"),
        &format!("{good}<row r=\"0\"/>"),
        &format!("{good}<row r=\"18446744073709551615\"/>"),
        &format!("{good}<row r=\"99999999999999999999\"/>"),
        &format!("{good}<row><c r=\"ABCD2\"><v>1</v></c></row>"),
        &format!("{good}<row><c r=\"12\"><v>1</v></c></row>"),
        &format!("{good}<row><c t=\"s\"><v>1</v></c></row>"),
        &format!("{good}<row><c t=\"s\"><v>-1</v></c></row>"),
        &format!("{good}<row><c><v>inf</v></c></row>"),
        &format!("{good}<row><c><v>one</v></c></row>"),
        &format!("{good}<row><c t=\"str\"><v>&custom;</v></c></row>"),
        &format!("{good}<row></c></row>"),
    ] {
        let error = read(&sheet_of(bad).bytes()).unwrap_err();
        let row = match error {
            SheetError::Damaged { row, .. } | SheetError::Truncated { row, .. } => row,
            _ => panic!("{error:?}"),
        };
        assert_eq!(row, Some(1), "{error:?}");
        assert!(error.to_string().contains("after row 1"), "{error}");
    }
}

#[test]
fn deeply_nested_elements_are_refused() {
    let bad = format!("{}{}", "<row>".repeat(1_000), "</row>".repeat(1_000));
    let error = read(&sheet_of(&bad).bytes()).unwrap_err();
    let SheetError::Damaged {
        cause: Some(cause), ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(cause.to_string(), "elements are nested too deeply");
}

#[test]
fn entities_that_a_file_declares_are_refused() {
    let mut xlsx = sheet_of("<row><c t=\"str\"><v>&lol;</v></c></row>");
    let sheet = format!(
        "<!DOCTYPE x [<!ENTITY lol \"{}\">]>{}",
        "ha".repeat(1000),
        xlsx.parts[0].1
    );
    let error = read(&xlsx.set(SHEET, &sheet).bytes()).unwrap_err();
    assert!(matches!(error, SheetError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_sheet_that_ends_inside_its_data_is_reported_as_truncated() {
    let mut xlsx = sheet_of("<row><c><v>1</v></c></row>");
    let whole = xlsx.parts[0].1.clone();
    let cut = whole.split("</sheetData>").next().unwrap();
    let error = read(&xlsx.set(SHEET, cut).bytes()).unwrap_err();
    assert!(
        matches!(error, SheetError::Truncated { row: Some(1), .. }),
        "{error:?}"
    );
}

#[test]
fn a_missing_part_is_reported_as_damage() {
    for missing in [
        SHEET,
        "xl/sharedStrings.xml",
        "xl/styles.xml",
        "xl/workbook.xml",
    ] {
        let mut xlsx = sheet_of("<row><c><v>1</v></c></row>");
        xlsx.parts.retain(|(name, _)| name != missing);
        let error = read(&xlsx.bytes()).unwrap_err();
        assert!(
            matches!(error, SheetError::Damaged { .. }),
            "{missing}: {error:?}"
        );
    }
}

#[test]
fn a_workbook_can_have_1000_sheets() {
    let last = "<row><c><v>1</v></c></row>";
    let of_sheets = |count: usize| {
        let mut sheets = vec![""; count];
        sheets[count - 1] = last;
        Xlsx::of_sheets(&sheets).bytes()
    };
    assert_eq!(read(&of_sheets(1_000)).unwrap().len(), 1);
    let error = read(&of_sheets(1_001)).unwrap_err();
    assert!(
        matches!(error, SheetError::Damaged { row: None, .. }),
        "{error:?}"
    );
}
