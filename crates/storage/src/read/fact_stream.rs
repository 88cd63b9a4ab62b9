//! Streams all visibility facts of one revision out of the database into a sink, such as a server's
//! memory.

use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::rules::visibility::{FactSink, SinkFull};

use crate::engine::interface::Streamed;
use crate::error::Result;
use crate::read::snapshot::Snapshot;

/// Rows per statement: enough that the cost of statements vanishes, few enough that an engine which
/// buffers a whole result buffers no more than a few mebibytes.
const ROWS: usize = 20_000;

impl Snapshot<'_> {
    /// Streams all visibility facts until the sink is full. The settings and the revision are not
    /// included.
    pub fn stream_facts(&mut self, sink: &mut dyn FactSink) -> Result<Result<(), SinkFull>> {
        self.stream_by(ROWS, sink)
    }

    /// Streams the most numerous facts first, so that a sink without room for them fails early.
    pub(crate) fn stream_by(
        &mut self,
        rows: usize,
        sink: &mut dyn FactSink,
    ) -> Result<Result<(), SinkFull>> {
        let (db, org) = (&mut *self.connection, self.org);
        let first_pair = Pair {
            contact: ContactId::new(0),
            account: AccountId::new(0),
        };
        let first_copy = (TicketNo::new(0), ContactId::new(0));
        let whole = all(0, |after| db.stream_tickets(org, after, rows, sink))?
            && all(first_pair, |after| {
                db.stream_associations(org, after, rows, sink)
            })?
            && all(0, |after| db.stream_contacts(org, after, rows, sink))?
            && all(first_copy, |after| db.stream_cc(org, after, rows, sink))?
            && all(0, |after| db.stream_accounts(org, after, rows, sink))?;
        Ok(if whole { Ok(()) } else { Err(SinkFull) })
    }
}

/// Streams page by page from after a key. Returns whether the sink accepted everything.
fn all<K>(first: K, mut stream_facts: impl FnMut(K) -> Result<Streamed<K>>) -> Result<bool> {
    let mut after = first;
    loop {
        match stream_facts(after)? {
            Streamed::UpTo(last) => after = last,
            Streamed::All => return Ok(true),
            Streamed::Full => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
