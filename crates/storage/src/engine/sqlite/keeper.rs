//! Keeps acknowledged writes safe from what happens to the files of a database.
//!
//! Invariants:
//! - No write is acknowledged unless the file, its log and the log's index are where the next
//!   server will look for them.
//! - While acknowledged writes may be only in the log, the generation of the file is odd.
//! - The record of the newest acknowledged write is never ahead of the database.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use parking_lot::{Condvar, Mutex};

use super::acknowledged::{Acknowledged, AcknowledgedWrite, RecordFile};
use super::generation::{Checkpoint, Generation};
use super::loss::store_id;
use super::presence::{Displaced, Presence};
use super::{Conn, connect};
use crate::error::{Result, StorageError};
use crate::tables::organization::Organization;

/// How often to look for displaced files and for a pause.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long nobody has written when a pause begins. The file is then complete within a second, so
/// that a copy of an idle server's file is complete, and a busy server pays for no pause.
const PAUSE_AFTER: Duration = Duration::from_secs(2);
/// How long a stop waits for a writer that the database holds up.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) struct Keeper {
    path: PathBuf,
    presence: Presence,
    /// For checkpoints. It waits for no lock.
    conn: Mutex<Conn>,
    state: Mutex<State>,
    /// Whether the state has a displaced file.
    is_displaced: AtomicBool,
    record: Mutex<(RecordFile, Acknowledged)>,
    stop: Arc<(Mutex<bool>, Condvar)>,
}

struct State {
    /// The generation that the next transaction sees.
    generation: Generation,
    last_write: Instant,
    /// Whether the file is complete and its log empty.
    is_settled: bool,
    displaced: Option<Displaced>,
}

impl Keeper {
    /// Begins to keep a database that is open, until it is closed.
    pub(crate) fn start(path: &str) -> Result<Arc<Self>> {
        let mut conn = connect(path)?;
        conn.batch_execute(
            "PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA wal_autocheckpoint = 0;",
        )?;
        let found = Generation::read(&mut conn)?;
        let generation = if found == Generation::default() {
            Generation::draw()?
        } else {
            found
        };
        let unusable = |error: std::io::Error| StorageError::Unreachable(error.into());
        let path = Path::new(path);
        let record = Acknowledged {
            store: store_id(&mut conn)?,
            generation: Generation::default(),
            administration: 0,
            write: None,
        };
        let keeper = Arc::new(Self {
            path: path.to_owned(),
            presence: Presence::note(path).map_err(unusable)?,
            conn: Mutex::new(conn),
            state: Mutex::new(State {
                generation,
                last_write: Instant::now(),
                is_settled: false,
                displaced: None,
            }),
            is_displaced: AtomicBool::new(false),
            record: Mutex::new((RecordFile::open(path).map_err(unusable)?, record)),
            stop: Arc::default(),
        });
        let (kept, stop) = (Arc::downgrade(&keeper), Arc::clone(&keeper.stop));
        std::thread::Builder::new()
            .name("file-keeper".to_owned())
            .spawn(move || look_until_stopped(&kept, &stop))
            .map_err(unusable)?;
        Ok(keeper)
    }

    /// Call it before a transaction writes. Fails if a file is displaced.
    pub(super) fn before_write(&self, conn: &mut Conn) -> Result<()> {
        self.look()?;
        let mut state = self.state.lock();
        state.last_write = Instant::now();
        state.is_settled = false;
        if state.generation.is_in_use() {
            return Ok(());
        }
        let next = state.generation.next();
        next.write(conn)?;
        state.generation = next;
        // A reader of an older revision may prevent it. The next pause then makes up for it.
        if Checkpoint::Passive.run(conn)? {
            self.note(|record| record.generation = next);
        }
        Ok(())
    }

    /// Call it after a commit and before its answer. Fails if a file is displaced.
    pub(super) fn acknowledge(&self, name: &str, organization: &Organization) -> Result<()> {
        self.look()?;
        self.note(|record| {
            record.write = Some(AcknowledgedWrite {
                org: organization.org,
                revision: organization.revision.number(),
                nonce: organization.nonce,
                organization: name.to_owned(),
            });
        });
        Ok(())
    }

    /// As [`acknowledge`](Self::acknowledge), for a change of credentials or organizations.
    pub(super) fn acknowledge_administration(&self, version: i64) -> Result<()> {
        self.look()?;
        self.note(|record| record.administration = version);
        Ok(())
    }

    /// Whether a file is displaced, so that no write is acknowledged.
    pub(crate) fn is_displaced(&self) -> bool {
        self.is_displaced.load(Ordering::Relaxed)
    }

    /// Completes the file and empties its log. Call it after the last write.
    pub(crate) fn close(&self) {
        *self.stop.0.lock() = true;
        self.stop.1.notify_all();
        let settled = self.settle(STOP_PATIENCE, Duration::ZERO);
        if !matches!(settled, Ok(true)) {
            let error = settled.err().map(|error| error.to_string());
            tracing::warn!(
                error,
                "the log of the database is not empty at the end: keep it with the file"
            );
        }
    }

    /// Changes the record and writes it.
    fn note(&self, change: impl FnOnce(&mut Acknowledged)) {
        let mut held = self.record.lock();
        let (file, record) = &mut *held;
        change(record);
        if let Err(error) = file.write(record) {
            tracing::warn!(%error, "the record of the newest acknowledged write cannot be written");
        }
    }

    /// Looks whether the files are in their places. Reports a change once.
    fn look(&self) -> Result<()> {
        let found = self.presence.displaced();
        if found.is_none() && !self.is_displaced() {
            return Ok(());
        }
        let mut state = self.state.lock();
        match (state.displaced, found) {
            (None, None) => return Ok(()),
            // SQLite may have begun another log: only a new start can tell what is right.
            (Some(Displaced::Log), _) => {}
            (Some(Displaced::Database), None) => {
                tracing::info!(path = %self.path.display(), "the file of the database is back");
                state.displaced = None;
                self.is_displaced.store(false, Ordering::Relaxed);
                return Ok(());
            }
            (Some(Displaced::Database), Some(_)) => {}
            (None, Some(displaced)) => {
                state.displaced = Some(displaced);
                self.is_displaced.store(true, Ordering::Relaxed);
                self.rescue(&mut state, displaced);
            }
        }
        Err(StorageError::Displaced)
    }

    /// Completes the open file, wherever it is, and says what to do.
    fn rescue(&self, state: &mut State, displaced: Displaced) {
        let path = self.path.display();
        let complete = match self.conn.try_lock_for(STOP_PATIENCE) {
            Some(mut conn) => settle_generation(state, &mut conn),
            None => Ok(false),
        };
        let is_complete = matches!(complete, Ok(true));
        let error = complete.err().map(|error| error.to_string());
        match displaced {
            Displaced::Database => tracing::error!(
                %path, is_complete, error,
                "the file of the database was moved, replaced or deleted while this server has it \
                 open: writes are refused. Move the file back, or stop the server, put the file in \
                 its place and start again"
            ),
            Displaced::Log => tracing::error!(
                %path, is_complete, error,
                "the -wal or -shm file of the database was moved, replaced or deleted while this \
                 server has it open: writes are refused. If is_complete is true, all acknowledged \
                 writes are in the database file: restart the server. Otherwise put the files back \
                 first"
            ),
        }
    }

    /// Completes the file in a pause. Returns whether it is complete.
    fn settle(&self, patience: Duration, pause: Duration) -> Result<bool> {
        let Some(mut conn) = self.conn.try_lock_for(patience) else {
            return Ok(false);
        };
        // Does the work without a lock; the rest is then short.
        Checkpoint::Passive.run(&mut conn)?;
        let Some(mut state) = self.state.try_lock_for(patience) else {
            return Ok(false);
        };
        if state.last_write.elapsed() < pause || state.displaced.is_some() {
            return Ok(false);
        }
        if !settle_generation(&mut state, &mut conn)? {
            return Ok(false);
        }
        let generation = state.generation;
        self.note(|record| record.generation = generation);
        self.record
            .lock()
            .0
            .sync()
            .map_err(|error| StorageError::Unreachable(error.into()))?;
        Ok(true)
    }

    /// Does what is due.
    fn tick(&self) {
        if self.look().is_err() {
            return;
        }
        let is_due = self
            .state
            .try_lock()
            .is_some_and(|state| !state.is_settled && state.last_write.elapsed() >= PAUSE_AFTER);
        if is_due && let Err(error) = self.settle(Duration::ZERO, PAUSE_AFTER) {
            // Another program may hold a lock: the next look tries again.
            tracing::debug!(%error, "the log of the database was not emptied");
        }
    }
}

/// Makes the generation even and empties the log. Returns whether the file is complete.
fn settle_generation(state: &mut State, conn: &mut Conn) -> Result<bool> {
    if state.generation.is_in_use() {
        let next = state.generation.next();
        next.write(conn)?;
        state.generation = next;
    }
    state.is_settled = Checkpoint::Truncate.run(conn)?;
    Ok(state.is_settled)
}

fn look_until_stopped(keeper: &Weak<Keeper>, stop: &(Mutex<bool>, Condvar)) {
    let mut stopped = stop.0.lock();
    loop {
        stop.1.wait_for(&mut stopped, LOOK_EVERY);
        if *stopped {
            return;
        }
        let Some(keeper) = keeper.upgrade() else {
            return;
        };
        parking_lot::MutexGuard::unlocked(&mut stopped, || keeper.tick());
    }
}
