//! The tables that storage writes besides the tables of records, each with the cells of its rows.

use roster_core::fact::UniqueKey;
use roster_core::id::{AccountId, ImportId, Revision, TicketNo};
use roster_core::names::Derived;
use roster_core::record::Ticket;

use crate::tables::cell::ColumnType::{Bool, Bytes, Int, Text};
use crate::tables::cell::{Cell, ColumnType, Rows, Table};
use crate::tables::change_set::ChangeSetHead;
use crate::tables::codec::push_derived;
use crate::tables::column::column;
use crate::tables::import_record::ImportReject;
use crate::tables::request_answer::KeptAnswer;
use crate::tables::unique_key::{key_column, key_kind};

/// A table without stamps.
const fn table(
    name: &'static str,
    keys: usize,
    columns: &'static [(&'static str, ColumnType)],
) -> Table {
    Table {
        name,
        keys,
        columns,
        stamps: &[],
    }
}

impl Table {
    /// Creates an empty list of its rows.
    pub(crate) fn rows<'a>(&self) -> Rows<'a> {
        Rows::of_width(self.columns.len())
    }

    /// Creates an empty list of its keys.
    pub(crate) fn key_rows<'a>(&self) -> Rows<'a> {
        Rows::of_width(self.keys)
    }
}

fn int<'a>(number: u64) -> Cell<'a> {
    Cell::Int(Some(column(number)))
}

const DERIVED: [(&str, ColumnType); 4] = [
    ("heading", Int),
    ("sort_key", Bytes),
    ("name_key", Text),
    ("search_text", Text),
];

/// The derived columns of an account.
pub(crate) const DERIVED_ACCOUNTS: Table = table(
    "accounts",
    1,
    &[
        ("account", Int),
        DERIVED[0],
        DERIVED[1],
        DERIVED[2],
        DERIVED[3],
    ],
);

/// The derived columns of a contact.
pub(crate) const DERIVED_CONTACTS: Table = table(
    "contacts",
    1,
    &[
        ("contact", Int),
        DERIVED[0],
        DERIVED[1],
        DERIVED[2],
        DERIVED[3],
    ],
);

/// Appends a row of [`DERIVED_ACCOUNTS`] or [`DERIVED_CONTACTS`].
pub(crate) fn push_derived_row<'a>(rows: &mut Rows<'a>, id: u64, derived: &'a Derived) {
    rows.push(int(id));
    push_derived(rows, derived);
}

/// How many records each heading has. Writes add to the last column.
pub(crate) const HEADING_COUNTS: Table = table(
    "heading_counts",
    2,
    &[("kind", Int), ("heading", Int), ("counted", Int)],
);

pub(crate) const GRAM_STRETCHES: Table = table(
    "gram_stretches",
    3,
    &[("kind", Int), ("gram", Int), ("stretch", Bytes)],
);

pub(crate) const UNIQUE_KEYS: Table = table(
    "unique_keys",
    1,
    &[
        ("key", Text),
        ("owner", Int),
        ("kind", Int),
        ("system", Text),
        ("folded", Text),
    ],
);

/// The key of a row of [`UNIQUE_KEYS`].
pub(crate) fn unique_key_cell(key: &UniqueKey) -> Cell<'static> {
    Cell::Text(Some(key_column(key).into()))
}

/// Appends a row of [`UNIQUE_KEYS`]. Every external id has the system "", and every key is folded.
pub(crate) fn push_unique_key(rows: &mut Rows<'_>, key: &UniqueKey, owner: u64) {
    rows.push_row([
        unique_key_cell(key),
        int(owner),
        Cell::Int(Some(key_kind(key))),
        Cell::text(""),
        Cell::Text(None),
    ]);
}

/// The columns of a ticket that a move writes.
pub(crate) const MOVED_TICKETS: Table = table(
    "tickets",
    1,
    &[("ticket", Int), ("account", Int), ("revision", Int)],
);

/// Appends a row of [`MOVED_TICKETS`].
pub(crate) fn push_moved_ticket(
    rows: &mut Rows<'_>,
    ticket: TicketNo,
    account: Option<AccountId>,
    revision: Revision,
) {
    rows.push_row([
        int(ticket.number()),
        Cell::Int(account.map(|id| column(id.number()))),
        int(revision.number()),
    ]);
}

pub(crate) const CC: Table = table(
    "ticket_copies",
    2,
    &[
        ("ticket", Int),
        ("contact", Int),
        ("position", Int),
        ("create_time", Int),
        ("id", Text),
    ],
);

/// Appends the rows of a ticket's contacts in CC to the rows of [`CC`].
pub(crate) fn push_cc<'a>(rows: &mut Rows<'a>, number: TicketNo, ticket: &'a Ticket) {
    for (position, contact) in ticket.cc.iter().enumerate() {
        rows.push_row([
            int(number.number()),
            int(contact.number()),
            int(position as u64),
            Cell::Int(Some(ticket.create_time.micros())),
            Cell::text(ticket.key.as_str()),
        ]);
    }
}

/// All contacts in CC of a ticket.
pub(crate) const CC_LISTS: Table = table("ticket_copies", 1, &[("ticket", Int)]);

pub(crate) const IMPORT_REJECTS: Table = table(
    "import_rejects",
    2,
    &[
        ("import", Int),
        ("number", Int),
        ("header", Text),
        ("reason", Text),
        ("message", Text),
        ("cells", Text),
    ],
);

/// Appends a row of [`IMPORT_REJECTS`].
pub(crate) fn push_reject<'a>(rows: &mut Rows<'a>, import: ImportId, reject: &'a ImportReject) {
    // PostgreSQL cannot store NUL; in the cells it is escaped.
    let without_nul = |text: &'a str| Cell::Text(Some(text.replace('\0', "").into()));
    let cells = serde_json::to_string(&reject.cells).unwrap_or_default();
    rows.push_row([
        int(import.number()),
        int(reject.number),
        without_nul(&reject.header),
        Cell::text(&reject.reason),
        without_nul(&reject.message),
        Cell::Text(Some(cells.into())),
    ]);
}

pub(crate) const CHANGE_SETS: Table = table(
    "change_sets",
    1,
    &[
        ("revision", Int),
        ("create_time", Int),
        ("actor", Text),
        ("command", Text),
        ("source", Text),
        ("job", Int),
        ("request_id", Text),
        ("nonce", Int),
        ("format", Int),
        ("parts", Int),
        ("credential", Text),
        ("origin_kind", Int),
        ("origin_id", Int),
        ("undoes", Int),
        ("epoch", Int),
    ],
);

/// Appends a row of [`CHANGE_SETS`].
pub(crate) fn push_change_set<'a>(rows: &mut Rows<'a>, head: &'a ChangeSetHead, parts: usize) {
    let origin = head.origin;
    let origin_id = Cell::Int(origin.id.map(column));
    rows.push_row([
        int(head.revision.number()),
        Cell::Int(Some(head.create_time.micros())),
        Cell::text(&head.actor),
        Cell::text(&head.command),
        Cell::text(origin.kind.source()),
        origin_id.clone(),
        Cell::Text(head.request_id.as_deref().map(Into::into)),
        Cell::Int(Some(head.nonce)),
        Cell::Int(Some(head.format)),
        int(parts as u64),
        Cell::text(&head.credential),
        Cell::Int(Some(origin.kind.number())),
        origin_id,
        Cell::Int(None),
        Cell::Int(Some(head.epoch)),
    ]);
}

pub(crate) const CHANGE_SET_PARTS: Table = table(
    "change_set_parts",
    2,
    &[("revision", Int), ("part", Int), ("payload", Bytes)],
);

/// Appends a row of [`CHANGE_SET_PARTS`].
pub(crate) fn push_part<'a>(
    rows: &mut Rows<'a>,
    revision: Revision,
    part: usize,
    payload: &'a [u8],
) {
    rows.push_row([
        int(revision.number()),
        int(part as u64),
        Cell::bytes(payload),
    ]);
}

/// The records that a change set concerns, if they are few.
pub(crate) const CHANGE_SET_SUBJECTS: Table = table(
    "change_set_subjects",
    3,
    &[("kind", Int), ("subject", Int), ("revision", Int)],
);

/// The records that a change set concerns, if they are many: one bitmap of numbers per kind.
pub(crate) const CHANGE_SET_BITMAPS: Table = table(
    "change_set_bitmaps",
    2,
    &[("revision", Int), ("kind", Int), ("bitmap", Bytes)],
);

pub(crate) const REQUEST_ANSWERS: Table = table(
    "request_answers",
    3,
    &[
        ("caller", Text),
        ("rpc", Text),
        ("request_id", Text),
        ("hash", Bytes),
        ("answer", Bytes),
        ("expire_time", Int),
    ],
);

/// Appends a row of [`REQUEST_ANSWERS`].
pub(crate) fn push_answer<'a>(rows: &mut Rows<'a>, kept: &'a KeptAnswer) {
    rows.push_row([
        Cell::text(&kept.caller),
        Cell::text(&kept.rpc),
        Cell::text(&kept.request_id),
        Cell::bytes(&kept.hash),
        Cell::bytes(&kept.answer),
        Cell::Int(Some(kept.expire_time.micros())),
    ]);
}

/// The key columns of an association's row in a JSON parameter.
pub(crate) const PAIRS: [(&str, ColumnType); 2] = [("contact", Int), ("account", Int)];

/// The key column of a contact's row in a JSON parameter.
pub(crate) const CONTACT_KEYS: [(&str, ColumnType); 1] = [("contact", Int)];

/// The columns of the searched names in a JSON parameter.
pub(crate) const NAMES_SOUGHT: [(&str, ColumnType); 4] = [
    ("place", Int),
    ("name_key", Text),
    ("known", Bool),
    ("addressed", Bool),
];
