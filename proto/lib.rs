//! The API of Roster, generated from `proto/roster/v1` by `build.rs`.
//!
//! The comments of the .proto files are its manual. `google.rpc.Status` is
//! [`tonic_types::Status`], and the well-known types are those of [`prost_types`].

mod methods;

pub use methods::{
    Access, METHODS, Method, MethodInfo, PageRequest, ReadRequest, UnaryRequest, WriteRequest,
    method_of_path,
};

/// Version 1: messages, clients and servers of package `roster.v1`.
pub mod v1 {
    tonic::include_proto!("roster.v1");
}

/// Every file of the API with what it imports, comments included: an encoded
/// `google.protobuf.FileDescriptorSet`, as server reflection takes it.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("roster_descriptor");
