//! Why a header cannot be used.

use roster_core::rules::import::Field;

/// Why a header cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// There is no row at all.
    #[error("the file has no header: its first row that is not blank must name the columns")]
    Empty,
    /// A column that the kind needs is not there.
    #[error("the header lacks a column of {}: add one, or name one in the mapping", paths(.0))]
    Lacks(&'static [Field]),
    /// Two columns fill a field that has one value.
    #[error(
        "the column {header:?} fills {field}, which another column fills already: map one of them to nothing"
    )]
    Twice {
        /// The second column.
        header: String,
        /// The field.
        field: Field,
    },
    /// A header may mean several fields.
    #[error("the column {header:?} may be {}: say which in the mapping", paths(.fields))]
    Ambiguous {
        /// The column.
        header: String,
        /// What it may be.
        fields: Vec<Field>,
    },
    /// The mapping names a column that is not there.
    #[error("the mapping names the column {0:?}, which the file does not have")]
    NotThere(String),
    /// Nothing is to be found because the columns are not divided by commas.
    #[error(
        "the columns of the file look separated by {0}, and this version reads commas alone: save \
         the file with commas between the columns, or as XLSX"
    )]
    Separated(&'static str),
}

/// What stands between columns in the place of commas, and what it is called.
const SEPARATORS: [(char, &str); 2] = [(';', "semicolons"), ('\t', "tabs")];

impl HeaderFault {
    /// The header at fault, if one is.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Empty | Self::Lacks(_) | Self::Separated(_) => None,
            Self::Twice { header, .. } | Self::Ambiguous { header, .. } => Some(header),
            Self::NotThere(header) => Some(header),
        }
    }

    /// The fault of a header of a text file: of one in which no column is found, perhaps that its
    /// columns are separated by something else.
    pub(crate) fn of_text(self, header: &[String]) -> Self {
        if !matches!(self, Self::Lacks(_) | Self::NotThere(_)) {
            return self;
        }
        let commas = header.len().saturating_sub(1);
        let count = |mark: char| header.iter().map(|cell| cell.matches(mark).count()).sum();
        let counted = SEPARATORS.map(|(mark, name)| (count(mark), name));
        let most: Option<&(usize, &'static str)> = counted.iter().max_by_key(|(count, _)| *count);
        match most {
            Some((count, name)) if *count > commas => Self::Separated(name),
            _ => self,
        }
    }
}

fn paths(fields: &[Field]) -> String {
    let paths: Vec<&str> = fields.iter().map(|field| field.path()).collect();
    paths.join(" or ")
}
