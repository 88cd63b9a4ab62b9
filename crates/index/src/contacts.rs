//! Contacts by number, with their associations: eight bytes for a contact with one account.

use std::collections::HashMap;

use roster_core::id::Time;

use crate::number::{make_room, place, reach};
use crate::roles::RoleNo;

/// An association of a contact, packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    account: u32,
    /// The two flags, then the role's number.
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

/// A contact: two bits of state, and its association if it has exactly one.
#[derive(Clone, Copy, Default)]
struct Row {
    /// [`NO_ACCOUNT`], the only account, or [`SEVERAL`].
    account: u32,
    /// The two bits, and below them the marks of a [`Part`] or the position in `several`.
    marks: u32,
}

/// The account of a row without an account: no account has this number.
const NO_ACCOUNT: u32 = 0;
/// The account of a row with several accounts: no account has this number.
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

    fn set_none(&mut self) {
        self.account = NO_ACCOUNT;
        self.marks &= STATE;
    }

    /// Returns the position in `several`, if the contact has several accounts.
    fn several(self) -> Option<usize> {
        (self.account == SEVERAL).then_some(place(self.marks & !STATE))
    }

    /// Invariant: there are no more positions than contacts, so a position also leaves two bits
    /// free.
    fn set_several(&mut self, at: usize) {
        self.account = SEVERAL;
        self.marks = self.marks & STATE | at as u32;
    }
}

/// The bytes of an entry of `visitors_not_before`: key, value and a byte of the table, at a load of
/// at least 7/16.
const REVOKED_BYTES: usize = 2 * (size_of::<(u32, Time)>() + 1);

/// See the module documentation.
pub(crate) struct Contacts {
    rows: Vec<Row>,
    /// The associations of each contact that has several accounts, by account.
    several: Vec<Vec<Part>>,
    /// The heap bytes of the entries of `several`.
    several_bytes: usize,
    /// Unused positions in `several`.
    free: Vec<u32>,
    /// Of the few contacts whose visitor tokens were revoked.
    visitors_not_before: HashMap<u32, Time>,
}

impl Contacts {
    pub(crate) fn new() -> Self {
        Self {
            rows: Vec::new(),
            several: Vec::new(),
            several_bytes: 0,
            free: Vec::new(),
            visitors_not_before: HashMap::new(),
        }
    }

    /// Returns until when the visitor tokens of a contact are revoked.
    pub(crate) fn visitors_not_before(&self, contact: u32) -> Option<Time> {
        if self.visitors_not_before.is_empty() {
            return None;
        }
        self.visitors_not_before.get(&contact).copied()
    }

    /// Writes or removes the time until which the visitor tokens of a contact are revoked.
    pub(crate) fn set_visitors_not_before(&mut self, contact: u32, time: Option<Time>) {
        match time {
            Some(time) => {
                self.visitors_not_before.insert(contact, time);
            }
            None => {
                self.visitors_not_before.remove(&contact);
            }
        }
    }

    /// Returns whether a contact is blocked, or `None` if it does not exist.
    pub(crate) fn blocked(&self, contact: u32) -> Option<bool> {
        let row = self.rows.get(place(contact))?;
        (row.marks & PRESENT != 0).then_some(row.marks & BLOCKED != 0)
    }

    /// Writes or removes a contact; its associations do not change.
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

    /// Returns the association of a contact with an account.
    pub(crate) fn part(&self, contact: u32, account: u32) -> Option<Part> {
        let row = self.rows.get(place(contact))?;
        if let Some(at) = row.several() {
            let parts = &self.several[at];
            let found = parts.binary_search_by_key(&account, |part| part.account);
            return parts.get(found.ok()?).copied();
        }
        row.only().filter(|part| part.account == account)
    }

    /// Returns the number of associations of a contact.
    pub(crate) fn count(&self, contact: u32) -> usize {
        let row = self.rows.get(place(contact));
        row.map_or(0, |row| match row.several() {
            Some(at) => self.several[at].len(),
            None => usize::from(row.only().is_some()),
        })
    }

    /// Returns all associations of a contact, by account.
    pub(crate) fn parts(&self, contact: u32) -> Vec<Part> {
        let Some(row) = self.rows.get(place(contact)) else {
            return Vec::new();
        };
        match row.several() {
            Some(at) => self.several[at].clone(),
            None => row.only().into_iter().collect(),
        }
    }

    /// Writes an association, replacing an existing one.
    pub(crate) fn put(&mut self, contact: u32, part: Part) {
        reach(&mut self.rows, contact);
        let row = self.rows[place(contact)];
        match (row.several(), row.only()) {
            (Some(at), _) => self.put_among(at, part),
            (None, Some(only)) if only.account != part.account => {
                let mut parts = vec![only, part];
                parts.sort_by_key(|part| part.account);
                let at = self.add_several(parts);
                self.rows[place(contact)].set_several(at);
            }
            _ => self.rows[place(contact)].set_only(part),
        }
    }

    /// Stores the parts and returns their position.
    fn add_several(&mut self, parts: Vec<Part>) -> usize {
        self.several_bytes += parts.capacity() * size_of::<Part>();
        if let Some(at) = self.free.pop() {
            self.several[place(at)] = parts;
            return place(at);
        }
        make_room(&mut self.several, 1);
        self.several.push(parts);
        self.several.len() - 1
    }

    /// Changes the parts of a contact that has several accounts.
    fn with_several<T>(&mut self, at: usize, change: impl FnOnce(&mut Vec<Part>) -> T) -> T {
        let parts = &mut self.several[at];
        let before = parts.capacity();
        let answer = change(parts);
        self.several_bytes += parts.capacity() * size_of::<Part>();
        self.several_bytes -= before * size_of::<Part>();
        answer
    }

    fn put_among(&mut self, at: usize, part: Part) {
        self.with_several(at, |parts| {
            match parts.binary_search_by_key(&part.account, |held| held.account) {
                Ok(at) => parts[at] = part,
                Err(at) => parts.insert(at, part),
            }
        });
    }

    /// Removes an existing association.
    pub(crate) fn remove(&mut self, contact: u32, account: u32) {
        let Some(row) = self.rows.get_mut(place(contact)) else {
            return;
        };
        if let Some(at) = row.several() {
            self.remove_among(contact, at, account);
        } else if row.account == account {
            row.set_none();
        }
    }

    /// Invariant: `several` holds at least two associations of a contact; a single association is
    /// in the row.
    fn remove_among(&mut self, contact: u32, at: usize, account: u32) {
        let left = self.with_several(at, |parts| {
            parts.retain(|part| part.account != account);
            match parts.as_slice() {
                [last] => Some(*last),
                _ => None,
            }
        });
        if let Some(last) = left {
            self.rows[place(contact)].set_only(last);
            let removed = std::mem::take(&mut self.several[at]);
            self.several_bytes -= removed.capacity() * size_of::<Part>();
            self.free.push(at as u32);
        }
    }

    /// Returns the highest possible number plus one.
    pub(crate) fn end(&self) -> u32 {
        self.rows.len() as u32
    }

    /// Returns the allocated bytes, including associations.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
            + self.several.capacity() * size_of::<Vec<Part>>()
            + self.several_bytes
            + self.free.capacity() * size_of::<u32>()
            + self.visitors_not_before.capacity() * REVOKED_BYTES
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
        // Puts and removes associations of few contacts and accounts in all orders.
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
            assert_eq!(contacts.count(contact), its.len());
            assert_eq!(contacts.parts(contact), its);
            for account in 1..=5 {
                let part = expected.get(&(contact, account)).copied();
                assert_eq!(contacts.part(contact, account), part);
            }
        }
        let heap: usize = contacts
            .several
            .iter()
            .map(|parts| parts.capacity() * size_of::<Part>())
            .sum();
        assert_eq!(contacts.several_bytes, heap);
        // Positions are reused: there are no more than contacts.
        assert!(contacts.several.len() <= 16);
    }
}
