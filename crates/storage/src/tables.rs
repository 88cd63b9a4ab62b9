//! The contents of the database: tables, their columns, and the records that rows hold.

pub(crate) mod access;
pub(crate) mod cell;
pub(crate) mod change_set;
pub(crate) mod codec;
pub(crate) mod column;
pub(crate) mod credential;
pub(crate) mod derivation;
pub(crate) mod import_record;
pub(crate) mod listed;
pub(crate) mod message;
pub(crate) mod migrated;
pub(crate) mod name_list;
pub(crate) mod of_organization;
pub(crate) mod organization;
pub(crate) mod origin;
pub(crate) mod records;
pub(crate) mod request_answer;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod schema_version;
pub(crate) mod ticket_list;
pub(crate) mod unique_key;
pub(crate) mod visibility_row;

#[cfg(test)]
mod tests;
