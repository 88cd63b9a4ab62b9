//! The branches of a list, each part in a statement of its own: to ask costs next to nothing here, and
//! few texts serve any number of branches.

use roster_core::id::Time;

use super::session::Session;
use super::tickets::{Part, PartRow, Writing};
use crate::connection::{Org, Result, TicketBranch};
use crate::rows::column;

/// The rows of all parts, numbered branch by branch.
///
/// A part that came to its limit hides what follows in all branches, which so need not be read.
pub(super) fn rows(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    parts: &[Part<'_>],
    limit: usize,
) -> Result<Vec<PartRow>> {
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
            let mut writing = Writing::new(org, limit);
            writing.since = Some(since);
            writing.part(0, *branch, *part);
            let of_part = writing.rows(session)?;
            if of_part.len() >= limit {
                let oldest = of_part.iter().map(|row| row.create_time).min();
                since = since.max(Time::from_micros(oldest.unwrap_or(i64::MIN)));
            }
            let part = column((place * parts.len() + kind) as u64);
            rows.extend(of_part.into_iter().map(|mut row| {
                row.part = part;
                row
            }));
        }
    }
    Ok(rows)
}
