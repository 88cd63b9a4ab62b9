//! Whole files through the public door, and the limits that only tests can set lower.

mod build;
mod csv;
mod hostile;
mod samples;
mod xls;
mod xlsx;
