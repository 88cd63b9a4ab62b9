use super::build::{all_rows, read, read_as, read_within, rows, stored};
use crate::limit::{CELL_CHARACTERS_MAX, COLUMNS_MAX, Limits};
use crate::{Encoding, Format, Sheet, SheetError};

fn shift_jis(text: &str) -> Vec<u8> {
    let (bytes, _, lost) = encoding_rs::SHIFT_JIS.encode(text);
    assert!(!lost);
    bytes.into_owned()
}

#[test]
fn utf8_is_read_with_and_without_a_byte_order_mark() {
    let expected = rows(&[(1, &["姓", "名"]), (2, &["田中", "太郎"])]);
    assert_eq!(read("姓,名\r\n田中,太郎\r\n".as_bytes()).unwrap(), expected);
    assert_eq!(
        read("\u{FEFF}姓,名\r\n田中,太郎\r\n".as_bytes()).unwrap(),
        expected
    );
}

#[test]
fn a_quoted_cell_can_contain_commas_line_breaks_and_quotes() {
    let text = "a,\"x, y\",\"line\r\nline\n\",\"say \"\"hi\"\"\"\n\"\"\"\",\"\",z\n";
    let expected = rows(&[
        (1, &["a", "x, y", "line\r\nline\n", "say \"hi\""]),
        (2, &["\"", "", "z"]),
    ]);
    assert_eq!(read(text.as_bytes()).unwrap(), expected);
}

#[test]
fn a_quote_in_an_unquoted_cell_is_text_and_text_after_a_closing_quote_is_kept() {
    let expected = rows(&[(1, &["5\" pipe", "ab\"c"]), (2, &["x"])]);
    assert_eq!(read(b"5\" pipe,\"a\"b\"c\nx").unwrap(), expected);
}

#[test]
fn rows_end_with_crlf_lf_or_cr_and_the_last_row_needs_no_line_end() {
    let expected = rows(&[(1, &["a"]), (2, &["b"]), (3, &["c"]), (4, &["d"])]);
    assert_eq!(read(b"a\r\nb\nc\rd").unwrap(), expected);
    assert_eq!(read(b"a\r\nb\nc\rd\r\n").unwrap(), expected);
}

#[test]
fn a_row_has_the_number_that_excel_shows() {
    let text = "\r\nname\n\n , \n,,\n\"two\nlines\"\n\r\rlast\n\n";
    let expected = rows(&[
        (2, &["name"]),
        (4, &[" ", " "]),
        (6, &["two\nlines"]),
        (9, &["last"]),
    ]);
    assert_eq!(read(text.as_bytes()).unwrap(), expected);
}

#[test]
fn a_row_ends_with_its_last_cell_that_is_not_empty() {
    let expected = rows(&[
        (1, &["a", "b", "c"]),
        (2, &["d"]),
        (3, &["", "e"]),
        (4, &["f"; 5]),
    ]);
    assert_eq!(read(b"a,b,c\nd,,\n,e,,,,\nf,f,f,f,f").unwrap(), expected);
}

#[test]
fn an_empty_file_has_no_rows() {
    assert_eq!(read(b"").unwrap(), []);
    assert_eq!(read(b"\xEF\xBB\xBF").unwrap(), []);
    assert_eq!(read(b"\r\n\r\n").unwrap(), []);
}

#[test]
fn the_encoding_is_detected_from_the_bytes() {
    let text = "氏名\n髙橋①㈱～\nﾃﾞｰﾀ\n";
    for (bytes, encoding) in [
        (text.as_bytes().to_vec(), Encoding::Utf8),
        (shift_jis(text), Encoding::ShiftJis),
    ] {
        let file = stored(&bytes);
        let mut sheet = Sheet::open(file.path(), None, None).unwrap();
        assert_eq!(sheet.encoding(), Some(encoding));
        assert_eq!(sheet.format(), Format::Csv);
        let expected = rows(&[(1, &["氏名"]), (2, &["髙橋①㈱～"]), (3, &["ﾃﾞｰﾀ"])]);
        assert_eq!(all_rows(&mut sheet).unwrap(), expected);
    }
}

#[test]
fn a_file_that_is_invalid_in_the_named_encoding_is_refused_with_the_first_invalid_row() {
    let bytes = shift_jis("name\nok\n\"a\nb\"\n\n田中\n鈴木\n");
    let error = read_as(&bytes, None, Some(Encoding::Utf8)).unwrap_err();
    assert!(
        matches!(
            error,
            SheetError::Encoding {
                encoding: Encoding::Utf8,
                row: 5
            }
        ),
        "{error:?}"
    );

    let bytes = b"name\nok\n\xFF\n";
    let error = read_as(bytes, None, Some(Encoding::ShiftJis)).unwrap_err();
    assert!(
        matches!(
            error,
            SheetError::Encoding {
                encoding: Encoding::ShiftJis,
                row: 3
            }
        ),
        "{error:?}"
    );

    let bytes = "\u{FEFF}name\n".as_bytes();
    let error = read_as(bytes, None, Some(Encoding::ShiftJis)).unwrap_err();
    assert!(
        matches!(
            error,
            SheetError::Encoding {
                encoding: Encoding::ShiftJis,
                row: 1
            }
        ),
        "{error:?}"
    );
}

#[test]
fn rows_before_the_first_invalid_row_can_be_read() {
    let file = stored(&shift_jis("name\n田中\n"));
    let mut sheet = Sheet::open(file.path(), None, Some(Encoding::Utf8)).unwrap();
    let mut reading = sheet.rows().unwrap();
    let mut row = crate::Row::default();
    assert!(reading.next_row(&mut row).unwrap());
    assert_eq!(row.cells, ["name"]);
    assert!(reading.next_row(&mut row).is_err());
}

#[test]
fn a_file_that_is_invalid_in_all_encodings_is_refused_on_opening_with_the_first_invalid_row() {
    for (text, encoding) in [
        (
            "氏名,会社\n田中太郎,青葉商事\n".as_bytes().to_vec(),
            Encoding::Utf8,
        ),
        (
            shift_jis("氏名,会社\n田中太郎,青葉商事\n"),
            Encoding::ShiftJis,
        ),
    ] {
        let bytes = [&text[..], b"ok\n\xFF\n"].concat();
        let file = stored(&bytes);
        let error = Sheet::open(file.path(), None, None).unwrap_err();
        let SheetError::Encoding {
            encoding: named,
            row: 4,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(named, encoding);
    }
}

#[test]
fn damaged_utf8_is_not_read_as_shift_jis() {
    // Without the last byte of the last name, the rest is also valid Shift_JIS, but without
    // meaning.
    let mut bytes = "氏名\n佐藤\n山本\n田中\n鈴木花子".as_bytes().to_vec();
    bytes.pop();
    bytes.push(b'\n');
    let mut outcomes = Vec::new();
    for encoding in [Some(Encoding::ShiftJis), None] {
        let file = stored(&bytes);
        outcomes.push(
            Sheet::open(file.path(), None, encoding).and_then(|mut sheet| all_rows(&mut sheet)),
        );
    }
    assert!(outcomes[0].is_ok());
    assert!(
        matches!(
            outcomes[1],
            Err(SheetError::Encoding {
                encoding: Encoding::Utf8,
                row: 5
            })
        ),
        "{outcomes:?}"
    );
}

#[test]
fn shift_jis_that_begins_like_utf8_is_detected() {
    // In Shift_JIS, pairs of half-width kana and level-2 kanji are valid UTF-8 sequences, too.
    for text in [
        "name\nﾊｱ\nﾊｱﾊｱﾊｱﾊｱﾊｱﾊｱﾊｱﾊｱﾊｱﾊｱ\n田中\n",
        "name\n蒟蒻\n齋藤\n",
    ] {
        let file = stored(&shift_jis(text));
        let sheet = Sheet::open(file.path(), None, None).unwrap();
        assert_eq!(sheet.encoding(), Some(Encoding::ShiftJis), "{text}");
    }
}

#[test]
fn text_truncated_inside_a_character_is_refused() {
    let bytes = "a\n田".as_bytes();
    let error = read_as(&bytes[..4], None, Some(Encoding::Utf8)).unwrap_err();
    assert!(
        matches!(error, SheetError::Encoding { row: 2, .. }),
        "{error:?}"
    );
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let late_nul = [b"name\n".repeat(100_000), vec![0]].concat();
    for bytes in [
        &b"a\0b"[..],
        &late_nul,
        b"<html><table>",
        b"\n<!DOCTYPE html>",
        b"%PDF-1.7",
    ] {
        for encoding in [None, Some(Encoding::Utf8), Some(Encoding::ShiftJis)] {
            let error = read_as(bytes, None, encoding).unwrap_err();
            assert!(matches!(error, SheetError::NotASpreadsheet), "{error:?}");
        }
    }
    let error = read(b"\xFF\xFEn\0a\0m\0e\0").unwrap_err();
    assert!(matches!(error, SheetError::Utf16), "{error:?}");
    let error = read_as(b"name\n", Some(Format::Xlsx), None).unwrap_err();
    assert!(matches!(error, SheetError::NotASpreadsheet), "{error:?}");
}

#[test]
fn a_quote_that_is_never_closed_is_refused_with_the_row_in_which_it_opens() {
    let error = read(b"a,b\nc,\"d\ne,f\ng,h\n").unwrap_err();
    assert!(
        matches!(error, SheetError::UnclosedQuote { row: 2 }),
        "{error:?}"
    );
    let long = [&b"a\n\"b\n"[..], &b"c\n".repeat(100_000)].concat();
    let error = read(&long).unwrap_err();
    assert!(
        matches!(
            error,
            SheetError::TooManyCharacters {
                row: 2,
                column: 1,
                found,
                max: CELL_CHARACTERS_MAX,
            } if found > CELL_CHARACTERS_MAX
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("a quote that is never closed"));
}

#[test]
fn a_row_can_have_200_columns_and_further_empty_columns() {
    for columns in [COLUMNS_MAX - 1, COLUMNS_MAX] {
        let text = vec!["x"; columns].join(",") + ",,,\n";
        assert_eq!(read(text.as_bytes()).unwrap()[0].1.len(), columns);
    }
    let text = "a\n".to_owned() + &vec!["x"; COLUMNS_MAX + 1].join(",");
    let error = read(text.as_bytes()).unwrap_err();
    assert!(
        matches!(
            error,
            SheetError::TooManyColumns {
                row: 2,
                found: 201,
                max: COLUMNS_MAX
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_cell_can_have_32767_characters_of_any_number_of_bytes() {
    for character in ["x", "田", "𠮷"] {
        for quote in ["", "\""] {
            let file = |count: usize| format!("a\nb,{quote}{}{quote}\n", character.repeat(count));
            for count in [CELL_CHARACTERS_MAX - 1, CELL_CHARACTERS_MAX] {
                let read = read(file(count).as_bytes()).unwrap();
                assert_eq!(read[1].1[1].chars().count(), count);
            }
            let error = read(file(CELL_CHARACTERS_MAX + 1).as_bytes()).unwrap_err();
            assert!(
                matches!(
                    error,
                    SheetError::TooManyCharacters {
                        row: 2,
                        column: 2,
                        found: 32_768,
                        ..
                    }
                ),
                "{error:?}"
            );
        }
    }
}

#[test]
fn a_sheet_can_have_rows_up_to_the_limit_and_further_blank_rows() {
    let limits = Limits {
        rows: 3,
        ..Limits::default()
    };
    for text in ["a\nb", "a\nb\nc", "a\n\nc\n\n,,\n"] {
        read_within(text.as_bytes(), limits).unwrap();
    }
    let error = read_within(b"a\n\n\nd", limits).unwrap_err();
    assert!(
        matches!(error, SheetError::TooManyRows { row: 4, max: 3 }),
        "{error:?}"
    );
}

#[test]
fn the_rows_can_be_read_again_even_after_half_a_pass() {
    let file = stored(b"a\nb\nc\n");
    let mut sheet = Sheet::open(file.path(), None, None).unwrap();
    let mut row = crate::Row::default();
    assert!(sheet.rows().unwrap().next_row(&mut row).unwrap());
    for _ in 0..2 {
        assert_eq!(all_rows(&mut sheet).unwrap().len(), 3);
    }
}

#[test]
fn reading_after_the_end_returns_the_end_again() {
    let file = stored(b"a\n");
    let mut sheet = Sheet::open(file.path(), None, None).unwrap();
    let mut row = crate::Row::default();
    let mut reading = sheet.rows().unwrap();
    assert!(reading.next_row(&mut row).unwrap());
    assert!(!reading.next_row(&mut row).unwrap());
    assert!(!reading.next_row(&mut row).unwrap());
}

#[test]
fn a_file_that_arrives_byte_by_byte_gives_the_same_rows() {
    let text = "\u{FEFF}姓,\"名 \"\"x\"\"\"\r\n\r\n田中,\"太\r\n郎\"\r鈴木,花子";
    let expected = rows(&[
        (1, &["姓", "名 \"x\""]),
        (3, &["田中", "太\r\n郎"]),
        (4, &["鈴木", "花子"]),
    ]);
    let input = ByteByByte(text.as_bytes());
    let mut records = crate::delimited::Records::new(input, Encoding::Utf8, Limits::default());
    let (mut row, mut read) = (crate::Row::default(), Vec::new());
    while records.next_row(&mut row).unwrap() {
        read.push((row.number, row.cells.clone()));
    }
    assert_eq!(read, expected);
}

/// Returns one byte for each read.
struct ByteByByte(&'static [u8]);

impl std::io::Read for ByteByByte {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(1);
        std::io::Read::read(&mut self.0, &mut buffer[..length])
    }
}
