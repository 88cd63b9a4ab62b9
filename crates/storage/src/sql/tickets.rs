//! Lists of tickets: many branches in one statement, each read in the order of lists from an index
//! of its own and never further than the limit.
//!
//! A place in the middle of a branch makes two parts of it: the rows of the place's own time that
//! come after it by id, and the rows of earlier times. Asked together they would be found by
//! looking at all rows of that time, and after a careless import that is all there are.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use roster_core::id::{AccountId, ContactId, TicketNo, Time};
use roster_core::text::TicketKey;

use super::LATERAL;
use super::session::Session;
use crate::connection::{BranchRows, ListedTicket, Org, Result, TicketBranch, TicketPlace};
use crate::rows::{column, number, status};

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

/// The rows of a branch that a part takes: a condition and an order.
type Part = (&'static str, &'static str);

const ALL: Part = ("", "create_time DESC, id");
const SAME_TIME: Part = ("AND create_time = $2 AND id > $3", "id");
const EARLIER: Part = ("AND create_time < $2", "create_time DESC, id");

const COLUMNS: &str = "create_time, id, ticket, requester, account, closed, is_private";

/// The statement of all parts. They are numbered branch by branch.
fn sql_of(branches: &[TicketBranch], parts: &[Part], limit: usize) -> String {
    let mut texts = Vec::new();
    let mut lateral: Vec<Vec<(usize, AccountId)>> = vec![Vec::new(); parts.len()];
    for (place, branch) in branches.iter().enumerate() {
        for (kind, part) in parts.iter().enumerate() {
            let number = place * parts.len() + kind;
            match branch {
                TicketBranch::Account(account) if LATERAL => {
                    lateral[kind].push((number, *account));
                }
                _ => texts.push(part_sql(number, *branch, *part, limit)),
            }
        }
    }
    for (accounts, part) in lateral.iter().zip(parts) {
        if !accounts.is_empty() {
            texts.push(lateral_sql(accounts, *part, limit));
        }
    }
    texts.join(" UNION ALL ")
}

/// The same part of many accounts' branches, planned once.
fn lateral_sql(accounts: &[(usize, AccountId)], (after, order): Part, limit: usize) -> String {
    let row = |(number, account): &(usize, AccountId)| {
        format!("({number}::bigint, {}::bigint)", column(account.number()))
    };
    let rows: Vec<String> = accounts.iter().map(row).collect();
    let rows = rows.join(", ");
    format!(
        "SELECT p.part, t.* FROM (VALUES {rows}) AS p (part, of) CROSS JOIN LATERAL \
         (SELECT {COLUMNS} FROM tickets WHERE org = $1 AND account = p.of {after} \
         ORDER BY {order} LIMIT {limit}) AS t"
    )
}

/// One part of a branch. Numbers stand in the text: their count differs from call to call anyway.
fn part_sql(number: usize, branch: TicketBranch, (after, order): Part, limit: usize) -> String {
    let of = match branch {
        TicketBranch::Requester(contact) => {
            format!("AND requester = {}", column(contact.number()))
        }
        TicketBranch::Account(account) => format!("AND account = {}", column(account.number())),
        TicketBranch::Organization => String::new(),
        TicketBranch::Copied(contact) => {
            let contact = column(contact.number());
            return format!(
                "SELECT CAST({number} AS BIGINT) AS part, c.create_time, c.id, t.ticket, t.requester, t.account, \
                 t.closed, t.is_private FROM (SELECT org, ticket, create_time, id \
                 FROM ticket_copies WHERE org = $1 AND contact = {contact} {after} \
                 ORDER BY {order} LIMIT {limit}) AS c \
                 JOIN tickets AS t ON t.org = c.org AND t.ticket = c.ticket"
            );
        }
    };
    format!(
        "SELECT * FROM (SELECT CAST({number} AS BIGINT) AS part, {COLUMNS} FROM tickets \
         WHERE org = $1 {of} {after} ORDER BY {order} LIMIT {limit}) AS p{number}"
    )
}

/// See [`ReadLists::ticket_branches`](crate::connection::ReadLists::ticket_branches).
pub(super) fn branches(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    after: Option<&TicketPlace>,
    limit: usize,
) -> Result<Vec<BranchRows>> {
    let parts: &[Part] = match after {
        None => &[ALL],
        Some(_) => &[SAME_TIME, EARLIER],
    };
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    let query = sql_query(sql_of(branches, parts, limit))
        .into_boxed()
        .bind::<BigInt, _>(org);
    let query = match after {
        None => query,
        Some(place) => query
            .bind::<BigInt, _>(place.create_time.micros())
            .bind::<Text, _>(place.id.as_str()),
    };
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
