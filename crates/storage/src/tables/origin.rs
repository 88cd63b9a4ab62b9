//! The origin of a change set, and the stamp of the rows that it creates.

use roster_core::id::Revision;

/// The kind of a change set's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// A call of the API.
    Call,
    /// An import. The origin's id is its number.
    Import,
    /// The sample data of a demo server.
    Demo,
}

impl OriginKind {
    /// The stored number. Reserved: 3 to 7 for a CRM's run, undo, merge, erasure and the clock.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Call => 1,
            Self::Import => 2,
            Self::Demo => 8,
        }
    }

    /// The value of the column `source`, which servers before log format 2 read.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Call => "rpc",
            Self::Import => "import",
            Self::Demo => "demo",
        }
    }
}

/// The origin of a change set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeOrigin {
    /// Its kind.
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

/// The origin of a row: the change set that created it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) origin: ChangeOrigin,
    pub(crate) revision: Revision,
}
