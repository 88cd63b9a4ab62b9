//! Each clause of each rule, by example: a file a family, as in the rules themselves.

#![allow(
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, a test binary has no public, and the maps are shared"
)]

mod account;
mod association;
mod contact;
mod credential;
mod deletion;
mod disposition;
mod import;
mod names;
mod organization;
mod settings;
mod ticket;
mod visibility;
mod visitor;
mod world;
