//! Any bytes result in rows or in a [`SheetError`].

use std::error::Error;

use proptest::prelude::*;

use super::build::{Xlsx, cell, ole, read, record, stored, workbook_stream, xls};
use crate::{Encoding, Format, Sheet, SheetError};

/// Returns a small valid file of each format and encoding.
fn valid_files() -> Vec<Vec<u8>> {
    let xlsx = Xlsx::of_sheets(&[
        "",
        "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" s=\"1\"><v>46350</v></c></row>\
         <row r=\"2\"><c t=\"inlineStr\"><is><t>田中</t></is></c></row>",
    ]);
    let texts = [&[2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, b'x'][..]].concat();
    let sheet = [
        cell(0x00FD, (0, 0), 0, &[0; 4]),
        cell(0x0203, (1, 0), 0, &1.5_f64.to_le_bytes()),
        cell(0x0204, (2, 0), 0, &[2, 0, 0, b'a', b'b']),
    ];
    vec![
        "姓,\"名\"\r\n\r\n\"田\"\"中\",太郎\n".as_bytes().to_vec(),
        b"\x90\xa9,\x96\xbc\r\n\"\x93c\",\x92\x86\n".to_vec(),
        xlsx.bytes(),
        xls(&[record(0x00FC, &texts)], &sheet),
    ]
}

/// Reads a file with each combination of format and encoding.
fn read_with_all_options(bytes: &[u8]) {
    let file = stored(bytes);
    for format in [
        None,
        Some(Format::Csv),
        Some(Format::Xlsx),
        Some(Format::Xls),
    ] {
        for encoding in [None, Some(Encoding::Utf8), Some(Encoding::ShiftJis)] {
            if let Ok(mut sheet) = Sheet::open(file.path(), format, encoding) {
                let _ = super::build::all_rows(&mut sheet);
            }
        }
    }
}

/// Texts that damage a worksheet.
const MARKUP: &[&str] = &["<", ">", "/", "\"", "&", "<!--", "]]>", "r", "9", ""];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_result_in_rows_or_an_error(
        begin in prop::sample::select(vec![
            &b""[..], b"PK\x03\x04", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", b"\xEF\xBB\xBF",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        read_with_all_options(&[begin, &rest].concat());
    }

    #[test]
    fn any_text_results_in_rows_or_an_error(text in "[a,\"\r\n田\u{FEFF}]{0,60}") {
        read_with_all_options(text.as_bytes());
    }

    #[test]
    fn a_valid_file_with_changed_bytes_results_in_rows_or_an_error(
        which in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = valid_files().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read_with_all_options(&bytes);
    }

    #[test]
    fn a_valid_stream_with_changed_bytes_results_in_rows_or_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let texts = [&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, b'x', 2, 0, 0x0D, 1, 0, 1, 0, 0, 0][..],
            &[0x30, 0x75, 0x2D, 0x4E, 0, 0, 0, 0, 9]].concat();
        let sheet = [
            cell(0x00FD, (0, 0), 0, &[1, 0, 0, 0]),
            cell(0x00BD, (1, 0), 0, &[2, 0, 0, 0, 0, 0]),
        ];
        let mut stream = workbook_stream(&[record(0x00FC, &texts)], &sheet);
        for (at, value) in changes {
            let at = at.index(stream.len());
            stream[at] = value;
        }
        read_with_all_options(&ole(&[("/Workbook", &stream)]));
    }

    #[test]
    fn a_valid_worksheet_with_changed_markup_results_in_rows_or_an_error(
        part in any::<prop::sample::Index>(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(MARKUP)),
            1..6,
        ),
    ) {
        let mut xlsx = Xlsx::of_sheets(&[
            "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c s=\"1\"><v>1</v></c></row>",
        ]);
        let part = part.index(xlsx.parts.len());
        let content = &mut xlsx.parts[part].1;
        for (at, with) in changes {
            let at = at.index(content.len());
            content.replace_range(at..=at, with);
        }
        read_with_all_options(&xlsx.bytes());
    }
}

#[test]
fn a_workbook_truncated_anywhere_is_refused() {
    let files = valid_files();
    for (bytes, step) in [(&files[2], 1), (&files[3], 61)] {
        let whole = read(bytes).unwrap();
        for length in (512..bytes.len()).step_by(step) {
            match read(&bytes[..length]) {
                Err(SheetError::Truncated { .. } | SheetError::Damaged { .. }) => {}
                // Only the unused end of the last sector of an XLS file is missing.
                Ok(rows) if step > 1 => assert_eq!(rows, whole, "{length}"),
                other => panic!("{length}: {other:?}"),
            }
        }
    }
}

#[test]
fn reading_a_container_with_a_cycle_of_sectors_ends() {
    // Replaces each number in the container, one at a time, with each of the first sector numbers.
    let bytes = &valid_files()[3];
    for at in (0..bytes.len() - 4).step_by(4) {
        if matches!(bytes[at..at + 4], [0, 0, 0, 0] | [0xFF, 0xFF, 0xFF, 0xFF]) {
            continue;
        }
        for sector in 0..4_u32 {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&sector.to_le_bytes());
            let _ = read(&bytes);
        }
    }
}

#[test]
fn a_container_of_only_table_sectors_is_refused_before_it_needs_memory() {
    // Every sector belongs to the list and names the first sector 1,023 times as part of the table,
    // so reading a megabyte would need a gigabyte.
    let sectors = 256_u32;
    let mut bytes = valid_files()[3][..4_096].to_vec();
    bytes[68..72].copy_from_slice(&0_u32.to_le_bytes());
    for sector in 0..sectors {
        bytes.extend([0; 4_092]);
        bytes.extend((sector + 1).to_le_bytes());
    }
    let error = read(&bytes).unwrap_err();
    let SheetError::Damaged {
        cause: Some(cause), ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        cause.to_string(),
        "the container has more table sectors than its size needs"
    );
}

#[test]
fn a_message_says_what_to_do_and_does_not_contain_the_error_of_a_library() {
    let damaged = SheetError::damaged("LIBRARY").after_row(7);
    assert_eq!(
        damaged.to_string(),
        "the file is damaged after row 7: open it in a spreadsheet program, save it and send it again"
    );
    assert_eq!(damaged.source().unwrap().to_string(), "LIBRARY");
    let truncated = SheetError::truncated("LIBRARY");
    assert_eq!(
        truncated.to_string(),
        "the file is incomplete: send it again"
    );
    assert_eq!(truncated.source().unwrap().to_string(), "LIBRARY");
    let missing = Sheet::open("/nowhere/at/all".as_ref(), None, None).unwrap_err();
    assert_eq!(missing.to_string(), "the file could not be read: try again");
    let encoding = SheetError::Encoding {
        encoding: Encoding::ShiftJis,
        row: 3,
    };
    assert_eq!(
        encoding.to_string(),
        "row 3 is not valid Shift_JIS: save the file as CSV UTF-8, or name the encoding of the file"
    );
}
