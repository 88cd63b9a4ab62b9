//! Reads the sample data: the same records in four kinds of files.

use std::path::PathBuf;

use calamine::{Data, Reader};

use super::build::all_rows;
use crate::{Encoding, Format, Sheet};

fn sample(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data")).join(name)
}

fn open(name: &str) -> Sheet {
    Sheet::open(&sample(name), None, None).unwrap()
}

const KINDS: [(&str, usize); 4] = [
    ("accounts", 101),
    ("contacts", 601),
    ("associations", 732),
    ("tickets", 3_001),
];

#[test]
fn a_sample_has_the_same_rows_in_each_format_and_encoding() {
    for (kind, count) in KINDS {
        let mut utf8 = open(&format!("{kind}.csv"));
        let mut shift_jis = open(&format!("{kind}.sjis.csv"));
        assert_eq!(utf8.encoding(), Some(Encoding::Utf8));
        assert_eq!(shift_jis.encoding(), Some(Encoding::ShiftJis));
        let expected = all_rows(&mut shift_jis).unwrap();
        assert_eq!(expected.len(), count);
        // The UTF-8 file has English headers.
        assert_eq!(all_rows(&mut utf8).unwrap()[1..], expected[1..]);
        for (extension, format) in [("xlsx", Format::Xlsx), ("xls", Format::Xls)] {
            let mut sheet = open(&format!("{kind}.{extension}"));
            assert_eq!((sheet.format(), sheet.encoding()), (format, None));
            assert_eq!(
                all_rows(&mut sheet).unwrap(),
                expected,
                "{kind}.{extension}"
            );
            // A second pass returns the same rows.
            assert_eq!(
                all_rows(&mut sheet).unwrap(),
                expected,
                "{kind}.{extension}"
            );
        }
    }
}

#[test]
fn each_kind_of_cell_is_read_as_the_text_in_the_next_column() {
    for name in ["cells.xlsx", "cells.xls"] {
        let rows = all_rows(&mut open(name)).unwrap();
        assert_eq!(rows.len(), 34, "{name}");
        for (number, cells) in rows {
            assert_eq!(cells.len(), 2, "{name}, row {number}");
            assert_eq!(cells[0], cells[1], "{name}, row {number}");
        }
    }
}

#[test]
fn the_mistakes_are_in_the_rows_that_the_readme_names() {
    let rows = all_rows(&mut open("contacts-with-mistakes.csv")).unwrap();
    assert_eq!(rows.len(), 31);
    let row = |number: usize| &rows[number - 1].1;
    assert_eq!(row(4)[1], "");
    assert!(!row(9)[5].contains('@'));
    assert_eq!(row(13)[6], "D9999");
    assert_eq!(row(18)[0], "E00001");
    assert_eq!(row(22)[2].chars().count(), 225);
    assert!(row(27)[2].contains('\n'));
    assert_eq!(rows[30].0, 31);
}

/// Compares each text and number with the result of another library.
#[test]
fn calamine_reads_the_same_cells() {
    for (kind, _) in KINDS {
        for extension in ["xlsx", "xls"] {
            let name = format!("{kind}.{extension}");
            let mut book = calamine::open_workbook_auto(sample(&name)).unwrap();
            let range = book.worksheet_range_at(0).unwrap().unwrap();
            let mut other = range.rows();
            for (number, cells) in all_rows(&mut open(&name)).unwrap() {
                for (column, theirs) in other.next().unwrap().iter().enumerate() {
                    let ours = cells.get(column).map_or("", String::as_str);
                    match theirs {
                        Data::String(text) => assert_eq!(ours, text, "{name} {number} {column}"),
                        Data::Empty => assert_eq!(ours, "", "{name} {number} {column}"),
                        Data::Bool(value) => assert_eq!(ours, value.to_string().to_uppercase()),
                        Data::Float(value) => assert_eq!(ours.parse(), Ok(*value)),
                        Data::Int(value) => assert_eq!(ours.parse(), Ok(*value)),
                        Data::DateTime(time) => {
                            let (y, mo, d, h, mi, s, _) = time.to_ymd_hms_milli();
                            let text = format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}");
                            assert_eq!(ours, text, "{name} {number} {column}");
                        }
                        other => panic!("{name} {number} {column}: {other:?}"),
                    }
                }
            }
            assert!(other.next().is_none());
        }
    }
}
