//! Rows, transactions and the change log, on SQLite and on PostgreSQL behind one interface. No type
//! of diesel leaves this crate.

#![allow(
    clippy::duplicate_mod,
    reason = "one source, two engines: engine/shared is compiled once for each"
)]

mod accesses;
mod administration;
mod clock;
mod engine;
mod error;
mod log;
mod maintenance;
mod observer;
mod outage;
mod read;
mod roles;
mod store;
mod tables;
#[cfg(test)]
mod testing;
mod write;

pub use accesses::ACCESSES_DELETED_MAX;
pub use administration::{
    AdminEvent, AdminNotDone, Administered, NamedProfile, NewCredential, OrganizationCounts,
    Removal, RemovalStep,
};
pub use engine::sqlite::backup::{Copy, Replaced};
pub use error::{NotDone, StorageError};
pub use log::CommittedSet;
pub use maintenance::{back_up, migrate, prepare_restore, put_in_place};
pub use observer::{Lane, Observer, Work, WritesWaiting};
pub use read::follow::FOLLOWED_SETS_MAX;
pub use read::page_budget::Filtered;
pub use read::picker::HeadingCount;
pub use read::snapshot::{PickedAccount, PickedContact, Snapshot};
pub use read::ticket_list::{FoundTicket, FoundTickets, TicketFilter};
pub use read::visibility::VisibleTicket;
pub use roster_core::organization::{
    NotAnOrganization, ORGANIZATION_CHARS_MAX, OrganizationName, RevisionId,
};
pub use store::{LEASE, Store, StoreOptions};
pub use tables::access::{AccessFilter, AccessPlace, AccessRecord, NewAccess};
pub use tables::credential::{
    KeyUse, LoggedAdminEvent, OrganizationStatus, ReleasedName, StoredCredentials,
};
pub use tables::import_record::{
    ImportCounts, ImportFailure, ImportKind, ImportRecord, ImportReject, ImportState, ImportStep,
    NewImport,
};
pub use tables::migrated::Migrated;
pub use tables::name_list::{AccountContact, ContactAccount, ContactAccountPlace, NamePlace};
pub use tables::organization::StoreKeys;
pub use tables::origin::{ChangeOrigin, OriginKind};
pub use tables::request_answer::RequestKey;
pub use tables::ticket_list::{ListedTicket, TicketPlace, TicketSource};
pub use write::invariants::Guarding;
pub use write::job::{Committed, Done, Origin};
pub use write::queue::CALLS_WAITING_MAX;
