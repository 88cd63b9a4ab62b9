//! The public interface of storage.

mod options;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use roster_core::command::{Circumstances, Command, Decision};
use roster_core::fact::{Facts, Needs, Unavailable};
use roster_core::guard::Violation;
use roster_core::organization::{OrganizationName, RevisionId};
use roster_core::refusal::Refused;
use roster_core::rules::import::{StartImport, StartedImport};
use tokio::sync::oneshot;

use crate::engine::interface::{Connection, Reading};
use crate::engine::live_servers::LiveServers;
use crate::engine::silence::Watcher;
use crate::engine::statement_count::CountedWork;
use crate::engine::{Address, Engine, Opening, Serving};
use crate::error::{NotDone, Result, StorageError};
use crate::observer::{Lane, Observer, Work, WritesWaiting};
use crate::read::inline_reads::BriefReads;
use crate::read::snapshot::Snapshot;
use crate::roles::{Roles, Turns, WatchedStore};
use crate::tables::import_record::{
    ImportCounts, ImportRecord, ImportState, ImportStep, NewImport,
};
use crate::tables::organization::StoreKeys;
use crate::tables::{derivation, schema_version};
use crate::write::import_write::ImportWrite;
use crate::write::invariants::check_all;
use crate::write::job::{Done, Origin, Queued};
use crate::write::queue::{Desk, Queue, Writers};
use crate::write::rebuild;

pub use options::{LEASE, StoreOptions};

/// How long a stop waits for accepted writes. Together with the time that the server allows for
/// open connections, a stop takes less than ten seconds.
const CLOSE_PATIENCE: Duration = Duration::from_secs(4);

/// The records of all organizations in one database.
pub struct Store {
    engine: Engine,
    keys: StoreKeys,
    pub(crate) queue: Arc<Queue>,
    pub(crate) roles: Arc<Roles>,
    /// For a database behind a network.
    watcher: Mutex<Option<Watcher>>,
    pub(crate) brief: BriefReads,
    observer: Option<Arc<dyn Observer>>,
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`: creates and migrates the database as needed, starts
    /// the writers, and has them rebuild derived columns of an older version. Blocks.
    ///
    /// Fails if a newer version made the derived columns of the database.
    pub fn open(database: &str) -> Result<Self> {
        Self::open_with(database, StoreOptions::default())
    }

    /// As [`open`](Self::open), with options.
    pub fn open_with(database: &str, options: StoreOptions) -> Result<Self> {
        let address = Address::parse(database)?;
        let serving = Serving {
            migrates: options.migrates,
            accepts_loss: options.accepts_loss,
        };
        let engine = Engine::open(&address, Opening::Serving(serving))?;
        let mut connection = engine.connect()?;
        let keys = connection.store_keys()?;
        derivation::check(connection.newest_derivation()?)?;
        schema_version::check(connection.schema_floor()?)?;
        let servers = LiveServers::begin(&engine, options.lease)?;
        let queue = Arc::new(Queue::new(options.calls_waiting_max));
        let desk = Desk {
            queue: Arc::clone(&queue),
            connect: {
                let (engine, observer) = (engine.clone(), options.observer.clone());
                Arc::new(move || connect(&engine, Instant::now(), observer.as_deref()))
            },
            guarding: options.guarding,
            listener: options.listener,
            observer: options.observer.clone(),
        };
        let writers = Writers::start(desk, address.writers())
            .map_err(|error| StorageError::Unreachable(error.into()))?;
        rebuild::start(&queue, connection.as_mut())?;
        drop(connection);
        let roles = Arc::new(Roles::new(Some(writers), Some(servers)));
        let watcher = WatchedStore::watch(&engine, &roles)
            .map_err(|error| StorageError::Unreachable(error.into()))?;
        Ok(Self {
            engine,
            keys,
            queue,
            roles,
            watcher: Mutex::new(watcher),
            brief: BriefReads::default(),
            observer: options.observer,
        })
    }

    /// Opens a database to inspect it, beside servers that use it: creates, migrates, locks and
    /// writes nothing, and refuses every command. Blocks.
    pub fn inspect(database: &str) -> Result<Self> {
        let address = Address::parse(database)?;
        let engine = Engine::open(&address, Opening::Looking)?;
        let keys = engine.connect()?.store_keys()?;
        let queue = Queue::new(0);
        queue.close();
        Ok(Self {
            engine,
            keys,
            queue: Arc::new(queue),
            roles: Arc::new(Roles::new(None, None)),
            watcher: Mutex::default(),
            brief: BriefReads::default(),
            observer: None,
        })
    }

    /// Returns the organizations, but those whose rows are being removed. Blocks.
    pub fn organizations(&self) -> Result<Vec<OrganizationName>> {
        let names = self.engine.connect()?.organizations()?;
        Ok(names
            .iter()
            .map(|name| OrganizationName::trusted(name))
            .collect())
    }

    /// Returns the keys of this store.
    pub fn keys(&self) -> &StoreKeys {
        &self.keys
    }

    /// Carries out a command in the lane of calls. Dropping the future before its batch begins
    /// drops the command.
    ///
    /// `encode` encodes the caller's answer, which is stored for a repeat of the same request.
    pub async fn execute<C: Command>(
        &self,
        organization: &OrganizationName,
        command: C,
        origin: Origin,
        encode: impl Fn(&C::Answer, RevisionId) -> Vec<u8> + Send + 'static,
    ) -> Result<Done<C::Answer>, NotDone> {
        let (queued, answered) = Queued::new(command, origin, encode);
        self.queue
            .push(Lane::Calls, organization, Box::new(queued))?;
        self.unless_silent(answered_of(answered)).await
    }

    /// Carries out one batch of an import, in the lane of jobs, and advances the import in the
    /// same transaction.
    ///
    /// Also returns how long the transaction took, without the wait for calls. Fails with
    /// [`StorageError::ImportMoved`] and writes nothing if the import is not where the step begins,
    /// or is not running any more.
    pub async fn import_batch<C: Command>(
        &self,
        organization: &OrganizationName,
        command: C,
        origin: Origin,
        step: impl Fn(&C::Answer) -> ImportStep + Send + 'static,
    ) -> Result<(C::Answer, Duration), NotDone> {
        let began = Arc::new(OnceLock::new());
        let command = Timed {
            command,
            began: Arc::clone(&began),
        };
        let (queued, answered) = Queued::new(command, origin, |_, _| Vec::new());
        let queued = queued.writing_import(Box::new(move |answer, at| {
            ImportWrite::Step(step(answer), at)
        }));
        self.queue
            .push(Lane::Jobs, organization, Box::new(queued))?;
        match self.unless_silent(answered_of(answered)).await? {
            Done::Fresh(answer, _) => {
                let took = began.get().map(Instant::elapsed);
                Ok((answer, took.unwrap_or_default()))
            }
            Done::Repeated(_) => {
                Err(StorageError::Defect("a batch has no request id".into()).into())
            }
        }
    }

    /// Accepts an import: assigns its number and marks it as running on this server.
    pub async fn begin_import(
        &self,
        organization: &OrganizationName,
        new: NewImport,
        origin: Origin,
        encode: impl Fn(&ImportRecord, RevisionId) -> Vec<u8> + Send + 'static,
    ) -> Result<Done<ImportRecord>, NotDone> {
        let server = self.roles.server_number();
        let begun = move |started: &StartedImport, at: RevisionId| ImportRecord {
            id: started.id,
            new: new.clone(),
            state: ImportState::Running,
            counts: ImportCounts::default(),
            at,
            create_time: started.create_time,
            end_time: None,
        };
        let begun = Arc::new(begun);
        let encode = {
            let begun = Arc::clone(&begun);
            move |started: &StartedImport, at: RevisionId| encode(&begun(started, at), at)
        };
        let writes = {
            let begun = Arc::clone(&begun);
            move |started: &StartedImport, at: RevisionId| {
                ImportWrite::Begin(begun(started, at), server)
            }
        };
        let (queued, answered) = Queued::new(StartImport, origin, encode);
        let queued = queued.writing_import(Box::new(writes));
        self.queue
            .push(Lane::Calls, organization, Box::new(queued))?;
        Ok(match self.unless_silent(answered_of(answered)).await? {
            Done::Fresh(started, at) => Done::Fresh(begun(&started, at), at),
            Done::Repeated(bytes) => Done::Repeated(bytes),
        })
    }

    /// Whether a newer server has raised the schema floor above this server's schema.
    pub fn is_superseded(&self) -> bool {
        self.roles.is_superseded()
    }

    /// Whether a file of the database was moved, replaced or deleted, so that no write is
    /// acknowledged (SQLite only).
    pub fn is_displaced(&self) -> bool {
        self.engine.is_displaced()
    }

    /// Reads one revision of an organization. An organization that does not exist is empty.
    ///
    /// Dropping the future before its turn comes drops the read.
    pub async fn read<T: Send + 'static>(
        &self,
        organization: &OrganizationName,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask_snapshot(&self.roles.readers, Reading::Facts, organization, ask)
            .await
    }

    /// As [`read`](Self::read), for a page in the order of an index. On SQLite, a short page is
    /// read inline, on the calling thread. A larger one is read again on another thread, so `ask`
    /// must have no effect but its answer. It must count its rows, except single records, by
    /// `Snapshot::take_rows`, and return its errors.
    pub async fn read_page<T: Send + 'static>(
        &self,
        organization: &OrganizationName,
        ask: impl Fn(&mut Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.read_here(organization, &ask) {
            None | Some(Err(StorageError::Outgrown)) => {
                self.ask_snapshot(&self.roles.readers, Reading::Page, organization, ask)
                    .await
            }
            Some(answer) => answer,
        }
    }

    /// Tries an inline read. Returns `None` if it is not allowed now.
    fn read_here<T>(
        &self,
        organization: &OrganizationName,
        ask: impl Fn(&mut Snapshot<'_>) -> Result<T>,
    ) -> Option<Result<T>> {
        let _brief = self.brief.turn()?;
        let _reader = self.roles.readers.free().try_acquire_owned().ok()?;
        let _counted = CountedWork::begin(Work::Reads, self.observer.as_deref());
        let mut connection = self.engine.connection_here()?;
        let read = AssertUnwindSafe(move || {
            at_revision(connection.as_mut(), Reading::Page, organization, |at| {
                ask(&mut at.briefly())
            })
            .flatten()
        });
        Some(catch_unwind(read).unwrap_or_else(|panic| Err(panicked(panic.as_ref()))))
    }

    pub(crate) async fn ask_snapshot<T: Send + 'static>(
        &self,
        turns: &Turns,
        reading: Reading,
        organization: &OrganizationName,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let organization = organization.clone();
        let (tell, mut told) = oneshot::channel();
        let mut asked = std::pin::pin!(self.ask_connection(turns, move |connection| {
            at_revision(connection, reading, &organization, |mut at| {
                // Before the snapshot ends. The caller may have gone.
                let _ = tell.send(ask(&mut at));
            })
        }));
        let lost = || StorageError::Defect("a read was dropped".into());
        tokio::select! {
            biased;
            Ok(answer) = &mut told => answer,
            ended = &mut asked => ended.and_then(|()| told.try_recv().map_err(|_| lost())?),
        }
    }

    /// Runs `ask` on a connection when its turn comes.
    pub(crate) async fn ask_connection<T: Send + 'static>(
        &self,
        turns: &Turns,
        ask: impl FnOnce(&mut dyn Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (engine, observer) = (self.engine.clone(), self.observer.clone());
        let work = if std::ptr::eq(turns, &self.roles.followers) {
            Work::Followers
        } else {
            Work::Reads
        };
        let asked = Instant::now();
        let free = turns.free();
        self.unless_silent(async move {
            let turn = free.acquire_owned().await;
            let turn = turn.map_err(|closed| StorageError::Defect(closed.into()))?;
            let read = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                let _counted = CountedWork::begin(work, observer.as_deref());
                ask(connect(&engine, asked, observer.as_deref())?.as_mut())
            });
            read.await
                .map_err(|panic| StorageError::Defect(panic.into()))?
        })
        .await
    }

    /// Waits for work, but not longer than until the database is silent. What was begun may still
    /// end, in any way.
    pub(crate) async fn unless_silent<T, E: From<StorageError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(remote) = self.engine.remote() else {
            return work.await;
        };
        tokio::select! {
            biased;
            done = work => done,
            silent = remote.signs.silence() => Err(silent.into()),
        }
    }

    /// Refreshes the planner's statistics (PostgreSQL only), as after an organization gained many
    /// rows. PostgreSQL does so itself, but only after minutes.
    pub async fn refresh_statistics(&self) -> Result<()> {
        self.ask_connection(&self.roles.readers, |connection| {
            connection.refresh_statistics()
        })
        .await
    }

    /// Returns how many commands wait for a writer.
    pub fn writes_waiting(&self) -> WritesWaiting {
        self.queue.waiting()
    }

    /// Returns all violations in an organization; empty if every invariant holds.
    pub async fn check(&self, organization: &OrganizationName) -> Result<Vec<Violation>> {
        let name = organization.clone();
        self.read(organization, move |at| {
            let found = at.connection.organization(name.as_str())?;
            found.map_or_else(|| Ok(Vec::new()), |of| check_all(at.connection, &of))
        })
        .await
    }

    /// Refuses new commands, finishes the waiting ones, and ends. Blocks. Dropping the store then
    /// closes its files.
    pub fn close(&self) {
        *self.watcher.lock() = None;
        self.queue.close();
        self.roles.end(CLOSE_PATIENCE);
        self.engine.close();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Opens a connection for a role.
fn connect(
    engine: &Engine,
    asked: Instant,
    observer: Option<&dyn Observer>,
) -> Result<Box<dyn Connection>> {
    let connection = engine.connect();
    if let Some(observer) = observer {
        observer.connection(asked.elapsed());
    }
    connection
}

/// Runs a read on one revision. Nothing is written, so the result of the rollback does not matter.
fn at_revision<T>(
    connection: &mut dyn Connection,
    reading: Reading,
    organization: &OrganizationName,
    ask: impl FnOnce(Snapshot<'_>) -> T,
) -> Result<T> {
    connection.begin_read(reading)?;
    let answer = Snapshot::of(connection, organization).map(ask);
    let _ = connection.rollback();
    answer
}

/// The error for a read that panicked, with the panic's message.
fn panicked(panic: &(dyn Any + Send)) -> StorageError {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    StorageError::Defect(format!("a read panicked: {}", said.unwrap_or("no message")).into())
}

/// Waits for the answer of a writer.
async fn answered_of<T>(answered: oneshot::Receiver<Result<T, NotDone>>) -> Result<T, NotDone> {
    let dropped = |_| StorageError::Defect("the writer dropped the command".into());
    answered.await.map_err(dropped)?
}

/// A command that notes when its transaction began.
struct Timed<C> {
    command: C,
    began: Arc<OnceLock<Instant>>,
}

impl<C: Command> Command for Timed<C> {
    type Answer = C::Answer;
    const NAME: &'static str = C::NAME;

    fn needs(&self, needs: &mut Needs) {
        self.began.get_or_init(Instant::now);
        self.command.needs(needs);
    }

    fn needs_behind<F: Facts>(&self, facts: &F, needs: &mut Needs) -> Result<(), Unavailable> {
        self.command.needs_behind(facts, needs)
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        self.command.decide(facts, given)
    }
}
