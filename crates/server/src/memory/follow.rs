//! Follows the database: loads requested organizations and reads the writes of other servers from
//! the change log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use roster_core::organization::OrganizationName;
use roster_index::{Followed, LoadGuard, Organization, TooLarge};
use roster_storage::{FOLLOWED_SETS_MAX, StorageError, Store};

use super::{Memory, Wanted, load, take};

/// How often to poll the database for the heads of organizations. With the time to read missing
/// changes, a server is well below 250 ms behind another.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Loads and follows organizations until dropped.
pub(crate) async fn follow(memory: Arc<Memory>, store: Arc<Store>, wanted: Wanted) {
    // Memory is empty, so nothing is behind.
    memory.is_level(Instant::now());
    tokio::join!(
        load_wanted(&memory, &store, wanted),
        look_at_heads(&memory, &store)
    );
}

async fn load_wanted(memory: &Arc<Memory>, store: &Arc<Store>, mut wanted: Wanted) {
    // One at a time: a load competes with calls for the database.
    while let Some(guard) = wanted.recv().await {
        let held = Arc::clone(guard.organization());
        let organization = held.name();
        let begun = Instant::now();
        match hold(memory, store, guard).await {
            Ok(Ok(())) => {
                let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                let bytes = held.bytes();
                tracing::info!(%organization, duration_ms, bytes, "facts loaded into memory");
            }
            Ok(Err(TooLarge)) => {
                tracing::warn!(%organization, "facts do not fit into memory: answering from the database");
            }
            Err(error) => tracing::warn!(%organization, %error, "cannot load facts"),
        }
    }
}

/// Loads the facts of one revision, then applies later writes.
async fn hold(
    memory: &Arc<Memory>,
    store: &Arc<Store>,
    guard: LoadGuard,
) -> Result<Result<(), TooLarge>, StorageError> {
    let held = Arc::clone(guard.organization());
    let facts = match load(store, held.name(), guard.bytes_max()).await? {
        Ok(facts) => facts,
        Err(too_large) => {
            memory.index.refuse(guard);
            return Ok(Err(too_large));
        }
    };
    if let Err(too_large) = memory.index.install(guard, facts) {
        return Ok(Err(too_large));
    }
    memory.has_loaded.store(true, Ordering::Relaxed);
    catch_up(memory, store, &held).await.map(Ok)
}

async fn look_at_heads(memory: &Arc<Memory>, store: &Arc<Store>) {
    let mut turns = tokio::time::interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut silent = false;
    let mut seen = None;
    let mut advanced = None;
    loop {
        turns.tick().await;
        // It visits every organization, and counts in seconds.
        let seconds = memory.clock.elapsed().as_secs();
        if advanced != Some(seconds) {
            memory.index.advance(seconds);
            advanced = Some(seconds);
        }
        match look(memory, store, &mut seen).await {
            Ok(()) => {
                if std::mem::take(&mut silent) {
                    tracing::info!("the database answers again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut silent, true) {
                    tracing::warn!(%error, "the database does not answer");
                }
            }
        }
    }
}

/// Polls the heads of all organizations in memory and reads missing changes, unless nothing was
/// committed or loaded since the poll that `seen` marks: thousands of organizations at rest cost no
/// more than one.
async fn look(
    memory: &Arc<Memory>,
    store: &Arc<Store>,
    seen: &mut Option<String>,
) -> Result<(), StorageError> {
    let asked = Instant::now();
    // Before the heads, which therefore include everything that the mark stands for.
    let mark = store.mark().await?;
    let before = seen.take();
    if !memory.has_loaded.swap(false, Ordering::Relaxed) && before.as_ref() == Some(&mark) {
        *seen = before;
        memory.is_level(asked);
        return Ok(());
    }
    // The revisions before the poll: a different head is newer, or the database was restored.
    let live = memory.index.live();
    let names: Vec<OrganizationName> = live.iter().map(|(name, _)| name.clone()).collect();
    let heads = store.heads(&names).await?;
    for ((organization, at), (_, head)) in live.into_iter().zip(heads) {
        if head != at
            && let Some(held) = memory.index.get(organization.as_str())
        {
            catch_up(memory, store, &held).await?;
            if held.at().is_some_and(|at| at.revision < head.revision) {
                tracing::error!(%organization, "the change log ends before the head: dropping and reloading facts");
                memory.index.drop_facts(organization.as_str());
            }
        }
    }
    *seen = Some(mark);
    memory.is_level(asked);
    Ok(())
}

/// Applies the log after the facts, up to its head.
async fn catch_up(memory: &Memory, store: &Store, held: &Organization) -> Result<(), StorageError> {
    let organization = held.name();
    while let Some(at) = held.at() {
        let sets = match store
            .changes_after(organization, at, FOLLOWED_SETS_MAX)
            .await
        {
            Ok(Some(sets)) => sets,
            Ok(None) => {
                tracing::warn!(%organization, "the database was restored: dropping and reloading facts");
                memory.index.drop_facts(organization.as_str());
                return Ok(());
            }
            Err(error @ StorageError::Unreachable(_)) => return Err(error),
            // Affects only this organization. Its rows may be intact: reload facts from them.
            Err(error) => {
                tracing::error!(%organization, %error, "cannot read the change log: dropping and reloading facts");
                memory.index.drop_facts(organization.as_str());
                return Ok(());
            }
        };
        if sets.is_empty() {
            return Ok(());
        }
        if take(held, &sets) == Followed::Behind && held.at() == Some(at) {
            tracing::warn!(%organization, "gap in the change log: dropping and reloading facts");
            memory.index.drop_facts(organization.as_str());
        }
    }
    Ok(())
}
