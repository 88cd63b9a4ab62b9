//! The one runner of imports: a few at once, some that wait, and no more.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use roster_core::rules::import::{ImportAnswer, ImportRows};
use roster_sheet::{Encoding, Format, Row, Sheet, SheetError};
use roster_storage::{
    Done, ImportCounts, ImportFailure, ImportRecord, ImportState, ImportStep, NewImport, NotDone,
    OrganizationName, Origin, StorageError, Store,
};
use tempfile::TempPath;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

use crate::batches::{self, Batch, Body, Explain, Pace};
use crate::cells;
use crate::fault::FileFault;
use crate::layout::{HeaderFault, Kind, Layout, Mapping};
use crate::survey::{Disagreements, Survey};

/// Imports that are worked through at once: one is read while another is written, and one of
/// another organization need not wait for the longest.
const IMPORTS_AT_ONCE: usize = 4;
/// Imports that are taken in at all, those at work included: each holds a file of up to a
/// gibibyte.
const IMPORTS_MAX: usize = 20;
/// Batches that are read ahead of the one that is written.
const BATCHES_AHEAD: usize = 1;
/// How long a database may be away until an import gives up.
const DATABASE_PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait before a batch is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How a file is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What its rows are.
    pub kind: Kind,
    /// How it is laid out; none: told from its bytes.
    pub format: Option<Format>,
    /// How its text is encoded; none: told from its bytes.
    pub encoding: Option<Encoding>,
    /// What its headers do not say, or say wrongly.
    pub mapping: Vec<Mapping>,
    /// Whether accounts and contacts that rows of another kind name are created.
    pub create_missing: bool,
}

/// The intake of one server: see the module.
pub struct Intake {
    store: Arc<Store>,
    explain: Explain,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

/// A file that was read once and can be worked through.
struct Surveyed {
    sheet: Sheet,
    layout: Layout,
    disagreements: Disagreements,
    rows: u64,
}

impl Intake {
    /// An intake into this store. `explain` says of a row's fault the reason and the text.
    pub fn new(store: Arc<Store>, explain: Explain) -> Self {
        Self {
            store,
            explain,
            places: Arc::new(Semaphore::new(IMPORTS_MAX)),
            turns: Arc::new(Semaphore::new(IMPORTS_AT_ONCE)),
            stop: watch::Sender::new(false),
        }
    }

    /// Reads a file once, takes it in and begins to work through it. The file is gone from its
    /// folder as soon as it is open; whether the caller stays makes no difference from then on.
    ///
    /// `encode` makes the caller's answer, to be kept for a repeat of the same request.
    pub async fn start(
        &self,
        organization: OrganizationName,
        file: TempPath,
        config: Config,
        origin: Origin,
        encode: impl Fn(&ImportRecord) -> Vec<u8> + Send + 'static,
    ) -> Result<Done<ImportRecord>, FileFault> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| FileFault::QueueFull)?;
        if *self.stop.borrow() {
            return Err(FileFault::Stopping);
        }
        let begin = Beginning {
            store: Arc::clone(&self.store),
            explain: self.explain,
            turns: Arc::clone(&self.turns),
            stop: self.stop.subscribe(),
            organization,
            origin,
            _place: place,
        };
        // In a task of its own, so that a caller who goes leaves no import that nobody works on.
        let begun = tokio::spawn(begin.begin(file, config, encode));
        begun
            .await
            .map_err(|panic| NotDone::from(StorageError::Defect(panic.into())))?
    }

    /// Takes no more files; those at work and those that wait end as failed at their next batch.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Told when the intake stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Waits until no import is at work.
    pub async fn stopped(&self) {
        let all = u32::try_from(IMPORTS_MAX).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }
}

/// An import before it has a number.
struct Beginning {
    store: Arc<Store>,
    explain: Explain,
    turns: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    organization: OrganizationName,
    origin: Origin,
    /// Held until the import has ended.
    _place: OwnedSemaphorePermit,
}

impl Beginning {
    async fn begin(
        self,
        file: TempPath,
        config: Config,
        encode: impl Fn(&ImportRecord) -> Vec<u8> + Send + 'static,
    ) -> Result<Done<ImportRecord>, FileFault> {
        let create_missing = config.create_missing;
        let store = Arc::clone(&self.store);
        let surveyed = tokio::task::spawn_blocking(move || {
            store.show_presence().map_err(NotDone::from)?;
            survey(file, &config)
        });
        let surveyed = surveyed
            .await
            .map_err(|panic| NotDone::from(StorageError::Defect(panic.into())))??;
        let new = NewImport {
            kind: surveyed.layout.kind.number(),
            columns: columns(&surveyed.layout),
            rows_total: surveyed.rows,
        };
        let begun = self
            .store
            .begin_import(
                &self.organization,
                new,
                self.origin.clone(),
                move |import, _| encode(import),
            )
            .await?;
        if let Done::Fresh(import, _) = &begun {
            let work = Work {
                import: import.clone(),
                layout: Arc::new(surveyed.layout.clone()),
                create_missing,
                read: 0,
                rejected: 0,
                begin: self,
            };
            tokio::spawn(work.run(surveyed));
        }
        Ok(begun)
    }
}

fn columns(layout: &Layout) -> Vec<(String, String)> {
    let one = |column: &crate::layout::Column| {
        let field = column.field.map_or("", |field| field.path());
        (column.header.clone(), field.to_owned())
    };
    layout.columns.iter().map(one).collect()
}

/// The first pass: see [`Survey`]. Blocks.
fn survey(file: TempPath, config: &Config) -> Result<Surveyed, FileFault> {
    let path: PathBuf = file.to_path_buf();
    let mut sheet = Sheet::open(&path, config.format, config.encoding)?;
    let header = batches::header(&mut sheet.rows()?)?.ok_or(HeaderFault::Empty)?;
    let layout = Layout::of(config.kind, &header.cells, &config.mapping)?;
    let (rows, disagreements) = look_at(Body::below_header(sheet.rows()?, &layout)?, &layout)?;
    Ok(Surveyed {
        sheet,
        layout,
        disagreements,
        rows,
    })
}

/// How many rows there are, and which do not agree.
fn look_at(mut body: Body<'_>, layout: &Layout) -> Result<(u64, Disagreements), SheetError> {
    let mut survey = Survey::default();
    let mut rows = 0;
    let mut row = Row::default();
    while body.next(&mut row)? {
        rows += 1;
        // What cannot be read is rejected in the second pass, and agrees with anything.
        if let Ok(read) = cells::read(layout, &row.cells) {
            survey.see(row.number, &read);
        }
    }
    Ok((rows, survey.finish()))
}

/// An import at work.
struct Work {
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
    async fn run(mut self, surveyed: Surveyed) {
        let ended = match self.work(surveyed).await {
            Ok(()) => return,
            Err(ended) => ended,
        };
        match ended {
            Ended::Failed(why) => self.fail(why).await,
            Ended::Elsewhere => tracing::warn!(import = %self.import.id, "the import was ended"),
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
            let (rows, is_last) = (batch.len(), batch.is_last);
            let took = self.write(Arc::new(batch)).await?;
            pace.learn(rows, took);
            if is_last {
                return Ok(());
            }
        }
        match reading.await {
            Ok(Err(error)) => tracing::error!(%error, "a file could not be read a second time"),
            Ok(Ok(())) => tracing::error!("a file ended without a last batch"),
            Err(panic) => tracing::error!(%panic, "reading a file panicked"),
        }
        Err(Ended::Failed(ImportFailure::Fault))
    }

    /// Writes a batch, again and again while the database is away; answers how long it took.
    async fn write(&mut self, batch: Arc<Batch>) -> Result<Duration, Ended> {
        let until = Instant::now() + DATABASE_PATIENCE;
        loop {
            let error = match self.try_write(&batch).await {
                Ok((counts, took)) => {
                    self.moved(counts);
                    return Ok(took);
                }
                Err(NotDone::Storage(StorageError::ImportMoved)) => {
                    self.catch_up(batch.len() as u64).await?;
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
            tracing::warn!(%error, import = %self.import.id, "a batch is tried again");
            if Instant::now() >= until {
                return Err(Ended::Failed(ImportFailure::DatabaseAway));
            }
            self.pause().await?;
        }
    }

    async fn pause(&mut self) -> Result<(), Ended> {
        let mut stop = self.begin.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => Ok(()),
            _ = stop.wait_for(|stop| *stop) => Err(stopped()),
        }
    }

    async fn try_write(&self, batch: &Arc<Batch>) -> Result<(ImportCounts, Duration), NotDone> {
        let store = Arc::clone(&self.begin.store);
        let shown = tokio::task::spawn_blocking(move || store.show_presence()).await;
        shown.map_err(|panic| StorageError::Defect(panic.into()))??;
        let command = ImportRows {
            rows: Arc::clone(&batch.rows),
            create_missing: self.create_missing,
        };
        let step = self.step_of(Arc::clone(batch));
        let counts = step.clone();
        let (answer, took) = self
            .begin
            .store
            .import_batch(&self.begin.organization, command, self.origin(), step)
            .await?;
        Ok((counts(&answer).counts, took))
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
            actor: self.begin.origin.actor.clone(),
            source: "import",
            job: i64::try_from(self.import.id.number()).ok(),
            request: None,
        }
    }

    fn moved(&mut self, counts: ImportCounts) {
        self.read += counts.read();
        self.rejected += counts.rejected;
    }

    /// Finds out what became of a batch whose answer was lost.
    async fn catch_up(&mut self, rows: u64) -> Result<(), Ended> {
        let id = self.import.id;
        let read = self
            .begin
            .store
            .read(&self.begin.organization, move |at| at.import(id))
            .await;
        let import = match read {
            Ok(Some(import)) => import,
            Ok(None) => return Err(Ended::Elsewhere),
            Err(error) => {
                tracing::error!(%error, "an import could not be read");
                return Err(Ended::Failed(ImportFailure::DatabaseAway));
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
