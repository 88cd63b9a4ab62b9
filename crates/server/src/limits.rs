//! The limits of the whole server, each with the reason for its value.
//!
//! A limit of one service or of one error is defined beside the code that keeps it.

use std::time::Duration;

/// Longest accepted message: a full batch with long texts fits.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Calls that one connection may have open at once: enough for a busy client over one connection,
/// few enough that no single one fills the server.
pub(crate) const STREAMS_PER_CONNECTION_MAX: u32 = 1_024;
/// Bytes of the headers of a call: a token of some KiB fits, a flood does not.
pub(crate) const HEADER_BYTES_MAX: u32 = 16 << 10;
/// How long a connection may be silent before the server pings the caller.
pub(crate) const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
/// How long the answer to a ping may take before the server closes the connection.
pub(crate) const KEEPALIVE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a stop waits for running calls.
pub(crate) const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long a stop waits for outgoing answers once no call runs. Idle connections would delay it
/// for ever.
pub(crate) const GOODBYE_PATIENCE: Duration = Duration::from_millis(300);
/// Maximum number of concurrent calls: the queue of writes and as many reads. Further calls would
/// only wait and use memory.
pub(crate) const CALLS_IN_FLIGHT_MAX: usize = 16_384;
/// Default number of items of a page.
pub(crate) const PAGE_ITEMS_DEFAULT: usize = 50;
/// Maximum number of items of a page.
pub(crate) const PAGE_ITEMS_MAX: usize = 1_000;
/// How long a read without a deadline waits for the database.
pub(crate) const READ_PATIENCE: Duration = Duration::from_secs(60);
/// Maximum bytes of a page's answer, well below the 4 MiB that most clients accept.
pub(crate) const ANSWER_BYTES_MAX: usize = 3 << 20;
