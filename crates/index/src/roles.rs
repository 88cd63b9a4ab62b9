//! The roles of associations, each stored once and numbered: a million people share few job titles.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use roster_core::rules::visibility::FoldedRole;

use crate::number::TooLarge;
use crate::sharded::Sharded;

/// The highest number of a role: the bits that an association's flags leave.
const ROLE_MAX: usize = (1 << 28) - 1;

/// The number of a role.
pub(crate) type RoleNo = u32;

/// A role and the number of associations that have it.
struct Slot {
    role: FoldedRole,
    uses: u32,
}

/// See the module documentation.
pub(crate) struct Roles {
    slots: Vec<Slot>,
    numbers: Sharded<RoleNo>,
    /// Slots of unused roles.
    free: Vec<RoleNo>,
    text_bytes: usize,
    hashing: RandomState,
}

impl Roles {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            numbers: Sharded::new(),
            free: Vec::new(),
            text_bytes: 0,
            hashing: RandomState::new(),
        }
    }

    fn text(&self, number: RoleNo) -> Option<&FoldedRole> {
        self.slots.get(number as usize).map(|slot| &slot.role)
    }

    /// Returns the role of an association.
    pub(crate) fn get(&self, number: RoleNo) -> &FoldedRole {
        static NONE: std::sync::LazyLock<FoldedRole> =
            std::sync::LazyLock::new(FoldedRole::default);
        // Invariant: `take` assigned the number of every association.
        debug_assert!(self.text(number).is_some(), "role {number}");
        self.text(number).unwrap_or(&NONE)
    }

    /// Returns the number of a role for one more association.
    pub(crate) fn take(&mut self, role: FoldedRole) -> Result<RoleNo, TooLarge> {
        let hash = self.hashing.hash_one(&role);
        let found = self.numbers.find(hash, |no| self.text(*no) == Some(&role));
        if let Some(number) = found.copied() {
            self.take_again(number);
            return Ok(number);
        }
        self.text_bytes += role.as_str().len();
        let slot = Slot { role, uses: 1 };
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = slot;
                number
            }
            None if self.slots.len() > ROLE_MAX => return Err(TooLarge),
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as RoleNo
            }
        };
        let (slots, hashing) = (&self.slots, &self.hashing);
        self.numbers.insert(hash, number, |no| {
            hashing.hash_one(&slots[*no as usize].role)
        });
        Ok(number)
    }

    /// Counts one more association of a role in use.
    pub(crate) fn take_again(&mut self, number: RoleNo) {
        if let Some(slot) = self.slots.get_mut(number as usize) {
            slot.uses += 1;
        }
    }

    /// Counts one association of a role less.
    pub(crate) fn release(&mut self, number: RoleNo) {
        let Some(slot) = self.slots.get_mut(number as usize) else {
            return;
        };
        slot.uses -= 1;
        if slot.uses == 0 {
            let hash = self.hashing.hash_one(&slot.role);
            self.text_bytes -= slot.role.as_str().len();
            slot.role = FoldedRole::default();
            self.numbers.remove(hash, |no| *no == number);
            self.free.push(number);
        }
    }

    /// Returns the allocated bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.free.capacity() * size_of::<RoleNo>()
            + self.numbers.bytes()
            + self.text_bytes
    }
}

#[cfg(test)]
mod tests {
    use roster_core::text::Role;

    use super::*;

    fn role(text: &str) -> FoldedRole {
        FoldedRole::of(&Role::parse(text).unwrap())
    }

    #[test]
    fn a_role_has_one_number_until_nobody_has_it_and_the_number_is_used_again() {
        let mut roles = Roles::new();
        let empty = roles.take(role("")).unwrap();
        let one = roles.take(role("Manager")).unwrap();
        assert_eq!(roles.take(role("MANAGER")), Ok(one));
        assert_ne!(empty, one);
        assert_eq!(roles.get(one), &role("manager"));
        let bytes = roles.bytes();
        roles.release(one);
        assert_eq!(roles.take(role("manager")), Ok(one));
        roles.release(one);
        roles.release(one);
        assert_eq!(roles.take(role("Partner")), Ok(one));
        assert_eq!(roles.get(one), &role("partner"));
        assert_eq!(roles.get(empty), &role(""));
        assert!(roles.take(role("manager")).unwrap() > one);
        assert!(roles.bytes() > bytes);
    }
}
