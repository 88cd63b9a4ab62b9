//! The visibility facts of organizations in memory, from which checks are answered.
//!
//! The facts of an organization belong to one revision: they are loaded in one snapshot, and then
//! change sets are applied whole, each directly after the previous one. The crate reads no database
//! and no clock: its user supplies the facts and the committed changes.

mod accounts;
mod apply;
mod contacts;
mod differences;
mod facts;
mod index;
mod load;
mod number;
mod organization;
mod revisions;
mod roles;
mod sharded;
mod tickets;

pub use apply::NotApplied;
pub use facts::{BytesByKind, CONTACT_ACCOUNTS_MAX, OrganizationFacts};
pub use index::{IDLE_SECONDS, Index, IndexFigures, LoadGuard, REFUSED_SECONDS};
pub use load::Loading;
pub use number::{NUMBER_MAX, TooLarge};
pub use organization::{Followed, Organization};
pub use revisions::{Known, REVISIONS_KNOWN_MAX};
