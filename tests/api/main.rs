//! What a caller sees: every test speaks gRPC to a real server, on both engines.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and a test binary has no public"
)]

mod accesses;
mod account_fields;
mod admin_events;
mod agreement;
mod answer_size;
mod association;
mod attack;
mod attack_connections;
mod attack_http2;
mod attack_messages;
mod backup;
mod batch_limits;
mod caller;
mod certificate;
mod check;
mod client;
mod client_import;
mod configuration;
mod contact_fields;
mod credentials;
mod database_limits;
mod deletion;
mod demo;
mod deploy;
mod dissociation;
mod edge;
mod error_shape;
mod errors;
mod file_lock;
mod files;
mod generated;
mod hanging_database;
mod hostile;
mod ignored_input;
mod import;
mod import_association;
mod import_cells;
mod import_file;
mod import_limits;
mod import_run;
mod importing;
mod isolation;
mod issuer;
mod jwt;
mod kill;
mod limits;
mod lint;
mod listed_channel;
mod listing;
mod logs;
mod lookup;
mod manual;
mod memory;
mod metrics;
mod naive;
mod organization_removal;
mod organizations;
mod outage;
mod paging;
mod permission_matrix;
mod postgres;
mod postgres_tls;
mod preview;
mod primary;
mod process;
mod produced_reasons;
mod race;
mod random_changes;
mod raw_call;
mod reasons;
mod remembering_client;
mod request_id;
mod search;
mod secrecy;
mod secured;
mod servers;
mod spool;
mod stop;
mod stored_rows;
mod ticket;
mod tls;
mod transfer;
mod unknown_value;
mod unwritable;
mod update;
mod visibility;
mod visiting;
mod visitors;
mod wire;
mod world;
mod write_lock;
