//! Keys as columns and as parameters.

use roster_core::id::{AccountId, ContactId, TicketNo};

use super::unpack;
use crate::engine::statement::Given;
use crate::tables::cell::{ColumnType, Rows};
use crate::tables::column::{column, number};
use crate::tables::organization::Org;

/// The wanted keys as rows of a statement, with the parameters that [`given`] returns.
pub(super) fn wanted(columns: &[(&str, ColumnType)]) -> String {
    format!(
        "(SELECT {} AS org, {} {} {}) AS wanted",
        unpack::ORG,
        unpack::named_columns(columns),
        unpack::FROM,
        unpack::ONCE,
    )
}

pub(super) fn given(org: Org, keys: &Rows<'_>) -> [Given<'static>; 2] {
    [
        Given::Number(Some(org)),
        Given::Text(Some(keys.json().into())),
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
