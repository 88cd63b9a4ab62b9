//! Rows of ticket lists, and the branches that lists are merged from.

use roster_core::id::{AccountId, ContactId, Revision, TicketNo, Time};
use roster_core::record::{Sharing, Stored, Ticket, TicketStatus};
use roster_core::text::{Subject, TicketKey};

use crate::tables::visibility_row::VisibilityPart;

/// A place in a list of tickets: newest first, then by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketPlace {
    /// The ticket's time.
    pub create_time: Time,
    /// The ticket's id.
    pub id: TicketKey,
}

/// The order of lists.
impl Ord for TicketPlace {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_id = || self.id.cmp(&other.id);
        other.create_time.cmp(&self.create_time).then_with(by_id)
    }
}

impl PartialOrd for TicketPlace {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Tickets that a list is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketSource {
    /// Of one requester.
    Requester(ContactId),
    /// With one contact in copy.
    Copied(ContactId),
    /// Of one account.
    Account(AccountId),
    /// Of these accounts, without the private ones.
    Shared(Vec<AccountId>),
}

/// Tickets that an index holds in the order of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TicketBranch {
    Requester(ContactId),
    Copied(ContactId),
    Account(AccountId),
    Organization,
}

/// A ticket as a list reads it: all but its copy list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTicket {
    /// Where it stands: its time and its id.
    pub place: TicketPlace,
    /// Which ticket.
    pub ticket: TicketNo,
    /// Who asked.
    pub requester: ContactId,
    /// Under which account.
    pub account: Option<AccountId>,
    /// What it is about.
    pub subject: Subject,
    /// Open or closed.
    pub status: TicketStatus,
    /// Whether it is shared with nobody.
    pub private: bool,
    /// The revision that last wrote it.
    pub revision: Revision,
}

impl ListedTicket {
    /// The ticket with its copy list.
    pub fn stored(self, copies: Vec<ContactId>) -> Stored<Ticket> {
        Stored {
            record: Ticket {
                key: self.place.id,
                requester: self.requester,
                account: self.account,
                subject: self.subject,
                status: self.status,
                private: self.private,
                copies,
                create_time: self.place.create_time,
            },
            revision: self.revision,
        }
    }
}

/// How far branches are read.
#[derive(Clone, Copy)]
pub(crate) struct BranchBounds<'a> {
    /// At most so many rows of each, or twice as many from a place in its middle.
    pub(crate) rows_max: usize,
    /// One that has so many rows that count need not be read further.
    pub(crate) enough: usize,
    /// Whether a row of a branch counts.
    pub(crate) counts: &'a dyn Fn(TicketBranch, &ListedTicket) -> bool,
}

/// The next rows of one branch.
#[derive(Clone, Debug, Default)]
pub(crate) struct BranchRows {
    /// In the order of lists.
    pub(crate) rows: Vec<ListedTicket>,
    /// All rows up to this place are here; none: all that the branch has, or all up to the least
    /// such place of the other branches, behind which nothing is known of any.
    pub(crate) known_to: Option<TicketPlace>,
}

/// What a check needs to know of one ticket for one contact, in one row.
pub(crate) struct SightRow {
    pub(crate) ticket: TicketNo,
    pub(crate) key: TicketKey,
    pub(crate) requester: ContactId,
    pub(crate) account: Option<AccountId>,
    pub(crate) private: bool,
    pub(crate) copied: bool,
    pub(crate) sharing: Option<Sharing>,
    pub(crate) association: Option<VisibilityPart>,
}
