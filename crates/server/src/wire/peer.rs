//! The peer of a connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The peer of a connection, in the extensions of each of its calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: Option<IpAddr>,
    /// The names in its verified certificate: each URI and DNS name as `URI:…` or `DNS:…`, exactly
    /// as written. The common name is never a name. Empty without a certificate.
    pub(crate) names: Arc<[String]>,
}

impl Peer {
    pub(super) fn of(address: SocketAddr, names: Arc<[String]>) -> Self {
        Self {
            address: Some(address.ip().to_canonical()),
            names,
        }
    }
}
