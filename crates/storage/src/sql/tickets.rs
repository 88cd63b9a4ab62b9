//! Lists of tickets: many branches in one statement, each read in the order of lists from an index
//! of its own and never further than the limit.
//!
//! A place in the middle of a branch makes two parts of it: the rows of the place's own time that
//! come after it by id, and the rows of earlier times. Asked together they would be found by
//! looking at all rows of that time, and after a careless import that is all there are.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use roster_core::id::{AccountId, ContactId, TicketNo, Time};
use roster_core::text::TicketKey;

use super::LATERAL;
use super::session::Session;
use crate::connection::{BranchRows, ListedTicket, Org, Result, TicketBranch, TicketPlace};
use crate::rows::{column, number, status};
use crate::statement::Statement;

#[derive(QueryableByName)]
struct PartRow {
    #[diesel(sql_type = BigInt)]
    part: i64,
    #[diesel(sql_type = BigInt)]
    create_time: i64,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    ticket: i64,
    #[diesel(sql_type = BigInt)]
    requester: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    account: Option<i64>,
    #[diesel(sql_type = Bool)]
    closed: bool,
    #[diesel(sql_type = Bool)]
    is_private: bool,
}

impl PartRow {
    fn listed(self) -> ListedTicket {
        ListedTicket {
            place: TicketPlace {
                create_time: Time::from_micros(self.create_time),
                id: TicketKey::trusted(self.id),
            },
            ticket: TicketNo::new(number(self.ticket)),
            requester: ContactId::new(number(self.requester)),
            account: self.account.map(|account| AccountId::new(number(account))),
            status: status(self.closed),
            private: self.is_private,
        }
    }
}

/// Up to so many branches the statement stays prepared: most contacts have few accounts, and each
/// number of branches is another text.
const BRANCHES_KEPT_MAX: usize = 16;

const COLUMNS: &str = "create_time, id, ticket, requester, account, closed, is_private";

/// The rows of a branch that a part takes.
#[derive(Clone, Copy)]
enum Part<'p> {
    All,
    /// Those of a place's time that come after it by id.
    SameTime(&'p TicketPlace),
    /// Those of earlier times.
    Earlier(&'p TicketPlace),
}

impl Part<'_> {
    /// The end of a branch's statement: its condition, order and limit. A limit that is a parameter
    /// alone is something SQLite plans by, and prepares the statement anew for whenever it is bound;
    /// a sum is not.
    fn end(self, statement: Statement, limit: usize) -> Statement {
        let (statement, order) = match self {
            Self::All => (statement, "create_time DESC, id"),
            Self::SameTime(place) => {
                let statement = statement.words(" AND create_time = ");
                let statement = statement.number(place.create_time.micros());
                let statement = statement.words(" AND id > ").text(place.id.as_str());
                (statement, "id")
            }
            Self::Earlier(place) => {
                let statement = statement.words(" AND create_time < ");
                let statement = statement.number(place.create_time.micros());
                (statement, "create_time DESC, id")
            }
        };
        let statement = statement.words(format!(" ORDER BY {order} LIMIT 0 + "));
        statement.number(column(limit as u64))
    }
}

/// The statement of all parts. They are numbered branch by branch.
fn statement_of(
    org: Org,
    branches: &[TicketBranch],
    parts: &[Part<'_>],
    limit: usize,
) -> Statement {
    let mut statements = Vec::new();
    let mut lateral: Vec<Vec<(usize, AccountId)>> = vec![Vec::new(); parts.len()];
    for (place, branch) in branches.iter().enumerate() {
        for (kind, part) in parts.iter().enumerate() {
            let number = place * parts.len() + kind;
            match branch {
                TicketBranch::Account(account) if LATERAL => {
                    lateral[kind].push((number, *account));
                }
                _ => statements.push(part_of(number, org, *branch, *part, limit)),
            }
        }
    }
    for (accounts, part) in lateral.iter().zip(parts) {
        if !accounts.is_empty() {
            statements.push(lateral_of(accounts, org, *part, limit));
        }
    }
    Statement::joined(statements, " UNION ALL ").if_few(branches.len() <= BRANCHES_KEPT_MAX)
}

/// The same part of many accounts' branches, planned once.
fn lateral_of(
    accounts: &[(usize, AccountId)],
    org: Org,
    part: Part<'_>,
    limit: usize,
) -> Statement {
    let row = |(number, account): &(usize, AccountId)| {
        format!("({number}::bigint, {}::bigint)", column(account.number()))
    };
    let rows: Vec<String> = accounts.iter().map(row).collect();
    let rows = rows.join(", ");
    let statement = Statement::default().words(format!(
        "SELECT p.part, t.* FROM (VALUES {rows}) AS p (part, of) CROSS JOIN LATERAL \
         (SELECT {COLUMNS} FROM tickets WHERE org = "
    ));
    let statement = statement.number(org).words(" AND account = p.of");
    part.end(statement, limit).words(") AS t")
}

/// One part of a branch.
fn part_of(
    number: usize,
    org: Org,
    branch: TicketBranch,
    part: Part<'_>,
    limit: usize,
) -> Statement {
    if let TicketBranch::Copied(contact) = branch {
        let statement = Statement::default().words(format!(
            "SELECT CAST({number} AS BIGINT) AS part, c.create_time, c.id, t.ticket, t.requester, \
             t.account, t.closed, t.is_private FROM (SELECT org, ticket, create_time, id \
             FROM ticket_copies WHERE org = "
        ));
        let statement = statement.number(org).words(" AND contact = ");
        let statement = part.end(statement.number(column(contact.number())), limit);
        return statement
            .words(") AS c JOIN tickets AS t ON t.org = c.org AND t.ticket = c.ticket");
    }
    let statement = Statement::default().words(format!(
        "SELECT * FROM (SELECT CAST({number} AS BIGINT) AS part, {COLUMNS} FROM tickets WHERE org = "
    ));
    let statement = statement.number(org);
    let statement = match branch {
        TicketBranch::Requester(contact) => {
            let statement = statement.words(" AND requester = ");
            statement.number(column(contact.number()))
        }
        TicketBranch::Account(account) => {
            let statement = statement.words(" AND account = ");
            statement.number(column(account.number()))
        }
        TicketBranch::Organization | TicketBranch::Copied(_) => statement,
    };
    part.end(statement, limit).words(format!(") AS p{number}"))
}

/// See [`ReadLists::ticket_branches`](crate::connection::ReadLists::ticket_branches).
pub(super) fn branches(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    after: Option<&TicketPlace>,
    limit: usize,
) -> Result<Vec<BranchRows>> {
    let parts = match after {
        None => vec![Part::All],
        Some(place) => vec![Part::SameTime(place), Part::Earlier(place)],
    };
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    let query = statement_of(org, branches, &parts, limit);
    let mut found: Vec<Vec<ListedTicket>> = vec![Vec::new(); branches.len() * parts.len()];
    for row in query.load::<PartRow>(&mut session.conn)? {
        if let Some(rows) = usize::try_from(row.part)
            .ok()
            .and_then(|n| found.get_mut(n))
        {
            rows.push(row.listed());
        }
    }
    let joined = found
        .chunks_mut(parts.len())
        .map(|parts| joined(parts, limit));
    Ok(joined.collect())
}

/// The parts of one branch, one after the other. A part that came to its limit hides what follows.
fn joined(parts: &mut [Vec<ListedTicket>], limit: usize) -> BranchRows {
    let mut all = BranchRows::default();
    for part in parts {
        // A join keeps no order.
        part.sort_by(|a, b| a.place.cmp(&b.place));
        let full = part.len() >= limit;
        all.rows.append(part);
        if full {
            all.known_to = all.rows.last().map(|row| row.place.clone());
            break;
        }
    }
    all
}
