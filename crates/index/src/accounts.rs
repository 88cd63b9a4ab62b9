//! Accounts by number: the sharing of each.

use roster_core::rules::visibility::HeldSharing;

use crate::number::{place, reach};

/// Returns the heap bytes of an account's roles.
fn bytes(sharing: &HeldSharing) -> usize {
    let roles = sharing.facts().roles;
    let texts: usize = roles.iter().map(|role| role.as_str().len()).sum();
    texts + size_of_val(roles)
}

/// See the module documentation.
#[derive(Default)]
pub(crate) struct Accounts {
    rows: Vec<Option<HeldSharing>>,
    /// The heap bytes of the rows.
    roles_bytes: usize,
}

impl Accounts {
    pub(crate) fn get(&self, account: u32) -> Option<&HeldSharing> {
        self.rows.get(place(account))?.as_ref()
    }

    /// Writes or removes an account.
    pub(crate) fn set(&mut self, account: u32, sharing: Option<HeldSharing>) {
        reach(&mut self.rows, account);
        let added = sharing.as_ref().map_or(0, bytes);
        let before = std::mem::replace(&mut self.rows[place(account)], sharing);
        self.roles_bytes += added;
        self.roles_bytes -= before.as_ref().map_or(0, bytes);
    }

    /// Returns the highest possible number plus one.
    pub(crate) fn end(&self) -> u32 {
        self.rows.len() as u32
    }

    /// Returns the allocated bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Option<HeldSharing>>() + self.roles_bytes
    }
}
