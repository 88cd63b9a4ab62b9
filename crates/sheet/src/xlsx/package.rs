//! The zip and the relationships between its parts.

use std::collections::HashMap;
use std::io;

use zip::ZipArchive;
use zip::result::ZipError;

use super::Input;
use super::markup::{Event, Markup, attribute};
use crate::error::SheetError;
use crate::limit::Limits;

/// Maximum relationships of a part. A workbook has one for each sheet and a few others.
const RELATIONSHIPS_MAX: usize = 10_000;

/// An opened zip.
#[derive(Debug)]
pub(crate) struct Package {
    zip: ZipArchive<Input>,
    /// Folded names, because the case of names differs between writers.
    parts: HashMap<String, usize>,
}

/// A reference from one part to another.
#[derive(Debug)]
pub(super) struct Relationship {
    pub(super) id: String,
    kind: String,
    /// The name of the target in the zip.
    pub(super) target: String,
}

impl Relationship {
    /// Returns whether the relationship has this kind. The stored kind is a URL. Only its last
    /// segment counts, because its beginning differs between the two editions of the standard.
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
        // A part cannot unpack to more than its claim, so this limits the unpacked bytes of a pass.
        if claimed_bytes > limits.unpacked_bytes {
            return Err(SheetError::TooManyBytes {
                max: limits.unpacked_bytes,
            });
        }
        Ok(Self { zip, parts })
    }

    /// Opens the XML of a part.
    pub(super) fn part(&mut self, name: &str) -> Result<Markup<'_>, SheetError> {
        let index = self.parts.get(&folded(name));
        let index = *index.ok_or_else(|| SheetError::damaged("a part is missing"))?;
        let file = self.zip.by_index(index).map_err(part_fault)?;
        Ok(Markup::new(file))
    }

    /// Returns the relationships of a part. The empty name means the package itself.
    pub(super) fn relationships(&mut self, part: &str) -> Result<Vec<Relationship>, SheetError> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let list = join(folder, &format!("_rels/{name}.rels"));
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
            let value_of =
                |name| Ok::<_, SheetError>(attribute(&element, name)?.unwrap_or_default());
            let target = join(folder, &value_of("Target")?);
            found.push(Relationship {
                id: value_of("Id")?.into(),
                kind: value_of("Type")?.into(),
                target,
            });
            if found.len() > RELATIONSHIPS_MAX {
                return Err(SheetError::damaged("a part has too many relationships"));
            }
        }
        Ok(found)
    }
}

fn folded(name: &str) -> String {
    name.replace('\\', "/").to_ascii_lowercase()
}

/// Resolves a target relative to a folder: `../x` goes up, `/x` starts at the root.
fn join(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut segments: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect(),
    };
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}

/// A file that begins like a zip but cannot be opened has lost its end, which contains the
/// directory.
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
