//! The databases of a run. They lie in one folder, which is removed when the run ends: no run reads
//! what another one left.

use std::cell::{Cell, OnceCell};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;
use tempfile::{NamedTempFile, TempDir};

use crate::postgres::Cluster;

/// How often the disk is asked to sync: enough for a median.
const SYNCS: usize = 50;
/// Between two syncs, so that they are not all measured in a quiet moment of a busy disk.
const SYNC_PAUSE: Duration = Duration::from_millis(10);
/// How many bytes each sync writes: a page of a database.
const SYNC_BYTES: usize = 4_096;

/// Which database.
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

/// A database that a server can work on. It is removed with the last clone.
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
            // A database that cannot be dropped goes with its cluster at the end of the run.
            let _ = cluster.command(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Makes databases and copies of them.
pub(crate) struct Databases {
    /// The folder in which the run makes its own: PostgreSQL needs one of another user.
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
            .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
        Ok(Self {
            parent,
            folder,
            cluster: OnceCell::new(),
            made: Cell::new(0),
        })
    }

    /// The folder of the run, for other files too.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the programs that the bench starts log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder().join("server.log")
    }

    /// The PostgreSQL server, started when it is first wanted.
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

    /// A copy of a database that no server works on.
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
            // Copied as files: through the log, PostgreSQL would write every page twice.
            Place::In(_, from) => self.in_cluster(&format!("TEMPLATE {from} STRATEGY FILE_COPY")),
        }
    }

    /// How long the disk of the databases takes for a sync: the median of some. Blocks.
    pub(crate) fn sync_time(&self) -> Result<Duration> {
        // With a name: some file systems do not sync a file that has lost it.
        let mut file = NamedTempFile::new_in(self.folder())?;
        let mut times = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let begun = Instant::now();
            file.rewind()?;
            file.write_all(&[7; SYNC_BYTES])?;
            file.as_file().sync_all()?;
            times.push(begun.elapsed());
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
    fn a_copy_holds_what_its_database_held_and_both_go_when_they_are_dropped() {
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
    fn a_sync_takes_time() {
        let parent = tempfile::tempdir().expect("a folder");
        let databases = Databases::new(parent.path()).expect("databases");
        assert!(databases.sync_time().expect("a time") > Duration::ZERO);
    }
}
