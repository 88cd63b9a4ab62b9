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
mod scale;
mod world;

#[path = "../../../core/tests/model/commands.rs"]
mod commands;
#[path = "../../../core/tests/model/maps.rs"]
mod maps;
#[path = "../../../core/tests/model/steps.rs"]
mod steps;
#[path = "../../../core/tests/model/told.rs"]
mod told;
