//! What a caller sees: every test speaks gRPC to a real server, on both engines.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and a test binary has no public"
)]

mod association;
mod client;
mod client_import;
mod dissociation;
mod errors;
mod import;
mod import_file;
mod import_run;
mod importing;
mod listing;
mod ticket;
mod visibility;
mod world;
