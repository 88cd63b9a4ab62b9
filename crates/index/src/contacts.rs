//! Contacts by number, each with its associations: eight bytes for a contact with one account.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::number::{place, reach};
use crate::roles::RoleNo;
use crate::sharded::Sharded;

/// An association of a contact, packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    account: u32,
    /// The two marks, then the role's number.
    marks: u32,
}

const PRIMARY: u32 = 1;
const SEES: u32 = 1 << 1;
const ROLE_SHIFT: u32 = 2;

impl Part {
    pub(crate) fn new(account: u32, primary: bool, sees: bool, role: RoleNo) -> Self {
        let mark = |on: bool, mark: u32| if on { mark } else { 0 };
        let marks = mark(primary, PRIMARY) | mark(sees, SEES) | role << ROLE_SHIFT;
        Self { account, marks }
    }

    pub(crate) fn account(self) -> u32 {
        self.account
    }

    pub(crate) fn primary(self) -> bool {
        self.marks & PRIMARY != 0
    }

    pub(crate) fn sees_account_tickets(self) -> bool {
        self.marks & SEES != 0
    }

    pub(crate) fn role(self) -> RoleNo {
        self.marks >> ROLE_SHIFT
    }
}

/// A contact: two bits of what it is, and its only association if it has just one.
#[derive(Clone, Copy, Default)]
struct Row {
    /// No account, the only account, or that there are several.
    account: u32,
    /// As of a [`Part`], below the two bits.
    marks: u32,
}

/// The account of a row without one: no account has this number.
const NO_ACCOUNT: u32 = 0;
/// The account of a row with several: no account has this number either.
const SEVERAL: u32 = u32::MAX;
const PRESENT: u32 = 1 << 31;
const BLOCKED: u32 = 1 << 30;
const STATE: u32 = PRESENT | BLOCKED;

impl Row {
    fn only(self) -> Option<Part> {
        let one = self.account != NO_ACCOUNT && self.account != SEVERAL;
        one.then_some(Part {
            account: self.account,
            marks: self.marks & !STATE,
        })
    }

    fn set_only(&mut self, part: Part) {
        self.account = part.account;
        self.marks = self.marks & STATE | part.marks;
    }

    fn set_account(&mut self, account: u32) {
        self.account = account;
        self.marks &= STATE;
    }
}

/// The associations of a contact that has several, by account.
struct Several {
    contact: u32,
    parts: Vec<Part>,
}

/// See the module.
pub(crate) struct Contacts {
    rows: Vec<Row>,
    several: Sharded<Several>,
    /// What the entries of `several` point to.
    several_bytes: usize,
    hashing: RandomState,
}

impl Contacts {
    pub(crate) fn new() -> Self {
        Self {
            rows: Vec::new(),
            several: Sharded::new(),
            several_bytes: 0,
            hashing: RandomState::new(),
        }
    }

    /// Whether a contact is blocked; none: there is no such contact.
    pub(crate) fn blocked(&self, contact: u32) -> Option<bool> {
        let row = self.rows.get(place(contact))?;
        (row.marks & PRESENT != 0).then_some(row.marks & BLOCKED != 0)
    }

    /// Writes a contact, or takes it away; its associations stay what they are.
    pub(crate) fn set_blocked(&mut self, contact: u32, blocked: Option<bool>) {
        reach(&mut self.rows, contact);
        let state = match blocked {
            None => 0,
            Some(false) => PRESENT,
            Some(true) => PRESENT | BLOCKED,
        };
        let row = &mut self.rows[place(contact)];
        row.marks = row.marks & !STATE | state;
    }

    fn parts_of_several(&self, contact: u32) -> &[Part] {
        let hash = self.hashing.hash_one(contact);
        let found = self.several.find(hash, |entry| entry.contact == contact);
        found.map_or(&[], |entry| &entry.parts)
    }

    /// The association of a contact with an account.
    pub(crate) fn part(&self, contact: u32, account: u32) -> Option<Part> {
        let row = self.rows.get(place(contact))?;
        if row.account == SEVERAL {
            let parts = self.parts_of_several(contact);
            let found = parts.binary_search_by_key(&account, |part| part.account);
            return parts.get(found.ok()?).copied();
        }
        row.only().filter(|part| part.account == account)
    }

    /// All associations of a contact, by account.
    pub(crate) fn parts(&self, contact: u32) -> Vec<Part> {
        match self.rows.get(place(contact)) {
            Some(row) if row.account == SEVERAL => self.parts_of_several(contact).to_vec(),
            row => row.and_then(|row| row.only()).into_iter().collect(),
        }
    }

    /// Writes an association, also over the one that is there.
    pub(crate) fn put(&mut self, contact: u32, part: Part) {
        reach(&mut self.rows, contact);
        let row = &mut self.rows[place(contact)];
        match row.only() {
            None if row.account == SEVERAL => self.put_among(contact, part),
            Some(only) if only.account != part.account => {
                row.set_account(SEVERAL);
                let mut parts = vec![only, part];
                parts.sort_by_key(|part| part.account);
                self.add_several(contact, parts);
            }
            _ => row.set_only(part),
        }
    }

    fn add_several(&mut self, contact: u32, parts: Vec<Part>) {
        self.several_bytes += parts.capacity() * size_of::<Part>();
        let hashing = &self.hashing;
        let (hash, entry) = (hashing.hash_one(contact), Several { contact, parts });
        self.several
            .insert(hash, entry, |entry| hashing.hash_one(entry.contact));
    }

    /// Changes the parts of a contact that has several.
    fn with_several<T>(
        &mut self,
        contact: u32,
        change: impl FnOnce(&mut Vec<Part>) -> T,
    ) -> Option<T> {
        let hash = self.hashing.hash_one(contact);
        let found = self
            .several
            .find_mut(hash, |entry| entry.contact == contact);
        let parts = &mut found?.parts;
        let before = parts.capacity();
        let answer = change(parts);
        self.several_bytes += parts.capacity() * size_of::<Part>();
        self.several_bytes -= before * size_of::<Part>();
        Some(answer)
    }

    fn put_among(&mut self, contact: u32, part: Part) {
        self.with_several(contact, |parts| {
            match parts.binary_search_by_key(&part.account, |held| held.account) {
                Ok(at) => parts[at] = part,
                Err(at) => parts.insert(at, part),
            }
        });
    }

    /// Takes an association that is there.
    pub(crate) fn remove(&mut self, contact: u32, account: u32) {
        let Some(row) = self.rows.get_mut(place(contact)) else {
            return;
        };
        if row.account == account {
            row.set_account(NO_ACCOUNT);
        } else if row.account == SEVERAL {
            self.remove_among(contact, account);
        }
    }

    /// Invariant: of several there are at least two; the last one stands in the row.
    fn remove_among(&mut self, contact: u32, account: u32) {
        let left = self.with_several(contact, |parts| {
            parts.retain(|part| part.account != account);
            match parts.as_slice() {
                [last] => Some(*last),
                _ => None,
            }
        });
        if let Some(Some(last)) = left {
            self.rows[place(contact)].set_only(last);
            let hash = self.hashing.hash_one(contact);
            let removed = self.several.remove(hash, |entry| entry.contact == contact);
            let parts = removed.map_or(0, |entry| entry.parts.capacity());
            self.several_bytes -= parts * size_of::<Part>();
        }
    }

    /// One more than the highest number that there may be.
    pub(crate) fn end(&self) -> u32 {
        self.rows.len() as u32
    }

    /// What they take, their associations too.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.several.bytes() + self.several_bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_contact_and_its_associations_are_what_was_written_last() {
        assert_eq!(size_of::<Row>(), 8);
        let mut contacts = Contacts::new();
        let mut expected: BTreeMap<(u32, u32), Part> = BTreeMap::new();
        // A walk over few contacts and accounts that puts and removes in all orders.
        let mut walk = 1_u32;
        for step in 0..20_000 {
            walk = walk.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (contact, account) = (1 + (walk >> 28), 1 + (walk >> 24) % 5);
            if walk >> 16 & 1 == 0 {
                let part = Part::new(account, step % 2 == 0, step % 3 == 0, step % 7);
                contacts.put(contact, part);
                expected.insert((contact, account), part);
            } else {
                contacts.remove(contact, account);
                expected.remove(&(contact, account));
            }
            let blocked = [None, Some(false), Some(true)][(walk >> 13) as usize % 3];
            contacts.set_blocked(contact, blocked);
            assert_eq!(contacts.blocked(contact), blocked);
            let its = expected.range((contact, 0)..=(contact, u32::MAX));
            let its: Vec<Part> = its.map(|(_, part)| *part).collect();
            assert_eq!(contacts.parts(contact), its);
            for account in 1..=5 {
                let part = expected.get(&(contact, account)).copied();
                assert_eq!(contacts.part(contact, account), part);
            }
        }
        let heap: usize = contacts
            .several
            .iter()
            .map(|entry| entry.parts.capacity() * size_of::<Part>())
            .sum();
        assert_eq!(contacts.several_bytes, heap);
    }
}
