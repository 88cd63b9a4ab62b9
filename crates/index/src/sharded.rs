//! A hash table in shards: it grows one shard at a time, so that no caller waits for the growth of
//! the whole table.

use hashbrown::HashTable;

/// Shards of a table of unknown size: at ten million entries, a shard has 160,000 entries and grows
/// in milliseconds.
const SHARDS_MIN: usize = 64;
/// Entries planned for each shard if the total is known beforehand: a little below seven eighths of
/// 4,096 slots, at which it would double.
const ENTRIES_PLANNED: usize = 3_000;

/// A hash table whose caller supplies both hash and equality.
pub(crate) struct Sharded<T> {
    /// Empty until the first insertion.
    shards: Vec<HashTable<T>>,
    /// The allocated bytes of the shards.
    bytes: usize,
}

impl<T> Sharded<T> {
    /// Creates an empty table.
    pub(crate) fn new() -> Self {
        Self {
            shards: Vec::new(),
            bytes: 0,
        }
    }

    /// Creates an empty table with room for this many entries; it rarely grows.
    pub(crate) fn with_room(entries: usize) -> Self {
        let mut table = Self::new();
        if entries > 0 {
            let shards = entries.div_ceil(ENTRIES_PLANNED).max(SHARDS_MIN);
            table.cut(shards, entries.div_ceil(shards));
        }
        table
    }

    fn cut(&mut self, shards: usize, entries_each: usize) {
        self.shards.reserve_exact(shards);
        self.shards
            .resize_with(shards, || HashTable::with_capacity(entries_each));
        self.bytes = self.shards.iter().map(HashTable::allocation_size).sum();
    }

    /// Returns the shard of a hash. Uses bits other than the lowest and highest, which the shard
    /// itself uses.
    fn shard(&self, hash: u64) -> usize {
        let middle = (hash >> 24) & u64::from(u32::MAX);
        ((middle * self.shards.len() as u64) >> 32) as usize
    }

    /// Returns the entry with this hash that `is` accepts.
    pub(crate) fn find(&self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&T> {
        self.shards.get(self.shard(hash))?.find(hash, is)
    }

    /// Adds an entry that is not in the table.
    pub(crate) fn insert(&mut self, hash: u64, entry: T, hash_of: impl Fn(&T) -> u64) {
        if self.shards.is_empty() {
            self.cut(SHARDS_MIN, 0);
        }
        let shard = self.shard(hash);
        if let Some(table) = self.shards.get_mut(shard) {
            let before = table.allocation_size();
            table.insert_unique(hash, entry, hash_of);
            self.bytes += table.allocation_size() - before;
        }
    }

    /// Removes the entry with this hash that `is` accepts.
    pub(crate) fn remove(&mut self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<T> {
        let shard = self.shard(hash);
        let found = self.shards.get_mut(shard)?.find_entry(hash, is).ok()?;
        Some(found.remove().0)
    }

    /// Returns all entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.shards.iter().flatten()
    }

    /// Returns the allocated bytes, without the heap data of the entries.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.shards.capacity() * size_of::<HashTable<T>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that share all bits, or only the lowest.
    fn hash_of(entry: &u64) -> u64 {
        if *entry < 1_000 {
            7
        } else {
            entry.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        }
    }

    #[test]
    fn entries_are_found_and_removed_whole_also_where_all_hashes_are_one() {
        for mut table in [
            Sharded::new(),
            Sharded::with_room(4_000),
            Sharded::with_room(500_000),
        ] {
            for entry in 0..4_000 {
                assert_eq!(table.find(hash_of(&entry), |e| *e == entry), None);
                table.insert(hash_of(&entry), entry, hash_of);
            }
            assert_eq!(table.iter().count(), 4_000);
            for entry in (0..4_000).step_by(2) {
                let removed = table.remove(hash_of(&entry), |e| *e == entry);
                assert_eq!(removed, Some(entry));
            }
            for entry in 0..4_000 {
                let found = table.find(hash_of(&entry), |e| *e == entry);
                assert_eq!(found.is_some(), entry % 2 == 1, "{entry}");
            }
            let allocated: usize = table.shards.iter().map(HashTable::allocation_size).sum();
            assert_eq!(table.bytes, allocated);
        }
    }

    #[test]
    fn entries_spread_over_all_shards() {
        let mut table = Sharded::with_room(500_000);
        for entry in 1_000..501_000 {
            table.insert(hash_of(&entry), entry, hash_of);
        }
        let fullest = table.shards.iter().map(HashTable::len).max();
        assert!(fullest < Some(ENTRIES_PLANNED * 7 / 6), "{fullest:?}");
    }
}
