//! What storage promises, held to on both engines by one suite, through what others see of it.

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
mod scale;
mod tables;
mod world;

#[path = "../../../core/tests/model/commands.rs"]
mod commands;
#[path = "../../../core/tests/model/maps.rs"]
mod maps;
#[path = "../../../core/tests/model/naive.rs"]
mod naive;
#[path = "../../../core/tests/model/naive_associations.rs"]
mod naive_associations;
#[path = "../../../core/tests/model/naive_tickets.rs"]
mod naive_tickets;
#[path = "../../../core/tests/model/steps.rs"]
mod steps;
#[path = "../../../core/tests/model/told.rs"]
mod told;
