//! The path that every handler takes: the organization, the write with its request id, the read
//! with its consistency, the page.

mod organization;
mod page;
mod read;
mod write;

use std::sync::Arc;

use roster_storage::Store;

use crate::memory::Memory;
use crate::token::Tokens;

pub(crate) use organization::{DEFAULT_ORGANIZATION, organization_of};

/// Who calls a server without credentials.
pub(crate) const LOCAL_CALLER: &str = "local";
/// The server's store, memory and tokens, shared by all handlers.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) store: Arc<Store>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) tokens: Arc<Tokens>,
}
