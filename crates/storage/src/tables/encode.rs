//! Many rows of one table, as the engines are given them: each a list of cells in the order of the
//! table's columns. diesel has no word for an upsert of many rows on both engines; how each writes
//! them stands with the engine.

use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use roster_core::names::Derived;
use roster_core::record::{Account, Association, Contact, Stored, Ticket, TicketStatus};
use serde_json::{Value, json};

use crate::tables::change_set::ChangeSetHead;
use crate::tables::decode::{column, mode_number};
use crate::tables::request_answer::KeptAnswer;

/// How a column travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bool,
    /// As hexadecimal digits.
    Bytes,
}

/// A table that rows are written to; its key is the organization and the first `keys` columns.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) keys: usize,
    pub(crate) columns: &'static [(&'static str, Kind)],
}

/// The names of some of its columns.
pub(crate) fn names(table: &Table, places: std::ops::Range<usize>) -> Vec<&'static str> {
    table.columns[places]
        .iter()
        .map(|(name, _)| *name)
        .collect()
}

use Kind::{Bool, Bytes, Int, Text};

pub(crate) const ACCOUNTS: Table = Table {
    name: "accounts",
    keys: 1,
    columns: &[
        ("account", Int),
        ("name", Text),
        ("name_reading", Text),
        ("external_id", Text),
        ("attributes", Text),
        ("sharing_mode", Int),
        ("sharing_roles", Text),
        ("create_time", Int),
        ("update_time", Int),
        ("revision", Int),
        ("heading", Int),
        ("sort_key", Bytes),
        ("name_key", Text),
        ("search_text", Text),
    ],
};

pub(crate) const CONTACTS: Table = Table {
    name: "contacts",
    keys: 1,
    columns: &[
        ("contact", Int),
        ("family_name", Text),
        ("given_name", Text),
        ("family_name_reading", Text),
        ("given_name_reading", Text),
        ("emails", Text),
        ("external_id", Text),
        ("attributes", Text),
        ("blocked", Bool),
        ("create_time", Int),
        ("update_time", Int),
        ("revision", Int),
        ("heading", Int),
        ("sort_key", Bytes),
        ("name_key", Text),
        ("search_text", Text),
    ],
};

/// What the derivation makes of an account's names, and nothing else of its row.
pub(crate) const DERIVED_ACCOUNTS: Table = Table {
    name: "accounts",
    keys: 1,
    columns: &[
        ("account", Int),
        ("heading", Int),
        ("sort_key", Bytes),
        ("name_key", Text),
        ("search_text", Text),
    ],
};

/// As [`DERIVED_ACCOUNTS`], of a contact's.
pub(crate) const DERIVED_CONTACTS: Table = Table {
    name: "contacts",
    keys: 1,
    columns: &[
        ("contact", Int),
        ("heading", Int),
        ("sort_key", Bytes),
        ("name_key", Text),
        ("search_text", Text),
    ],
};

/// The last column is added to, not written.
pub(crate) const HEADING_COUNTS: Table = Table {
    name: "heading_counts",
    keys: 2,
    columns: &[("kind", Int), ("heading", Int), ("counted", Int)],
};

pub(crate) const GRAM_STRETCHES: Table = Table {
    name: "gram_stretches",
    keys: 3,
    columns: &[("kind", Int), ("gram", Int), ("stretch", Bytes)],
};

pub(crate) const UNIQUE_KEYS: Table = Table {
    name: "unique_keys",
    keys: 1,
    columns: &[("key", Text), ("owner", Int)],
};

pub(crate) const ASSOCIATIONS: Table = Table {
    name: "associations",
    keys: 2,
    columns: &[
        ("contact", Int),
        ("account", Int),
        ("is_primary", Bool),
        ("sees_account_tickets", Bool),
        ("role", Text),
        ("create_time", Int),
        ("revision", Int),
    ],
};

pub(crate) const TICKETS: Table = Table {
    name: "tickets",
    keys: 1,
    columns: &[
        ("ticket", Int),
        ("id", Text),
        ("requester", Int),
        ("account", Int),
        ("subject", Text),
        ("closed", Bool),
        ("is_private", Bool),
        ("create_time", Int),
        ("revision", Int),
    ],
};

/// The columns of a ticket that a move writes.
pub(crate) const MOVED_TICKETS: Table = Table {
    name: "tickets",
    keys: 1,
    columns: &[("ticket", Int), ("account", Int), ("revision", Int)],
};

pub(crate) const COPIES: Table = Table {
    name: "ticket_copies",
    keys: 2,
    columns: &[
        ("ticket", Int),
        ("contact", Int),
        ("position", Int),
        ("create_time", Int),
        ("id", Text),
    ],
};

/// The whole copy list of a ticket.
pub(crate) const COPY_LISTS: Table = Table {
    name: "ticket_copies",
    keys: 1,
    columns: &[("ticket", Int)],
};

pub(crate) const IMPORT_REJECTS: Table = Table {
    name: "import_rejects",
    keys: 2,
    columns: &[
        ("import", Int),
        ("number", Int),
        ("header", Text),
        ("reason", Text),
        ("message", Text),
        ("cells", Text),
    ],
};

pub(crate) const CHANGE_SETS: Table = Table {
    name: "change_sets",
    keys: 1,
    columns: &[
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
    ],
};

pub(crate) const CHANGE_SET_PARTS: Table = Table {
    name: "change_set_parts",
    keys: 2,
    columns: &[("revision", Int), ("part", Int), ("payload", Bytes)],
};

pub(crate) const REQUEST_ANSWERS: Table = Table {
    name: "request_answers",
    keys: 3,
    columns: &[
        ("caller", Text),
        ("rpc", Text),
        ("request_id", Text),
        ("hash", Bytes),
        ("answer", Bytes),
        ("expire_time", Int),
    ],
};

pub(crate) fn change_set_row(head: &ChangeSetHead, parts: usize) -> Value {
    json!([
        column(head.revision.number()),
        head.create_time.micros(),
        head.actor,
        head.command,
        head.source,
        head.job,
        head.request_id,
        head.nonce,
        head.format,
        parts,
    ])
}

pub(crate) fn part_row(revision: Revision, part: usize, payload: &[u8]) -> Value {
    json!([column(revision.number()), part, hex(payload)])
}

pub(crate) fn answer_row(kept: &KeptAnswer) -> Value {
    json!([
        kept.caller,
        kept.rpc,
        kept.request_id,
        hex(&kept.hash),
        hex(&kept.answer),
        kept.expire_time.micros(),
    ])
}

pub(crate) fn account_row(id: AccountId, stored: &Stored<Account>, derived: &Derived) -> Value {
    let (account, revision) = (&stored.record, stored.revision);
    json!([
        column(id.number()),
        account.name.as_str(),
        account.name_reading.as_ref().map(|t| t.as_str()),
        account.external_id.as_ref().map(|t| t.as_str()),
        json_text(&json!(account.attributes)),
        account.sharing_mode.map(mode_number),
        json_text(&Value::from(
            account
                .sharing_roles
                .iter()
                .map(|r| r.as_str())
                .collect::<Vec<_>>()
        )),
        account.create_time.micros(),
        account.update_time.micros(),
        column(revision.number()),
        derived.heading.code(),
        hex(&derived.sort_key),
        derived.name_key,
        derived.search_text,
    ])
}

pub(crate) fn contact_row(id: ContactId, stored: &Stored<Contact>, derived: &Derived) -> Value {
    let (contact, revision) = (&stored.record, stored.revision);
    json!([
        column(id.number()),
        contact.family_name.as_str(),
        contact.given_name.as_ref().map(|t| t.as_str()),
        contact.family_name_reading.as_ref().map(|t| t.as_str()),
        contact.given_name_reading.as_ref().map(|t| t.as_str()),
        json_text(&Value::from(
            contact
                .emails
                .iter()
                .map(|e| e.as_str())
                .collect::<Vec<_>>()
        )),
        contact.external_id.as_ref().map(|t| t.as_str()),
        json_text(&json!(contact.attributes)),
        contact.blocked,
        contact.create_time.micros(),
        contact.update_time.micros(),
        column(revision.number()),
        derived.heading.code(),
        hex(&derived.sort_key),
        derived.name_key,
        derived.search_text,
    ])
}

/// A row of [`DERIVED_ACCOUNTS`] or [`DERIVED_CONTACTS`].
pub(crate) fn derived_row(id: u64, derived: &Derived) -> Value {
    json!([
        column(id),
        derived.heading.code(),
        hex(&derived.sort_key),
        derived.name_key,
        derived.search_text,
    ])
}

pub(crate) fn association_row(pair: Pair, stored: &Stored<Association>) -> Value {
    let association = &stored.record;
    json!([
        column(pair.contact.number()),
        column(pair.account.number()),
        association.primary,
        association.sees_account_tickets,
        association.role.as_str(),
        association.create_time.micros(),
        column(stored.revision.number()),
    ])
}

pub(crate) fn ticket_row(no: TicketNo, stored: &Stored<Ticket>) -> Value {
    let ticket = &stored.record;
    json!([
        column(no.number()),
        ticket.key.as_str(),
        column(ticket.requester.number()),
        ticket.account.map(|a| column(a.number())),
        ticket.subject.as_str(),
        ticket.status == TicketStatus::Closed,
        ticket.private,
        ticket.create_time.micros(),
        column(stored.revision.number()),
    ])
}

fn json_text(value: &Value) -> String {
    value.to_string()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
