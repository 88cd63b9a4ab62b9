//! Tickets by number and by the caller's id. Ids are compared whole: two ids with the same hash
//! remain different. The hash has a random key, so that callers cannot choose ids that collide.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::number::{TooLarge, make_room, place, reach};
use crate::sharded::Sharded;

/// Removed ids below this many bytes are always kept, whatever their share: compaction walks all
/// tickets.
const GARBAGE_KEPT: usize = 64 << 10;

/// The fields of a ticket that the visibility rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TicketParts {
    pub(crate) requester: u32,
    /// 0 if there is no account.
    pub(crate) account: u32,
    pub(crate) private: bool,
}

/// A packed ticket.
#[derive(Clone, Copy, Default)]
struct Row {
    /// 0 if the ticket does not exist.
    requester: u32,
    /// The account (0 if there is no account), below the two flags.
    marked_account: u32,
    /// The length of the id in one byte, then the id itself, so that comparing it also fetches the
    /// ticket. An id longer than [`HERE_MAX`] is in `keys`, and this holds its position.
    id: [u8; 1 + HERE_MAX],
}

/// The longest id in the row: ticket systems use counters, and their ids are shorter.
const HERE_MAX: usize = 15;

const PRIVATE: u32 = 1 << 31;
/// Whether the ticket has contacts in CC: most tickets have no entry there and need no lookup.
const CC_BIT: u32 = 1 << 30;
const MARKS: u32 = PRIVATE | CC_BIT;

impl Row {
    fn id_length(&self) -> usize {
        usize::from(self.id[0])
    }

    fn is_elsewhere(&self) -> bool {
        self.id_length() > HERE_MAX
    }

    /// Returns the position of an id that is in `keys`.
    fn key(&self) -> usize {
        let [_, a, b, c, d, ..] = self.id;
        place(u32::from_le_bytes([a, b, c, d]))
    }

    fn set_key(&mut self, key: u32) {
        self.id[1..5].copy_from_slice(&key.to_le_bytes());
    }

    fn parts(self) -> TicketParts {
        TicketParts {
            requester: self.requester,
            account: self.marked_account & !MARKS,
            private: self.marked_account & PRIVATE != 0,
        }
    }

    fn set(&mut self, parts: TicketParts) {
        let private = if parts.private { PRIVATE } else { 0 };
        self.requester = parts.requester;
        self.marked_account = self.marked_account & CC_BIT | private | parts.account;
    }
}

/// The contacts in CC of a ticket, by number.
struct CcList {
    ticket: u32,
    contacts: Box<[u32]>,
}

/// See the module documentation.
pub(crate) struct Tickets<S = RandomState> {
    rows: Vec<Row>,
    /// The ids that are too long for a row.
    keys: Vec<u8>,
    /// How many of these bytes belong to removed ids.
    garbage: usize,
    numbers: Sharded<u32>,
    cc: Sharded<CcList>,
    /// The heap bytes of the entries of `cc`.
    cc_bytes: usize,
    hashing: S,
}

impl<S: BuildHasher> Tickets<S> {
    pub(crate) fn new(hashing: S) -> Self {
        Self {
            rows: Vec::new(),
            keys: Vec::new(),
            garbage: 0,
            numbers: Sharded::new(),
            cc: Sharded::new(),
            cc_bytes: 0,
            hashing,
        }
    }

    /// Returns the ticket with an id.
    pub(crate) fn find(&self, key: &str) -> Option<u32> {
        let key = key.as_bytes();
        let hash = self.hashing.hash_one(key);
        let has = |ticket: &u32| key_of(&self.rows, &self.keys, *ticket) == key;
        self.numbers.find(hash, has).copied()
    }

    /// Returns the id of an existing ticket.
    pub(crate) fn key(&self, ticket: u32) -> &[u8] {
        key_of(&self.rows, &self.keys, ticket)
    }

    /// Returns a ticket.
    pub(crate) fn get(&self, ticket: u32) -> Option<TicketParts> {
        let row = self.rows.get(place(ticket))?;
        (row.requester != 0).then(|| row.parts())
    }

    /// Adds a ticket under an unused id. [`find`](Self::find) does not return it yet.
    pub(crate) fn add_unfound(
        &mut self,
        ticket: u32,
        key: &str,
        parts: TicketParts,
    ) -> Result<(), TooLarge> {
        let length = u8::try_from(key.len()).map_err(|_| TooLarge)?;
        let end = u32::try_from(self.keys.len() + key.len()).map_err(|_| TooLarge)?;
        reach(&mut self.rows, ticket);
        let row = &mut self.rows[place(ticket)];
        row.id[0] = length;
        if row.is_elsewhere() {
            row.set_key(end - u32::from(length));
            make_room(&mut self.keys, key.len());
            self.keys.extend_from_slice(key.as_bytes());
        } else {
            row.id[1..1 + key.len()].copy_from_slice(key.as_bytes());
        }
        row.set(parts);
        Ok(())
    }

    /// Adds a ticket under an unused id.
    pub(crate) fn add(
        &mut self,
        ticket: u32,
        key: &str,
        parts: TicketParts,
    ) -> Result<(), TooLarge> {
        self.add_unfound(ticket, key, parts)?;
        self.make_found(ticket);
        Ok(())
    }

    fn make_found(&mut self, ticket: u32) {
        let (rows, keys, hashing) = (&self.rows, &self.keys, &self.hashing);
        let hash_of = |ticket: &u32| hashing.hash_one(key_of(rows, keys, *ticket));
        self.numbers.insert(hash_of(&ticket), ticket, hash_of);
    }

    /// Builds the table by id with its final size, and flags the tickets that have contacts in CC.
    pub(crate) fn make_all_found(&mut self) {
        let living = self.rows.iter().filter(|row| row.requester != 0).count();
        self.numbers = Sharded::with_room(living);
        for ticket in 0..self.end() {
            if self.get(ticket).is_some() {
                self.make_found(ticket);
            }
        }
        for cc in self.cc.iter() {
            let row = self.rows.get_mut(place(cc.ticket));
            if let Some(row) = row.filter(|row| row.requester != 0) {
                row.marked_account |= CC_BIT;
            }
        }
    }

    /// Writes the fields of an existing ticket.
    pub(crate) fn set(&mut self, ticket: u32, parts: TicketParts) {
        self.rows[place(ticket)].set(parts);
    }

    /// Moves a ticket if it has this requester and account; returns whether it did.
    pub(crate) fn moved(&mut self, ticket: u32, requester: u32, before: u32, after: u32) -> bool {
        let Some(row) = self.rows.get_mut(place(ticket)) else {
            return false;
        };
        let matches = row.requester == requester && row.marked_account & !MARKS == before;
        if matches {
            row.marked_account = row.marked_account & MARKS | after;
        }
        matches
    }

    /// Removes an existing ticket and its CC list.
    pub(crate) fn remove(&mut self, ticket: u32) {
        self.set_cc(ticket, Box::default());
        let hash = self.hashing.hash_one(self.key(ticket));
        self.numbers.remove(hash, |number| *number == ticket);
        let row = std::mem::take(&mut self.rows[place(ticket)]);
        if row.is_elsewhere() {
            self.garbage += row.id_length();
        }
        if self.garbage > GARBAGE_KEPT && self.garbage > self.keys.len() / 2 {
            self.throw_garbage_out();
        }
    }

    fn throw_garbage_out(&mut self) {
        let mut kept = Vec::with_capacity(self.keys.len() - self.garbage);
        // The row of a removed ticket has no id.
        for row in self.rows.iter_mut().filter(|row| row.is_elsewhere()) {
            let (at, from) = (kept.len() as u32, row.key());
            kept.extend_from_slice(&self.keys[from..from + row.id_length()]);
            row.set_key(at);
        }
        self.keys = kept;
        self.garbage = 0;
    }

    /// Returns the contacts in CC of a ticket, by number.
    pub(crate) fn cc(&self, ticket: u32) -> &[u32] {
        match self.rows.get(place(ticket)) {
            Some(row) if row.marked_account & CC_BIT != 0 => self.cc_listed(ticket),
            _ => &[],
        }
    }

    fn cc_listed(&self, ticket: u32) -> &[u32] {
        let hash = self.hashing.hash_one(ticket);
        let found = self.cc.find(hash, |entry| entry.ticket == ticket);
        found.map_or(&[], |entry| &entry.contacts)
    }

    /// Writes the CC list of an existing ticket: contacts by number.
    pub(crate) fn set_cc(&mut self, ticket: u32, contacts: Box<[u32]>) {
        if !self.cc(ticket).is_empty() {
            let hash = self.hashing.hash_one(ticket);
            let removed = self.cc.remove(hash, |entry| entry.ticket == ticket);
            let contacts = removed.map_or(0, |entry| entry.contacts.len());
            self.cc_bytes -= contacts * size_of::<u32>();
        }
        let row = &mut self.rows[place(ticket)];
        row.marked_account &= !CC_BIT;
        if !contacts.is_empty() {
            row.marked_account |= CC_BIT;
            self.list_cc(ticket, contacts);
        }
    }

    /// Stores a CC list without flagging its ticket: see [`make_all_found`](Self::make_all_found).
    pub(crate) fn list_cc(&mut self, ticket: u32, contacts: Box<[u32]>) {
        self.cc_bytes += contacts.len() * size_of::<u32>();
        let hashing = &self.hashing;
        let (hash, entry) = (hashing.hash_one(ticket), CcList { ticket, contacts });
        self.cc
            .insert(hash, entry, |entry| hashing.hash_one(entry.ticket));
    }

    /// Returns the highest possible number plus one.
    pub(crate) fn end(&self) -> u32 {
        self.rows.len() as u32
    }

    /// Returns the allocated bytes, without the CC lists.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.keys.capacity() + self.numbers.bytes()
    }

    /// Returns the allocated bytes of the CC lists.
    pub(crate) fn cc_bytes(&self) -> usize {
        self.cc.bytes() + self.cc_bytes
    }
}

/// Returns the id of an existing ticket.
fn key_of<'k>(rows: &'k [Row], keys: &'k [u8], ticket: u32) -> &'k [u8] {
    let row = &rows[place(ticket)];
    let length = row.id_length();
    if row.is_elsewhere() {
        &keys[row.key()..row.key() + length]
    } else {
        &row.id[1..1 + length]
    }
}

#[cfg(test)]
mod tests;
