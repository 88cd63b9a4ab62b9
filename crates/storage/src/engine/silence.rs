//! Notices that a remote database no longer answers, and that it answers again.
//!
//! A database that hangs refuses nothing and closes no connection: its kernel still acknowledges what
//! it receives. A statement to it waits for ever, with its connection and its thread. So no caller
//! waits for that thread: once no connection has heard from the database for [`SILENT_AFTER`], calls
//! that wait are told so, and new ones are refused at once. Meanwhile, probes over new connections
//! find out when the database answers; then everything that may still be stuck is replaced.
//!
//! Invariant: whether a write that was in flight was committed stays open, as with any lost answer. A
//! repeat with the same request id finds out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::error::{Result, StorageError};

/// How long the database may be silent before calls are told so: longer than a busy machine takes to
/// answer a probe, and short enough that a caller hears within five seconds.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// How long the database may be silent before it is probed. A server at work, and the renewal of its
/// lease, hear from it more often.
const PROBE_AFTER: Duration = Duration::from_secs(1);
/// The least time between two probes: soon enough to notice a return at once, and few enough for a
/// database that is just starting.
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// How long to wait for a probe before starting another. Connecting has a limit of its own; this one
/// counts if the database hangs between connecting and answering.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);
/// How often the watcher looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A look that comes so late means that this process was paused, or had no processor.
const OWN_PAUSE: Duration = Duration::from_millis(500);

/// When the database was last heard from.
pub(crate) struct SignsOfLife {
    clock: Instant,
    /// In milliseconds of `clock`.
    heard: AtomicU64,
    silent: watch::Sender<bool>,
}

impl Default for SignsOfLife {
    fn default() -> Self {
        Self {
            clock: Instant::now(),
            heard: AtomicU64::new(0),
            silent: watch::Sender::new(false),
        }
    }
}

impl SignsOfLife {
    /// Records that the database just answered.
    pub(crate) fn hear(&self) {
        let millis = u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.fetch_max(millis, Ordering::Relaxed);
    }

    /// Does not count a time in which this process did not run: it could not hear.
    fn discount(&self, pause: Duration) {
        let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.heard.fetch_add(millis, Ordering::Relaxed);
    }

    fn quiet_for(&self) -> Duration {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.clock.elapsed().saturating_sub(heard)
    }

    fn is_silent(&self) -> bool {
        *self.silent.borrow()
    }

    /// Fails while the database is silent.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_silent() {
            return Err(silent());
        }
        Ok(())
    }

    /// Waits until the database is silent, and returns the error for those who wait for it.
    pub(crate) async fn silence(&self) -> StorageError {
        // The sender is a field of this value, so the channel is open.
        let _ = self.silent.subscribe().wait_for(|silent| *silent).await;
        silent()
    }
}

fn silent() -> StorageError {
    let seconds = SILENT_AFTER.as_secs();
    StorageError::Unreachable(format!("the database has been silent for {seconds} seconds").into())
}

/// What the watcher does to a database and to those who use it.
pub(crate) trait Watched: Send + Sync {
    fn signs(&self) -> &SignsOfLife;
    /// Asks the database for an answer over a new connection. Blocks.
    fn probe(&self) -> Result<()>;
    /// Replaces what may be stuck, as the database answers again.
    fn replace_stuck(&self);
}

/// The thread that watches a database; it ends when this is dropped.
pub(crate) struct Watcher {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    pub(crate) fn start(watched: Arc<dyn Watched>) -> std::io::Result<Self> {
        watched.signs().hear();
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || {
                let mut probing = None;
                let mut stopped_now = stopped.0.lock();
                let mut looked = Instant::now();
                while !*stopped_now {
                    stopped.1.wait_for(&mut stopped_now, LOOK_EVERY);
                    let pause = std::mem::replace(&mut looked, Instant::now()).elapsed();
                    if pause >= OWN_PAUSE {
                        watched.signs().discount(pause);
                    }
                    look(&watched, &mut probing);
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        *self.stop.0.lock() = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // It never waits for the database. The panic hook has already reported a panic.
            let _ = thread.join();
        }
    }
}

/// A probe on a thread of its own.
struct Probe {
    began: Instant,
    thread: JoinHandle<()>,
}

impl Probe {
    fn start(watched: &Arc<dyn Watched>) -> std::io::Result<Self> {
        let watched = Arc::clone(watched);
        let probe = move || match watched.probe() {
            Ok(()) => watched.signs().hear(),
            Err(error) => tracing::debug!(%error, "a probe of the database failed"),
        };
        Ok(Self {
            began: Instant::now(),
            thread: std::thread::Builder::new()
                .name("probe".to_owned())
                .spawn(probe)?,
        })
    }

    /// Whether it is time for another.
    fn is_over(&self) -> bool {
        let age = self.began.elapsed();
        age >= PROBE_PATIENCE || (self.thread.is_finished() && age >= PROBE_EVERY)
    }
}

fn look(watched: &Arc<dyn Watched>, probing: &mut Option<Probe>) {
    let signs = watched.signs();
    let quiet = signs.quiet_for();
    if quiet >= PROBE_AFTER && probing.as_ref().is_none_or(Probe::is_over) {
        match Probe::start(watched) {
            Ok(probe) => *probing = Some(probe),
            Err(error) => tracing::error!(%error, "cannot probe the database"),
        }
    }
    if quiet >= SILENT_AFTER {
        signs
            .silent
            .send_if_modified(|silent| !std::mem::replace(silent, true));
    } else if signs.is_silent() && quiet < PROBE_AFTER {
        watched.replace_stuck();
        signs.silent.send_replace(false);
    }
}
