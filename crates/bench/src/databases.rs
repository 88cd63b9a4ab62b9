//! The databases of a run. They are in one new folder, which is removed when the run ends, so runs
//! are independent of each other.

use std::cell::{Cell, OnceCell};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;
use tempfile::{NamedTempFile, TempDir};

use crate::postgres::Cluster;

/// The number of syncs that are timed: enough for a median.
const SYNCS: usize = 50;
/// The pause between two syncs, so that not all of them happen in an idle moment of a busy disk.
const SYNC_PAUSE: Duration = Duration::from_millis(10);
/// The bytes that are written before each sync: a page of a database.
const SYNC_BYTES: usize = 4_096;

/// The database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A database for a server. It is removed when the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) url: String,
    place: Rc<Place>,
}

#[derive(Debug)]
enum Place {
    Folder(TempDir),
    In(Rc<Cluster>, String),
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::In(cluster, name) = self {
            // A database that cannot be dropped is removed with its cluster at the end of the run.
            let _ = cluster.command(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Creates databases and copies of them.
pub(crate) struct Databases {
    /// The folder in which the run creates its folder. PostgreSQL has a separate folder here,
    /// because it may run as another user.
    parent: PathBuf,
    folder: TempDir,
    cluster: OnceCell<Rc<Cluster>>,
    made: Cell<u32>,
}

impl Databases {
    pub(crate) fn new(parent: &Path) -> Result<Self> {
        let parent = std::path::absolute(parent)?;
        let folder = tempfile::Builder::new()
            .prefix("roster-bench-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot create a folder in {}", parent.display()))?;
        Ok(Self {
            parent,
            folder,
            cluster: OnceCell::new(),
            made: Cell::new(0),
        })
    }

    /// The folder of the run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The log file of the programs that the bench starts.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder().join("server.log")
    }

    /// The PostgreSQL server. It is started at the first call.
    fn cluster(&self) -> Result<Rc<Cluster>> {
        if let Some(running) = self.cluster.get() {
            return Ok(Rc::clone(running));
        }
        let started = Rc::new(Cluster::start(&self.parent)?);
        Ok(Rc::clone(self.cluster.get_or_init(|| started)))
    }

    fn in_cluster(&self, how: &str) -> Result<Database> {
        let cluster = self.cluster()?;
        let number = self.made.get() + 1;
        self.made.set(number);
        let name = format!("bench_{number}");
        cluster.command(&format!("CREATE DATABASE {name} {how}"))?;
        Ok(Database {
            url: cluster.url(&name),
            place: Rc::new(Place::In(cluster, name)),
        })
    }

    fn in_folder(&self) -> Result<(Database, PathBuf)> {
        let folder = TempDir::new_in(self.folder())?;
        let path = folder.path().to_owned();
        let database = Database {
            url: format!("sqlite:{}", path.join("roster.db").display()),
            place: Rc::new(Place::Folder(folder)),
        };
        Ok((database, path))
    }

    /// An empty database.
    pub(crate) fn empty(&self, engine: Engine) -> Result<Database> {
        match engine {
            Engine::Sqlite => Ok(self.in_folder()?.0),
            Engine::Postgres => self.in_cluster(""),
        }
    }

    /// Copies a database. No server may use it meanwhile.
    pub(crate) fn copy(&self, of: &Database) -> Result<Database> {
        match &*of.place {
            Place::Folder(from) => {
                let (copy, folder) = self.in_folder()?;
                for file in std::fs::read_dir(from)? {
                    let file = file?;
                    std::fs::copy(file.path(), folder.join(file.file_name()))?;
                }
                Ok(copy)
            }
            // Copies files: the default strategy writes every page to the log as well.
            Place::In(_, from) => self.in_cluster(&format!("TEMPLATE {from} STRATEGY FILE_COPY")),
        }
    }

    /// Measures the time of a sync on the disk of the databases: the median of [`SYNCS`]. Blocks.
    pub(crate) fn sync_time(&self) -> Result<Duration> {
        // A named file, because some file systems do not sync an unlinked file.
        let mut file = NamedTempFile::new_in(self.folder())?;
        let mut times = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let started = Instant::now();
            file.rewind()?;
            file.write_all(&[7; SYNC_BYTES])?;
            file.as_file().sync_all()?;
            times.push(started.elapsed());
            std::thread::sleep(SYNC_PAUSE);
        }
        times.sort();
        Ok(times[SYNCS / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_same_content_and_both_databases_are_removed_when_dropped() {
        let parent = tempfile::tempdir().expect("a folder");
        let databases = Databases::new(parent.path()).expect("databases");
        let database = databases.empty(Engine::Sqlite).expect("a database");
        let path = |database: &Database| PathBuf::from(&database.url["sqlite:".len()..]);
        std::fs::write(path(&database), "rows").expect("a file");
        let copy = databases.copy(&database).expect("a copy");
        assert_ne!(copy.url, database.url);
        assert_eq!(std::fs::read(path(&copy)).expect("a file"), b"rows");
        let (first, second) = (path(&database), path(&copy));
        drop((database, copy));
        assert!(!first.exists() && !second.exists());
        drop(databases);
        let left = std::fs::read_dir(parent.path()).expect("a folder").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn the_time_of_a_sync_is_measured() {
        let parent = tempfile::tempdir().expect("a folder");
        let databases = Databases::new(parent.path()).expect("databases");
        assert!(databases.sync_time().expect("a time") > Duration::ZERO);
    }
}
