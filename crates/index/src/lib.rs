//! The facts of sight of organizations in memory, from which checks are answered.
//!
//! An organization's facts are of one moment: they are loaded in one snapshot, and from there on
//! change sets are applied whole, each exactly after the one before it. The crate reads no
//! database and no clock: whoever uses it pours the facts in and hands it what was committed.

mod accounts;
mod apply;
mod contacts;
mod differences;
mod facts;
mod index;
mod load;
mod moments;
mod number;
mod organization;
mod roles;
mod sharded;
mod tickets;

pub use apply::NotApplied;
pub use facts::{BytesByKind, OrganizationFacts, STANDING_ACCOUNTS_MAX};
pub use index::{IDLE_SECONDS, Index, IndexFigures, LoadGuard, REFUSED_SECONDS};
pub use load::Loading;
pub use moments::{Known, REVISIONS_KNOWN_MAX};
pub use number::{NUMBER_MAX, TooLarge};
pub use organization::{Followed, Organization};
