//! The limits of the whole server, each with the reason for its value.
//!
//! A limit of one service or of one error is defined beside the code that keeps it.

use std::time::Duration;

/// Longest message that is taken: a full batch with long texts fits.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Calls that one connection may have open at once: enough for a busy client over one connection,
/// few enough that no single one fills the server.
pub(crate) const STREAMS_PER_CONNECTION_MAX: u32 = 1_024;
/// Bytes of the headers of a call: a token of some KiB fits, a flood does not.
pub(crate) const HEADER_BYTES_MAX: u32 = 16 << 10;
/// How long a connection may be silent before it is asked whether anybody is there.
pub(crate) const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
/// How long that answer may take; then the connection, and what it holds, is given up.
pub(crate) const KEEPALIVE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a stop waits for calls that run.
pub(crate) const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long it waits for answers on their way once no call runs. Connections that idle, or never
/// began to speak, would hold it for ever.
pub(crate) const GOODBYE_PATIENCE: Duration = Duration::from_millis(300);
/// Calls that are worked on at once: the queue of writes and as many reads. Beyond them a call
/// would only wait, and memory is what it waits in.
pub(crate) const CALLS_IN_FLIGHT_MAX: usize = 16_384;
/// Items of a page where the caller does not say.
pub(crate) const PAGE_ITEMS_DEFAULT: usize = 50;
/// Most items of a page.
pub(crate) const PAGE_ITEMS_MAX: usize = 1_000;
/// How long a read waits for the database whose caller gave it no deadline.
pub(crate) const READ_PATIENCE: Duration = Duration::from_secs(60);
/// A page ends before its answer passes this, well below the 4 MiB that most clients take.
pub(crate) const ANSWER_BYTES_MAX: usize = 3 << 20;
