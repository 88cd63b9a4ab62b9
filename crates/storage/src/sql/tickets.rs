//! Lists of tickets: many branches, each read in the order of lists from an index of its own and
//! never further than the limit.
//!
//! A place in the middle of a branch makes two parts of it: the rows of the place's own time that
//! come after it by id, and the rows of earlier times. Asked together they would be found by
//! looking at all rows of that time, and after a careless import that is all there are.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use roster_core::id::{AccountId, ContactId, Revision, TicketNo, Time};
use roster_core::text::{Subject, TicketKey};

use super::session::Session;
use super::{TOGETHER, by_index};
use crate::connection::{BranchRows, ListedTicket, Org, Result, TicketBranch, TicketPlace};
use crate::rows::{column, number, status};
use crate::statement::Statement;

/// The columns of a part, as [`PartRow`] has them.
type Columns = (
    BigInt,
    BigInt,
    Text,
    BigInt,
    BigInt,
    Nullable<BigInt>,
    Text,
    Bool,
    Bool,
    BigInt,
);

#[derive(Queryable)]
struct PartRow {
    part: i64,
    create_time: i64,
    id: String,
    ticket: i64,
    requester: i64,
    account: Option<i64>,
    subject: String,
    closed: bool,
    is_private: bool,
    revision: i64,
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
            subject: Subject::trusted(self.subject),
            status: status(self.closed),
            private: self.is_private,
            revision: Revision::new(number(self.revision)),
        }
    }
}

/// The rows of a branch that a part takes.
#[derive(Clone, Copy)]
enum Part<'a> {
    All,
    /// Those of a place's time that come after it by id.
    SameTime(&'a TicketPlace),
    /// Those of earlier times than a place's.
    Earlier(&'a TicketPlace),
}

impl Part<'_> {
    fn order(self) -> &'static str {
        match self {
            Self::All | Self::Earlier(_) => "create_time DESC, id",
            Self::SameTime(_) => "id",
        }
    }
}

/// The columns as the tickets' table names them, without the part's number.
const OF_TICKETS: &str =
    "create_time, id, ticket, requester, account, subject, closed, is_private, revision";
/// The same of a copy `c` and its ticket `t`.
const OF_COPIES: &str = "c.create_time, c.id, t.ticket, t.requester, t.account, t.subject, \
     t.closed, t.is_private, t.revision";

/// Up to so many branches a statement of all stays prepared: most contacts have few accounts, and
/// each number of branches is another text.
const BRANCHES_KEPT_MAX: usize = 16;

/// A statement of parts that is being written.
struct Writing<'a> {
    statement: Statement<'a, Columns>,
    org: Org,
    limit: i64,
    /// No rows before this time.
    since: Option<Time>,
    parts: usize,
}

impl<'a> Writing<'a> {
    fn new(org: Org, limit: usize) -> Self {
        Self {
            statement: Statement::default(),
            org,
            limit: column(limit as u64),
            since: None,
            parts: 0,
        }
    }

    /// Goes between two parts.
    fn join(&mut self) {
        if self.parts > 0 {
            self.statement.words(" UNION ALL ");
        }
        self.parts += 1;
    }

    /// One part of a branch.
    fn part(&mut self, number: usize, branch: TicketBranch, part: Part<'a>) {
        self.join();
        let (index, of) = match branch {
            TicketBranch::Copied(contact) => return self.copied(number, contact, part),
            TicketBranch::Requester(contact) => (
                "tickets_by_requester",
                Some(("requester", contact.number())),
            ),
            TicketBranch::Account(account) => {
                ("tickets_by_account", Some(("account", account.number())))
            }
            TicketBranch::Organization => ("tickets_by_time", None),
        };
        let by = by_index(index);
        self.statement.words(format!(
            "SELECT * FROM (SELECT CAST({number} AS BIGINT) AS part, {OF_TICKETS} \
             FROM tickets {by} WHERE org = "
        ));
        self.statement.number(self.org);
        if let Some((name, id)) = of {
            self.statement
                .words(format!(" AND {name} = "))
                .number(column(id));
        }
        self.taken(part);
        self.statement.words(format!(") AS p{number}"));
    }

    fn copied(&mut self, number: usize, contact: ContactId, part: Part<'a>) {
        let by = by_index("ticket_copies_by_contact");
        self.statement
            .words(format!(
                "SELECT CAST({number} AS BIGINT) AS part, {OF_COPIES} FROM \
                 (SELECT org, ticket, create_time, id FROM ticket_copies {by} WHERE org = "
            ))
            .number(self.org)
            .words(" AND contact = ")
            .number(column(contact.number()));
        self.taken(part);
        self.statement
            .words(") AS c JOIN tickets AS t ON t.org = c.org AND t.ticket = c.ticket");
    }

    /// The same part of many accounts' branches, planned once.
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

    /// Which rows a part takes, in which order, and how many.
    fn taken(&mut self, part: Part<'a>) {
        if let Some(since) = self.since {
            self.statement
                .words(" AND create_time >= ")
                .number(since.micros());
        }
        match part {
            Part::All => {}
            Part::SameTime(place) => {
                self.statement
                    .words(" AND create_time = ")
                    .number(place.create_time.micros())
                    .words(" AND id > ")
                    .text(place.id.as_str());
            }
            Part::Earlier(place) => {
                self.statement
                    .words(" AND create_time < ")
                    .number(place.create_time.micros());
            }
        }
        // A sum, since SQLite plans with the value of a parameter that stands alone as a limit, and
        // so plans anew whenever one is bound.
        self.statement
            .words(format!(" ORDER BY {} LIMIT 0 + ", part.order()))
            .number(self.limit);
    }

    fn rows(self, session: &mut Session) -> Result<Vec<PartRow>> {
        Ok(self.statement.load(&mut session.conn)?)
    }
}

/// All parts in one statement: an engine at the end of a wire is asked once.
fn together(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    parts: &[Part<'_>],
    limit: usize,
) -> Result<Vec<PartRow>> {
    let mut writing = Writing::new(org, limit);
    let mut lateral: Vec<Vec<(usize, AccountId)>> = vec![Vec::new(); parts.len()];
    for (place, branch) in branches.iter().enumerate() {
        for (kind, part) in parts.iter().enumerate() {
            let number = place * parts.len() + kind;
            match branch {
                TicketBranch::Account(account) => lateral[kind].push((number, *account)),
                _ => writing.part(number, *branch, *part),
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
    writing.rows(session)
}

/// Each part in a statement of its own: an engine within reach answers a short one at once, and
/// few texts serve any number of branches.
///
/// A part that came to its limit hides what follows in all branches, which so need not be read.
fn one_by_one(
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
            rows.extend(of_part.into_iter().map(|row| PartRow { part, ..row }));
        }
    }
    Ok(rows)
}

/// See [`ReadLists::ticket_branches`](crate::connection::ReadLists::ticket_branches).
pub(super) fn branches(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    after: Option<&TicketPlace>,
    limit: usize,
) -> Result<Vec<BranchRows>> {
    let parts: &[Part<'_>] = match after {
        None => &[Part::All],
        Some(place) => &[Part::SameTime(place), Part::Earlier(place)],
    };
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    let ask = if TOGETHER { together } else { one_by_one };
    let mut found: Vec<Vec<ListedTicket>> = vec![Vec::new(); branches.len() * parts.len()];
    for row in ask(session, org, branches, parts, limit)? {
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
