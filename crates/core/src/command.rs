//! Commands: parsed write requests, and the interface by which they are decided.

use crate::change::Change;
use crate::fact::{Facts, Needs, Unavailable};
use crate::id::{AccountId, ContactId, ImportId, Revision, TicketNo, Time};
use crate::refusal::Refused;

/// Everything except the facts that a decision depends on. The executor of the command supplies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The current time.
    pub now: Time,
    /// The command's revision if it changes something.
    pub revision: Revision,
    /// The number of the next account.
    pub next_account: u64,
    /// The number of the next contact.
    pub next_contact: u64,
    /// The number of the next ticket.
    pub next_ticket: u64,
    /// The number of the next import.
    pub next_import: u64,
}

impl Circumstances {
    /// Returns an unused id.
    pub fn take_account(&mut self) -> AccountId {
        AccountId::new(take(&mut self.next_account))
    }

    /// Returns an unused id.
    pub fn take_contact(&mut self) -> ContactId {
        ContactId::new(take(&mut self.next_contact))
    }

    /// Returns an unused number.
    pub fn take_ticket(&mut self) -> TicketNo {
        TicketNo::new(take(&mut self.next_ticket))
    }

    /// Returns an unused id.
    pub fn take_import(&mut self) -> ImportId {
        ImportId::new(take(&mut self.next_import))
    }
}

fn take(next: &mut u64) -> u64 {
    let taken = *next;
    *next += 1;
    taken
}

/// The result of a command. Without changes, nothing is written and no revision is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<A> {
    /// The rows that change, in the order of the decisions.
    pub changes: Vec<Change>,
    /// The answer to the caller.
    pub answer: A,
}

impl<A> Decision<A> {
    /// Returns a decision that changes nothing.
    pub fn unchanged(answer: A) -> Self {
        Self {
            changes: Vec::new(),
            answer,
        }
    }
}

/// The number of calls of [`Command::needs_behind`]: a key leads to a record, and a record leads to
/// its associations.
pub const NEEDS_ROUNDS: usize = 2;

/// A write, as a pure function: facts in, changes out.
///
/// Implemented next to the rules that decide it. Storage executes all commands in the same way, so
/// a new command needs no change there.
pub trait Command: Send + 'static {
    /// The type of the answer to the caller.
    type Answer: Send + 'static;
    /// The name of its RPC, as it appears in the change log.
    const NAME: &'static str;

    /// Adds the facts that [`decide`](Self::decide) will read, so that they load together.
    fn needs(&self, needs: &mut Needs);

    /// Adds the facts that are known only after the first needs have loaded, such as the records
    /// that keys refer to. Called [`NEEDS_ROUNDS`] times, each time after the previous needs have
    /// loaded.
    fn needs_behind<F: Facts>(&self, _facts: &F, _needs: &mut Needs) -> Result<(), Unavailable> {
        Ok(())
    }

    /// Decides the command. Must depend only on its arguments: a batch may be decided twice.
    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused>;
}
