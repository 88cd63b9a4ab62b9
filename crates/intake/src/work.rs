//! Runs an import: writes one batch after another and retries while the database is unreachable.

use std::sync::Arc;
use std::time::Duration;

use roster_core::organization::OrganizationState;
use roster_core::rules::import::{ImportAnswer, ImportRows};
use roster_sheet::SheetError;
use roster_storage::{
    ChangeOrigin, ImportCounts, ImportFailure, ImportRecord, ImportState, ImportStep, NotDone,
    Origin, StorageError,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;

use crate::batches::{self, Batch, Body, Pace};
use crate::layout::Layout;
use crate::runner::{ImportContext, SurveyedFile};

/// Batches to read ahead of the batch that is written.
const BATCHES_AHEAD: usize = 1;
/// How long to wait before retrying a batch.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Refresh the statistics of the database after these numbers of rows. The planner takes an
/// organization that the statistics do not know for empty, so each lookup of a row scans all rows.
/// An organization needs some rows to occur in the sample of a large table; with fewer rows, the
/// scans cost little.
const STATISTICS_AFTER: [u64; 2] = [1_000, 30_000];

/// A running import.
pub(crate) struct Work {
    context: ImportContext,
    import: ImportRecord,
    layout: Arc<Layout>,
    create_missing: bool,
    /// Rows of the committed batches.
    read: u64,
    /// Rejected rows of the committed batches.
    rejected: u64,
    /// The right to run, one of a few of this server.
    permit: Option<OwnedSemaphorePermit>,
}

/// Why an import stops before the end of its file.
enum Abort {
    /// The import failed and must be marked as failed.
    Failed(ImportFailure),
    /// Another server, or the deletion of the organization, has already ended the import.
    EndedElsewhere,
}

impl Work {
    pub(crate) fn new(
        context: ImportContext,
        import: ImportRecord,
        surveyed: &SurveyedFile,
        create_missing: bool,
    ) -> Self {
        Self {
            context,
            import,
            layout: Arc::new(surveyed.layout.clone()),
            create_missing,
            read: 0,
            rejected: 0,
            permit: None,
        }
    }

    /// Imports the whole file, or marks the import as failed.
    pub(crate) async fn run(mut self, surveyed: SurveyedFile) {
        let (organization, import) = (self.context.organization.clone(), self.import.id);
        let (start, rows) = (Instant::now(), self.import.new.rows_total);
        tracing::info!(%organization, %import, rows, "import started");
        let result = self.import_batches(surveyed).await;
        let (rows, rejected) = (self.read, self.rejected);
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        match result {
            Ok(()) => {
                tracing::info!(%organization, %import, rows, rejected, duration_ms, "import ended");
            }
            Err(Abort::Failed(failure)) => {
                tracing::warn!(%organization, %import, rows, rejected, duration_ms, error = ?failure, "import failed");
                self.mark_failed(failure).await;
            }
            Err(Abort::EndedElsewhere) => {
                tracing::warn!(%organization, %import, rows, rejected, duration_ms, "the import was ended by another server, or with its organization");
            }
        }
    }

    async fn import_batches(&mut self, surveyed: SurveyedFile) -> Result<(), Abort> {
        self.take_permit().await?;
        let stop = self.context.stop.clone();
        let pace = Pace::new();
        let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
        let reader = {
            let pace = pace.clone();
            tokio::task::spawn_blocking(move || read_batches(surveyed, &pace, &sender))
        };
        while let Some(batch) = batches.recv().await {
            if *stop.borrow() {
                return Err(server_stopped());
            }
            let (rows, is_last, before) = (batch.len(), batch.is_last, self.read);
            let took = self.write(Arc::new(batch)).await?;
            pace.adjust(rows, took);
            if is_last {
                return Ok(());
            }
            let is_reached = |rows: &u64| before < *rows && *rows <= self.read;
            if STATISTICS_AFTER.iter().any(is_reached) {
                self.refresh_statistics().await;
            }
        }
        match reader.await {
            Ok(Err(error)) => tracing::error!(%error, "failed to read a file a second time"),
            Ok(Ok(())) => tracing::error!("a file ended without a last batch"),
            Err(panic) => tracing::error!(%panic, "the reader of a file panicked"),
        }
        Err(Abort::Failed(ImportFailure::Fault))
    }

    async fn take_permit(&mut self) -> Result<(), Abort> {
        let run_permits = Arc::clone(&self.context.run_permits);
        let mut stop = self.context.stop.clone();
        self.permit = tokio::select! {
            // The semaphore is never closed.
            permit = run_permits.acquire_owned() => permit.ok(),
            _ = stop.wait_for(|stop| *stop) => return Err(server_stopped()),
        };
        Ok(())
    }

    async fn refresh_statistics(&self) {
        if let Err(error) = self.context.store.refresh_statistics().await {
            // The import continues without them, but more slowly.
            tracing::warn!(%error, import = %self.import.id, "failed to refresh the statistics");
        }
    }

    /// Writes a batch, and retries while the database is unreachable. Returns the duration of the
    /// write.
    async fn write(&mut self, batch: Arc<Batch>) -> Result<Duration, Abort> {
        let mut deadline = Instant::now() + self.context.patience;
        loop {
            let error = match self.try_write(&batch).await {
                Ok((counts, took)) => {
                    self.add_counts(counts);
                    return Ok(took);
                }
                Err(NotDone::Storage(StorageError::ImportMoved)) => {
                    self.resolve_lost_answer(batch.len() as u64, deadline)
                        .await?;
                    return Ok(Duration::ZERO);
                }
                Err(NotDone::Storage(StorageError::NotServed(state))) => {
                    self.wait_while_suspended(state).await?;
                    deadline = Instant::now() + self.context.patience;
                    continue;
                }
                Err(NotDone::Storage(
                    error @ (StorageError::Unreachable(_) | StorageError::QueueFull),
                )) => error,
                Err(error) => {
                    tracing::error!(%error, "a batch of an import failed");
                    return Err(Abort::Failed(ImportFailure::Fault));
                }
            };
            self.wait_for_database(&error, deadline).await?;
        }
    }

    /// Waits before the next attempt. Fails if the database has been unreachable for too long.
    async fn wait_for_database(
        &mut self,
        error: &StorageError,
        deadline: Instant,
    ) -> Result<(), Abort> {
        tracing::warn!(%error, import = %self.import.id, "retrying a batch of an import");
        if Instant::now() >= deadline {
            return Err(Abort::Failed(ImportFailure::DatabaseAway));
        }
        self.pause().await
    }

    /// Waits before the next attempt while the organization is suspended. Meanwhile another import
    /// may run. The deletion of the organization has ended the import.
    async fn wait_while_suspended(&mut self, state: OrganizationState) -> Result<(), Abort> {
        if state != OrganizationState::Suspended {
            return Err(Abort::EndedElsewhere);
        }
        if self.permit.take().is_some() {
            tracing::debug!(import = %self.import.id, "the organization is suspended: waiting");
        }
        self.pause().await?;
        self.take_permit().await
    }

    async fn pause(&mut self) -> Result<(), Abort> {
        let mut stop = self.context.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => Ok(()),
            _ = stop.wait_for(|stop| *stop) => Err(server_stopped()),
        }
    }

    async fn try_write(&self, batch: &Arc<Batch>) -> Result<(ImportCounts, Duration), NotDone> {
        let command = ImportRows {
            rows: Arc::clone(&batch.rows),
            create_missing: self.create_missing,
        };
        let make_step = self.step_of(Arc::clone(batch));
        let make_same_step = make_step.clone();
        let (answer, took) = self
            .context
            .store
            .import_batch(
                &self.context.organization,
                command,
                self.origin(),
                make_step,
            )
            .await?;
        let step = make_same_step(&answer);
        self.context.totals.add(&step);
        Ok((step.counts, took))
    }

    /// Returns a function that computes the next step of the import from the answer of the rules.
    fn step_of(
        &self,
        batch: Arc<Batch>,
    ) -> impl Fn(&ImportAnswer) -> ImportStep + Clone + Send + 'static {
        let (layout, explain) = (Arc::clone(&self.layout), self.context.explain);
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
            credential: self.context.origin.credential.clone(),
            actor: self.context.origin.actor.clone(),
            from: ChangeOrigin {
                id: Some(self.import.id.number()),
                ..self.context.origin.from
            },
            request: None,
            may_create_organization: false,
        }
    }

    fn add_counts(&mut self, counts: ImportCounts) {
        self.read += counts.read();
        self.rejected += counts.rejected;
    }

    /// Finds out whether a batch was committed after its answer was lost.
    async fn resolve_lost_answer(&mut self, rows: u64, deadline: Instant) -> Result<(), Abort> {
        let id = self.import.id;
        let import = loop {
            let read = self
                .context
                .store
                .read(&self.context.organization, move |at| at.import(id))
                .await;
            match read {
                Ok(Some(import)) => break import,
                Ok(None) => return Err(Abort::EndedElsewhere),
                Err(error @ (StorageError::Unreachable(_) | StorageError::QueueFull)) => {
                    self.wait_for_database(&error, deadline).await?;
                }
                Err(error) => {
                    tracing::error!(%error, "failed to read an import");
                    return Err(Abort::Failed(ImportFailure::Fault));
                }
            }
        };
        if import.counts.read() != self.read + rows
            || matches!(import.state, ImportState::Failed(_))
        {
            return Err(Abort::EndedElsewhere);
        }
        self.read = import.counts.read();
        self.rejected = import.counts.rejected;
        Ok(())
    }

    /// Marks the import as failed as soon as the database is reachable. If the server ends before
    /// that, the next start of a server marks the import.
    async fn mark_failed(mut self, failure: ImportFailure) {
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
                state: ImportState::Failed(failure),
            };
            let result = self
                .context
                .store
                .import_batch(&self.context.organization, command, self.origin(), step)
                .await;
            match result {
                Err(NotDone::Storage(StorageError::Unreachable(_) | StorageError::QueueFull)) => {}
                // The next start of a server marks the import of a suspended organization.
                Err(NotDone::Storage(StorageError::ImportMoved | StorageError::NotServed(_)))
                | Ok(_) => return,
                Err(error) => {
                    tracing::error!(%error, "failed to mark an import as failed");
                    return;
                }
            }
            if self.pause().await.is_err() {
                return;
            }
        }
    }
}

fn server_stopped() -> Abort {
    Abort::Failed(ImportFailure::ServerStopped)
}

/// Runs the second pass. Blocks.
fn read_batches(
    surveyed: SurveyedFile,
    pace: &Pace,
    batches: &mpsc::Sender<Batch>,
) -> Result<(), SheetError> {
    let SurveyedFile {
        mut sheet,
        layout,
        disagreements,
        ..
    } = surveyed;
    let body = Body::below_header(sheet.rows()?, &layout)?;
    batches::send_batches(body, &layout, &disagreements, pace, batches)
}
