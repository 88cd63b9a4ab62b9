//! An import at work: batch after batch, whatever the database does meanwhile.

use std::sync::Arc;
use std::time::Duration;

use roster_core::rules::import::{ImportAnswer, ImportRows};
use roster_sheet::SheetError;
use roster_storage::{
    ChangeOrigin, ImportCounts, ImportFailure, ImportRecord, ImportState, ImportStep, NotDone,
    Origin, StorageError,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::batches::{self, Batch, Body, Pace};
use crate::layout::Layout;
use crate::runner::{Beginning, Surveyed};

/// Batches that are read ahead of the one that is written.
const BATCHES_AHEAD: usize = 1;
/// How long to wait before a batch is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// After so many rows statistics are made anew. An organization that they do not know is taken for
/// empty, so that each of its rows is sought among all of them: to be seen in a sample of a large
/// table it needs some, and before them that costs little.
const STATISTICS_AFTER: [u64; 2] = [1_000, 30_000];

/// An import at work.
pub(crate) struct Work {
    begin: Beginning,
    import: ImportRecord,
    layout: Arc<Layout>,
    create_missing: bool,
    /// Rows of its committed batches.
    read: u64,
    /// Those of them that were rejected.
    rejected: u64,
}

/// Why a batch is not in.
enum Ended {
    /// The import is to be marked so.
    Failed(ImportFailure),
    /// Somebody else has ended it.
    Elsewhere,
}

impl Work {
    pub(crate) fn new(
        begin: Beginning,
        import: ImportRecord,
        surveyed: &Surveyed,
        create_missing: bool,
    ) -> Self {
        Self {
            begin,
            import,
            layout: Arc::new(surveyed.layout.clone()),
            create_missing,
            read: 0,
            rejected: 0,
        }
    }

    /// Works through the whole file, or marks the import as failed.
    pub(crate) async fn run(mut self, surveyed: Surveyed) {
        let (organization, import) = (self.begin.organization.clone(), self.import.id);
        let (begun, rows) = (Instant::now(), self.import.new.rows_total);
        tracing::info!(%organization, %import, rows, "import begun");
        let ended = self.work(surveyed).await;
        let (rows, rejected) = (self.read, self.rejected);
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match ended {
            Ok(()) => {
                tracing::info!(%organization, %import, rows, rejected, duration_ms, "import ended");
            }
            Err(Ended::Failed(why)) => {
                tracing::warn!(%organization, %import, rows, rejected, duration_ms, error = ?why, "import failed");
                self.fail(why).await;
            }
            Err(Ended::Elsewhere) => {
                tracing::warn!(%organization, %import, rows, rejected, duration_ms, "import ended elsewhere");
            }
        }
    }

    async fn work(&mut self, surveyed: Surveyed) -> Result<(), Ended> {
        let turns = Arc::clone(&self.begin.turns);
        let mut stop = self.begin.stop.clone();
        let _turn = tokio::select! {
            turn = turns.acquire_owned() => turn,
            _ = stop.wait_for(|stop| *stop) => return Err(stopped()),
        };
        let pace = Pace::new();
        let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
        let reading = {
            let pace = pace.clone();
            tokio::task::spawn_blocking(move || read(surveyed, &pace, &sender))
        };
        while let Some(batch) = batches.recv().await {
            if *stop.borrow() {
                return Err(stopped());
            }
            let (rows, is_last, before) = (batch.len(), batch.is_last, self.read);
            let took = self.write(Arc::new(batch)).await?;
            pace.learn(rows, took);
            if is_last {
                return Ok(());
            }
            let passed = |rows: &u64| before < *rows && *rows <= self.read;
            if STATISTICS_AFTER.iter().any(passed) {
                self.refresh_statistics().await;
            }
        }
        match reading.await {
            Ok(Err(error)) => tracing::error!(%error, "a file could not be read a second time"),
            Ok(Ok(())) => tracing::error!("a file ended without a last batch"),
            Err(panic) => tracing::error!(%panic, "reading a file panicked"),
        }
        Err(Ended::Failed(ImportFailure::Fault))
    }

    async fn refresh_statistics(&self) {
        if let Err(error) = self.begin.store.refresh_statistics().await {
            // The import goes on without, if more slowly.
            tracing::warn!(%error, import = %self.import.id, "statistics are not made anew");
        }
    }

    /// Writes a batch, again and again while the database is away; answers how long it took.
    async fn write(&mut self, batch: Arc<Batch>) -> Result<Duration, Ended> {
        let until = Instant::now() + self.begin.patience;
        loop {
            let error = match self.try_write(&batch).await {
                Ok((counts, took)) => {
                    self.moved(counts);
                    return Ok(took);
                }
                Err(NotDone::Storage(StorageError::ImportMoved)) => {
                    self.catch_up(batch.len() as u64, until).await?;
                    return Ok(Duration::ZERO);
                }
                Err(NotDone::Storage(
                    error @ (StorageError::Unreachable(_) | StorageError::QueueFull),
                )) => error,
                Err(error) => {
                    tracing::error!(%error, "a batch of an import failed");
                    return Err(Ended::Failed(ImportFailure::Fault));
                }
            };
            self.wait_for_database(&error, until).await?;
        }
    }

    /// Waits before the database is asked again, unless it has been away for too long.
    async fn wait_for_database(
        &mut self,
        error: &StorageError,
        until: Instant,
    ) -> Result<(), Ended> {
        tracing::warn!(%error, import = %self.import.id, "a batch is tried again");
        if Instant::now() >= until {
            return Err(Ended::Failed(ImportFailure::DatabaseAway));
        }
        self.pause().await
    }

    async fn pause(&mut self) -> Result<(), Ended> {
        let mut stop = self.begin.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => Ok(()),
            _ = stop.wait_for(|stop| *stop) => Err(stopped()),
        }
    }

    async fn try_write(&self, batch: &Arc<Batch>) -> Result<(ImportCounts, Duration), NotDone> {
        let command = ImportRows {
            rows: Arc::clone(&batch.rows),
            create_missing: self.create_missing,
        };
        let step = self.step_of(Arc::clone(batch));
        let steps = step.clone();
        let (answer, took) = self
            .begin
            .store
            .import_batch(&self.begin.organization, command, self.origin(), step)
            .await?;
        let step = steps(&answer);
        self.begin.totals.add(&step);
        Ok((step.counts, took))
    }

    /// What the rules' answer to a batch means for the import.
    fn step_of(
        &self,
        batch: Arc<Batch>,
    ) -> impl Fn(&ImportAnswer) -> ImportStep + Clone + Send + 'static {
        let (layout, explain) = (Arc::clone(&self.layout), self.begin.explain);
        let (import, read_before, rejected) = (self.import.id, self.read, self.rejected);
        move |answer| {
            let (mut counts, rejects) = batch.result(&layout, &answer.outcomes, explain);
            counts.accounts_created = answer.accounts_created;
            counts.contacts_created = answer.contacts_created;
            let state = match (batch.is_last, rejected + counts.rejected) {
                (false, _) => ImportState::Running,
                (true, 0) => ImportState::Completed,
                (true, _) => ImportState::CompletedWithErrors,
            };
            ImportStep {
                import,
                read_before,
                counts,
                rejects,
                state,
            }
        }
    }

    fn origin(&self) -> Origin {
        Origin {
            credential: self.begin.origin.credential.clone(),
            actor: self.begin.origin.actor.clone(),
            from: ChangeOrigin {
                id: Some(self.import.id.number()),
                ..self.begin.origin.from
            },
            request: None,
        }
    }

    fn moved(&mut self, counts: ImportCounts) {
        self.read += counts.read();
        self.rejected += counts.rejected;
    }

    /// Finds out what became of a batch whose answer was lost.
    async fn catch_up(&mut self, rows: u64, until: Instant) -> Result<(), Ended> {
        let id = self.import.id;
        let import = loop {
            let read = self
                .begin
                .store
                .read(&self.begin.organization, move |at| at.import(id))
                .await;
            match read {
                Ok(Some(import)) => break import,
                Ok(None) => return Err(Ended::Elsewhere),
                Err(error @ (StorageError::Unreachable(_) | StorageError::QueueFull)) => {
                    self.wait_for_database(&error, until).await?;
                }
                Err(error) => {
                    tracing::error!(%error, "an import could not be read");
                    return Err(Ended::Failed(ImportFailure::Fault));
                }
            }
        };
        if import.counts.read() != self.read + rows
            || matches!(import.state, ImportState::Failed(_))
        {
            return Err(Ended::Elsewhere);
        }
        self.read = import.counts.read();
        self.rejected = import.counts.rejected;
        Ok(())
    }

    /// Marks the import as failed, as soon as the database is there to be told. Should this server
    /// end before, the next start finds it.
    async fn fail(mut self, why: ImportFailure) {
        loop {
            let command = ImportRows {
                rows: Arc::default(),
                create_missing: false,
            };
            let (import, read_before) = (self.import.id, self.read);
            let step = move |_: &ImportAnswer| ImportStep {
                import,
                read_before,
                counts: ImportCounts::default(),
                rejects: Vec::new(),
                state: ImportState::Failed(why),
            };
            let told = self
                .begin
                .store
                .import_batch(&self.begin.organization, command, self.origin(), step)
                .await;
            match told {
                Err(NotDone::Storage(StorageError::Unreachable(_) | StorageError::QueueFull)) => {}
                Err(NotDone::Storage(StorageError::ImportMoved)) | Ok(_) => return,
                Err(error) => {
                    tracing::error!(%error, "an import could not be marked as failed");
                    return;
                }
            }
            if self.pause().await.is_err() {
                return;
            }
        }
    }
}

fn stopped() -> Ended {
    Ended::Failed(ImportFailure::ServerStopped)
}

/// The second pass. Blocks.
fn read(surveyed: Surveyed, pace: &Pace, batches: &mpsc::Sender<Batch>) -> Result<(), SheetError> {
    let Surveyed {
        mut sheet,
        layout,
        disagreements,
        ..
    } = surveyed;
    let body = Body::below_header(sheet.rows()?, &layout)?;
    batches::read_all(body, &layout, &disagreements, pace, batches)
}
