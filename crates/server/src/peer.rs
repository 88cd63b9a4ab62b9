//! The other end of a connection.

use std::net::IpAddr;
use std::sync::Arc;

/// What the server knows of the other end of a connection, in the extensions of each call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: Option<IpAddr>,
    /// The names of its verified client certificate: `URI:…` and `DNS:…`.
    pub(crate) names: Arc<[String]>,
}
