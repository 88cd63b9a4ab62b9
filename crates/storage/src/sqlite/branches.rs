//! The branches of a list, each part in a statement of its own: to ask costs next to nothing here, and
//! few texts serve any number of branches.

use diesel::RunQueryDsl;
use roster_core::id::Time;

use super::session::Session;
use super::tickets::{Part, TicketColumns, TicketRow, Writing};
use crate::connection::{Org, Result, TicketBranch};

/// The rows of all parts, numbered branch by branch.
///
/// A part that came to its limit hides what follows in all branches, which so need not be read.
pub(super) fn rows(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    parts: &[Part<'_>],
    limit: usize,
) -> Result<Vec<(usize, TicketRow)>> {
    let mut rows = Vec::new();
    let mut since = Time::from_micros(i64::MIN);
    // Those of accounts and of all first, since they are the most likely to come to the limit.
    let mut in_turn: Vec<_> = branches.iter().enumerate().collect();
    let is_small = |branch: &TicketBranch| {
        matches!(branch, TicketBranch::Requester(_) | TicketBranch::Copied(_))
    };
    in_turn.sort_by_key(|(_, branch)| is_small(branch));
    for (place, branch) in in_turn {
        for (kind, part) in parts.iter().enumerate() {
            let mut writing = Writing::<TicketColumns>::new(org, limit);
            writing.since = Some(since);
            writing.part(None, *branch, *part);
            let of_part: Vec<TicketRow> = writing.statement.load(&mut session.conn)?;
            if of_part.len() >= limit {
                let oldest = of_part.iter().map(|row| row.create_time).min();
                since = since.max(Time::from_micros(oldest.unwrap_or(i64::MIN)));
            }
            let number = place * parts.len() + kind;
            rows.extend(of_part.into_iter().map(|row| (number, row)));
        }
    }
    Ok(rows)
}
