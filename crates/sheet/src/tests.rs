//! Whole files through the public door, and the limits that only tests can set lower.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod build;
mod csv;
mod hostile;
mod samples;
mod xls;
mod xlsx;
