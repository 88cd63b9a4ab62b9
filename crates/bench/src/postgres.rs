//! Starts a PostgreSQL server for the bench, durable and with default settings.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tempfile::TempDir;

/// The folder with the versions of PostgreSQL, used if `initdb` is not in PATH.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// The user that PostgreSQL runs as if the bench runs as root: PostgreSQL refuses to run as root.
const OTHER_USER: &str = "postgres";
/// More connections than 64 clients, the server and the bench need.
const CONNECTIONS_MAX: u32 = 200;

/// A running PostgreSQL server. It is stopped and its files are removed when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// Creates a cluster in a new folder in `parent` and starts it. If the bench runs as root, the
    /// user `postgres` must be able to enter `parent`.
    pub(crate) fn start(parent: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut folder = tempfile::Builder::new();
        let cluster = Self {
            programs: find_programs()?,
            folder: folder.prefix("roster-bench-postgres-").tempdir_in(parent)?,
            port,
        };
        if is_root()? {
            let owned = Command::new("chown")
                .arg(OTHER_USER)
                .arg(cluster.folder.path())
                .status()?;
            if !owned.success() {
                bail!("PostgreSQL cannot run as root, and there is no user {OTHER_USER}");
            }
        }
        let data = cluster.data();
        let options = "-U roster --auth=trust --encoding=UTF8 --locale=C";
        cluster.run("initdb", &format!("-D '{data}' {options}"))?;
        let folder = cluster.folder.path().display();
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{folder}' \
             -c max_connections={CONNECTIONS_MAX}"
        );
        let start = format!("-D '{data}' -w -l '{folder}/log' -o \"{options}\" start");
        cluster.run("pg_ctl", &start)?;
        Ok(cluster)
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Runs one of PostgreSQL's programs, as another user if this program runs as root.
    fn run(&self, program: &str, arguments: &str) -> Result<()> {
        let log = self.folder.path().join("said");
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

    /// Runs a statement outside the databases of the bench, such as CREATE DATABASE.
    pub(crate) fn command(&self, sql: &str) -> Result<()> {
        let mut conn = PgConnection::establish(&self.url("postgres"))?;
        Ok(conn.batch_execute(sql)?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // If it cannot be stopped, it keeps running.
        let _ = self.run("pg_ctl", &format!("-D '{}' -m fast -w stop", self.data()));
    }
}

fn is_root() -> Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let effective = uids.and_then(|uids| uids.split_whitespace().nth(1));
    Ok(effective == Some("0"))
}

/// Finds the folder of PostgreSQL's programs: in PATH, otherwise the newest installed version.
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
    let (_, programs) = newest.context("initdb was not found: install PostgreSQL 15 or newer")?;
    Ok(programs)
}
