//! Runs the imports of a server: a few at a time, with a bounded queue.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use roster_sheet::{Encoding, Format, Row, Sheet, SheetError};
use roster_storage::{
    Done, ImportRecord, NewImport, NotDone, OrganizationName, Origin, StorageError, Store,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::batches::{self, Body, Explain};
use crate::cells;
use crate::fault::FileFault;
use crate::header::HeaderFault;
use crate::layout::{Kind, Layout, Mapping};
use crate::survey::{Disagreements, Survey};
use crate::totals::Totals;
use crate::work::Work;

/// Maximum imports that run at a time. One import can read while another writes, and an import of
/// another organization does not wait for the longest import.
const RUNNING_IMPORTS_MAX: usize = 4;
/// Maximum imports that run or wait. Each holds a file of up to a gibibyte.
const UNFINISHED_IMPORTS_MAX: usize = 20;
/// Default of how many seconds a batch is retried while the database is unreachable. A restart or a
/// failover of the database takes less time.
pub const PATIENCE_SECONDS: u64 = 60;

/// How to read a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The kind of the rows.
    pub kind: Kind,
    /// The format. If `None`, it is detected from the bytes.
    pub format: Option<Format>,
    /// The encoding of a CSV file. If `None`, it is detected from the bytes.
    pub encoding: Option<Encoding>,
    /// The fields of columns whose headers name no field or the wrong field.
    pub mapping: Vec<Mapping>,
    /// Whether to create missing accounts and contacts that rows of another kind identify.
    pub create_missing: bool,
}

/// A complete file.
pub struct Upload {
    /// Its bytes.
    pub file: File,
    /// What the file takes; dropped when the import has ended.
    pub space: Box<dyn Send + Sync>,
}

/// The import runner of a server: see the module documentation.
pub struct Intake {
    store: Arc<Store>,
    explain: Explain,
    patience: Duration,
    slots: Arc<Semaphore>,
    run_permits: Arc<Semaphore>,
    stop: watch::Sender<bool>,
    totals: Arc<Totals>,
}

/// A file after the first pass, ready for the second pass.
pub(crate) struct SurveyedFile {
    pub(crate) sheet: Sheet,
    pub(crate) layout: Layout,
    pub(crate) disagreements: Disagreements,
    rows: u64,
}

impl Intake {
    /// Creates an import runner for a store. `explain` returns the reason and the message of a
    /// row's fault. An import fails if the database is unreachable for longer than `patience`.
    pub fn new(store: Arc<Store>, explain: Explain, patience: Duration) -> Self {
        Self {
            store,
            explain,
            patience,
            slots: Arc::new(Semaphore::new(UNFINISHED_IMPORTS_MAX)),
            run_permits: Arc::new(Semaphore::new(RUNNING_IMPORTS_MAX)),
            stop: watch::Sender::new(false),
            totals: Arc::default(),
        }
    }

    /// Reads a file once, starts an import and returns. The import continues if the caller
    /// disconnects.
    ///
    /// `encode` encodes the answer to the caller, which is stored for a repeated request.
    pub async fn start(
        &self,
        organization: OrganizationName,
        upload: Upload,
        config: Config,
        origin: Origin,
        encode: impl Fn(&ImportRecord) -> Vec<u8> + Send + 'static,
    ) -> Result<Done<ImportRecord>, FileFault> {
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        let slot = slot.map_err(|_| FileFault::QueueFull)?;
        if *self.stop.borrow() {
            return Err(FileFault::Stopping);
        }
        let context = ImportContext {
            store: Arc::clone(&self.store),
            explain: self.explain,
            patience: self.patience,
            run_permits: Arc::clone(&self.run_permits),
            stop: self.stop.subscribe(),
            organization,
            origin,
            totals: Arc::clone(&self.totals),
            _slot: slot,
            _space: upload.space,
        };
        // Runs in a separate task, so that a caller that disconnects cannot leave a started import
        // without a worker.
        let started = tokio::spawn(context.start(upload.file, config, encode));
        started
            .await
            .map_err(|panic| NotDone::from(StorageError::Defect(panic.into())))?
    }

    /// Returns the row counts of the imports of this server.
    pub fn totals(&self) -> &Arc<Totals> {
        &self.totals
    }

    /// Refuses further files. Running and waiting imports fail at their next batch.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns a receiver that becomes true when the intake stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Waits until no import runs or waits.
    pub async fn stopped(&self) {
        let all = u32::try_from(UNFINISHED_IMPORTS_MAX).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.slots.acquire_many(all).await;
    }
}

/// What an import uses of the intake.
pub(crate) struct ImportContext {
    pub(crate) store: Arc<Store>,
    pub(crate) explain: Explain,
    pub(crate) patience: Duration,
    pub(crate) run_permits: Arc<Semaphore>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) organization: OrganizationName,
    pub(crate) origin: Origin,
    pub(crate) totals: Arc<Totals>,
    /// Held until the import has ended.
    _slot: OwnedSemaphorePermit,
    /// Likewise.
    _space: Box<dyn Send + Sync>,
}

impl ImportContext {
    async fn start(
        self,
        file: File,
        config: Config,
        encode: impl Fn(&ImportRecord) -> Vec<u8> + Send + 'static,
    ) -> Result<Done<ImportRecord>, FileFault> {
        let create_missing = config.create_missing;
        let surveyed = tokio::task::spawn_blocking(move || survey(file, &config));
        let surveyed = surveyed
            .await
            .map_err(|panic| NotDone::from(StorageError::Defect(panic.into())))??;
        let new = NewImport {
            kind: surveyed.layout.kind.stored(),
            columns: columns(&surveyed.layout),
            rows_total: surveyed.rows,
        };
        let started = self
            .store
            .begin_import(
                &self.organization,
                new,
                self.origin.clone(),
                move |import, _| encode(import),
            )
            .await?;
        if let Done::Fresh(import, _) = &started {
            let work = Work::new(self, import.clone(), &surveyed, create_missing);
            tokio::spawn(work.run(surveyed));
        }
        Ok(started)
    }
}

fn columns(layout: &Layout) -> Vec<(String, String)> {
    let names = |column: &crate::layout::Column| {
        let field = column.field.map_or("", |field| field.path());
        (column.header.clone(), field.to_owned())
    };
    layout.columns.iter().map(names).collect()
}

/// Runs the first pass: see [`Survey`]. Blocks.
fn survey(file: File, config: &Config) -> Result<SurveyedFile, FileFault> {
    let mut sheet = Sheet::of(file, config.format, config.encoding)?;
    let header = batches::read_header(&mut sheet.rows()?)?.ok_or(HeaderFault::Empty)?;
    let layout = Layout::from_header(config.kind, &header.cells, &config.mapping);
    let layout = layout.map_err(|fault| match sheet.format() {
        Format::Csv => fault.or_wrong_separator(&header.cells),
        Format::Xlsx | Format::Xls => fault,
    })?;
    let (rows, disagreements) = survey_rows(Body::below_header(sheet.rows()?, &layout)?, &layout)?;
    Ok(SurveyedFile {
        sheet,
        layout,
        disagreements,
        rows,
    })
}

/// Returns the number of rows and the rows that disagree.
fn survey_rows(mut body: Body<'_>, layout: &Layout) -> Result<(u64, Disagreements), SheetError> {
    let mut survey = Survey::default();
    let mut rows = 0;
    let mut row = Row::default();
    while body.next(&mut row)? {
        rows += 1;
        // A row that cannot be parsed disagrees with no row. The second pass rejects it.
        if let Ok(read) = cells::read(layout, &row) {
            survey.add(row.number, &read);
        }
    }
    Ok((rows, survey.finish()))
}
