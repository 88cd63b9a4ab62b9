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
/// How long the calls of a connection that has reached its age may go on.
pub(crate) const CONNECTION_GRACE: Duration = Duration::from_secs(300);
/// Bytes of a call that a connection takes before the call reads them. Half of it is on the way
/// while the other half is acknowledged: 20 ms at a gigabit a second.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// The same for all calls of a connection.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// Bytes of an answer that wait in a connection: a piece of an answer and the next.
pub(crate) const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Calls that a caller may reset before the server has accepted them. Further resets end the
/// connection: a caller that resets what it has just sent only makes work.
pub(crate) const RESETS_PENDING_MAX: usize = 20;
/// Calls that the server may reset because of errors of the peer before it ends the connection.
pub(crate) const RESET_CALLS_MAX: usize = 1_024;
/// Maximum number of calls whose message is not there: about 50 MiB of them. Most messages come
/// with their headers and do not count. Connections share it, so that a flood of headers keeps
/// nobody out: see `wire/share.rs`.
pub(crate) const CALLS_WAITING_MAX: usize = 4_096;
/// How long a stop waits for running calls.
pub(crate) const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long a stop waits for outgoing answers once no call runs. Idle connections would delay it
/// for ever.
pub(crate) const GOODBYE_PATIENCE: Duration = Duration::from_millis(300);
/// Default number of items of a page.
pub(crate) const PAGE_ITEMS_DEFAULT: usize = 50;
/// Maximum number of items of a page.
pub(crate) const PAGE_ITEMS_MAX: usize = 1_000;
/// How long a read without a deadline waits for the database.
pub(crate) const READ_PATIENCE: Duration = Duration::from_secs(60);
/// Maximum bytes of a page's answer, well below the 4 MiB that most clients accept.
pub(crate) const ANSWER_BYTES_MAX: usize = 3 << 20;
