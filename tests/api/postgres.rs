//! A PostgreSQL that a test stops and starts.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A PostgreSQL of the test's own, to stop and start as it likes.
pub struct Postgres {
    folder: tempfile::TempDir,
    programs: String,
    pub port: u16,
}

/// A pgbouncer in front of a PostgreSQL; ended when dropped.
pub struct Pooler {
    folder: tempfile::TempDir,
    port: u16,
}

impl Postgres {
    pub fn create() -> Self {
        let found = "dirname $(command -v initdb \
                 || ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -1)";
        let programs = Command::new("sh")
            .args(["-c", found])
            .output()
            .expect("a shell");
        let programs = String::from_utf8(programs.stdout)
            .expect("a path")
            .trim()
            .to_owned();
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let postgres = Self {
            folder,
            programs,
            port,
        };
        give(postgres.folder.path());
        let how = "-U roster --auth=trust --encoding=UTF8 --locale=C --no-sync";
        assert!(postgres.run("initdb", how));
        postgres
    }

    /// Runs one of its programs on its data.
    fn run(&self, program: &str, arguments: &str) -> bool {
        let folder = self.folder.path().display();
        let programs = &self.programs;
        run_as_postgres(&format!(
            "'{programs}/{program}' -D '{folder}/data' {arguments} >/dev/null"
        ))
    }

    /// A file or folder of its own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only it can read.
    pub fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its owner");
        give(&path);
    }

    pub fn start(&self) {
        self.start_with("");
    }

    pub fn start_with(&self, settings: &str) {
        let (folder, port) = (self.folder.path().display(), self.port);
        let started = self.run(
            "pg_ctl",
            &format!(
                "-w -l '{folder}/log' -o \"-p {port} -c listen_addresses=127.0.0.1 \
                 -c unix_socket_directories='{folder}' -c fsync=off {settings}\" start"
            ),
        );
        assert!(started);
    }

    /// Starts a pgbouncer in front of it.
    pub fn pooler(&self, mode: &str) -> Pooler {
        let pooler = Pooler {
            folder: tempfile::tempdir().expect("a folder"),
            port: free_port(),
        };
        let folder = pooler.folder.path().display();
        let config = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=roster\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = {mode}\npidfile = {folder}/pid\nlogfile = {folder}/log\n",
            self.port, pooler.port
        );
        let file = pooler.folder.path().join("pgbouncer.ini");
        std::fs::write(&file, config).expect("a file");
        give(pooler.folder.path());
        give(&file);
        assert!(run_as_postgres(&format!(
            "pgbouncer -q -d '{}'",
            file.display()
        )));
        pooler
    }

    pub fn stop(&self, how: &str) -> bool {
        self.run("pg_ctl", &format!("-w -m {how} stop"))
    }

    /// Stops its processes in the middle of their work: it refuses and answers nothing, while its
    /// kernel still acknowledges what it receives.
    pub fn hang(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn wake(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let first = format!(
            "head -n 1 '{}/data/postmaster.pid'",
            self.folder.path().display()
        );
        // The first process first, so that it starts no others meanwhile. Others may end meanwhile.
        let line = format!(
            "first=$({first}); kill -{signal} $first && \
             for one in $(pgrep -P $first); do kill -{signal} $one || true; done"
        );
        let sent = Command::new("sh").args(["-c", &line]).status();
        assert!(sent.expect("a shell").success());
    }

    pub fn url(&self) -> String {
        format!("postgres://roster@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let line = format!(
            "first=$(head -n 1 '{}/data/postmaster.pid') && kill -CONT $first $(pgrep -P $first)",
            self.folder.path().display()
        );
        // A test that failed may have left it hanging, or stopped.
        let _ = Command::new("sh").args(["-c", &line]).output();
        // It may be stopped already.
        self.stop("immediate");
    }
}

impl Pooler {
    pub fn url(&self) -> String {
        format!("postgres://roster@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let pid = self.folder.path().join("pid");
        let line = format!("kill $(cat '{}')", pid.display());
        // It may not have started.
        let _ = Command::new("sh").args(["-c", &line]).output();
    }
}

fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address").port()
}

/// Gives a file to the user postgres where we are root, since PostgreSQL refuses to be.
fn give(path: &Path) {
    if is_root() {
        let owned = Command::new("chown").arg("postgres").arg(path).status();
        assert!(owned.expect("chown").success());
    }
}

/// Runs a line; as the user postgres where we are root.
fn run_as_postgres(line: &str) -> bool {
    let mut command = if is_root() {
        let mut command = Command::new("su");
        command.args(["-s", "/bin/sh", "postgres", "-c", line]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    };
    command.status().is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}
