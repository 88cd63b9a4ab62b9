//! What a caller sees: every test speaks gRPC to a real server, on both engines.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and a test binary has no public"
)]

mod association;
mod dissociation;
mod edge;
mod errors;
mod hold;
mod hostile;
mod kill;
mod limits;
mod listing;
mod outage;
mod process;
mod race;
mod raw;
mod reasons;
mod stop;
mod story;
mod ticket;
mod told;
mod visibility;
mod world;
