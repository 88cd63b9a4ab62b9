//! The styles of a workbook. A cell refers to a style by number.

use std::collections::HashMap;

use super::markup::{Event, Markup, attribute};
use crate::error::SheetError;
use crate::value::Style;

/// Maximum formats and maximum styles. Excel allows 65,490.
const STYLES_MAX: usize = 65_536;

/// Reads the styles of cells, in the order of their numbers.
pub(super) fn read(mut markup: Markup<'_>) -> Result<Vec<Style>, SheetError> {
    let mut formats: HashMap<u32, Style> = HashMap::new();
    let mut styles = Vec::new();
    let mut in_cell_styles = false;
    while let Some(event) = markup.next()? {
        match event {
            Event::Start(element) => match element.local_name().as_ref() {
                "numFmt" => {
                    let code = attribute(&element, "formatCode")?.unwrap_or_default();
                    formats.insert(format_id(&element)?, Style::of_code(&code));
                }
                // Outside of `cellXfs`, an `xf` element is a style that only other styles refer to.
                "cellXfs" => in_cell_styles = true,
                "xf" if in_cell_styles => {
                    let id = format_id(&element)?;
                    styles.push(
                        formats
                            .get(&id)
                            .copied()
                            .unwrap_or_else(|| Style::built_in(id)),
                    );
                }
                _ => {}
            },
            Event::End(element) if element.local_name().as_ref() == "cellXfs" => {
                in_cell_styles = false
            }
            _ => {}
        }
        if formats.len() > STYLES_MAX || styles.len() > STYLES_MAX {
            return Err(SheetError::damaged("the workbook has too many styles"));
        }
    }
    Ok(styles)
}

fn format_id(element: &super::markup::BytesStart<'_>) -> Result<u32, SheetError> {
    Ok(attribute(element, "numFmtId")?
        .and_then(|id| id.parse().ok())
        .unwrap_or_default())
}
