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

/// A source of a list's tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketSource {
    /// Tickets of one requester.
    Requester(ContactId),
    /// Tickets with one contact in CC.
    Cc(ContactId),
    /// Tickets of one account.
    Account(AccountId),
    /// Tickets of these accounts, except private ones.
    Shared(Vec<AccountId>),
}

/// A branch: tickets that one index holds in list order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TicketBranch {
    Requester(ContactId),
    Cc(ContactId),
    Account(AccountId),
    Organization,
}

/// A ticket as read for a list: everything except its contacts in CC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTicket {
    /// Its place: time and id.
    pub place: TicketPlace,
    /// Its number.
    pub ticket: TicketNo,
    /// Its requester.
    pub requester: ContactId,
    /// Its account.
    pub account: Option<AccountId>,
    /// Its subject.
    pub subject: Subject,
    /// Open or closed.
    pub status: TicketStatus,
    /// Whether it is private.
    pub private: bool,
    /// The revision that last wrote it.
    pub revision: Revision,
}

impl ListedTicket {
    /// The ticket with its contacts in CC.
    pub fn stored(self, cc: Vec<ContactId>) -> Stored<Ticket> {
        Stored {
            record: Ticket {
                key: self.place.id,
                requester: self.requester,
                account: self.account,
                subject: self.subject,
                status: self.status,
                private: self.private,
                cc,
                create_time: self.place.create_time,
            },
            revision: self.revision,
        }
    }
}

/// How far to read branches.
#[derive(Clone, Copy)]
pub(crate) struct BranchBounds<'a> {
    /// At most this many rows of each, or twice as many from a place in its middle.
    pub(crate) rows_max: usize,
    /// Stop reading a branch after this many matching rows.
    pub(crate) enough: usize,
    /// Whether a row of a branch matches.
    pub(crate) counts: &'a dyn Fn(TicketBranch, &ListedTicket) -> bool,
}

/// The next rows of one branch.
#[derive(Clone, Debug, Default)]
pub(crate) struct BranchRows {
    /// In the order of lists.
    pub(crate) rows: Vec<ListedTicket>,
    /// The rows are complete up to this place. `None`: they are all that the branch has, or they
    /// are complete up to the lowest such place of the other branches, after which nothing is known
    /// of any branch.
    pub(crate) known_to: Option<TicketPlace>,
}

/// The visibility facts of one contact and one ticket, in one row.
pub(crate) struct VisibilityRow {
    pub(crate) ticket: TicketNo,
    pub(crate) key: TicketKey,
    pub(crate) requester: ContactId,
    pub(crate) account: Option<AccountId>,
    pub(crate) private: bool,
    pub(crate) in_cc: bool,
    pub(crate) sharing: Option<Sharing>,
    pub(crate) association: Option<VisibilityPart>,
}
