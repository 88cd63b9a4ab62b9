//! A PostgreSQL server of the bench's own, durable and otherwise as it is out of the box.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

/// Where PostgreSQL's programs are looked for when they are not in the path.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// Who it runs as where this program is root, since it refuses to be.
const OTHER_USER: &str = "postgres";
/// As many as 64 clients, the server and the bench need, with room.
const CONNECTIONS_MAX: u32 = 200;

diesel::table! {
    pg_database (datname) {
        datname -> Text,
    }
}

/// A running cluster; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Starts the cluster of a cache folder, making it where there is none.
    pub(crate) fn start(cache: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let cluster = Self {
            programs: find_programs()?,
            folder: folder_of(cache)?,
            port,
        };
        std::fs::create_dir_all(&cluster.folder)?;
        if is_root()? {
            let owned = Command::new("chown")
                .arg(OTHER_USER)
                .arg(&cluster.folder)
                .status()?;
            if !owned.success() {
                bail!("there is no user {OTHER_USER} to run PostgreSQL as");
            }
        }
        let data = cluster.folder.join("data");
        if !data.join("PG_VERSION").exists() {
            let options = "-U roster --auth=trust --encoding=UTF8 --locale=C";
            cluster.run("initdb", &format!("-D '{}' {options}", data.display()))?;
        }
        if data.join("postmaster.pid").exists() {
            // A bench that was killed left it. Nobody else uses it: the cache is locked.
            let stop = format!("-D '{}' -m fast -w stop", data.display());
            let _ = cluster.run("pg_ctl", &stop);
        }
        let folder = cluster.folder.display();
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{folder}' \
             -c max_connections={CONNECTIONS_MAX}"
        );
        let start = format!(
            "-D '{}' -w -l '{folder}/log' -o \"{options}\" start",
            data.display()
        );
        cluster.run("pg_ctl", &start)?;
        Ok(cluster)
    }

    /// Runs one of PostgreSQL's programs, as the user that may.
    fn run(&self, program: &str, arguments: &str) -> Result<()> {
        let log = self.folder.join("said");
        let line = format!(
            "'{}' {arguments} >'{}' 2>&1",
            self.programs.join(program).display(),
            log.display()
        );
        let mut command = if is_root()? {
            let mut command = Command::new("su");
            command.args(["-s", "/bin/sh", OTHER_USER, "-c", &line]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", &line]);
            command
        };
        let ran = command.status()?;
        if !ran.success() {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("PostgreSQL's {program} failed: {}", said.trim());
        }
        Ok(())
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://roster@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs a statement that concerns whole databases.
    pub(crate) fn command(&self, sql: &str) -> Result<()> {
        let mut conn = PgConnection::establish(&self.url("postgres"))?;
        Ok(conn.batch_execute(sql)?)
    }

    /// The names of the databases that begin so.
    pub(crate) fn databases(&self, beginning: &str) -> Result<Vec<String>> {
        let mut conn = PgConnection::establish(&self.url("postgres"))?;
        let mut names: Vec<String> = pg_database::table
            .select(pg_database::datname)
            .load(&mut conn)?;
        names.retain(|name| name.starts_with(beginning));
        Ok(names)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let stop = format!("-D '{}' -m fast -w stop", data.display());
        // It stays running then, and the next start says so.
        let _ = self.run("pg_ctl", &stop);
    }
}

fn is_root() -> Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let effective = uids.and_then(|uids| uids.split_whitespace().nth(1));
    Ok(effective == Some("0"))
}

/// In the cache, but for root, whose home the other user may not enter.
fn folder_of(cache: &Path) -> Result<PathBuf> {
    if !is_root()? {
        return Ok(cache.join("postgres"));
    }
    let name = blake3::hash(cache.as_os_str().as_encoded_bytes()).to_hex();
    Ok(PathBuf::from(format!(
        "/var/tmp/roster-bench-postgres-{}",
        &name[..8]
    )))
}

/// The newest PostgreSQL of this machine.
fn find_programs() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
    if let Some(folder) = in_path {
        return Ok(folder);
    }
    let versions = std::fs::read_dir(PROGRAMS).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            let programs = version.path().join("bin");
            programs
                .join("initdb")
                .is_file()
                .then_some((number, programs))
        })
        .max();
    let (_, programs) = newest.context("there is no initdb: install PostgreSQL 15 or newer")?;
    Ok(programs)
}
