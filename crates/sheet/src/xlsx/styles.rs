//! The styles of a workbook: what the number that a cell names makes of a number.

use std::collections::HashMap;

use super::markup::{Event, Markup, attribute};
use crate::error::SheetError;
use crate::value::Style;

/// Formats and styles that are kept: Excel has at most 65,490.
const STYLES_MAX: usize = 65_536;

/// Reads the styles in the order in which cells name them.
pub(super) fn read(mut markup: Markup<'_>) -> Result<Vec<Style>, SheetError> {
    let mut formats: HashMap<u32, Style> = HashMap::new();
    let mut styles = Vec::new();
    let mut of_cells = false;
    while let Some(event) = markup.next()? {
        match event {
            Event::Start(element) => match element.local_name().as_ref() {
                "numFmt" => {
                    let code = attribute(&element, "formatCode")?.unwrap_or_default();
                    formats.insert(id_of(&element)?, Style::of_code(&code));
                }
                // The same element lists styles that only other styles name.
                "cellXfs" => of_cells = true,
                "xf" if of_cells => {
                    let id = id_of(&element)?;
                    styles.push(
                        formats
                            .get(&id)
                            .copied()
                            .unwrap_or_else(|| Style::built_in(id)),
                    );
                }
                _ => {}
            },
            Event::End(element) if element.local_name().as_ref() == "cellXfs" => of_cells = false,
            _ => {}
        }
        if formats.len() > STYLES_MAX || styles.len() > STYLES_MAX {
            return Err(SheetError::damaged("more styles than a workbook has"));
        }
    }
    Ok(styles)
}

fn id_of(element: &super::markup::BytesStart<'_>) -> Result<u32, SheetError> {
    Ok(attribute(element, "numFmtId")?
        .and_then(|id| id.parse().ok())
        .unwrap_or_default())
}
