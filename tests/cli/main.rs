//! What an operator meets: every test runs the command against a server of its own.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and a test binary has no public"
)]

mod administration;
mod association;
mod dissociation;
mod errors;
mod import;
mod readme;
mod records;
mod ticket;
mod tls;
mod world;
