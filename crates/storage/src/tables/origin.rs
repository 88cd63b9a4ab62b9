//! Where a change set came from, and the stamp that the rows it creates carry.

use roster_core::id::Revision;

/// By what way a change set came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// A call of the API.
    Call,
    /// An import; its number is the origin's id.
    Import,
    /// The sample data of a server that shows itself.
    Demo,
}

impl OriginKind {
    /// The stored number. 3 to 7 are kept for a CRM's run, undo, merge, erasure and the clock.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Call => 1,
            Self::Import => 2,
            Self::Demo => 8,
        }
    }

    /// The word of the column `source`, which servers before log format 2 read.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Call => "rpc",
            Self::Import => "import",
            Self::Demo => "demo",
        }
    }
}

/// Where a change set came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeOrigin {
    /// By what way.
    pub kind: OriginKind,
    /// The number of the import.
    pub id: Option<u64>,
}

impl ChangeOrigin {
    /// A call of the API.
    pub const CALL: Self = Self::of(OriginKind::Call);

    /// An origin without a number.
    pub const fn of(kind: OriginKind) -> Self {
        Self { kind, id: None }
    }
}

/// Where a row came from: which change set created it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) origin: ChangeOrigin,
    pub(crate) revision: Revision,
}
