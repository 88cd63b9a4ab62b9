//! XLSX: a zip of XML parts. The worksheet is streamed; styles and shared texts are held.

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

/// Where the file is read from.
pub(crate) type Input = BufReader<File>;

/// An XLSX file: where its sheets stand, and what all of its cells share.
#[derive(Debug)]
pub(crate) struct Workbook {
    package: Package,
    parts: Parts,
    limits: Limits,
    /// Read when the first row is asked for.
    shared: Option<Shared>,
}

/// The parts that are read, by their names in the zip.
#[derive(Debug, Default)]
struct Parts {
    /// Visible worksheets, in the order of the tabs.
    sheets: Vec<String>,
    texts: Option<String>,
    styles: Option<String>,
    from_1904: bool,
}

/// What cells refer to.
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

/// Finds the parts from the package's first relationship on, as they may have any name.
fn read_parts(package: &mut Package) -> Result<Parts, SheetError> {
    let document = package
        .relationships("")?
        .into_iter()
        .find(|relationship| relationship.is("officeDocument"))
        .ok_or(SheetError::NotASpreadsheet)?
        .target;
    let relationships = package.relationships(&document)?;
    let named = |kind: &str| {
        relationships
            .iter()
            .find(|found| found.is(kind))
            .map(|found| found.target.clone())
    };
    let mut parts = Parts {
        texts: named("sharedStrings"),
        styles: named("styles"),
        ..Parts::default()
    };
    let mut workbook = package.part(&document)?;
    let mut is_workbook = false;
    let mut sheets_seen = 0;
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
                sheets_seen += 1;
                if sheets_seen > SHEETS_MAX {
                    return Err(SheetError::damaged("more sheets than a workbook has"));
                }
                let hidden = attribute(&element, "state")?.is_some_and(|state| state != "visible");
                let id = attribute(&element, "id")?.unwrap_or_default();
                let sheet = relationships.iter().find(|found| found.id == id);
                // Chart sheets have another kind of relationship.
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
