//! The steps of every handler: the caller, a write with its request id, a read with its
//! consistency, a page.

mod access;
mod page;
mod read;
mod write;

use std::sync::Arc;

use roster_storage::Store;
use tonic::Request;

use crate::access_log::AccessLog;
use crate::authentication::Authenticator;
use crate::caller::Caller;
use crate::fault::{self, Fault};
use crate::memory::Memory;
use crate::token::Tokens;

pub(crate) use access::Access;

/// The server's store, memory and tokens, shared by all handlers.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) store: Arc<Store>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) accesses: AccessLog,
}

/// The caller of a call, if its metadata is valid.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<&Arc<Caller>, Fault> {
    let caller = request.extensions().get::<Arc<Caller>>();
    let caller = caller
        .ok_or_else(|| fault::internal("a call bypassed the layer that identifies callers"))?;
    caller.check()?;
    Ok(caller)
}
