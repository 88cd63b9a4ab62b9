//! What is in memory against a fresh load, and what readers see of it.

#![allow(
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, a test binary has no public, and of the model a part is used"
)]

mod budget;
mod flips;
mod following;
mod limits;
mod runs;
mod world;
