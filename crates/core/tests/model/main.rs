//! The rules against plain maps and a naive evaluator, and guards against damage.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and a test binary has no public"
)]

mod damage;
mod runs;
