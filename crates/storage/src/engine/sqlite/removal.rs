//! Statements that delete rows of an organization, a bounded number at a time. Parameters:
//! organization, limit.

use super::grams::NUMBER_BITS;
use crate::tables::listed::Listed;
use crate::tables::of_organization::OrganizationTable;

/// Finds the rows by their key, because tables WITHOUT ROWID have no other name for a row.
pub(super) fn delete_some(table: &OrganizationTable) -> String {
    let OrganizationTable { name, key, and, .. } = table;
    let key = key.join(", ");
    format!(
        "DELETE FROM {name} WHERE (org, {key}) IN \
         (SELECT org, {key} FROM {name} WHERE org = ?1{and} LIMIT ?2)"
    )
}

/// The row id of a record holds the organization above the number.
pub(super) fn delete_some_grams(listed: Listed) -> String {
    let table = listed.grams();
    format!(
        "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} \
         WHERE rowid >= ?1 << {NUMBER_BITS} AND rowid < (?1 + 1) << {NUMBER_BITS} LIMIT ?2)"
    )
}

/// The statements for every table with a key.
#[cfg(test)]
pub(crate) fn statements() -> Vec<String> {
    use crate::tables::of_organization::REMOVED;
    REMOVED.iter().map(delete_some).collect()
}
