//! Rows, transactions and the change log, on SQLite and on PostgreSQL behind one interface from
//! which no type of diesel leaves.

#![allow(
    clippy::duplicate_mod,
    reason = "one source, two engines: engine/shared is compiled once for each"
)]

mod engine;
mod error;
mod log;
mod read;
mod store;
mod tables;
#[cfg(test)]
mod testing;
mod write;

pub use engine::interface::{
    AccountContact, ContactAccount, ContactAccountPlace, ListedTicket, NamePlace, StoreKeys,
    TicketPlace, TicketSource,
};
pub use error::{NotDone, StorageError};
pub use read::follow::FOLLOWED_SETS_MAX;
pub use read::picker::HeadingCount;
pub use read::snapshot::{PickedAccount, PickedContact, Snapshot, TicketFilter};
pub use read::ticket_list::{FoundTicket, FoundTickets};
pub use read::visibility::{Filtered, VisibleTicket};
pub use roster_core::organization::{
    At, NotAnOrganization, ORGANIZATION_CHARS_MAX, OrganizationName,
};
pub use store::{Done, Store, StoreOptions};
pub use write::batch::{Committed, CommittedSet, Origin, RequestKey};
pub use write::imports::{
    ImportCounts, ImportFailure, ImportRecord, ImportReject, ImportState, ImportStep, NewImport,
};
pub use write::invariants::Guarding;
pub use write::queue::CALLS_WAITING_MAX;
