//! All that others see of storage.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use roster_core::command::{Circumstances, Command, Decision};
use roster_core::fact::{Facts, Needs, Unavailable};
use roster_core::guard::Violation;
use roster_core::organization::{At, OrganizationName};
use roster_core::refusal::Refused;
use roster_core::rules::import::{StartImport, StartedImport};
use tokio::sync::{Semaphore, oneshot};

use crate::engine::interface::{Connection, Reading};
use crate::engine::live_servers::LiveServers;
use crate::engine::{Address, Engine, FOLLOWERS, Opening, READERS};
use crate::error::{NotDone, Result, StorageError};
use crate::log::CommittedSet;
use crate::observer::{Lane, Observer, WritesWaiting};
use crate::read::follow;
use crate::read::inline_reads::BriefReads;
use crate::read::snapshot::Snapshot;
use crate::tables::import_record::{
    ImportCounts, ImportRecord, ImportState, ImportStep, NewImport,
};
use crate::tables::organization::StoreKeys;
use crate::tables::{derivation, schema_version};
use crate::write::import_write::ImportWrite;
use crate::write::invariants::{Guarding, check_all};
use crate::write::job::{Committed, Done, Origin, Queued};
use crate::write::queue::{self, CALLS_WAITING_MAX, Desk, Queue};
use crate::write::rebuild;

/// How long a stop waits for writes that were accepted. With the time that the server gives to
/// connections, a stop takes less than ten seconds.
const CLOSE_PATIENCE: Duration = Duration::from_secs(4);

/// How long a lease lasts: longer than a machine or a database pauses in the ordinary course, and
/// short enough that whoever waits for an import hears soon that its server died.
pub const LEASE: Duration = Duration::from_secs(10);

/// How a store works; the default is what a server does.
#[derive(Clone)]
pub struct StoreOptions {
    /// How many calls may wait for a writer.
    pub calls_waiting_max: usize,
    /// Whether each batch is looked at before it is committed.
    pub guarding: Guarding,
    /// Hears what was committed.
    pub listener: Option<Arc<dyn Committed>>,
    /// How long a server that is not heard of is taken to be at work on its imports (PostgreSQL only).
    pub lease: Duration,
    /// Measures the store's work.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            calls_waiting_max: CALLS_WAITING_MAX,
            guarding: Guarding::default(),
            listener: None,
            lease: LEASE,
            observer: None,
        }
    }
}

/// The records of all organizations in one database.
pub struct Store {
    engine: Engine,
    keys: StoreKeys,
    queue: Arc<Queue>,
    /// None where it only looks.
    servers: Mutex<Option<LiveServers>>,
    writers: Mutex<Vec<std::thread::JoinHandle<()>>>,
    readers: Arc<Semaphore>,
    pub(crate) brief: BriefReads,
    pub(crate) followers: Arc<Semaphore>,
    observer: Option<Arc<dyn Observer>>,
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`, makes and migrates the database where needed, starts
    /// its writers, and has them rebuild derived columns that an older code made. Blocks.
    ///
    /// A database whose derived columns a newer code made is refused.
    pub fn open(database: &str) -> Result<Self> {
        Self::open_with(database, StoreOptions::default())
    }

    /// As [`open`](Self::open), with options.
    pub fn open_with(database: &str, options: StoreOptions) -> Result<Self> {
        let address = Address::parse(database)?;
        let engine = Engine::open(&address, Opening::Serving)?;
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
        let writers = queue::start(&desk, address.writers())
            .map_err(|error| StorageError::Unreachable(error.into()))?;
        rebuild::start(&queue, connection.as_mut())?;
        drop(connection);
        Ok(Self {
            engine,
            keys,
            queue,
            servers: Mutex::new(Some(servers)),
            writers: Mutex::new(writers),
            readers: Arc::new(Semaphore::new(READERS as usize)),
            brief: BriefReads::default(),
            followers: Arc::new(Semaphore::new(FOLLOWERS as usize)),
            observer: options.observer,
        })
    }

    /// Opens a database to look at it, beside servers that work on it: nothing is made, migrated,
    /// locked or written, and every command is refused. Blocks.
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
            servers: Mutex::new(None),
            writers: Mutex::default(),
            readers: Arc::new(Semaphore::new(READERS as usize)),
            brief: BriefReads::default(),
            followers: Arc::new(Semaphore::new(FOLLOWERS as usize)),
            observer: None,
        })
    }

    /// The organizations that were ever written to. Blocks.
    pub fn organizations(&self) -> Result<Vec<OrganizationName>> {
        let names = self.engine.connect()?.organizations()?;
        Ok(names
            .iter()
            .map(|name| OrganizationName::trusted(name))
            .collect())
    }

    /// The keys of this store.
    pub fn keys(&self) -> &StoreKeys {
        &self.keys
    }

    /// Carries out a command in the lane of calls. Dropping the future before its batch begins
    /// drops the command.
    ///
    /// `encode` makes the caller's answer, to be kept for a repeat of the same request.
    pub async fn execute<C: Command>(
        &self,
        organization: &OrganizationName,
        command: C,
        origin: Origin,
        encode: impl Fn(&C::Answer, At) -> Vec<u8> + Send + 'static,
    ) -> Result<Done<C::Answer>, NotDone> {
        let (queued, answered) = Queued::new(command, origin, encode);
        self.queue
            .push(Lane::Calls, organization, Box::new(queued))?;
        answered.await.unwrap_or_else(|_| Err(dropped()))
    }

    /// Carries out one batch of an import, after the calls that wait, and moves the import on in
    /// the same transaction.
    ///
    /// Answers also how long the transaction took, without the time it waited for calls.
    /// [`StorageError::ImportMoved`] and nothing written where the import does not stand where
    /// the step begins, or does not run any more.
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
        match answered.await.unwrap_or_else(|_| Err(dropped()))? {
            Done::Fresh(answer, _) => {
                let took = began.get().map(Instant::elapsed);
                Ok((answer, took.unwrap_or_default()))
            }
            Done::Repeated(_) => {
                Err(StorageError::Defect("a batch has no request id".into()).into())
            }
        }
    }

    /// Takes an import in: it has a number and runs from now on, on this server.
    pub async fn begin_import(
        &self,
        organization: &OrganizationName,
        new: NewImport,
        origin: Origin,
        encode: impl Fn(&ImportRecord, At) -> Vec<u8> + Send + 'static,
    ) -> Result<Done<ImportRecord>, NotDone> {
        let server = self.servers.lock().as_ref().map_or(0, LiveServers::number);
        let begun = move |started: &StartedImport, at: At| ImportRecord {
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
            move |started: &StartedImport, at: At| encode(&begun(started, at), at)
        };
        let writes = {
            let begun = Arc::clone(&begun);
            move |started: &StartedImport, at: At| ImportWrite::Begin(begun(started, at), server)
        };
        let (queued, answered) = Queued::new(StartImport, origin, encode);
        let queued = queued.writing_import(Box::new(writes));
        self.queue
            .push(Lane::Calls, organization, Box::new(queued))?;
        Ok(match answered.await.unwrap_or_else(|_| Err(dropped()))? {
            Done::Fresh(started, at) => Done::Fresh(begun(&started, at), at),
            Done::Repeated(bytes) => Done::Repeated(bytes),
        })
    }

    /// Whether a newer server has changed the schema so that this one must not serve it any more.
    pub fn is_superseded(&self) -> bool {
        let servers = self.servers.lock();
        servers.as_ref().is_some_and(LiveServers::is_superseded)
    }

    /// Asks questions of one moment of an organization; one that does not exist is empty.
    ///
    /// Dropping the future before its turn comes drops the question.
    pub async fn read<T: Send + 'static>(
        &self,
        organization: &OrganizationName,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask_snapshot(&self.readers, Reading::Facts, organization, ask)
            .await
    }

    /// As [`read`](Self::read), for a page in the order of an index. On SQLite it is read where it is
    /// asked, if that is brief: else again elsewhere, so that `ask` must have no effects but its
    /// answer. What it asks for beside single records must be counted by
    /// `Snapshot::take_rows`, and its errors handed on.
    pub async fn read_page<T: Send + 'static>(
        &self,
        organization: &OrganizationName,
        ask: impl Fn(&mut Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.read_here(organization, &ask) {
            None | Some(Err(StorageError::Outgrown)) => {
                self.ask_snapshot(&self.readers, Reading::Page, organization, ask)
                    .await
            }
            Some(answer) => answer,
        }
    }

    /// The answer of a brief read; none where this is no time for it.
    fn read_here<T>(
        &self,
        organization: &OrganizationName,
        ask: impl Fn(&mut Snapshot<'_>) -> Result<T>,
    ) -> Option<Result<T>> {
        let _brief = self.brief.turn()?;
        let _reader = self.readers.try_acquire().ok()?;
        let mut connection = self.engine.connection_here()?;
        let read = AssertUnwindSafe(move || {
            of_moment(connection.as_mut(), Reading::Page, organization, |at| {
                ask(&mut at.briefly())
            })
            .flatten()
        });
        Some(catch_unwind(read).unwrap_or_else(|panic| Err(panicked(panic.as_ref()))))
    }

    pub(crate) async fn ask_snapshot<T: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        reading: Reading,
        organization: &OrganizationName,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let organization = organization.clone();
        let (tell, mut told) = oneshot::channel();
        let mut asked = std::pin::pin!(self.ask_connection(turns, move |connection| {
            of_moment(connection, reading, &organization, |mut at| {
                // Before the snapshot ends. Nobody is left to hear it where the caller has gone.
                let _ = tell.send(ask(&mut at));
            })
        }));
        let lost = || StorageError::Defect("a question was dropped".into());
        tokio::select! {
            biased;
            Ok(answer) = &mut told => answer,
            ended = &mut asked => ended.and_then(|()| told.try_recv().map_err(|_| lost())?),
        }
    }

    /// Asks a connection when its turn comes.
    pub(crate) async fn ask_connection<T: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        ask: impl FnOnce(&mut dyn Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (engine, observer) = (self.engine.clone(), self.observer.clone());
        let asked = Instant::now();
        let turn = Arc::clone(turns).acquire_owned().await;
        let turn = turn.map_err(|closed| StorageError::Defect(closed.into()))?;
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            ask(connect(&engine, asked, observer.as_deref())?.as_mut())
        });
        read.await
            .map_err(|panic| StorageError::Defect(panic.into()))?
    }

    /// Has an engine that plans by statistics make them anew, as after many rows of an organization
    /// that they do not know. PostgreSQL does so itself, but minutes may go by.
    pub async fn refresh_statistics(&self) -> Result<()> {
        self.ask_connection(&self.readers, |connection| connection.refresh_statistics())
            .await
    }

    /// The newest moments of these organizations, in their order: one that does not exist is at
    /// revision 0. One statement for thousands of them, which waits for no reader.
    pub async fn heads(
        &self,
        organizations: &[OrganizationName],
    ) -> Result<Vec<(OrganizationName, At)>> {
        let asked = organizations.to_vec();
        self.ask_connection(&self.followers, move |connection| {
            // Where none is asked for, being connected is the answer.
            follow::heads(connection, asked)
        })
        .await
    }

    /// The change sets after a moment, oldest first: at most `limit` of them, and fewer where they
    /// are large. Empty: there are none. None: the organization never had that moment. It waits for
    /// no reader.
    pub async fn changes_after(
        &self,
        organization: &OrganizationName,
        after: At,
        limit: usize,
    ) -> Result<Option<Vec<CommittedSet>>> {
        let page = follow::followed_page(limit);
        self.ask_snapshot(&self.followers, Reading::Facts, organization, move |at| {
            at.changes_after(after, page)
        })
        .await
    }

    /// How many commands wait for a writer.
    pub fn writes_waiting(&self) -> WritesWaiting {
        self.queue.waiting()
    }

    /// Everything that is wrong in an organization; empty where every invariant holds.
    pub async fn check(&self, organization: &OrganizationName) -> Result<Vec<Violation>> {
        let name = organization.clone();
        self.read(organization, move |at| {
            let found = at.connection.organization(name.as_str())?;
            found.map_or_else(|| Ok(Vec::new()), |of| check_all(at.connection, &of))
        })
        .await
    }

    /// Takes no more commands, finishes those that wait, and ends. Blocks.
    pub fn close(&self) {
        self.queue.close();
        *self.servers.lock() = None;
        queue::join(std::mem::take(&mut *self.writers.lock()), CLOSE_PATIENCE);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// A connection for whoever asked for it then.
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

/// Asks a question of one moment. Nothing is written: whether it ends well tells nothing about the
/// answer.
fn of_moment<T>(
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

/// A question that panicked, by what it said.
fn panicked(panic: &(dyn Any + Send)) -> StorageError {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    StorageError::Defect(format!("a question panicked: {}", said.unwrap_or("no word")).into())
}

fn dropped() -> NotDone {
    StorageError::Defect("the writer dropped the command".into()).into()
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
