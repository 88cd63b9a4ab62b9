//! What a caller sees: every test speaks gRPC to a real server, on both engines.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and a test binary has no public"
)]

mod agreement;
mod association;
mod client;
mod client_import;
mod deletion;
mod demo;
mod dissociation;
mod edge;
mod errors;
mod generated;
mod hold;
mod hostile;
mod import;
mod import_cells;
mod import_file;
mod import_run;
mod importing;
mod kill;
mod limits;
mod listing;
mod memory;
mod naive;
mod outage;
mod postgres;
mod process;
mod race;
mod raw;
mod reasons;
mod search;
mod servers;
mod stop;
mod story;
mod ticket;
mod told;
mod transfer;
mod update;
mod upheaval;
mod visibility;
mod wire;
mod world;
