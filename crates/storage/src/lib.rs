//! Rows, transactions and the change log, on SQLite and on PostgreSQL behind one interface from
//! which no type of diesel leaves.

#![allow(
    clippy::duplicate_mod,
    reason = "one source, two engines: sql/ is compiled once for each"
)]

mod batch;
mod bulk;
mod connection;
mod error;
mod imports;
mod loaded;
mod log;
mod net;
mod organization;
mod postgres;
mod presence;
mod rows;
mod schema;
mod sight;
mod snapshot;
mod sqlite;
mod store;
mod writer;

pub use batch::{Origin, RequestKey};
pub use connection::{
    AccountContact, ContactAccount, NamePlace, StoreKeys, TicketPlace, TicketSource,
};
pub use error::{NotDone, StorageError};
pub use imports::{
    ImportCounts, ImportFailure, ImportRecord, ImportReject, ImportState, ImportStep, NewImport,
};
pub use organization::{At, NotAnOrganization, ORGANIZATION_CHARS_MAX, OrganizationName};
pub use sight::{Filtered, Seen, VisibleTicket};
pub use snapshot::{Snapshot, TicketFilter};
pub use store::{Done, Store};
