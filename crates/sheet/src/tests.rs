//! Reads whole files through the public API. Some tests use smaller limits than the API allows.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod build;
mod csv;
mod hostile;
mod samples;
mod xls;
mod xlsx;
