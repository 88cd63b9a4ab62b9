//! Accounts by number: who of each sees its tickets.

use roster_core::record::SharingMode;
use roster_core::rules::visibility::{FoldedRole, SightSharing};
use roster_core::text::Role;

use crate::number::{place, reach};

/// What the rule asks of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldSharing {
    mode: Option<SharingMode>,
    roles: Box<[FoldedRole]>,
}

impl HeldSharing {
    pub(crate) fn of(mode: Option<SharingMode>, roles: &[Role]) -> Self {
        Self {
            mode,
            roles: FoldedRole::all(roles),
        }
    }

    /// As the rule asks it.
    pub(crate) fn asked(&self) -> SightSharing<'_> {
        SightSharing {
            mode: self.mode,
            roles: &self.roles,
        }
    }

    fn bytes(&self) -> usize {
        let texts: usize = self.roles.iter().map(|role| role.as_str().len()).sum();
        texts + self.roles.len() * size_of::<FoldedRole>()
    }
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
        let added = sharing.as_ref().map_or(0, HeldSharing::bytes);
        let before = std::mem::replace(&mut self.rows[place(account)], sharing);
        self.roles_bytes += added;
        self.roles_bytes -= before.as_ref().map_or(0, HeldSharing::bytes);
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
