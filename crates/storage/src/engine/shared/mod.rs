//! The source that both engines share. Each engine compiles it with its own connection, constants
//! and row writers, which it reaches through `super`.

#[allow(
    clippy::wildcard_imports,
    reason = "everything that the engine defines is at hand in its shared source"
)]
use super::*;

mod accesses;
mod credentials;
mod fact_stream;
mod facts;
mod imports;
pub(crate) mod keys;
mod lists;
mod log;
mod names;
mod namesakes;
pub(crate) mod opening;
mod organizations;
mod servers;
pub(crate) mod session;
pub(crate) mod ticket_list;
mod walks;
