//! The access log: who read personal data.
//!
//! Calls hand their records to one task, which writes them in batches, so that no read waits for a
//! write. If the database does not take them and the queue is full, these reads wait and then fail:
//! no read is answered whose record was not accepted. A kill loses what is not written yet.

use std::sync::Arc;
use std::time::Duration;

use roster_core::id::Time;
use roster_storage::{ACCESSES_DELETED_MAX, NewAccess, StorageError, Store};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::authentication::now;
use crate::fault::{self, Fault};

/// Records that wait to be written: some MiB, and more than a second of such reads.
const WAITING_MAX: usize = 10_000;
/// Records of one transaction: some milliseconds of a writer.
const BATCH_MAX: usize = 1_000;
/// How long records are collected: with the write itself, a record is there within a second.
const WRITE_EVERY: Duration = Duration::from_millis(500);
/// How long to wait after a failed write.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// How long a read waits for a place in a full queue.
const RECORD_PATIENCE: Duration = Duration::from_secs(5);
/// How long a clean stop waits for the database.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// How long records are kept: a year, and a month to look at it.
const KEPT_MICROS: i64 = 400 * 24 * 3_600 * 1_000_000;
/// How often old records are deleted.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// Pause between two transactions that delete records.
const PRUNE_PAUSE: Duration = Duration::from_millis(100);
/// Organizations in one read.
const ORGANIZATIONS_PAGE: usize = 1_000;

/// Accepts records.
#[derive(Clone)]
pub(crate) struct AccessLog(mpsc::Sender<NewAccess>);

/// Writes the records, until it is closed.
pub(crate) struct AccessWriter {
    closing: Arc<Notify>,
    writing: JoinHandle<()>,
}

impl AccessLog {
    /// Begins to write to a store.
    pub(crate) fn start(store: Arc<Store>) -> (Self, AccessWriter) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let closing = Arc::new(Notify::new());
        let writing = tokio::spawn(write(store, waiting, Arc::clone(&closing)));
        (Self(sender), AccessWriter { closing, writing })
    }

    /// Takes a record. Waits while the queue is full, and fails if that lasts.
    pub(crate) async fn record(&self, new: NewAccess) -> Result<(), Fault> {
        let sending = self.0.send_timeout(new, RECORD_PATIENCE).await;
        sending.map_err(|_| fault::access_log_full())
    }
}

impl AccessWriter {
    /// Writes what waits, and ends.
    pub(crate) async fn close(self) {
        self.closing.notify_one();
        let abort = self.writing.abort_handle();
        if tokio::time::timeout(CLOSE_PATIENCE, self.writing)
            .await
            .is_err()
        {
            abort.abort();
            tracing::error!(
                "the last records of the access log are lost: the database does not answer"
            );
        }
    }
}

async fn write(store: Arc<Store>, mut waiting: mpsc::Receiver<NewAccess>, closing: Arc<Notify>) {
    let mut batch = Vec::new();
    let mut is_closed = false;
    loop {
        let taken = tokio::select! {
            taken = waiting.recv_many(&mut batch, BATCH_MAX) => taken,
            () = closing.notified(), if !is_closed => {
                waiting.close();
                is_closed = true;
                continue;
            }
        };
        if taken == 0 {
            return;
        }
        // Those that come meanwhile share the transaction.
        if !is_closed && batch.len() < BATCH_MAX {
            tokio::select! {
                () = tokio::time::sleep(WRITE_EVERY) => {}
                () = closing.notified() => {
                    waiting.close();
                    is_closed = true;
                }
            }
            while batch.len() < BATCH_MAX
                && let Ok(new) = waiting.try_recv()
            {
                batch.push(new);
            }
        }
        let mut tries = 0_u64;
        while let Err(error) = store.record_accesses(batch.clone()).await {
            if tries.is_multiple_of(60) {
                let records = batch.len();
                tracing::warn!(%error, records, "could not write the access log: trying again");
            }
            tries += 1;
            tokio::time::sleep(RETRY_AFTER).await;
        }
        batch.clear();
    }
}

/// Deletes old records in small steps, until dropped.
pub(crate) async fn prune(store: Arc<Store>) {
    loop {
        tokio::time::sleep(PRUNE_EVERY).await;
        let before = Time::from_micros(now().micros().saturating_sub(KEPT_MICROS));
        if let Err(error) = prune_once(&store, before).await {
            tracing::warn!(%error, "could not delete old records of the access log");
        }
    }
}

async fn prune_once(store: &Store, before: Time) -> Result<(), StorageError> {
    let mut after = String::new();
    loop {
        let page = store
            .organizations_after(after.clone(), ORGANIZATIONS_PAGE)
            .await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = last.to_string();
        for (name, _) in page {
            while store.delete_accesses(name.clone(), before).await? == ACCESSES_DELETED_MAX {
                tokio::time::sleep(PRUNE_PAUSE).await;
            }
        }
    }
}
