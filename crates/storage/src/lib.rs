//! Rows, transactions and the change log, on SQLite and on PostgreSQL behind one interface from
//! which no type of diesel leaves.

#![allow(
    clippy::duplicate_mod,
    reason = "one source, two engines: sql/ is compiled once for each"
)]

mod batch;
mod brief;
mod budget;
mod bulk;
mod check;
mod connection;
mod engine;
mod error;
mod follow;
mod imports;
mod kept;
mod listed;
mod loaded;
mod lock;
mod log;
mod members;
mod net;
mod picker;
mod postgres;
mod pour;
mod presence;
mod rebuild;
mod rows;
mod schema;
mod sight;
mod snapshot;
mod sqlite;
mod statement;
mod store;
#[cfg(test)]
mod testing;
mod tickets;
mod writer;

pub use batch::{Committed, CommittedSet, Origin, RequestKey};
pub use check::Guarding;
pub use connection::{
    AccountContact, ContactAccount, ContactAccountPlace, ListedTicket, NamePlace, StoreKeys,
    TicketPlace, TicketSource,
};
pub use error::{NotDone, StorageError};
pub use follow::FOLLOWED_SETS_MAX;
pub use imports::{
    ImportCounts, ImportFailure, ImportRecord, ImportReject, ImportState, ImportStep, NewImport,
};
pub use picker::HeadingCount;
pub use roster_core::organization::{
    At, NotAnOrganization, ORGANIZATION_CHARS_MAX, OrganizationName,
};
pub use sight::{Filtered, VisibleTicket};
pub use snapshot::{PickedAccount, PickedContact, Snapshot, TicketFilter};
pub use store::{Done, Store, StoreOptions};
pub use tickets::{FoundTicket, FoundTickets};
pub use writer::CALLS_WAITING_MAX;
