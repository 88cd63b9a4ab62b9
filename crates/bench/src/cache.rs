//! Filled databases, kept from run to run: filling a large world takes minutes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::postgres::Cluster;
use crate::world::World;

/// Raised with every change of what worlds hold or of how they are filled in, so that no old
/// database is taken for a new one.
const LAYOUT: u32 = 1;

/// How the names of databases begin that do not outlive a run.
const COPY: &str = "copy_";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
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

/// A database that a server can work on.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) url: String,
    /// Set for a copy: it goes with the last clone.
    _copy: Option<Arc<Copy>>,
}

/// A database that is removed when dropped, unless it is kept.
#[derive(Debug)]
struct Copy {
    place: Place,
    kept: bool,
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    In(Arc<Cluster>, String),
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What cannot be removed stays until somebody removes the cache.
        match &self.place {
            _ if self.kept => {}
            Place::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Place::In(cluster, name) => {
                drop(cluster.command(&format!("DROP DATABASE {name} WITH (FORCE)")));
            }
        }
    }
}

impl From<Place> for Copy {
    fn from(place: Place) -> Self {
        Self { place, kept: false }
    }
}

/// The folder of filled databases.
pub(crate) struct Cache {
    pub(crate) folder: PathBuf,
    /// Locked as long as it is used.
    _lock: File,
    cluster: Mutex<Option<Arc<Cluster>>>,
    copies: AtomicU32,
}

impl Cache {
    pub(crate) fn open(told: Option<&Path>) -> Result<Self> {
        let folder = match told {
            Some(told) => told.to_owned(),
            None => default_folder()?,
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let lock = File::create(folder.join("lock"))?;
        if lock.try_lock().is_err() {
            bail!("another bench works with {}: say --cache", folder.display());
        }
        let folder = std::path::absolute(folder)?;
        // Those of a bench that was killed: nobody works on them, since the folder is locked.
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(COPY) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self {
            folder,
            _lock: lock,
            cluster: Mutex::default(),
            copies: AtomicU32::new(0),
        })
    }

    /// The PostgreSQL server, started when it is first wanted.
    fn cluster(&self) -> Result<Arc<Cluster>> {
        // What a panic left is whole: it is set at once or not at all.
        let mut cluster = self.cluster.lock().unwrap_or_else(|left| left.into_inner());
        if let Some(running) = &*cluster {
            return Ok(Arc::clone(running));
        }
        let started = Arc::new(Cluster::start(&self.folder)?);
        for left in started.databases(COPY)? {
            started.command(&format!("DROP DATABASE {left} WITH (FORCE)"))?;
        }
        Ok(Arc::clone(cluster.insert(started)))
    }

    /// The name of a world's database: another for other facts, tables or derived columns.
    fn name(engine: Engine, world: &World) -> Result<String> {
        let mut hash = blake3::Hasher::new();
        let world_key = format!("{LAYOUT} {world:?} {}", roster_core::names::DERIVATION);
        hash.update(world_key.as_bytes());
        for migration in migrations(engine)? {
            hash.update(&std::fs::read(migration)?);
        }
        let hash = hash.finalize().to_hex();
        let size = format!("{:?}", world.size).to_lowercase();
        Ok(format!("world_{size}_{}", &hash[..12]))
    }

    /// The database of a world if it is there, to be read alone.
    pub(crate) fn filled(&self, engine: Engine, world: &World) -> Result<Option<Database>> {
        let name = Self::name(engine, world)?;
        let url = match engine {
            Engine::Sqlite => {
                let folder = self.folder.join(name);
                folder.is_dir().then(|| sqlite_url(&folder))
            }
            Engine::Postgres => {
                let cluster = self.cluster()?;
                (cluster.databases(&name)? == [name.as_str()]).then(|| cluster.url(&name))
            }
        };
        Ok(url.map(|url| Database { url, _copy: None }))
    }

    /// An empty database, removed when dropped unless it is kept.
    pub(crate) fn empty(&self, engine: Engine) -> Result<Fresh> {
        let name = self.fresh_name();
        match engine {
            Engine::Sqlite => {
                let folder = self.folder.join(&name);
                std::fs::create_dir_all(&folder)?;
                Ok(Fresh {
                    url: sqlite_url(&folder),
                    copy: Place::Folder(folder).into(),
                })
            }
            Engine::Postgres => {
                let cluster = self.cluster()?;
                cluster.command(&format!("CREATE DATABASE {name}"))?;
                Ok(Fresh {
                    url: cluster.url(&name),
                    copy: Place::In(cluster, name).into(),
                })
            }
        }
    }

    /// Keeps a database that was filled with a world.
    pub(crate) fn keep(&self, mut fresh: Fresh, engine: Engine, world: &World) -> Result<()> {
        let name = Self::name(engine, world)?;
        match &fresh.copy.place {
            Place::Folder(folder) => std::fs::rename(folder, self.folder.join(name))?,
            Place::In(cluster, filled) => {
                cluster.command(&format!("ALTER DATABASE {filled} RENAME TO {name}"))?;
            }
        }
        fresh.copy.kept = true;
        Ok(())
    }

    /// A copy of a world's database, to be written to.
    pub(crate) fn copy(&self, engine: Engine, world: &World) -> Result<Database> {
        let (from, to) = (Self::name(engine, world)?, self.fresh_name());
        let (url, copy) = match engine {
            Engine::Sqlite => {
                let folder = self.folder.join(to);
                std::fs::create_dir_all(&folder)?;
                let copy = Place::Folder(folder.clone()).into();
                for file in std::fs::read_dir(self.folder.join(from))? {
                    let file = file?;
                    std::fs::copy(file.path(), folder.join(file.file_name()))?;
                }
                (sqlite_url(&folder), copy)
            }
            Engine::Postgres => {
                let cluster = self.cluster()?;
                // As files: through the log it would be written twice.
                let made = format!("CREATE DATABASE {to} TEMPLATE {from} STRATEGY FILE_COPY");
                cluster.command(&made)?;
                (cluster.url(&to), Place::In(cluster, to).into())
            }
        };
        Ok(Database {
            url,
            _copy: Some(Arc::new(copy)),
        })
    }

    fn fresh_name(&self) -> String {
        let copy = self.copies.fetch_add(1, Ordering::Relaxed);
        format!("{COPY}{}_{copy}", std::process::id())
    }

    /// Where the programs that the bench starts log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

/// A database on its way to be filled.
pub(crate) struct Fresh {
    pub(crate) url: String,
    copy: Copy,
}

fn sqlite_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("roster.db").display())
}

fn default_folder() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let cache = cache.or_else(home);
    let cache = cache.context("there is no HOME: say --cache FOLDER")?;
    Ok(cache.join("roster-bench"))
}

/// The files of an engine's migrations, in order.
fn migrations(engine: Engine) -> Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let folder = root.join(engine.name());
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("the bench runs where it was built: no {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry?.path().join("up.sql"));
    }
    files.sort();
    Ok(files)
}
