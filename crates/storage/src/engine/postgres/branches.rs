//! The branches of a list, all in one statement, because each statement is a round trip.

use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;
use roster_core::id::AccountId;

use super::shared::session::Session;
use super::shared::ticket_list::{OF_TICKETS, Part, PartRows, TicketColumns, TicketRow, Writing};
use crate::error::Result;
use crate::tables::column::column;
use crate::tables::organization::Org;
use crate::tables::ticket_list::{BranchBounds, TicketBranch};

/// Up to this many branches, the statement stays prepared: most contacts have few accounts, and
/// each number of branches is another SQL text.
const BRANCHES_KEPT_MAX: usize = 16;

/// The number of a part, and its row.
type Columns = (BigInt, TicketColumns);

impl<'a> Writing<'a, Columns> {
    /// Appends the same part of many accounts' branches, planned once.
    fn lateral(&mut self, accounts: &[(usize, AccountId)], part: Part<'a>) {
        self.join();
        self.statement.words("SELECT p.part, t.* FROM (VALUES ");
        for (place, (number, account)) in accounts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            self.statement
                .words(format!("{comma}({number}::bigint, "))
                .number(column(account.number()))
                .words(")");
        }
        self.statement
            .words(format!(
                ") AS p (part, of) CROSS JOIN LATERAL (SELECT {OF_TICKETS} FROM tickets WHERE org = "
            ))
            .number(self.org)
            .words(" AND account = p.of");
        self.taken(part);
        self.statement.words(") AS t");
    }
}

/// Returns the rows of all parts, branch by branch.
pub(super) fn rows(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    parts: &[Part<'_>],
    bounds: BranchBounds<'_>,
) -> Result<Vec<PartRows>> {
    let mut writing = Writing::<Columns>::new(org, bounds.rows_max);
    let mut lateral: Vec<Vec<(usize, AccountId)>> = vec![Vec::new(); parts.len()];
    for (place, branch) in branches.iter().enumerate() {
        for (kind, part) in parts.iter().enumerate() {
            let number = place * parts.len() + kind;
            match branch {
                TicketBranch::Account(account) => lateral[kind].push((number, *account)),
                TicketBranch::Requester(_) | TicketBranch::Cc(_) | TicketBranch::Organization => {
                    writing.part(Some(number), *branch, *part);
                }
            }
        }
    }
    for (accounts, part) in lateral.iter().zip(parts) {
        if !accounts.is_empty() {
            writing.lateral(accounts, *part);
        }
    }
    let few = branches.len() <= BRANCHES_KEPT_MAX;
    writing.statement.if_few(few);
    let mut rows = vec![PartRows::default(); branches.len() * parts.len()];
    let found: Vec<(i64, TicketRow)> = writing.statement.load(&mut session.conn)?;
    for (part, row) in found {
        if let Some(of_part) = usize::try_from(part).ok().and_then(|n| rows.get_mut(n)) {
            of_part.rows.push(row.listed()?);
        }
    }
    for of_part in &mut rows {
        of_part.more = of_part.rows.len() >= bounds.rows_max;
    }
    Ok(rows)
}
