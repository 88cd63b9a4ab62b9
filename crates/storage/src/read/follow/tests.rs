//! The log in pages, and the heads of organizations.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::text::Name;

use super::*;
use crate::testing::{TestStore, on_both_engines};

fn accounts(names: &[String]) -> Vec<CreateAccount> {
    let account = |name: &String| CreateAccount {
        name: Name::parse(name).unwrap(),
        fields: AccountPatch::default(),
    };
    names.iter().map(account).collect()
}

fn revisions(sets: &[CommittedSet]) -> Vec<u64> {
    sets.iter().map(|set| set.at.revision.number()).collect()
}

on_both_engines!(
    the_log_is_read_in_pages_by_number_and_by_bytes,
    super::pages_hold
);

fn pages_hold(store: &TestStore) {
    let acme = OrganizationName::parse("acme").unwrap();
    let names: Vec<String> = (1..=5).map(|n| format!("A{n}")).collect();
    store.all(&acme, accounts(&names));
    let all = store.wait(store.store.changes_after(&acme, RevisionId::default(), 9));
    let all: Vec<RevisionId> = all.unwrap().unwrap().iter().map(|set| set.at).collect();
    let page = |after: usize, sets_max: usize, bytes_max: usize| {
        let page = LogPage {
            sets_max,
            bytes_max,
        };
        let after = after
            .checked_sub(1)
            .map_or_else(RevisionId::default, |last| all[last]);
        let sets = store.read(&acme, move |at| at.changes_after(after, page));
        revisions(&sets.expect("a revision that it had"))
    };
    let plenty = FOLLOWED_BYTES_MAX;
    assert_eq!(page(0, 9, plenty), [1, 2, 3, 4, 5]);
    assert_eq!(page(2, 2, plenty), [3, 4]);
    assert_eq!(page(5, 9, plenty), [0; 0]);
    // The change sets have equal sizes, so bytes measure how many of them fit.
    let size = |n: usize| {
        let fits = |bytes: &usize| page(0, 9, *bytes).len() >= n;
        (0..plenty).find(fits).unwrap()
    };
    let (one, two, three) = (size(1), size(2), size(3));
    assert_eq!(one, 0, "the first change set is always returned");
    assert_eq!(page(0, 9, two - 1), [1]);
    assert_eq!(page(0, 9, two), [1, 2]);
    assert_eq!(page(3, 9, two), [4, 5]);
    assert_eq!(page(0, 9, three - 1), [1, 2]);
    assert_eq!(page(0, 9, three), [1, 2, 3]);

    let [mut elsewhere, mut ahead] = [all[2], all[4]];
    elsewhere.nonce += 2;
    ahead.revision = ahead.revision.next();
    for never in [elsewhere, ahead] {
        let after = store.wait(store.store.changes_after(&acme, never, 9));
        assert_eq!(after.unwrap(), None, "{never:?}");
    }
}

on_both_engines!(heads_are_the_newest_revisions, super::heads_hold);

fn heads_hold(store: &TestStore) {
    let [acme, other, nobody] =
        ["acme", "other", "nobody"].map(|name| OrganizationName::parse(name).unwrap());
    store.all(&acme, accounts(&["A".into(), "B".into(), "C".into()]));
    store.all(&other, accounts(&["A".into()]));
    let asked = [nobody, other, acme];
    let heads = store.wait(store.store.heads(&asked)).unwrap();
    for ((asked, revision), (name, at)) in asked.iter().zip([0, 1, 3]).zip(&heads) {
        assert_eq!(name, asked);
        assert_eq!(at.revision.number(), revision);
        assert_eq!(*at, store.read(name, |snapshot| Ok(snapshot.at())));
        let log = store.store.changes_after(name, RevisionId::default(), 9);
        let log = store.wait(log).unwrap().unwrap();
        assert_eq!(
            log.last().map_or_else(RevisionId::default, |set| set.at),
            *at
        );
    }
    assert_eq!(store.wait(store.store.heads(&[])).unwrap(), []);
}

on_both_engines!(
    the_mark_changes_with_each_commit_of_any_connection_and_stays_without_one,
    super::mark_changes
);

fn mark_changes(store: &TestStore) {
    let acme = OrganizationName::parse("acme").unwrap();
    let mark = || store.wait(store.store.mark()).unwrap();
    // The writers of PostgreSQL use several connections, and those of SQLite one that readers use.
    for number in 0..20 {
        let before = mark();
        store.all(&acme, accounts(&[format!("A{number}")]));
        assert_ne!(before, mark(), "after the commit {number}");
    }
    // On PostgreSQL other tests use other databases of the same server, and the lease is renewed.
    let stays = (0..100).any(|_| mark() == mark());
    assert!(stays);
}
