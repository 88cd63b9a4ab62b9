//! Faults of a header.

use roster_core::rules::import::Field;

/// Why a header cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// The file has only blank rows.
    #[error("the file has no header: the first row that is not blank must name the columns")]
    Empty,
    /// A column that the kind requires is missing.
    #[error("the header has no column for {}: add a column, or map one in the mapping", paths(.0))]
    Missing(&'static [Field]),
    /// Two columns are for a field that has one value.
    #[error(
        "the column {header:?} is for {field}, but another column is already for this field: map one of them to no field"
    )]
    DuplicateField {
        /// The second column.
        header: String,
        /// The field.
        field: Field,
    },
    /// A header matches several fields.
    #[error("the column {header:?} can be {}: name the field in the mapping", paths(.fields))]
    Ambiguous {
        /// The column.
        header: String,
        /// The fields that the header matches.
        fields: Vec<Field>,
    },
    /// The mapping names a column that the file does not have.
    #[error("the mapping names the column {0:?}, which the file does not have")]
    UnknownColumn(String),
    /// No column was found because the separator is not a comma.
    #[error(
        "the columns of the file seem to be separated by {0}, but only commas are supported: save \
         the file with commas between the columns, or as XLSX"
    )]
    WrongSeparator(&'static str),
}

/// Separators that other programs write instead of commas, and their names.
const SEPARATORS: [(char, &str); 2] = [(';', "semicolons"), ('\t', "tabs")];

impl HeaderFault {
    /// Returns the header of the invalid column, if the fault is in one column.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Empty | Self::Missing(_) | Self::WrongSeparator(_) => None,
            Self::DuplicateField { header, .. } | Self::Ambiguous { header, .. } => Some(header),
            Self::UnknownColumn(header) => Some(header),
        }
    }

    /// Returns the fault of the header of a CSV file: [`Self::WrongSeparator`] if a column was not
    /// found and the header contains more of another separator than of commas.
    pub(crate) fn or_wrong_separator(self, header: &[String]) -> Self {
        if !matches!(self, Self::Missing(_) | Self::UnknownColumn(_)) {
            return self;
        }
        let commas = header.len().saturating_sub(1);
        let count = |separator: char| {
            let cells = header.iter();
            cells.map(|cell| cell.matches(separator).count()).sum()
        };
        let counts = SEPARATORS.map(|(separator, name)| (count(separator), name));
        let most: Option<&(usize, &'static str)> = counts.iter().max_by_key(|(count, _)| *count);
        match most {
            Some((count, name)) if *count > commas => Self::WrongSeparator(name),
            _ => self,
        }
    }
}

fn paths(fields: &[Field]) -> String {
    let paths: Vec<&str> = fields.iter().map(|field| field.path()).collect();
    paths.join(" or ")
}
