//! All facts of sight of one moment, poured out of a database for whoever keeps them in memory.

use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::rules::visibility::{SightSink, SinkFull};

use crate::engine::interface::Poured;
use crate::error::Result;
use crate::read::snapshot::Snapshot;

/// Rows of one statement: enough that the statements cost nothing beside the rows, and few enough
/// that an engine which gathers all rows of an answer gathers no more than a few mebibytes.
const ROWS: usize = 20_000;

impl Snapshot<'_> {
    /// Pours all facts of sight, until the sink is full. The settings and the moment are asked by
    /// themselves.
    pub fn pour(&mut self, sink: &mut dyn SightSink) -> Result<Result<(), SinkFull>> {
        self.pour_by(ROWS, sink)
    }

    /// Pours what is most first, so that a sink which cannot hold it says so early.
    pub(crate) fn pour_by(
        &mut self,
        rows: usize,
        sink: &mut dyn SightSink,
    ) -> Result<Result<(), SinkFull>> {
        let (db, org) = (&mut *self.connection, self.org);
        let first_pair = Pair {
            contact: ContactId::new(0),
            account: AccountId::new(0),
        };
        let first_copy = (TicketNo::new(0), ContactId::new(0));
        let whole = all(0, |after| db.pour_tickets(org, after, rows, sink))?
            && all(first_pair, |after| {
                db.pour_associations(org, after, rows, sink)
            })?
            && all(0, |after| db.pour_contacts(org, after, rows, sink))?
            && all(first_copy, |after| db.pour_copies(org, after, rows, sink))?
            && all(0, |after| db.pour_accounts(org, after, rows, sink))?;
        Ok(if whole { Ok(()) } else { Err(SinkFull) })
    }
}

/// Pours page by page from after a key; answers whether all was taken.
fn all<K>(first: K, mut pour: impl FnMut(K) -> Result<Poured<K>>) -> Result<bool> {
    let mut after = first;
    loop {
        match pour(after)? {
            Poured::UpTo(last) => after = last,
            Poured::All => return Ok(true),
            Poured::Full => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
