//! The known revisions of an organization with their nonces. A nonce distinguishes a revision that
//! a restore lost from a later revision with the same number.

use std::collections::VecDeque;

use roster_core::id::Revision;
use roster_core::organization::RevisionId;

/// How many nonces are kept, newest first: half a mebibyte. A token is older only if its holder
/// waited through tens of thousands of writes, and the database knows the older revisions.
pub const REVISIONS_KNOWN_MAX: usize = 65_536;

/// What is known about a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The organization had it.
    Yes,
    /// Its number has another nonce: a restore lost it, and another revision has its number.
    Lost,
    /// It is later than the revision in memory.
    Ahead,
    /// It is earlier than the known revisions.
    Older,
}

/// The nonces up to the newest revision.
pub(crate) struct KnownRevisions {
    newest: Revision,
    /// Oldest first; never empty.
    nonces: VecDeque<i64>,
}

impl KnownRevisions {
    pub(crate) fn from(at: RevisionId) -> Self {
        Self {
            newest: at.revision,
            nonces: VecDeque::from([at.nonce]),
        }
    }

    /// Returns the newest revision.
    pub(crate) fn at(&self) -> RevisionId {
        RevisionId {
            revision: self.newest,
            nonce: self.nonces.back().copied().unwrap_or_default(),
        }
    }

    /// Adds the next revision.
    pub(crate) fn add(&mut self, nonce: i64) {
        if self.nonces.len() == REVISIONS_KNOWN_MAX {
            self.nonces.pop_front();
        }
        self.nonces.push_back(nonce);
        self.newest = self.newest.next();
    }

    pub(crate) fn knows(&self, at: RevisionId) -> Known {
        let same = |nonce: i64| {
            if nonce == at.nonce {
                Known::Yes
            } else {
                Known::Lost
            }
        };
        if at.revision == Revision::ZERO {
            return same(RevisionId::default().nonce);
        }
        let Some(back) = self.newest.number().checked_sub(at.revision.number()) else {
            return Known::Ahead;
        };
        let place = (self.nonces.len() as u64).checked_sub(1 + back);
        let nonce = place.and_then(|place| self.nonces.get(place as usize));
        nonce.map_or(Known::Older, |nonce| same(*nonce))
    }

    /// Returns the allocated bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.nonces.capacity() * size_of::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(revision: u64, nonce: i64) -> RevisionId {
        RevisionId {
            revision: Revision::new(revision),
            nonce,
        }
    }

    #[test]
    fn a_revision_is_known_by_its_nonce_lost_ahead_or_older() {
        let mut revisions = KnownRevisions::from(at(10, 100));
        revisions.add(110);
        assert_eq!(revisions.at(), at(11, 110));
        for (asked, known) in [
            (at(9, 90), Known::Older),
            (at(10, 100), Known::Yes),
            (at(10, 101), Known::Lost),
            (at(11, 110), Known::Yes),
            (at(12, 120), Known::Ahead),
            (at(0, 0), Known::Yes),
            (at(0, 1), Known::Lost),
            (at(u64::MAX, 0), Known::Ahead),
        ] {
            assert_eq!(revisions.knows(asked), known, "{asked:?}");
        }
    }

    #[test]
    fn the_newest_are_kept_up_to_the_limit() {
        let mut revisions = KnownRevisions::from(at(0, 0));
        let max = REVISIONS_KNOWN_MAX as u64;
        for revision in 1..=max + 1 {
            revisions.add(revision as i64 * 10);
            let oldest = (revision + 1).saturating_sub(max);
            let asked = at(oldest.max(1), oldest.max(1) as i64 * 10);
            assert_eq!(revisions.knows(asked), Known::Yes, "{revision}");
        }
        assert_eq!(revisions.knows(at(1, 10)), Known::Older);
        assert_eq!(revisions.knows(at(2, 20)), Known::Yes);
        assert_eq!(revisions.nonces.len(), REVISIONS_KNOWN_MAX);
        assert!(revisions.bytes() <= 2 * REVISIONS_KNOWN_MAX * 8);
    }
}
