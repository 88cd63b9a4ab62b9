//! What the tests of several crates share.

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "only tests read this, and they show what they print when they fail"
)]

#[cfg(feature = "database")]
pub mod database;
pub mod model;
pub mod seed;
