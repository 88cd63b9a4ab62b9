//! Lists of tickets: merges the rows of several sources into one order, each ticket once, and never
//! reads more than a page may cost.
//!
//! Invariant: a window holds all rows of all sources up to the place that it is known to. So the
//! rows that pass a filter are the complete list up to there, however rarely the filter matches.

use std::collections::HashSet;

use roster_core::id::{AccountId, ContactId};
use roster_core::record::TicketStatus;

use crate::error::Result;
use crate::read::page_budget::Budget;
use crate::read::snapshot::Snapshot;
use crate::tables::ticket_list::{
    BranchBounds, ListedTicket, TicketBranch, TicketPlace, TicketSource,
};

/// Up to this many accounts are read account by account. Above, the organization's tickets are
/// walked by time, because a contact of that many accounts sees much of them.
pub(crate) const ACCOUNTS_MERGED_MAX: usize = 64;
/// The most rows of one window: some milliseconds, after which the time is checked again.
const WINDOW_ROWS_MAX: usize = 4_096;

/// Rows to read beyond those that are likely to be enough.
const FEW: usize = 8;

/// The filter of a list of tickets.
#[derive(Clone, Debug, Default)]
pub struct TicketFilter {
    /// Only tickets under this account.
    pub account: Option<AccountId>,
    /// Only tickets of this requester.
    pub requester: Option<ContactId>,
    /// Only open or only closed tickets.
    pub status: Option<TicketStatus>,
}

/// A ticket of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTicket {
    /// The ticket.
    pub ticket: ListedTicket,
    /// Whether the list's source of a contact's CC tickets, if it has one, includes the ticket:
    /// exactly then the contact is in CC.
    pub in_cc: bool,
}

/// Tickets found, in the order of lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTickets {
    /// The tickets, without duplicates.
    pub found: Vec<FoundTicket>,
    /// The last place examined, if more may follow.
    pub examined: Option<TicketPlace>,
}

/// Sources as branches, and which rows of the branches belong to the sources.
struct Merged<'a> {
    branches: Vec<TicketBranch>,
    accounts: HashSet<AccountId>,
    shared: HashSet<AccountId>,
    filter: &'a TicketFilter,
}

impl<'a> Merged<'a> {
    fn of(sources: &[TicketSource], filter: &'a TicketFilter) -> Self {
        let mut merged = Self {
            branches: Vec::new(),
            accounts: HashSet::new(),
            shared: HashSet::new(),
            filter,
        };
        for source in sources {
            merged.add(source);
        }
        merged
    }

    fn add(&mut self, source: &TicketSource) {
        match source {
            TicketSource::Requester(contact) => {
                self.branches.push(TicketBranch::Requester(*contact));
            }
            TicketSource::Cc(contact) => {
                self.branches.push(TicketBranch::Cc(*contact));
            }
            TicketSource::Account(account) => {
                self.accounts.insert(*account);
                self.branches.push(TicketBranch::Account(*account));
            }
            TicketSource::Shared(accounts) => {
                let wanted =
                    |account: &&AccountId| self.filter.account.is_none_or(|a| a == **account);
                self.shared = accounts.iter().filter(wanted).copied().collect();
                if self.shared.len() > ACCOUNTS_MERGED_MAX {
                    self.branches.push(TicketBranch::Organization);
                } else {
                    let branch = |account: &AccountId| TicketBranch::Account(*account);
                    self.branches.extend(self.shared.iter().map(branch));
                }
            }
        }
    }

    /// Whether a row of a branch belongs to the branch's source and passes the filter.
    fn passes(&self, branch: TicketBranch, row: &ListedTicket) -> bool {
        let of = |accounts: &HashSet<AccountId>| row.account.is_some_and(|a| accounts.contains(&a));
        let sourced = match branch {
            TicketBranch::Requester(_) | TicketBranch::Cc(_) => true,
            TicketBranch::Account(_) | TicketBranch::Organization => {
                of(&self.accounts) || !row.private && of(&self.shared)
            }
        };
        let same = |status: TicketStatus| row.status == status;
        sourced
            && self.filter.account.is_none_or(|a| row.account == Some(a))
            && self.filter.requester.is_none_or(|c| row.requester == c)
            && self.filter.status.is_none_or(same)
    }
}

/// Returns the next rows that pass, without duplicates, and the place up to which they are
/// complete. Reads at most this many rows of each branch, and stops once `enough` rows pass. The
/// filter does not depend on the branch, so a ticket passes in every branch or in no branch.
fn window(
    at: &mut Snapshot<'_>,
    merged: &Merged<'_>,
    after: Option<&TicketPlace>,
    (rows, enough): (usize, usize),
) -> Result<(Vec<FoundTicket>, Option<TicketPlace>)> {
    // A place in the middle of a branch splits it into two parts.
    let parts = merged.branches.len() * if after.is_some() { 2 } else { 1 };
    at.take_rows(rows * parts)?;
    let bounds = BranchBounds {
        rows_max: rows,
        enough,
        counts: &|branch, row| merged.passes(branch, row),
    };
    let branches = at
        .connection
        .ticket_branches(at.org, &merged.branches, after, bounds)?;
    let known_to = branches.iter().filter_map(|b| b.known_to.clone()).min();
    let mut passing: Vec<FoundTicket> = Vec::new();
    for (branch, found) in merged.branches.iter().zip(branches) {
        let passes = |row: &ListedTicket| {
            known_to.as_ref().is_none_or(|known| row.place <= *known) && merged.passes(*branch, row)
        };
        let in_cc = matches!(branch, TicketBranch::Cc(_));
        let rows = found.rows.into_iter().filter(passes);
        passing.extend(rows.map(|ticket| FoundTicket { ticket, in_cc }));
    }
    passing.sort_unstable_by(|a, b| a.ticket.place.cmp(&b.ticket.place));
    passing.dedup_by(|again, first| {
        let same = again.ticket.ticket == first.ticket.ticket;
        first.in_cc |= same && again.in_cc;
        same
    });
    Ok((passing, known_to))
}

/// Returns the next tickets of any of these sources that pass the filter, at most `limit`.
pub(crate) fn page(
    at: &mut Snapshot<'_>,
    sources: &[TicketSource],
    filter: &TicketFilter,
    after: Option<&TicketPlace>,
    limit: usize,
    budget: Budget,
) -> Result<FoundTickets> {
    let merged = Merged::of(sources, filter);
    let rows_max = (WINDOW_ROWS_MAX / merged.branches.len().max(1)).max(1);
    // A quarter more than wanted: in most accounts, some tickets are private.
    let mut rows = (limit + limit / 4).clamp(1, rows_max);
    let mut place = after.cloned();
    let mut found: Vec<FoundTicket> = Vec::new();
    let mut missing = limit;
    loop {
        let (passing, known_to) = window(at, &merged, place.as_ref(), (rows, missing))?;
        let passed = passing.len();
        found.extend(passing.into_iter().take(missing));
        missing = limit - found.len();
        if missing == 0 {
            let examined = found.last().map(|row| row.ticket.place.clone());
            return Ok(FoundTickets { found, examined });
        }
        if known_to.is_none() || budget.is_spent() {
            return Ok(FoundTickets {
                found,
                examined: known_to,
            });
        }
        place = known_to;
        // As many rows as contain the missing matches at the rate so far, and a few more. Rare
        // matches are sought in larger steps.
        let likely = (rows * missing * 5).checked_div(passed * 4);
        rows = likely
            .map_or(rows * 4, |likely| likely.min(rows * 4) + FEW)
            .min(rows_max);
    }
}

#[cfg(test)]
mod tests;
