//! Builds files byte by byte, including files that no spreadsheet program writes.

use std::io::{Cursor, Write};

use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;

use crate::limit::Limits;
use crate::{Encoding, Format, Row, Sheet, SheetError};

/// Writes a temporary file.
pub(super) fn stored(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The number and the cells of each row of a file.
pub(super) type Read = Result<Vec<(u64, Vec<String>)>, SheetError>;

pub(super) fn read(bytes: &[u8]) -> Read {
    read_as(bytes, None, None)
}

pub(super) fn read_as(bytes: &[u8], format: Option<Format>, encoding: Option<Encoding>) -> Read {
    let file = stored(bytes);
    all_rows(&mut Sheet::open(file.path(), format, encoding)?)
}

pub(super) fn read_within(bytes: &[u8], limits: Limits) -> Read {
    let file = stored(bytes);
    all_rows(&mut Sheet::open_within(file.path(), None, None, limits)?)
}

pub(super) fn all_rows(sheet: &mut Sheet) -> Read {
    let (mut row, mut all) = (Row::default(), Vec::new());
    let mut rows = sheet.rows()?;
    while rows.next_row(&mut row)? {
        all.push((row.number, row.cells.clone()));
    }
    Ok(all)
}

/// Returns the columns of each row that contain an error.
pub(super) fn errors(bytes: &[u8]) -> Vec<Vec<usize>> {
    let file = stored(bytes);
    let mut sheet = Sheet::open(file.path(), None, None).unwrap();
    let (mut row, mut all) = (Row::default(), Vec::new());
    let mut rows = sheet.rows().unwrap();
    while rows.next_row(&mut row).unwrap() {
        all.push(row.errors.clone());
    }
    all
}

/// Converts expected rows to owned rows.
pub(super) fn rows(expected: &[(u64, &[&str])]) -> Vec<(u64, Vec<String>)> {
    let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
    expected
        .iter()
        .map(|(number, cells)| (*number, owned(cells)))
        .collect()
}

/// An XLSX file of parts that a test can replace.
pub(super) struct Xlsx {
    pub(super) parts: Vec<(String, String)>,
}

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

impl Xlsx {
    /// Creates a workbook. Each sheet is the content of a `sheetData` element.
    pub(super) fn of_sheets(sheets: &[&str]) -> Self {
        let mut listed = String::new();
        let mut related = String::new();
        let mut xlsx = Self { parts: Vec::new() };
        for (index, data) in sheets.iter().enumerate() {
            let sheet = format!(
                "<worksheet xmlns=\"{MAIN}\"><cols><col min=\"1\"/></cols>\
                 <sheetData>{data}</sheetData></worksheet>"
            );
            xlsx.set(&format!("xl/worksheets/sheet{index}.xml"), &sheet);
            listed += &format!(
                "<sheet name=\"S{index}\" sheetId=\"{}\" r:id=\"r{index}\"/>",
                index + 1
            );
            related += &format!(
                "<Relationship Id=\"r{index}\" Type=\"{OFFICE}/worksheet\" \
                 Target=\"worksheets/sheet{index}.xml\"/>"
            );
        }
        related +=
            &format!("<Relationship Id=\"s\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/>");
        related += &format!(
            "<Relationship Id=\"t\" Type=\"{OFFICE}/sharedStrings\" \
             Target=\"/xl/sharedStrings.xml\"/>"
        );
        xlsx.set(
            "xl/_rels/workbook.xml.rels",
            &format!("<Relationships>{related}</Relationships>"),
        );
        let workbook = format!(
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><workbookPr/>\
             <sheets>{listed}</sheets></workbook>"
        );
        xlsx.set("xl/workbook.xml", &workbook);
        xlsx.set(
            "xl/styles.xml",
            "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>",
        );
        xlsx.set("xl/sharedStrings.xml", "<sst><si><t>shared</t></si></sst>");
        let package = format!(
            "<Relationships><Relationship Id=\"d\" Type=\"{OFFICE}/officeDocument\" \
             Target=\"xl/workbook.xml\"/></Relationships>"
        );
        xlsx.set("_rels/.rels", &package);
        xlsx
    }

    pub(super) fn set(&mut self, name: &str, content: &str) -> &mut Self {
        self.parts.retain(|(known, _)| known != name);
        self.parts.push((name.to_owned(), content.to_owned()));
        self
    }

    pub(super) fn replace(&mut self, name: &str, old: &str, new: &str) -> &mut Self {
        let part = self
            .parts
            .iter_mut()
            .find(|(known, _)| known == name)
            .unwrap();
        assert!(part.1.contains(old), "{name} does not contain {old}");
        part.1 = part.1.replace(old, new);
        self
    }

    pub(super) fn unpacked_bytes(&self) -> u64 {
        self.parts
            .iter()
            .map(|(_, content)| content.len() as u64)
            .sum()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &self.parts {
            zip.start_file(name.as_str(), SimpleFileOptions::default())
                .unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}

/// Creates an OLE container of streams.
pub(super) fn ole(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut container = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (name, bytes) in streams {
        container
            .create_stream(name)
            .unwrap()
            .write_all(bytes)
            .unwrap();
    }
    container.flush().unwrap();
    container.into_inner().into_inner()
}

/// Creates a record of a workbook stream.
pub(super) fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
}

pub(super) const BOF: u16 = 0x0809;
pub(super) const EOF: u16 = 0x000A;

/// Creates a workbook stream from the records before the sheets and the records of one sheet.
pub(super) fn workbook_stream(globals: &[Vec<u8>], sheet: &[Vec<u8>]) -> Vec<u8> {
    let begin = record(BOF, &[0, 6, 5, 0, 0, 0, 0, 0]);
    let globals = globals.concat();
    // The offset of the sheet: BOF, the other records, BOUNDSHEET (4 + 6 + 2 + 1 bytes) and EOF are
    // before it.
    let at = (begin.len() + globals.len() + 13 + 4) as u32;
    let bound = record(
        0x0085,
        &[&at.to_le_bytes()[..], &[0, 0, 1, 0, b'S']].concat(),
    );
    let begin_sheet = record(BOF, &[0, 6, 0x10, 0, 0, 0, 0, 0]);
    let end = record(EOF, &[]);
    [
        begin,
        globals,
        bound,
        end.clone(),
        begin_sheet,
        sheet.concat(),
        end,
    ]
    .concat()
}

pub(super) fn xls(globals: &[Vec<u8>], sheet: &[Vec<u8>]) -> Vec<u8> {
    ole(&[("/Workbook", &workbook_stream(globals, sheet))])
}

/// Creates a cell record: row, column, style and the rest of the data.
pub(super) fn cell(kind: u16, place: (u16, u16), style: u16, rest: &[u8]) -> Vec<u8> {
    let head = [
        place.0.to_le_bytes(),
        place.1.to_le_bytes(),
        style.to_le_bytes(),
    ]
    .concat();
    record(kind, &[&head, rest].concat())
}
