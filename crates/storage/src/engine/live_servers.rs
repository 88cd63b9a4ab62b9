//! Which servers are running, so that the imports of a dead server can be failed.
//!
//! Each server holds a lease in the database, under a random number that its imports carry, and
//! renews it regularly. A server that renews also looks for expired leases and fails the imports of
//! those servers. Leases are measured by the clock of the database.
//!
//! Invariants:
//! - A failed import writes nothing more, even if its server was only paused and resumes: each
//!   batch commits only if its import is still running.
//! - After an outage of the database, all leases may have expired. A server whose own lease had
//!   expired fails no imports until it has held its lease for a whole lease duration.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::clock::now;
use crate::engine::Engine;
use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::tables::schema_version::SCHEMA_VERSION;

/// How often to ask the database whether this server may still serve it.
const FLOOR_LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a stop waits for the thread that renews the lease: it may wait for a database that
/// hangs.
const END_PATIENCE: Duration = Duration::from_secs(1);
/// Renewals per lease, so that one or two may fail before the lease expires.
const RENEWALS_PER_LEASE: u32 = 4;

/// This server among the servers of a database.
pub(crate) struct LiveServers {
    number: i64,
    lease: Duration,
    superseded: Arc<AtomicBool>,
    /// The thread that renews the lease, if other servers may use the database.
    renewing: Option<Renewing>,
}

struct Renewing {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl LiveServers {
    /// Draws this server's number, takes its lease and fails the imports of servers that are gone.
    ///
    /// The lock of a SQLite file ensures that it has one server: any import that is running there
    /// belongs to a dead server.
    pub(crate) fn begin(engine: &Engine, lease: Duration) -> Result<Self> {
        let number = getrandom::u64().map_err(|error| StorageError::Defect(Box::new(error)))?;
        let mut look = Look {
            number: number.cast_signed(),
            lease,
            held_since: None,
        };
        let superseded = Arc::new(AtomicBool::new(false));
        let mut connection = engine.connect()?;
        let shared = connection.is_shared();
        if shared {
            look.renew(connection.as_mut())?;
        }
        for server in connection.importing_servers()? {
            if !shared || connection.is_known_gone(server)? {
                connection.fail_imports_of(server, now())?;
            }
        }
        drop(connection);
        let renewing = shared
            .then(|| Renewing::start(engine.clone(), look, Arc::clone(&superseded)))
            .transpose()?;
        Ok(Self {
            number: number.cast_signed(),
            lease,
            superseded,
            renewing,
        })
    }

    /// Renews the lease on a new thread, as the present one may be stuck. That one ends as soon as
    /// it can.
    pub(crate) fn replace_stuck(&mut self, engine: Engine) -> Result<()> {
        let Some(renewing) = &self.renewing else {
            return Ok(());
        };
        renewing.tell_to_stop();
        let look = Look {
            number: self.number,
            lease: self.lease,
            held_since: None,
        };
        self.renewing = Some(Renewing::start(engine, look, Arc::clone(&self.superseded))?);
        Ok(())
    }

    /// Returns the number that this server's imports carry.
    pub(crate) fn number(&self) -> i64 {
        self.number
    }

    /// Whether a newer server has raised the schema floor above this server's schema.
    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    /// Stops renewing.
    pub(crate) fn end(&mut self) {
        if let Some(renewing) = self.renewing.take() {
            renewing.tell_to_stop();
            let told = Instant::now();
            while !renewing.thread.is_finished() && told.elapsed() < END_PATIENCE {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

impl Drop for LiveServers {
    fn drop(&mut self) {
        self.end();
    }
}

impl Renewing {
    fn tell_to_stop(&self) {
        *self.stop.0.lock() = true;
        self.stop.1.notify_all();
    }

    fn start(engine: Engine, mut look: Look, superseded: Arc<AtomicBool>) -> Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let stopped = Arc::clone(&stop);
        let work = move || {
            let mut renewed = Instant::now();
            while !has_stopped_within(&stopped, FLOOR_LOOK_EVERY) {
                let due = renewed.elapsed() >= look.lease / RENEWALS_PER_LEASE;
                match engine.connect().and_then(|mut connection| {
                    let floor = connection.schema_floor()?;
                    superseded.store(floor > SCHEMA_VERSION, Ordering::Relaxed);
                    if due {
                        look.renew_and_sweep(connection.as_mut())?;
                    }
                    Ok(())
                }) {
                    Ok(()) if due => renewed = Instant::now(),
                    Ok(()) => {}
                    // The log follower reports that the database is away.
                    Err(error) => {
                        tracing::debug!(%error, "could not renew the lease of this server")
                    }
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("lease".to_owned())
            .spawn(work)
            .map_err(|error| StorageError::Unreachable(error.into()))?;
        Ok(Self { stop, thread })
    }
}

/// Waits, and returns whether the thread was told to stop. The lock is free while the thread works,
/// as the work may be stuck.
fn has_stopped_within((stop, told): &(Mutex<bool>, Condvar), wait: Duration) -> bool {
    let mut stopped = stop.lock();
    if !*stopped {
        told.wait_for(&mut stopped, wait);
    }
    *stopped
}

/// The state of the renewing thread.
struct Look {
    number: i64,
    lease: Duration,
    /// Since when this server has held its lease without interruption.
    held_since: Option<Instant>,
}

impl Look {
    fn renew(&mut self, connection: &mut dyn Connection) -> Result<()> {
        let micros = i64::try_from(self.lease.as_micros()).unwrap_or(i64::MAX);
        let held = connection.renew_lease(self.number, micros)?;
        if !held {
            self.held_since = None;
        }
        self.held_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    fn renew_and_sweep(&mut self, connection: &mut dyn Connection) -> Result<()> {
        self.renew(connection)?;
        let level = self
            .held_since
            .is_some_and(|since| since.elapsed() >= self.lease);
        if !level {
            return Ok(());
        }
        for server in connection.servers_gone()? {
            connection.fail_imports_of(server, now())?;
            connection.forget_server(server)?;
            tracing::warn!(server, "a server is gone; marked its imports as failed");
        }
        Ok(())
    }
}
