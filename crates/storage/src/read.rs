//! Reads: each reads one revision of an organization and cannot write.

pub(crate) mod account_contacts;
pub(crate) mod fact_stream;
pub(crate) mod follow;
pub(crate) mod inline_reads;
pub(crate) mod page_budget;
pub(crate) mod picker;
pub(crate) mod snapshot;
pub(crate) mod ticket_list;
pub(crate) mod visibility;
