//! The wire: from an accepted socket to a call, and from an answer to its last byte.
//!
//! Everything here protects the server from its peers: how many may connect, how long they may
//! take, and how many bytes they may leave unfinished. The layers behind it see only calls.

mod accept;
mod answer_body;
mod call;
mod connection;
mod forms;
mod framing;
mod open_files;
mod peer;
mod places;
mod preface;
mod request_body;
mod share;
mod sockets;
mod tls;

pub(crate) use accept::Listener;
pub(crate) use connection::Wire;
pub(crate) use forms::Form;
pub(crate) use open_files::raise_limit;
pub(crate) use peer::Peer;
pub(crate) use places::Places;
pub(crate) use share::Pool;
pub(crate) use tls::Tls;
