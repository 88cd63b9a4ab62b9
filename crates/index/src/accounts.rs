//! Accounts by number: who of each sees its tickets.

use roster_core::rules::visibility::HeldSharing;

use crate::number::{place, reach};

/// What the texts of an account's roles take, and the roles.
fn bytes(sharing: &HeldSharing) -> usize {
    let roles = sharing.asked().roles;
    let texts: usize = roles.iter().map(|role| role.as_str().len()).sum();
    texts + size_of_val(roles)
}

/// See the module.
#[derive(Default)]
pub(crate) struct Accounts {
    rows: Vec<Option<HeldSharing>>,
    /// What the rows point to.
    roles_bytes: usize,
}

impl Accounts {
    pub(crate) fn get(&self, account: u32) -> Option<&HeldSharing> {
        self.rows.get(place(account))?.as_ref()
    }

    /// Writes an account, or takes it away.
    pub(crate) fn set(&mut self, account: u32, sharing: Option<HeldSharing>) {
        reach(&mut self.rows, account);
        let added = sharing.as_ref().map_or(0, bytes);
        let before = std::mem::replace(&mut self.rows[place(account)], sharing);
        self.roles_bytes += added;
        self.roles_bytes -= before.as_ref().map_or(0, bytes);
    }

    /// One more than the highest number that there may be.
    pub(crate) fn end(&self) -> u32 {
        self.rows.len() as u32
    }

    /// What they take.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Option<HeldSharing>>() + self.roles_bytes
    }
}
