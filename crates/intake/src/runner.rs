//! The one runner of imports: a few at once, some that wait, and no more.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use roster_sheet::{Encoding, Format, Row, Sheet, SheetError};
use roster_storage::{
    Done, ImportRecord, NewImport, NotDone, OrganizationName, Origin, StorageError, Store,
};
use tempfile::TempPath;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::batches::{self, Body, Explain};
use crate::cells;
use crate::fault::FileFault;
use crate::header::HeaderFault;
use crate::layout::{Kind, Layout, Mapping};
use crate::survey::{Disagreements, Survey};
use crate::totals::Totals;
use crate::work::Work;

/// Imports that are worked through at once: one is read while another is written, and one of
/// another organization need not wait for the longest.
const IMPORTS_AT_ONCE: usize = 4;
/// Imports that are taken in at all, those at work included: each holds a file of up to a
/// gibibyte.
const IMPORTS_MAX: usize = 20;
/// For how many seconds a batch is tried again while the database is away, unless the server has
/// another setting: a restart or a failover of the database takes less.
pub const PATIENCE_SECONDS: u64 = 60;

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
    patience: Duration,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    stop: watch::Sender<bool>,
    totals: Arc<Totals>,
}

/// A file that was read once and can be worked through.
pub(crate) struct Surveyed {
    pub(crate) sheet: Sheet,
    pub(crate) layout: Layout,
    pub(crate) disagreements: Disagreements,
    rows: u64,
}

impl Intake {
    /// An intake into this store. `explain` says of a row's fault the reason and the text. An import
    /// fails when the database is away for longer than `patience`.
    pub fn new(store: Arc<Store>, explain: Explain, patience: Duration) -> Self {
        Self {
            store,
            explain,
            patience,
            places: Arc::new(Semaphore::new(IMPORTS_MAX)),
            turns: Arc::new(Semaphore::new(IMPORTS_AT_ONCE)),
            stop: watch::Sender::new(false),
            totals: Arc::default(),
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
            patience: self.patience,
            turns: Arc::clone(&self.turns),
            stop: self.stop.subscribe(),
            organization,
            origin,
            totals: Arc::clone(&self.totals),
            _place: place,
        };
        // In a task of its own, so that a caller who goes leaves no import that nobody works on.
        let begun = tokio::spawn(begin.begin(file, config, encode));
        begun
            .await
            .map_err(|panic| NotDone::from(StorageError::Defect(panic.into())))?
    }

    /// What the imports of this server came to.
    pub fn totals(&self) -> &Arc<Totals> {
        &self.totals
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
pub(crate) struct Beginning {
    pub(crate) store: Arc<Store>,
    pub(crate) explain: Explain,
    pub(crate) patience: Duration,
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) organization: OrganizationName,
    pub(crate) origin: Origin,
    pub(crate) totals: Arc<Totals>,
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
        let surveyed = tokio::task::spawn_blocking(move || survey(file, &config));
        let surveyed = surveyed
            .await
            .map_err(|panic| NotDone::from(StorageError::Defect(panic.into())))??;
        let new = NewImport {
            kind: surveyed.layout.kind.stored(),
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
            let work = Work::new(self, import.clone(), &surveyed, create_missing);
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
    let layout = Layout::of(config.kind, &header.cells, &config.mapping);
    let layout = layout.map_err(|fault| match sheet.format() {
        Format::Csv => fault.of_text(&header.cells),
        Format::Xlsx | Format::Xls => fault,
    })?;
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
        if let Ok(read) = cells::read(layout, &row) {
            survey.see(row.number, &read);
        }
    }
    Ok((rows, survey.finish()))
}
