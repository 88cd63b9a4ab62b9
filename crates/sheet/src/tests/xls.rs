use super::build::{
    BOF, EOF, cell, errors, ole, read, read_as, read_within, record, rows, workbook_stream, xls,
};
use crate::limit::{COLUMNS_MAX, Limits};
use crate::{Format, SheetError};

const CONTINUE: u16 = 0x003C;
const LABEL: u16 = 0x0204;
const NUMBER: u16 = 0x0203;
const PACKED: u16 = 0x027E;
const FORMULA: u16 = 0x0006;
const SHARED_TEXT: u16 = 0x00FD;

/// A text with one byte for each character.
fn narrow(text: &str) -> Vec<u8> {
    [
        &(text.len() as u16).to_le_bytes()[..],
        &[0],
        text.as_bytes(),
    ]
    .concat()
}

fn wide_units(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn wide(text: &str) -> Vec<u8> {
    let length = text.encode_utf16().count() as u16;
    [&length.to_le_bytes()[..], &[1], &wide_units(text)].concat()
}

fn number(row: u16, column: u16, value: f64) -> Vec<u8> {
    cell(NUMBER, (row, column), 0, &value.to_le_bytes())
}

fn formula(row: u16, column: u16, outcome: [u8; 8]) -> Vec<u8> {
    cell(FORMULA, (row, column), 0, &[&outcome[..], &[0; 6]].concat())
}

#[test]
fn numbers_can_be_packed_singly_or_together() {
    let packed = |value: u32| [&[0, 0][..], &value.to_le_bytes()].concat();
    let many = [
        &[1, 0, 0, 0][..],
        &packed(7 << 2 | 2),
        &packed(((-7_i32) << 2).cast_unsigned() | 2),
        &packed(12_345 << 2 | 3),
        &packed((1.5_f64.to_bits() >> 32) as u32),
        &packed((150_f64.to_bits() >> 32) as u32 | 1),
        &[4, 0],
    ]
    .concat();
    let single = cell(PACKED, (0, 0), 0, &(42_u32 << 2 | 2).to_le_bytes());
    let sheet = [single, number(0, 1, 0.1), record(0x00BD, &many)];
    let expected = rows(&[
        (1, &["42", "0.1"]),
        (2, &["7", "-7", "123.45", "1.5", "1.5"]),
    ]);
    assert_eq!(read(&xls(&[], &sheet)).unwrap(), expected);
}

#[test]
fn a_formula_is_read_as_its_stored_result() {
    let sheet = [
        formula(0, 0, [0, 0, 0, 0, 0, 0, 0xFF, 0xFF]),
        record(0x04BC, &[0; 8]),
        record(0x0207, &wide("文字")),
        formula(0, 1, [1, 0, 1, 0, 0, 0, 0xFF, 0xFF]),
        formula(0, 2, [2, 0, 7, 0, 0, 0, 0xFF, 0xFF]),
        formula(0, 3, [3, 0, 0, 0, 0, 0, 0xFF, 0xFF]),
        formula(0, 4, 2.5_f64.to_le_bytes()),
    ];
    let expected = rows(&[(1, &["文字", "TRUE", "#DIV/0!", "", "2.5"])]);
    assert_eq!(read(&xls(&[], &sheet)).unwrap(), expected);
    assert_eq!(errors(&xls(&[], &sheet)), [vec![2]]);
}

#[test]
fn booleans_errors_and_labels_are_read_as_text() {
    let error_codes = [0x00, 0x07, 0x0F, 0x17, 0x1D, 0x24, 0x2A];
    let mut sheet = vec![
        cell(0x0205, (0, 0), 0, &[1, 0]),
        cell(0x0205, (0, 1), 0, &[0, 0]),
        cell(LABEL, (0, 2), 0, &narrow("label")),
        cell(LABEL, (0, 3), 0, &wide("ラベル")),
    ];
    for (column, code) in error_codes.into_iter().enumerate() {
        sheet.push(cell(0x0205, (1, column as u16), 0, &[code, 1]));
    }
    let names = [
        "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A",
    ];
    sheet.push(cell(LABEL, (2, 0), 0, &narrow("#N/A")));
    let bytes = xls(&[], &sheet);
    let first = ["TRUE", "FALSE", "label", "ラベル"];
    let expected = rows(&[(1, &first), (2, &names), (3, &["#N/A"])]);
    assert_eq!(read(&bytes).unwrap(), expected);
    assert_eq!(errors(&bytes), [vec![], (0..7).collect(), vec![]]);
}

#[test]
fn a_shared_text_can_continue_in_another_record_with_another_width() {
    // First text: "abc" of one byte each, then "田中" in the next record.
    let first = [
        &2_u32.to_le_bytes()[..],
        &3_u32.to_le_bytes(),
        &[5, 0, 0],
        b"abc",
    ]
    .concat();
    // The rest of the first text; then a text with a formatting run and an extension. The extension
    // continues in the next record.
    let second = [
        &[1][..],
        &wide_units("田中"),
        &[2, 0, 0x0C, 1, 0, 3, 0, 0, 0],
        b"xy",
        &[0, 0, 1, 0],
        &[9, 9],
    ]
    .concat();
    // The last byte of the extension, followed by another text.
    let third = [&[9][..], &wide("𠮷野")].concat();
    let texts = [
        record(0x00FC, &first),
        record(CONTINUE, &second),
        record(CONTINUE, &third),
    ];
    let shared = |column, at: u32| cell(SHARED_TEXT, (0, column), 0, &at.to_le_bytes());
    let bytes = xls(&texts, &[shared(0, 0), shared(1, 1), shared(2, 2)]);
    assert_eq!(
        read(&bytes).unwrap(),
        rows(&[(1, &["abc田中", "xy", "𠮷野"])])
    );

    let error = read(&xls(&texts, &[shared(0, 3)])).unwrap_err();
    assert!(matches!(error, SheetError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_style_makes_a_number_a_date_and_days_can_count_from_1904() {
    let format = record(
        0x041E,
        &[&[0xA4, 0][..], &wide("yyyy\"年\"m\"月\"d\"日\"")].concat(),
    );
    let style = |id: u16| record(0x00E0, &[&[0, 0][..], &id.to_le_bytes(), &[0; 16]].concat());
    let globals = [format, style(0), style(0xA4), style(22)];
    let date_cell =
        |column, style, value: f64| cell(NUMBER, (0, column), style, &value.to_le_bytes());
    let sheet = [
        date_cell(0, 0, 46_350.0),
        date_cell(1, 1, 46_350.0),
        date_cell(2, 2, 46_350.5),
    ];
    let expected = rows(&[(1, &["46350", "2026-11-24", "2026-11-24T12:00:00"])]);
    assert_eq!(read(&xls(&globals, &sheet)).unwrap(), expected);

    let globals = [&[record(0x0022, &[1, 0])], &globals[..]].concat();
    let sheet = [date_cell(1, 1, 44_888.0)];
    assert_eq!(
        read(&xls(&globals, &sheet)).unwrap(),
        rows(&[(1, &["", "2026-11-24"])])
    );
}

#[test]
fn cells_can_be_in_any_order_and_the_last_record_of_a_cell_counts() {
    let sheet = [
        number(4, 1, 1.0),
        number(0, 0, 2.0),
        number(4, 0, 3.0),
        number(0, 0, 4.0),
    ];
    let expected = rows(&[(1, &["4"]), (5, &["3", "1"])]);
    assert_eq!(read(&xls(&[], &sheet)).unwrap(), expected);
}

#[test]
fn cells_of_a_chart_in_the_sheet_are_ignored() {
    let chart = [
        record(BOF, &[0, 6, 0x20, 0]),
        number(0, 0, 9.0),
        record(EOF, &[]),
    ];
    let sheet = [&chart[..], &[number(1, 0, 1.0)]].concat();
    assert_eq!(read(&xls(&[], &sheet)).unwrap(), rows(&[(2, &["1"])]));
}

#[test]
fn an_encrypted_an_old_and_another_document_have_their_own_errors() {
    let protected = xls(&[record(0x002F, &[1, 0])], &[]);
    let error = read(&protected).unwrap_err();
    assert!(matches!(error, SheetError::Encrypted), "{error:?}");

    for name in ["/Workbook", "/Book"] {
        let error = read(&ole(&[(name, &record(BOF, &[0, 5, 5, 0]))])).unwrap_err();
        assert!(matches!(error, SheetError::OldWorkbook), "{error:?}");
    }
    let error = read(&ole(&[("/WordDocument", b"x")])).unwrap_err();
    assert!(matches!(error, SheetError::NotASpreadsheet), "{error:?}");
}

#[test]
fn the_workbook_stream_can_have_another_spelling() {
    let stream = workbook_stream(&[], &[number(0, 0, 1.0)]);
    for name in ["/WORKBOOK", "/Book", "/BOOK"] {
        assert_eq!(
            read(&ole(&[(name, &stream)])).unwrap(),
            rows(&[(1, &["1"])])
        );
    }
}

#[test]
fn a_file_of_another_format_is_refused_with_both_formats() {
    let error = read_as(&xls(&[], &[]), Some(Format::Xlsx), None).unwrap_err();
    let named = matches!(
        error,
        SheetError::OtherFormat {
            named: Format::Xlsx,
            found: Format::Xls
        }
    );
    assert!(named, "{error:?}");
}

#[test]
fn a_row_can_have_200_columns() {
    let max = COLUMNS_MAX as u16;
    for column in [max - 2, max - 1] {
        assert_eq!(read(&xls(&[], &[number(0, column, 1.0)])).unwrap().len(), 1);
    }
    let error = read(&xls(&[], &[number(2, max, 1.0)])).unwrap_err();
    let expected = matches!(
        error,
        SheetError::TooManyColumns {
            row: 3,
            found: 201,
            max: COLUMNS_MAX
        }
    );
    assert!(expected, "{error:?}");
}

#[test]
fn a_cell_and_a_sheet_can_be_as_long_as_their_limits() {
    let bytes = xls(&[], &[cell(LABEL, (3, 0), 0, &narrow("four"))]);
    for (cell_characters, rows) in [(4, 4), (5, 5)] {
        read_within(
            &bytes,
            Limits {
                cell_characters,
                rows,
                ..Limits::default()
            },
        )
        .unwrap();
    }
    let limits = Limits {
        cell_characters: 3,
        ..Limits::default()
    };
    let error = read_within(&bytes, limits).unwrap_err();
    let expected = matches!(
        error,
        SheetError::TooManyCharacters {
            row: 4,
            column: 1,
            found: 4,
            max: 3
        }
    );
    assert!(expected, "{error:?}");
    let error = read_within(
        &bytes,
        Limits {
            rows: 3,
            ..Limits::default()
        },
    )
    .unwrap_err();
    assert!(
        matches!(error, SheetError::TooManyRows { row: 4, max: 3 }),
        "{error:?}"
    );
}

#[test]
fn the_workbook_stream_can_be_as_long_as_its_limit() {
    let stream = workbook_stream(&[], &[number(0, 0, 1.0)]);
    let bytes = ole(&[("/Workbook", &stream)]);
    let exact = stream.len() as u64;
    for xls_bytes in [exact, exact + 1] {
        read_within(
            &bytes,
            Limits {
                xls_bytes,
                ..Limits::default()
            },
        )
        .unwrap();
    }
    let limits = Limits {
        xls_bytes: exact - 1,
        ..Limits::default()
    };
    let error = read_within(&bytes, limits).unwrap_err();
    assert!(
        matches!(error, SheetError::TooManyBytes { max } if max == exact - 1),
        "{error:?}"
    );
}

#[test]
fn a_stream_cut_anywhere_is_reported_as_truncated() {
    let stream = workbook_stream(
        &[record(
            0x00FC,
            &[&[1, 0, 0, 0, 1, 0, 0, 0][..], &narrow("shared")].concat(),
        )],
        &[number(0, 0, 1.0), cell(SHARED_TEXT, (0, 1), 0, &[0; 4])],
    );
    read(&ole(&[("/Workbook", &stream)])).unwrap();
    for length in 12..stream.len() {
        let error = read(&ole(&[("/Workbook", &stream[..length])])).unwrap_err();
        assert!(
            matches!(error, SheetError::Truncated { .. }),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn sizes_that_a_file_claims_reserve_no_memory() {
    let texts = record(0x00FC, &[&[0xFF; 8][..], &narrow("x")].concat());
    let dimensions = record(
        0x0200,
        &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0, 0, 0],
    );
    let sheet = [dimensions, cell(SHARED_TEXT, (65_535, 0), 0, &[0; 4])];
    assert_eq!(
        read(&xls(&[texts], &sheet)).unwrap(),
        rows(&[(65_536, &["x"])])
    );
}

#[test]
fn broken_records_are_refused() {
    let not_a_number = number(0, 0, f64::NAN);
    let short = record(NUMBER, &[0; 13]);
    let text = cell(LABEL, (0, 0), 0, &[9, 0, 0, b'x']);
    for sheet in [not_a_number, short, text] {
        let error = read(&xls(&[], &[sheet])).unwrap_err();
        let expected = matches!(
            error,
            SheetError::Damaged { .. } | SheetError::Truncated { .. }
        );
        assert!(expected, "{error:?}");
    }
}
