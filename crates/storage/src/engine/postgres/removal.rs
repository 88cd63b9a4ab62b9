//! Statements that delete rows of an organization, a bounded number at a time. Parameters:
//! organization, limit.

use crate::tables::listed::Listed;
use crate::tables::of_organization::OrganizationTable;

/// Finds the rows by their place in the table: neither a sort nor a second search in an index.
fn delete_some_of(table: &str, and: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY \
         (SELECT ctid FROM {table} WHERE org = $1{and} LIMIT $2))"
    )
}

pub(super) fn delete_some(table: &OrganizationTable) -> String {
    delete_some_of(table.name, table.and)
}

pub(super) fn delete_some_grams(listed: Listed) -> String {
    delete_some_of(listed.grams(), "")
}
