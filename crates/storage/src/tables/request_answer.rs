//! First answers to requests that carried a request id.

use roster_core::id::Time;

/// By what a repeated request is known.
#[derive(Clone, Debug)]
pub struct RequestKey {
    /// Who asks.
    pub caller: String,
    /// Which RPC.
    pub rpc: &'static str,
    /// The caller's id of the request.
    pub request_id: String,
    /// Of all fields of the request but its id.
    pub hash: [u8; 32],
}

/// The first answer to a request id.
pub(crate) struct KeptAnswer {
    pub(crate) caller: String,
    pub(crate) rpc: String,
    pub(crate) request_id: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) answer: Vec<u8>,
    pub(crate) expire_time: Time,
}
