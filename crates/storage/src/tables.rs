//! What the database holds: tables, their columns, and the records that rows stand for.

pub(crate) mod change_set;
pub(crate) mod decode;
pub(crate) mod derivation;
pub(crate) mod encode;
pub(crate) mod import_record;
pub(crate) mod listed;
pub(crate) mod name_list;
pub(crate) mod organization;
pub(crate) mod request_answer;
pub(crate) mod schema;
pub(crate) mod ticket_list;
