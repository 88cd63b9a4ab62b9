//! A PostgreSQL that a test stops and starts.

use std::process::Command;

/// A PostgreSQL of the test's own, to stop and start as it likes.
pub struct Postgres {
    folder: tempfile::TempDir,
    programs: String,
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
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let postgres = Self {
            folder,
            programs,
            port,
        };
        if is_root() {
            let path = postgres.folder.path();
            let owned = Command::new("chown").arg("postgres").arg(path).status();
            assert!(owned.expect("chown").success());
        }
        let how = "-U roster --auth=trust --encoding=UTF8 --locale=C --no-sync";
        assert!(postgres.run("initdb", how));
        postgres
    }

    /// Runs one of its programs on its data; as the user postgres where we are root, since
    /// PostgreSQL refuses to be.
    fn run(&self, program: &str, arguments: &str) -> bool {
        let folder = self.folder.path().display();
        let programs = &self.programs;
        let line = format!("'{programs}/{program}' -D '{folder}/data' {arguments} >/dev/null");
        let mut command = if is_root() {
            let mut command = Command::new("su");
            command.args(["-s", "/bin/sh", "postgres", "-c", &line]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", &line]);
            command
        };
        command.status().is_ok_and(|status| status.success())
    }

    pub fn start(&self) {
        let (folder, port) = (self.folder.path().display(), self.port);
        let started = self.run(
            "pg_ctl",
            &format!(
                "-w -l '{folder}/log' -o \"-p {port} -c listen_addresses=127.0.0.1 \
                 -c unix_socket_directories='{folder}' -c fsync=off\" start"
            ),
        );
        assert!(started);
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
        let line = format!("first=$({first}); kill -{signal} $first $(pgrep -P $first)");
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

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}
