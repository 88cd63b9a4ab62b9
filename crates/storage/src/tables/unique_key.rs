//! Unique keys as stored in their table.

use roster_core::fact::UniqueKey;

/// Encodes a key for its column: a letter for its kind, then the key, as in `e:taro@example.com`.
/// The keys of tickets are stored with the tickets.
pub(crate) fn key_column(key: &UniqueKey) -> String {
    format!("{}{}", key_prefix(key), key.text())
}

/// Decodes the key of a column.
pub(crate) fn key_of_column(column: &str) -> Option<UniqueKey> {
    let kinds = [
        UniqueKey::AccountExternalId,
        UniqueKey::ContactExternalId,
        UniqueKey::Email,
    ];
    kinds.into_iter().find_map(|of| {
        let text = column.strip_prefix(key_prefix(&of(String::new())))?;
        Some(of(text.to_owned()))
    })
}

fn key_prefix(key: &UniqueKey) -> &'static str {
    match key {
        UniqueKey::AccountExternalId(_) => "a:",
        UniqueKey::ContactExternalId(_) => "c:",
        UniqueKey::Email(_) => "e:",
        UniqueKey::Ticket(_) => "t:",
    }
}

/// The stored number of a key's kind.
pub(crate) fn key_kind(key: &UniqueKey) -> i64 {
    match key {
        UniqueKey::AccountExternalId(_) => 1,
        UniqueKey::ContactExternalId(_) => 2,
        UniqueKey::Email(_) => 3,
        UniqueKey::Ticket(_) => 4,
    }
}
