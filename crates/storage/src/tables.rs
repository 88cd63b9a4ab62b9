//! What the database holds: tables, their columns, and the records that rows stand for.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod listed;
pub(crate) mod schema;
