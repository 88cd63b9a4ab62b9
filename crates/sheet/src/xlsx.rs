//! XLSX: a zip of XML parts. The worksheet is streamed; styles and shared texts are in memory.

mod cells;
mod markup;
mod package;
mod shared;
mod styles;

use std::fs::File;
use std::io::BufReader;

pub(crate) use cells::Cells;
use markup::attribute;
use package::Package;
use shared::SharedTexts;

use crate::error::SheetError;
use crate::limit::{Limits, SHEETS_MAX};
use crate::value::Style;

/// The input of a workbook.
pub(crate) type Input = BufReader<File>;

/// An XLSX file: the names of its parts, and the data that its cells share.
#[derive(Debug)]
pub(crate) struct Workbook {
    package: Package,
    parts: Parts,
    limits: Limits,
    /// Loaded before the first row is read.
    shared: Option<Shared>,
}

/// The names in the zip of the parts to read.
#[derive(Debug, Default)]
struct Parts {
    /// The visible worksheets, in the order of the tabs.
    sheets: Vec<String>,
    texts: Option<String>,
    styles: Option<String>,
    from_1904: bool,
}

/// The data that cells refer to.
#[derive(Debug)]
struct Shared {
    texts: SharedTexts,
    styles: Vec<Style>,
    from_1904: bool,
    limits: Limits,
    /// The first sheet with a row.
    sheet: Option<String>,
}

impl Workbook {
    pub(crate) fn open(input: Input, limits: Limits) -> Result<Self, SheetError> {
        let mut package = Package::open(input, limits)?;
        let parts = read_parts(&mut package)?;
        Ok(Self {
            package,
            parts,
            limits,
            shared: None,
        })
    }

    pub(crate) fn rows(&mut self) -> Result<Option<Box<Cells<'_>>>, SheetError> {
        if self.shared.is_none() {
            self.shared = Some(self.load()?);
        }
        let Some(shared) = &self.shared else {
            return Ok(None);
        };
        let Some(sheet) = &shared.sheet else {
            return Ok(None);
        };
        Ok(Some(Box::new(Cells::open(
            self.package.part(sheet)?,
            shared,
        )?)))
    }

    fn load(&mut self) -> Result<Shared, SheetError> {
        let texts = match &self.parts.texts {
            Some(name) => shared::read(self.package.part(name)?, self.limits)?,
            None => SharedTexts::default(),
        };
        let styles = match &self.parts.styles {
            Some(name) => styles::read(self.package.part(name)?)?,
            None => Vec::new(),
        };
        let from_1904 = self.parts.from_1904;
        let mut shared = Shared {
            texts,
            styles,
            from_1904,
            limits: self.limits,
            sheet: None,
        };
        for name in &self.parts.sheets {
            let has_row = Cells::open(self.package.part(name)?, &shared)?.has_row()?;
            if has_row {
                shared.sheet = Some(name.clone());
                break;
            }
        }
        Ok(shared)
    }
}

/// Finds the parts by following relationships from the package on, because a part can have any
/// name.
fn read_parts(package: &mut Package) -> Result<Parts, SheetError> {
    let document = package
        .relationships("")?
        .into_iter()
        .find(|relationship| relationship.is("officeDocument"))
        .ok_or(SheetError::NotASpreadsheet)?
        .target;
    // XLSB: the same package, but with parts that are not XML.
    if document.ends_with(".bin") {
        return Err(SheetError::NotASpreadsheet);
    }
    let relationships = package.relationships(&document)?;
    let target_of = |kind: &str| {
        relationships
            .iter()
            .find(|found| found.is(kind))
            .map(|found| found.target.clone())
    };
    let mut parts = Parts {
        texts: target_of("sharedStrings"),
        styles: target_of("styles"),
        ..Parts::default()
    };
    let mut workbook = package.part(&document)?;
    let mut is_workbook = false;
    let mut sheet_count = 0;
    while let Some(event) = workbook.next()? {
        let markup::Event::Start(element) = event else {
            continue;
        };
        match element.local_name().as_ref() {
            "workbook" => is_workbook = true,
            "workbookPr" if let Some(value) = attribute(&element, "date1904")? => {
                parts.from_1904 = matches!(value.as_ref(), "1" | "true");
            }
            "sheet" => {
                sheet_count += 1;
                if sheet_count > SHEETS_MAX {
                    return Err(SheetError::damaged("the workbook has too many sheets"));
                }
                let hidden = attribute(&element, "state")?.is_some_and(|state| state != "visible");
                let id = attribute(&element, "id")?.unwrap_or_default();
                let sheet = relationships.iter().find(|found| found.id == id);
                // A chart sheet has another kind of relationship.
                if let Some(sheet) = sheet.filter(|found| !hidden && found.is("worksheet")) {
                    parts.sheets.push(sheet.target.clone());
                }
            }
            _ => {}
        }
    }
    if is_workbook {
        Ok(parts)
    } else {
        Err(SheetError::NotASpreadsheet)
    }
}
