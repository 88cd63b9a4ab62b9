//! First answers to requests with a request id.

use roster_core::id::Time;

/// Identifies a repeated request.
#[derive(Clone, Debug)]
pub struct RequestKey {
    /// The caller.
    pub caller: String,
    /// The RPC.
    pub rpc: &'static str,
    /// The caller's id of the request.
    pub request_id: String,
    /// The hash of all fields of the request except its id.
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
