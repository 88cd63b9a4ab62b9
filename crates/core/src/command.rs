//! A command: what a caller wants, parsed; how it is decided.

use crate::change::Change;
use crate::fact::{Facts, Needs, Unavailable};
use crate::id::{AccountId, ContactId, ImportId, Revision, TicketNo, Time};
use crate::refusal::Refused;

/// Everything a decision depends on that is not a fact: given by whoever executes the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The present moment.
    pub now: Time,
    /// The revision that the command gets if it changes something.
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
    /// An id that was never given before.
    pub fn take_account(&mut self) -> AccountId {
        AccountId::new(take(&mut self.next_account))
    }

    /// An id that was never given before.
    pub fn take_contact(&mut self) -> ContactId {
        ContactId::new(take(&mut self.next_contact))
    }

    /// A number that was never given before.
    pub fn take_ticket(&mut self) -> TicketNo {
        TicketNo::new(take(&mut self.next_ticket))
    }

    /// An id that was never given before.
    pub fn take_import(&mut self) -> ImportId {
        ImportId::new(take(&mut self.next_import))
    }
}

fn take(next: &mut u64) -> u64 {
    let taken = *next;
    *next += 1;
    taken
}

/// What a command comes to. Without changes nothing is written and no revision is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<A> {
    /// The rows that change, in the order in which they were decided.
    pub changes: Vec<Change>,
    /// What the caller is told.
    pub answer: A,
}

impl<A> Decision<A> {
    /// A decision that changes nothing.
    pub fn unchanged(answer: A) -> Self {
        Self {
            changes: Vec::new(),
            answer,
        }
    }
}

/// How often [`Command::needs_behind`] is asked: behind a key stands a record, and behind a record
/// its associations.
pub const NEEDS_ROUNDS: usize = 2;

/// A write, as a pure function: facts in, changes out.
///
/// Implemented beside the rules that decide it. Storage executes any command alike, so a new
/// one needs no change there.
pub trait Command: Send + 'static {
    /// What the caller is told.
    type Answer: Send + 'static;
    /// The name of its RPC, as the change log shows it.
    const NAME: &'static str;

    /// Names the facts that [`decide`](Self::decide) is going to ask for, to load them together.
    fn needs(&self, needs: &mut Needs);

    /// Names what can be named only once the first needs are there, such as the records behind
    /// keys. Asked [`NEEDS_ROUNDS`] times, each after the answers to the one before.
    fn needs_behind<F: Facts>(&self, _facts: &F, _needs: &mut Needs) -> Result<(), Unavailable> {
        Ok(())
    }

    /// Decides. Must depend on nothing but its arguments: a batch may be decided twice.
    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused>;
}
