//! The options about connections and messages.

use std::time::Duration;

use clap::Args;

use super::at_least_one;
use crate::wire::Form;

/// Default number of open connections: one or two for each process of a large fleet. An idle
/// connection takes about 40 KiB.
const CONNECTIONS_MAX: usize = 10_000;
/// Default number of running calls: the queue of writes and as many reads. Further calls would only
/// wait and use memory.
const CALLS_MAX: usize = 16_384;
/// Default memory for messages that are being received or worked on, in MiB, and again for long
/// answers: sixteen messages of the longest size.
const MESSAGE_MIB: usize = 256;
/// Default seconds for a handshake: a lost packet is sent again within three seconds, twice.
const HANDSHAKE_SECONDS: u64 = 10;
/// Default seconds for a message: as long as a handshake, and longer for a long message.
const MESSAGE_SECONDS: u64 = 10;
/// Default seconds between two messages of an upload: the caller may read a slow disk.
const UPLOAD_SECONDS: u64 = 30;
/// Default seconds in which a caller takes no byte of an answer: as long as a silent connection.
const ANSWER_SECONDS: u64 = 30;
/// Default age of a connection in seconds: long enough to cost nothing, short enough that callers
/// spread over new servers within an hour.
const AGE_SECONDS: u64 = 3_600;

/// Limits of connections and messages.
#[derive(Args, Clone, Debug)]
pub struct WireLimits {
    /// Maximum number of open connections. Further connections are closed at once. The limit of
    /// open files may allow fewer.
    #[arg(
        long,
        env = "ROSTER_CONNECTIONS_MAX",
        default_value_t = CONNECTIONS_MAX,
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub connections_max: usize,

    /// Maximum number of open connections of one address (IPv6: of one network of 64 bits); by
    /// default half of all connections.
    #[arg(
        long,
        env = "ROSTER_CONNECTIONS_PER_ADDRESS_MAX",
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub connections_per_address_max: Option<usize>,

    /// Maximum number of running calls; further calls are refused (RESOURCE_EXHAUSTED).
    #[arg(
        long,
        env = "ROSTER_CALLS_MAX",
        default_value_t = CALLS_MAX,
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub calls_max: usize,

    /// Memory for messages that are being received or worked on, in MiB, and the same again for
    /// long answers. A connection may use half of what is free.
    #[arg(
        long,
        env = "ROSTER_MESSAGE_MIB",
        default_value_t = MESSAGE_MIB,
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub message_mib: usize,

    /// Seconds within which a new connection has to complete its TLS handshake and begin HTTP/2.
    #[arg(
        long,
        env = "ROSTER_HANDSHAKE_PATIENCE",
        default_value_t = HANDSHAKE_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..),
        value_name = "SECONDS"
    )]
    pub handshake_patience: u64,

    /// Seconds within which the message of a call has to arrive; a long message has a second more
    /// for each 256 KiB.
    #[arg(
        long,
        env = "ROSTER_MESSAGE_PATIENCE",
        default_value_t = MESSAGE_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..),
        value_name = "SECONDS"
    )]
    pub message_patience: u64,

    /// Seconds within which the next message of an upload has to arrive.
    #[arg(
        long,
        env = "ROSTER_UPLOAD_PATIENCE",
        default_value_t = UPLOAD_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..),
        value_name = "SECONDS"
    )]
    pub upload_patience: u64,

    /// Seconds after which a call ends if its caller takes no byte of the answer.
    #[arg(
        long,
        env = "ROSTER_ANSWER_PATIENCE",
        default_value_t = ANSWER_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..),
        value_name = "SECONDS"
    )]
    pub answer_patience: u64,

    /// Seconds after which a connection ends, up to a tenth more or less; its calls have five
    /// minutes to finish. 0: never.
    #[arg(
        long,
        env = "ROSTER_CONNECTION_AGE",
        default_value_t = AGE_SECONDS,
        value_name = "SECONDS"
    )]
    pub connection_age: u64,
}

impl WireLimits {
    /// How long the next message of a call may take.
    pub(crate) fn patience(&self, form: Form) -> Duration {
        Duration::from_secs(match form {
            Form::Stream | Form::Reflection => self.upload_patience,
            Form::Unary | Form::Probe => self.message_patience,
        })
    }

    pub(crate) fn handshake_patience(&self) -> Duration {
        Duration::from_secs(self.handshake_patience)
    }

    pub(crate) fn answer_patience(&self) -> Duration {
        Duration::from_secs(self.answer_patience)
    }

    pub(crate) fn connection_age(&self) -> Option<Duration> {
        (self.connection_age > 0).then(|| Duration::from_secs(self.connection_age))
    }

    /// The limit of one address, of this many connections.
    pub(crate) fn per_address_max(&self, connections_max: usize) -> usize {
        let half = connections_max.div_ceil(2);
        self.connections_per_address_max.unwrap_or(half)
    }
}
