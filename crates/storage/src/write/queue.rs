//! The lanes of writes: calls before jobs that have not waited long, organizations in turn, each
//! served by at most one writer at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use roster_core::organization::OrganizationName;

use crate::engine::interface::Connection;
use crate::engine::statement_count::CountedWork;
use crate::error::{Result, StorageError};
use crate::observer::{Lane, Observer, Work, WritesWaiting};
use crate::write::batch::Batch;
use crate::write::invariants::Guarding;
use crate::write::job::{Committed, Job, Outcome};

/// Commands per transaction: enough that a commit's cost vanishes, few enough that the first
/// command does not wait long.
const BATCH_COMMANDS_MAX: usize = 256;
/// How many calls may wait, by default: a second's work of a small machine.
pub const CALLS_WAITING_MAX: usize = 8_192;
/// How many batches of jobs may wait. A job waits for its own answer, so it needs one place.
const JOBS_WAITING_MAX: usize = 64;

/// How much work on the store itself may wait: calls of administrators, who are few.
const ADMINISTRATION_WAITING_MAX: usize = 256;

/// How long calls go before a waiting job. Then the job goes first, so that an import also ends if
/// calls never pause. Several batches of calls fit into this time, and a batch of a job and this time
/// together stay below half a second, the longest that a call should wait beside an import.
const JOB_PATIENCE: Duration = Duration::from_millis(100);

/// Work on an organization that is not a command: it has its own transaction and no revision.
pub(crate) type Chore = Box<dyn FnOnce(Result<&mut dyn Connection>) + Send>;

/// A writer's number, which no other writer of the process has.
type WriterId = u64;
/// The organizations that writers work on.
type Held = HashMap<OrganizationName, WriterId>;

/// Work for a writer on one organization.
enum Taken {
    Commands(Lane, Vec<Box<dyn Job>>),
    Chores(Vec<Chore>),
    Administration(Chore),
}

struct Waiting<T> {
    /// By organization, oldest first.
    queues: HashMap<OrganizationName, VecDeque<T>>,
    /// The organizations with waiting work, in turn, each once.
    turns: VecDeque<OrganizationName>,
    count: usize,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self {
            queues: HashMap::new(),
            turns: VecDeque::new(),
            count: 0,
        }
    }
}

impl<T> Waiting<T> {
    fn push(&mut self, name: &OrganizationName, job: T) {
        let queue = self.queues.entry(name.clone()).or_default();
        if queue.is_empty() {
            self.turns.push_back(name.clone());
        }
        queue.push_back(job);
        self.count += 1;
    }

    /// Takes the next organization that no writer holds, with up to `max` of its commands.
    fn take(&mut self, held: &Held, max: usize) -> Option<(OrganizationName, Vec<T>)> {
        let turn = self
            .turns
            .iter()
            .position(|name| !held.contains_key(name))?;
        let name = self.turns.remove(turn)?;
        let queue = self.queues.get_mut(&name)?;
        let taken: Vec<_> = queue.drain(..queue.len().min(max)).collect();
        self.count -= taken.len();
        if queue.is_empty() {
            self.queues.remove(&name);
        } else {
            self.turns.push_back(name.clone());
        }
        Some((name, taken))
    }

    /// Returns the oldest work of the next organization that no writer holds.
    fn next(&self, held: &Held) -> Option<&T> {
        let name = self.turns.iter().find(|name| !held.contains_key(*name))?;
        self.queues.get(name)?.front()
    }

    /// Takes all waiting work of one organization.
    fn take_all(&mut self, name: &OrganizationName) -> Vec<T> {
        let Some(queue) = self.queues.remove(name) else {
            return Vec::new();
        };
        self.turns.retain(|turn| turn != name);
        self.count -= queue.len();
        queue.into()
    }
}

#[derive(Default)]
struct State {
    calls: Waiting<Box<dyn Job>>,
    /// Each with the time since which it has waited.
    jobs: Waiting<(Instant, Box<dyn Job>)>,
    /// In the lane of jobs, after them.
    chores: Waiting<Chore>,
    /// Work on the store itself, before everything else: rare, short, and an operator waits for it.
    administration: VecDeque<Chore>,
    /// The writer that is at work on the store itself.
    administered: Option<WriterId>,
    held: Held,
    closed: bool,
}

impl State {
    fn take_commands(&mut self) -> Option<(OrganizationName, Taken)> {
        let next_job = self.jobs.next(&self.held);
        if next_job.is_some_and(|(since, _)| since.elapsed() >= JOB_PATIENCE) {
            return self.take_job();
        }
        let calls = self.calls.take(&self.held, BATCH_COMMANDS_MAX);
        calls
            .map(|(name, calls)| (name, Taken::Commands(Lane::Calls, calls)))
            .or_else(|| self.take_job())
    }

    fn take_job(&mut self) -> Option<(OrganizationName, Taken)> {
        let (name, jobs) = self.jobs.take(&self.held, 1)?;
        let jobs = jobs.into_iter().map(|(_, job)| job).collect();
        Some((name, Taken::Commands(Lane::Jobs, jobs)))
    }

    fn take_chore(&mut self) -> Option<(OrganizationName, Taken)> {
        let (name, chores) = self.chores.take(&self.held, 1)?;
        Some((name, Taken::Chores(chores)))
    }
}

/// Where commands wait for a writer.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    calls_max: usize,
}

impl Queue {
    /// Creates a queue for at most this many waiting calls.
    pub(crate) fn new(calls_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            calls_max,
        }
    }

    pub(crate) fn push(
        &self,
        lane: Lane,
        name: &OrganizationName,
        job: Box<dyn Job>,
    ) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StorageError::Unreachable("the store is closed".into()));
        }
        let (count, max) = match lane {
            Lane::Calls => (state.calls.count, self.calls_max),
            Lane::Jobs => (state.jobs.count, JOBS_WAITING_MAX),
        };
        if count >= max {
            return Err(StorageError::QueueFull);
        }
        match lane {
            Lane::Calls => state.calls.push(name, job),
            Lane::Jobs => state.jobs.push(name, (Instant::now(), job)),
        }
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Queues a chore. A closed queue refuses it.
    pub(crate) fn push_chore(&self, name: &OrganizationName, chore: Chore) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StorageError::Unreachable("the store is closed".into()));
        }
        state.chores.push(name, chore);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Queues work on the store itself. A closed queue refuses it.
    pub(crate) fn push_administration(&self, chore: Chore) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StorageError::Unreachable("the store is closed".into()));
        }
        if state.administration.len() >= ADMINISTRATION_WAITING_MAX {
            return Err(StorageError::QueueFull);
        }
        state.administration.push_back(chore);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for work. Returns `None` when the queue is closed and no accepted work is left.
    fn take(&self, writer: WriterId) -> Option<(Option<OrganizationName>, Taken)> {
        let mut state = self.state.lock();
        loop {
            if state.administered.is_none()
                && let Some(chore) = state.administration.pop_front()
            {
                state.administered = Some(writer);
                return Some((None, Taken::Administration(chore)));
            }
            let taken = state.take_commands().or_else(|| state.take_chore());
            if let Some((name, taken)) = taken {
                state.held.insert(name.clone(), writer);
                return Some((Some(name), taken));
            }
            if state.closed && state.calls.count == 0 && state.jobs.count == 0 {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }

    /// Returns how many commands are waiting.
    pub(crate) fn waiting(&self) -> WritesWaiting {
        let state = self.state.lock();
        WritesWaiting {
            calls: state.calls.count,
            jobs: state.jobs.count,
        }
    }

    /// Takes all waiting calls of an organization.
    fn take_calls(&self, name: &OrganizationName) -> Vec<Box<dyn Job>> {
        self.state.lock().calls.take_all(name)
    }

    /// Ends a writer's work. Returns false if the writer was given up meanwhile, and must end.
    fn release(&self, name: Option<&OrganizationName>, writer: WriterId) -> bool {
        let mut state = self.state.lock();
        let at_work = match name {
            Some(name) => state.held.get(name) == Some(&writer),
            None => state.administered == Some(writer),
        };
        if at_work {
            match name {
                Some(name) => {
                    state.held.remove(name);
                }
                None => state.administered = None,
            }
            drop(state);
            // Other threads may wait for this organization or for the end.
            self.changed.notify_all();
        }
        at_work
    }

    /// Gives up all writers that are at work: they may be stuck. Returns how many.
    fn give_up_writers(&self) -> usize {
        let mut state = self.state.lock();
        let administering = usize::from(state.administered.take().is_some());
        let count = state.held.drain().count() + administering;
        drop(state);
        self.changed.notify_all();
        count
    }

    /// Refuses new work; the writers finish the waiting commands and end.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }
}

/// Connects a writer to the database.
pub(crate) type Connect = Arc<dyn Fn() -> Result<Box<dyn Connection>> + Send + Sync>;

/// Everything that the writers of a store share.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) queue: Arc<Queue>,
    pub(crate) connect: Connect,
    pub(crate) guarding: Guarding,
    /// Receives committed change sets.
    pub(crate) listener: Option<Arc<dyn Committed>>,
    /// Measures the writers' work.
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// The writers of a store.
pub(crate) struct Writers {
    desk: Desk,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next: AtomicU64,
}

impl Writers {
    pub(crate) fn start(desk: Desk, count: usize) -> std::io::Result<Self> {
        let writers = Self {
            desk,
            threads: Mutex::default(),
            next: AtomicU64::new(0),
        };
        writers.add(count)?;
        Ok(writers)
    }

    fn add(&self, count: usize) -> std::io::Result<()> {
        let mut threads = self.threads.lock();
        for _ in 0..count {
            let (desk, writer) = (self.desk.clone(), self.next.fetch_add(1, Ordering::Relaxed));
            let thread = std::thread::Builder::new()
                .name(format!("writer-{writer}"))
                .spawn(move || write_until_closed(&desk, writer))?;
            threads.push(thread);
        }
        Ok(())
    }

    /// Replaces the writers that are at work, which may be stuck. They end as soon as they can.
    pub(crate) fn replace_stuck(&self) {
        self.threads.lock().retain(|thread| !thread.is_finished());
        let stuck = self.desk.queue.give_up_writers();
        if stuck > 0 {
            tracing::warn!(
                stuck,
                "the database was silent: replacing the writers at work"
            );
        }
        if let Err(error) = self.add(stuck) {
            tracing::error!(%error, "cannot start a writer");
        }
    }

    /// Waits for the writers to end, for at most this long.
    pub(crate) fn join(&self, patience: Duration) {
        let until = Instant::now() + patience;
        for writer in std::mem::take(&mut *self.threads.lock()) {
            while !writer.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            if writer.is_finished() {
                // The panic hook has already reported a panic.
                let _ = writer.join();
            }
        }
    }
}

fn write_until_closed(desk: &Desk, writer: WriterId) {
    let queue = &desk.queue;
    while let Some((name, taken)) = queue.take(writer) {
        // A panic is a defect of one batch: its callers see their answer dropped, and the writer
        // continues.
        let _counted = CountedWork::begin(Work::Writes, desk.observer.as_deref());
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match taken {
            Taken::Commands(lane, jobs) => {
                if let Some(name) = &name {
                    run_commands(desk, lane, name, jobs);
                }
            }
            Taken::Chores(chores) => chores
                .into_iter()
                .for_each(|chore| run_chore(chore, &desk.connect)),
            Taken::Administration(chore) => run_chore(chore, &desk.connect),
        }));
        if worked.is_err() {
            let organization = name.as_ref().map(tracing::field::display);
            tracing::error!(organization, "a writer panicked");
        }
        if !queue.release(name.as_ref(), writer) {
            return;
        }
    }
}

fn run_commands(desk: &Desk, lane: Lane, name: &OrganizationName, jobs: Vec<Box<dyn Job>>) {
    match (desk.connect)() {
        Ok(mut connection) => {
            let mut batch = Batch {
                connection: connection.as_mut(),
                name,
                guarding: desk.guarding,
                listener: desk.listener.as_deref(),
                reconnect: desk.connect.as_ref(),
            };
            let (commands, begun) = (jobs.len(), Instant::now());
            batch.run(jobs);
            if let Some(observer) = &desk.observer {
                observer.batch(lane, commands, begun.elapsed());
            }
        }
        Err(error) => {
            tracing::error!(%error, "could not connect a writer to the database");
            // Calls that arrived meanwhile would wait just as long for the same error.
            for job in jobs.into_iter().chain(desk.queue.take_calls(name)) {
                job.finish(Outcome::Failed(StorageError::Unreachable(
                    "no connection".into(),
                )));
            }
        }
    }
}

fn run_chore(chore: Chore, connect: &Connect) {
    match connect() {
        Ok(mut connection) => chore(Ok(connection.as_mut())),
        Err(error) => chore(Err(error)),
    }
}
