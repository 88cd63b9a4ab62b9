//! Lists of tickets: many branches, each read in list order from its own index and never further
//! than the limit.
//!
//! A place in the middle of a branch splits the rest into two parts: the rows with the place's own
//! time that follow it by id, and the rows with earlier times. A single query for both would
//! examine all rows with that time, and after a careless import every row may have it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use roster_core::id::{ContactId, Revision, TicketNo, Time};
use roster_core::text::{Subject, TicketKey};

use super::session::Session;
use super::{branches, by_index};
use crate::engine::statement::Statement;
use crate::error::Result;
use crate::tables::codec::not_understood;
use crate::tables::column::{LogValue, column, status};
use crate::tables::organization::Org;
use crate::tables::ticket_list::{
    BranchBounds, BranchRows, ListedTicket, TicketBranch, TicketPlace,
};

/// The columns of [`TicketRow`].
pub(crate) type TicketColumns = (
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

/// A ticket as read for a part.
#[derive(Queryable)]
pub(crate) struct TicketRow {
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

impl TicketRow {
    /// The ticket, if every value of the row is understood.
    pub(crate) fn listed(self) -> Result<ListedTicket> {
        let unclear = |column| not_understood("tickets", column, &[self.ticket]);
        let requester = ContactId::from_log(self.requester);
        let account = LogValue::from_log(self.account);
        let revision = Revision::from_log(self.revision);
        Ok(ListedTicket {
            place: TicketPlace {
                create_time: Time::from_micros(self.create_time),
                id: TicketKey::trusted(self.id),
            },
            ticket: TicketNo::from_log(self.ticket).ok_or_else(|| unclear("ticket"))?,
            requester: requester.ok_or_else(|| unclear("requester"))?,
            account: account.ok_or_else(|| unclear("account"))?,
            subject: Subject::trusted(self.subject),
            status: status(self.closed),
            private: self.is_private,
            revision: revision.ok_or_else(|| unclear("revision"))?,
        })
    }
}

/// Which rows of a branch a part selects.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    All,
    /// Rows with the place's time that follow it by id.
    SameTime(&'a TicketPlace),
    /// Rows with earlier times than the place's.
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

/// The rows read of a part.
#[derive(Clone, Default)]
pub(crate) struct PartRows {
    pub(crate) rows: Vec<ListedTicket>,
    /// Whether more rows may follow: the read reached its limit.
    pub(crate) more: bool,
}

/// The columns of a row of the tickets table.
pub(crate) const OF_TICKETS: &str =
    "create_time, id, ticket, requester, account, subject, closed, is_private, revision";
/// The same columns for a CC row `c` and its ticket `t`.
const OF_CC: &str = "c.create_time, c.id, t.ticket, t.requester, t.account, t.subject, \
     t.closed, t.is_private, t.revision";

/// Builds a statement of parts.
pub(crate) struct Writing<'a, Columns> {
    pub(crate) statement: Statement<'a, Columns>,
    pub(crate) org: Org,
    limit: i64,
    /// Excludes rows before this time.
    pub(crate) since: Option<Time>,
    parts: usize,
}

impl<'a, Columns> Writing<'a, Columns> {
    pub(crate) fn new(org: Org, limit: usize) -> Self {
        Self {
            statement: Statement::default(),
            org,
            limit: column(limit as u64),
            since: None,
            parts: 0,
        }
    }

    /// Separates two parts.
    pub(crate) fn join(&mut self) {
        if self.parts > 0 {
            self.statement.words(" UNION ALL ");
        }
        self.parts += 1;
    }

    /// Appends one part of a branch. If a statement has several parts, their rows begin with its
    /// `number`.
    pub(crate) fn part(&mut self, number: Option<usize>, branch: TicketBranch, part: Part<'a>) {
        self.join();
        let number =
            number.map_or_else(String::new, |number| format!("CAST({number} AS BIGINT), "));
        let (index, of) = match branch {
            TicketBranch::Cc(contact) => return self.cc(&number, contact, part),
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
            "SELECT * FROM (SELECT {number}{OF_TICKETS} FROM tickets {by} WHERE org = "
        ));
        self.statement.number(self.org);
        if let Some((name, id)) = of {
            self.statement
                .words(format!(" AND {name} = "))
                .number(column(id));
        }
        self.taken(part);
        self.statement.words(format!(") AS p{}", self.parts));
    }

    fn cc(&mut self, number: &str, contact: ContactId, part: Part<'a>) {
        let by = by_index("ticket_copies_by_contact");
        self.statement
            .words(format!(
                "SELECT {number}{OF_CC} FROM \
                 (SELECT org, ticket, create_time, id FROM ticket_copies {by} WHERE org = "
            ))
            .number(self.org)
            .words(" AND contact = ")
            .number(column(contact.number()));
        self.taken(part);
        self.statement
            .words(") AS c JOIN tickets AS t ON t.org = c.org AND t.ticket = c.ticket");
    }

    /// Appends the conditions, the order and the limit of a part.
    pub(crate) fn taken(&mut self, part: Part<'a>) {
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
        // `0 +`, because SQLite plans with the value of a parameter that is the whole LIMIT
        // expression, and so replans each time it is bound.
        self.statement
            .words(format!(" ORDER BY {} LIMIT 0 + ", part.order()))
            .number(self.limit);
    }
}

/// See [`ReadLists::ticket_branches`](crate::engine::interface::ReadLists::ticket_branches).
pub(crate) fn branches(
    session: &mut Session,
    org: Org,
    branches: &[TicketBranch],
    after: Option<&TicketPlace>,
    bounds: BranchBounds<'_>,
) -> Result<Vec<BranchRows>> {
    let parts: &[Part<'_>] = match after {
        None => &[Part::All],
        Some(place) => &[Part::SameTime(place), Part::Earlier(place)],
    };
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = branches::rows(session, org, branches, parts, bounds)?;
    Ok(found.chunks_mut(parts.len()).map(joined).collect())
}

/// Joins the parts of one branch, in order. If a part has more rows, the parts after it are hidden.
fn joined(parts: &mut [PartRows]) -> BranchRows {
    let mut all = BranchRows::default();
    for part in parts {
        // A join keeps no order.
        part.rows.sort_by(|a, b| a.place.cmp(&b.place));
        all.rows.append(&mut part.rows);
        if part.more {
            all.known_to = all.rows.last().map(|row| row.place.clone());
            break;
        }
    }
    all
}
