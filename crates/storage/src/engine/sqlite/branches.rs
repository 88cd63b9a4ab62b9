//! The branches of a list, each part in its own statement: a statement costs next to nothing here,
//! and few SQL texts serve any number of branches.

use diesel::RunQueryDsl;
use diesel::connection::DefaultLoadingMode;
use roster_core::id::Time;

use super::shared::session::Session;
use super::shared::ticket_list::{Part, PartRows, TicketColumns, TicketRow, Writing};
use crate::error::Result;
use crate::tables::organization::Org;
use crate::tables::ticket_list::{BranchBounds, TicketBranch};

/// Returns the rows of all parts, branch by branch.
///
/// If a part has more rows, the parts after it are hidden in all branches, so they need not be
/// read.
pub(super) fn rows(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    parts: &[Part<'_>],
    bounds: BranchBounds<'_>,
) -> Result<Vec<PartRows>> {
    let mut rows = vec![PartRows::default(); branches.len() * parts.len()];
    let mut since = Time::from_micros(i64::MIN);
    // Branches of accounts and of all tickets first, because they most likely have more rows.
    let mut in_turn: Vec<_> = branches.iter().zip(rows.chunks_mut(parts.len())).collect();
    let is_small =
        |branch: TicketBranch| matches!(branch, TicketBranch::Requester(_) | TicketBranch::Cc(_));
    in_turn.sort_by_key(|(branch, _)| is_small(**branch));
    for (branch, of_branch) in in_turn {
        for (part, read) in parts.iter().zip(of_branch) {
            let mut writing = Writing::new(org, bounds.rows_max);
            writing.since = Some(since);
            writing.part(None, *branch, *part);
            *read = part_of(session, writing, *branch, bounds)?;
            if read.more {
                let oldest = read.rows.iter().map(|row| row.place.create_time).min();
                since = since.max(oldest.unwrap_or(since));
            }
        }
    }
    Ok(rows)
}

/// Reads one part as far as its bounds allow.
fn part_of(
    session: &mut Session,
    writing: Writing<'_, TicketColumns>,
    branch: TicketBranch,
    bounds: BranchBounds<'_>,
) -> Result<PartRows> {
    let mut read = PartRows::default();
    let mut counted = 0;
    // A join keeps no order, so the last row read says nothing about the rows that follow.
    let in_order = !matches!(branch, TicketBranch::Cc(_));
    let rows = writing.statement;
    for row in rows.load_iter::<TicketRow, DefaultLoadingMode>(&mut session.conn)? {
        let row = row?.listed()?;
        counted += usize::from((bounds.counts)(branch, &row));
        read.rows.push(row);
        if in_order && counted == bounds.enough {
            read.more = true;
            return Ok(read);
        }
    }
    read.more = read.rows.len() >= bounds.rows_max;
    Ok(read)
}
