//! When a read runs inline, and that it returns the same wherever it runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::thread::{self, ThreadId};

use roster_core::organization::OrganizationName;

use super::*;
use crate::error::StorageError;
use crate::testing::{TestStore, on_both_engines};

#[test]
fn one_worker_is_always_left_to_others() {
    let now = Instant::now();
    for workers in 0..4_usize {
        let reads = BriefReads::default();
        let turns = (0..8).map_while(|_| reads.turn_of(workers, now).map(std::mem::forget));
        assert_eq!(turns.count(), workers.saturating_sub(1), "of {workers}");
        if workers > 1 {
            reads.end(now, now);
            assert!(reads.turn_of(workers, now).is_some());
        }
    }
}

#[test]
fn after_one_that_waited_for_the_disk_others_read_elsewhere_for_a_while() {
    let nano = Duration::from_nanos(1);
    let now = Instant::now();
    for (took, pauses) in [
        (BRIEF_TIME_MAX - nano, false),
        (BRIEF_TIME_MAX, false),
        (BRIEF_TIME_MAX + nano, true),
    ] {
        let reads = BriefReads::default();
        std::mem::forget(reads.turn_of(2, now));
        let ended = now + took;
        reads.end(now, ended);
        assert_eq!(reads.turn_of(2, ended + PAUSE - nano).is_none(), pauses);
        assert!(reads.turn_of(2, ended + PAUSE).is_some());
    }
}

#[test]
fn outside_of_a_runtime_of_several_workers_there_is_no_turn() {
    let reads = BriefReads::default();
    assert!(reads.turn().is_none());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(runtime.block_on(async { reads.turn().is_none() }));
}

fn acme() -> OrganizationName {
    OrganizationName::parse("acme").unwrap()
}

/// The threads on which a page ran that requests this many rows, in the order of its attempts.
fn threads_of(store: &TestStore, rows: &[usize]) -> Vec<ThreadId> {
    let acme = acme();
    let tried = Arc::new(Mutex::new(Vec::new()));
    let (seen, rows) = (Arc::clone(&tried), rows.to_vec());
    let page = store.store.read_page(&acme, move |at| {
        seen.lock().push(thread::current().id());
        for rows in &rows {
            at.take_rows(*rows)?;
        }
        Ok(at.exists())
    });
    assert!(!store.wait(page).unwrap());
    let tried = tried.lock();
    tried.clone()
}

#[test]
fn on_sqlite_a_page_of_few_rows_is_read_where_it_is_asked_and_one_of_more_is_read_again_elsewhere()
{
    let store = TestStore::sqlite();
    let brief = &store.store.brief;
    let here = thread::current().id();
    // On a machine that is busy with other tests, reads wait.
    let unpaused = || brief.0.lock().paused_until = None;
    let half = BRIEF_ROWS_MAX / 2;
    let few = [
        &[][..],
        &[BRIEF_ROWS_MAX - 1],
        &[BRIEF_ROWS_MAX],
        &[half, half],
    ];
    for rows in few {
        unpaused();
        assert_eq!(threads_of(&store, rows), [here], "{rows:?}");
    }
    for rows in [&[BRIEF_ROWS_MAX + 1][..], &[half, half + 1], &[usize::MAX]] {
        unpaused();
        let threads = threads_of(&store, rows);
        assert_eq!(threads.len(), 2, "{rows:?}");
        assert_eq!(threads[0], here, "{rows:?}");
        assert_ne!(threads[1], here, "{rows:?}");
    }
    unpaused();
    let another = brief.turn_of(2, Instant::now());
    assert_ne!(
        threads_of(&store, &[]),
        [here],
        "another inline read is running"
    );
    drop(another);
    brief.0.lock().paused_until = Some(Instant::now() + PAUSE);
    assert_ne!(threads_of(&store, &[]), [here], "after a slow inline read");
}

#[test]
fn on_postgresql_a_page_waits_for_the_network_and_so_is_never_read_where_it_is_asked() {
    let threads = threads_of(&TestStore::postgres(), &[]);
    assert_eq!(threads.len(), 1);
    assert_ne!(threads[0], thread::current().id());
}

/// A read that fails or panics is reported, and releases its connection.
fn a_read_that_fails_is_heard_of_wherever_it_was_done(store: &TestStore) {
    let acme = acme();
    store.make_accounts(&acme, 1);
    // More often than there are connections.
    for _ in 0..40 {
        let page = store
            .store
            .read_page(&acme, |_| Err::<(), _>(StorageError::QueueFull));
        assert!(matches!(store.wait(page), Err(StorageError::QueueFull)));
        let read = store
            .store
            .read(&acme, |_| Err::<(), _>(StorageError::QueueFull));
        assert!(matches!(store.wait(read), Err(StorageError::QueueFull)));
        let page = store
            .store
            .read_page(&acme, |_| -> Result<(), _> { panic!("a test's own") });
        assert!(matches!(store.wait(page), Err(StorageError::Defect(_))));
        let read = store
            .store
            .read(&acme, |_| -> Result<(), _> { panic!("a test's own") });
        assert!(matches!(store.wait(read), Err(StorageError::Defect(_))));
    }
    let page = store.store.read_page(&acme, |at| Ok(at.exists()));
    assert!(store.wait(page).unwrap());
    assert!(store.read(&acme, |at| Ok(at.exists())));
}

on_both_engines!(
    a_read_that_fails_is_heard_of_wherever_it_was_done_on,
    super::a_read_that_fails_is_heard_of_wherever_it_was_done
);
