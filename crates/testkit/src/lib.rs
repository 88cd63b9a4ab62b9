//! Test code that several crates share.

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "only tests use this, and their output appears if they fail"
)]

#[cfg(feature = "certificates")]
pub mod certificates;
#[cfg(feature = "database")]
pub mod database;
pub mod model;
pub mod seed;
pub mod server;
