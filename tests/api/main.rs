//! What a caller sees: every test speaks gRPC to a real server, on both engines.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and a test binary has no public"
)]

mod agreement;
mod association;
mod deletion;
mod dissociation;
mod errors;
mod generated;
mod import;
mod import_file;
mod import_run;
mod importing;
mod listing;
mod naive;
mod ticket;
mod transfer;
mod update;
mod upheaval;
mod visibility;
mod world;
