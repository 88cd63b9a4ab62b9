//! Keys as columns, and rows as parameters.

use roster_core::id::{AccountId, ContactId, TicketNo};

use super::unpack;
use crate::engine::statement::Given;
use crate::tables::cell::{ColumnType, Rows};
use crate::tables::column::{column, number};
use crate::tables::organization::Org;

/// The cells of an unpacked row under these names.
pub(crate) fn named_columns(columns: &[(&str, ColumnType)]) -> String {
    let one = |(place, (name, kind)): (usize, &(&str, ColumnType))| {
        format!("{} AS {name}", unpack::column(place, *kind))
    };
    columns
        .iter()
        .enumerate()
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The wanted keys as rows of a statement, with the parameters that [`given`] returns.
pub(super) fn wanted(columns: &[(&str, ColumnType)]) -> String {
    format!(
        "(SELECT {} AS org, {} {} {}) AS wanted",
        unpack::ORG,
        named_columns(columns),
        unpack::FROM,
        unpack::ONCE,
    )
}

/// The parameters of a statement that unpacks rows: the organization, and the rows as JSON.
pub(crate) fn given(org: Org, rows: &Rows<'_>) -> [Given<'static>; 2] {
    [
        Given::Number(Some(org)),
        Given::Text(Some(rows.json().into())),
    ]
}

pub(super) fn contact_columns(ids: &[ContactId]) -> Vec<i64> {
    ids.iter().map(|id| column(id.number())).collect()
}

pub(super) fn account_columns(ids: &[AccountId]) -> Vec<i64> {
    ids.iter().map(|id| column(id.number())).collect()
}

pub(super) fn contact_id(stored: i64) -> ContactId {
    ContactId::new(number(stored))
}

pub(super) fn account_id(stored: i64) -> AccountId {
    AccountId::new(number(stored))
}

pub(super) fn ticket_no(stored: i64) -> TicketNo {
    TicketNo::new(number(stored))
}
