//! Which servers are at work, so that the imports of one that died are told from those of one that
//! still works on them.
//!
//! Each server holds a lease in the database, under a random number that its imports carry, and
//! renews it again and again. Whoever renews also looks for leases that are over: the imports of
//! those servers are failed. Leases are measured by the clock of the database.
//!
//! Invariants:
//! - An import that was failed writes nothing more, even if its server was only paused and goes on:
//!   each batch commits only if its import still runs.
//! - After an outage of the database, all leases may be over at once. A server whose own lease was
//!   over fails nobody's imports until it has held its lease for as long as a lease lasts.

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

/// How often the database is asked whether this server may go on serving it.
const FLOOR_LOOK_EVERY: Duration = Duration::from_millis(500);
/// A lease is renewed this many times before it would be over: so that a renewal or two may fail.
const RENEWALS_PER_LEASE: u32 = 4;

/// This server among those at work on a database.
pub(crate) struct LiveServers {
    number: i64,
    superseded: Arc<AtomicBool>,
    /// The thread that renews, where other servers may be at work on the database.
    renewing: Option<Renewing>,
}

struct Renewing {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl LiveServers {
    /// Draws this server's number, takes its lease and fails the imports of servers that are gone.
    ///
    /// A SQLite file has one server, which its lock sees to: whatever runs in it is a dead one's.
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
            superseded,
            renewing,
        })
    }

    /// The number that this server's imports carry.
    pub(crate) fn number(&self) -> i64 {
        self.number
    }

    /// Whether a newer server has changed the schema so that this one must not serve it any more.
    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    /// Stops renewing.
    pub(crate) fn end(&mut self) {
        if let Some(renewing) = self.renewing.take() {
            *renewing.stop.0.lock() = true;
            renewing.stop.1.notify_all();
            // A panic was told when it happened.
            let _ = renewing.thread.join();
        }
    }
}

impl Drop for LiveServers {
    fn drop(&mut self) {
        self.end();
    }
}

impl Renewing {
    fn start(engine: Engine, mut look: Look, superseded: Arc<AtomicBool>) -> Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let stopped = Arc::clone(&stop);
        let work = move || {
            let mut renewed = Instant::now();
            let mut stopped_now = stopped.0.lock();
            while !*stopped_now {
                stopped.1.wait_for(&mut stopped_now, FLOOR_LOOK_EVERY);
                if *stopped_now {
                    break;
                }
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
                    // That the database is away is told by those who follow its log.
                    Err(error) => {
                        tracing::debug!(%error, "the lease of this server was not renewed")
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

/// What the renewing thread knows.
struct Look {
    number: i64,
    lease: Duration,
    /// Since when this server has held its lease without a gap.
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
            tracing::warn!(server, "a server is gone: its imports are failed");
        }
        Ok(())
    }
}
