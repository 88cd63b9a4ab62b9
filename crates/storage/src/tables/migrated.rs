//! The result of a migration.

/// The schema of a database before and after a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// `None` if there were no tables.
    pub from: Option<i64>,
    /// The schema now.
    pub to: i64,
}
