//! The methods of the API, each known by the type of its request.
//!
//! `build.rs` implements these traits from the descriptor set: what is added to the proto is here
//! without a list that somebody must keep.

use prost::Message;

use crate::v1::Consistency;

/// A method of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// The full name of its service: `roster.v1.AccountService`.
    pub service: &'static str,
    /// Its own name: `CreateAccount`.
    pub name: &'static str,
    /// Its path on the wire: `/roster.v1.AccountService/CreateAccount`.
    pub path: &'static str,
    /// Whether the answer is a stream of messages.
    pub streams_answers: bool,
    /// Whether the request is a stream of messages.
    pub streams_requests: bool,
}

/// The request of a method.
pub trait Method: Message + Default + Clone + 'static {
    /// The response message, or each message of a response stream.
    type Answer: Message + Default + Send + 'static;

    /// The place of the method in [`METHODS`].
    const INDEX: usize;

    /// The method.
    const INFO: MethodInfo = METHODS[Self::INDEX];
}

/// A request that is one message and has one message as its answer.
pub trait UnaryRequest: Method {
    /// The request id of a write; `None` for a read.
    fn request_id_mut(&mut self) -> Option<&mut String>;
}

/// A request that writes.
pub trait WriteRequest: UnaryRequest {
    /// Takes the id of the request out of it.
    fn take_request_id(&mut self) -> String;
}

/// A request that reads at a revision of the caller's choice.
pub trait ReadRequest: UnaryRequest {
    /// The minimum revision to answer at.
    fn consistency(&self) -> Option<&Consistency>;
}

/// A request for a page of a list.
pub trait PageRequest: ReadRequest {
    /// Takes the size of the page and the token of its place out of the request.
    fn take_page(&mut self) -> (i32, String);

    /// Takes the consistency out of the request, so that the filter of the list remains.
    fn take_consistency(&mut self);
}

include!(concat!(env!("OUT_DIR"), "/roster_methods.rs"));
