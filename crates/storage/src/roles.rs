//! Who uses the database: readers, the follower, the writers, and the renewal of the lease.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;

use crate::engine::live_servers::LiveServers;
use crate::engine::remote::Remote;
use crate::engine::silence::{SignsOfLife, Watched, Watcher};
use crate::engine::{Engine, FOLLOWERS, READERS};
use crate::error::Result;
use crate::write::queue::Writers;

/// A number of turns, of which each read takes one.
pub(crate) struct Turns {
    count: usize,
    free: RwLock<Arc<Semaphore>>,
}

impl Turns {
    fn new(count: u32) -> Self {
        let count = count as usize;
        Self {
            count,
            free: RwLock::new(Arc::new(Semaphore::new(count))),
        }
    }

    /// The free turns.
    pub(crate) fn free(&self) -> Arc<Semaphore> {
        Arc::clone(&self.free.read())
    }

    /// Makes all turns free. Those that are taken now belong to threads that may be stuck.
    fn renew(&self) {
        *self.free.write() = Arc::new(Semaphore::new(self.count));
    }
}

/// See the module.
pub(crate) struct Roles {
    pub(crate) readers: Turns,
    pub(crate) followers: Turns,
    /// `None` if the store is only inspected.
    writers: Option<Writers>,
    /// `None` if the store is only inspected or was closed.
    servers: Mutex<Option<LiveServers>>,
}

impl Roles {
    pub(crate) fn new(writers: Option<Writers>, servers: Option<LiveServers>) -> Self {
        Self {
            readers: Turns::new(READERS),
            followers: Turns::new(FOLLOWERS),
            writers,
            servers: Mutex::new(servers),
        }
    }

    /// The number that the imports of this server carry.
    pub(crate) fn server_number(&self) -> i64 {
        self.servers.lock().as_ref().map_or(0, LiveServers::number)
    }

    /// Whether a newer server has raised the schema floor above this server's schema.
    pub(crate) fn is_superseded(&self) -> bool {
        let servers = self.servers.lock();
        servers.as_ref().is_some_and(LiveServers::is_superseded)
    }

    /// Ends all roles, and waits for the writers for at most this long.
    pub(crate) fn end(&self, patience: Duration) {
        let servers = self.servers.lock().take();
        drop(servers);
        if let Some(writers) = &self.writers {
            writers.join(patience);
        }
    }
}

/// A store whose database is behind a network.
pub(crate) struct WatchedStore {
    remote: Arc<Remote>,
    roles: Arc<Roles>,
}

impl WatchedStore {
    /// Starts to watch the database of a store, if it is behind a network.
    pub(crate) fn watch(engine: &Engine, roles: &Arc<Roles>) -> std::io::Result<Option<Watcher>> {
        let Some(remote) = engine.remote() else {
            return Ok(None);
        };
        let watched = Self {
            remote: Arc::clone(remote),
            roles: Arc::clone(roles),
        };
        Watcher::start(Arc::new(watched)).map(Some)
    }
}

impl Watched for WatchedStore {
    fn signs(&self) -> &SignsOfLife {
        &self.remote.signs
    }

    fn probe(&self) -> Result<()> {
        self.remote.probe()
    }

    fn replace_stuck(&self) {
        self.remote.renew_connections();
        self.roles.readers.renew();
        self.roles.followers.renew();
        if let Some(writers) = &self.roles.writers {
            writers.replace_stuck();
        }
        if let Some(servers) = &mut *self.roles.servers.lock() {
            let engine = Engine::Postgres(Arc::clone(&self.remote));
            if let Err(error) = servers.replace_stuck(engine) {
                tracing::error!(%error, "cannot renew the lease of this server");
            }
        }
    }
}
