//! The zip, and how its parts refer to one another.

use std::collections::HashMap;
use std::io;

use zip::ZipArchive;
use zip::result::ZipError;

use super::Input;
use super::markup::{Event, Markup, attribute};
use crate::error::SheetError;
use crate::limit::Limits;

/// Relationships of one part. A workbook has one a sheet and a handful of others.
const RELATIONSHIPS_MAX: usize = 10_000;

/// An opened zip.
#[derive(Debug)]
pub(crate) struct Package {
    zip: ZipArchive<Input>,
    /// Names differ in case between writers, and Windows does not mind.
    parts: HashMap<String, usize>,
}

/// One part that another refers to.
#[derive(Debug)]
pub(super) struct Relationship {
    pub(super) id: String,
    kind: String,
    /// The name in the zip.
    pub(super) target: String,
}

impl Relationship {
    /// The kind is an address whose last word says it; its beginning differs between the two
    /// editions of the standard.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.rsplit('/').next() == Some(kind)
    }
}

impl Package {
    pub(super) fn open(input: Input, limits: Limits) -> Result<Self, SheetError> {
        let mut zip = ZipArchive::new(input).map_err(open_fault)?;
        let mut parts = HashMap::new();
        let mut claimed_bytes = 0_u64;
        for index in 0..zip.len() {
            let file = zip.by_index_raw(index).map_err(part_fault)?;
            claimed_bytes = claimed_bytes.saturating_add(file.size());
            if let Ok(name) = file.name() {
                parts.insert(folded(&name), index);
            }
        }
        // Markup holds each part to its claim, so this bounds what is really unpacked in a pass.
        if claimed_bytes > limits.unpacked_bytes {
            return Err(SheetError::TooManyBytes {
                max: limits.unpacked_bytes,
            });
        }
        Ok(Self { zip, parts })
    }

    /// The XML of a part.
    pub(super) fn part(&mut self, name: &str) -> Result<Markup<'_>, SheetError> {
        let index = self.parts.get(&folded(name));
        let index = *index.ok_or_else(|| SheetError::damaged("a part is missing"))?;
        let file = self.zip.by_index(index).map_err(part_fault)?;
        let bytes = file.size();
        Ok(Markup::new(file, bytes))
    }

    /// What a part refers to; the package itself has the empty name.
    pub(super) fn relationships(&mut self, part: &str) -> Result<Vec<Relationship>, SheetError> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let list = joined(folder, &format!("_rels/{name}.rels"));
        let mut found = Vec::new();
        if !self.parts.contains_key(&folded(&list)) {
            return Ok(found);
        }
        let mut markup = self.part(&list)?;
        while let Some(event) = markup.next()? {
            let Event::Start(element) = event else {
                continue;
            };
            if element.local_name().as_ref() != "Relationship" {
                continue;
            }
            let of = |name| Ok::<_, SheetError>(attribute(&element, name)?.unwrap_or_default());
            let target = joined(folder, &of("Target")?);
            found.push(Relationship {
                id: of("Id")?.into(),
                kind: of("Type")?.into(),
                target,
            });
            if found.len() > RELATIONSHIPS_MAX {
                return Err(SheetError::damaged(
                    "more relationships than a workbook has",
                ));
            }
        }
        Ok(found)
    }
}

fn folded(name: &str) -> String {
    name.replace('\\', "/").to_ascii_lowercase()
}

/// A target as seen from a folder: `../x` goes up, `/x` starts at the top.
fn joined(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut steps: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|step| !step.is_empty()).collect(),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// A file that begins as a zip and is none has lost its end, where the directory stands.
fn open_fault(error: ZipError) -> SheetError {
    match error {
        ZipError::Io(error) if error.raw_os_error().is_some() => SheetError::Io(error),
        error => SheetError::truncated(error),
    }
}

fn part_fault(error: ZipError) -> SheetError {
    match error {
        ZipError::Io(error) if error.raw_os_error().is_some() => SheetError::Io(error),
        ZipError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            SheetError::truncated(error)
        }
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => SheetError::Encrypted,
        error => SheetError::damaged(error),
    }
}
