//! The promises of storage, tested on both engines by one suite through the public interface.

#![allow(
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, a test binary has no public, and the model is core's"
)]

#[macro_use]
mod engines;

mod batching;
mod extremes;
mod flip;
mod guarding;
mod keys;
mod replay;
mod runs;
mod tables;
mod world;
