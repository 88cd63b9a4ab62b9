//! The server as a process, and the database that it works on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tonic::transport::Channel;

use crate::world::Clients;

pub use roster_testkit::database::{Database, Engine};

/// The server's process; killed when dropped.
pub struct Server {
    pub child: Child,
    pub address: String,
    /// The address of its metrics, if it serves them.
    pub metrics: Option<String>,
}

impl Server {
    pub fn start(database: &Database) -> Self {
        Self::start_with(&["--listen", "127.0.0.1:0", "--database", &database.url])
    }

    pub fn start_with(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        command.env("RUST_LOG", "error");
        Self::spawn(command, arguments.contains(&"--metrics"))
    }

    /// Starts a command that says where it listens, and where its metrics are if it serves them.
    pub fn spawn(mut command: Command, has_metrics: bool) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its first line");
        let address = line
            .split_whitespace()
            .find(|word| word.starts_with(char::is_numeric) && word.contains(':'))
            .unwrap_or_else(|| panic!("the server says where it listens: {line:?}"))
            .to_owned();
        let metrics = has_metrics.then(|| {
            line.clear();
            output.read_line(&mut line).expect("its second line");
            let url = line.trim().strip_prefix("metrics: http://");
            let address = url.and_then(|url| url.strip_suffix("/metrics"));
            address
                .unwrap_or_else(|| panic!("the server says where its metrics are: {line:?}"))
                .to_owned()
        });
        // What it says later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self {
            child,
            address,
            metrics,
        }
    }

    /// Starts anew where a server that was killed listened.
    pub fn start_again(&mut self, database: &Database) {
        *self = Self::start_with(&["--listen", &self.address, "--database", &database.url]);
    }

    /// A connection of its own.
    pub async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address))
            .expect("an address")
            .connect()
            .await
            .expect("the server answers")
    }

    /// Clients over a connection of their own.
    pub async fn connect(&self) -> Clients {
        Clients::over(self.channel().await)
    }

    /// Ends the process at once, as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }
}

/// How often a test of chance is repeated: more often where there is time.
pub fn rounds(in_ci: usize) -> usize {
    if std::env::var_os("ROSTER_LONG").is_some() {
        1_000
    } else {
        in_ci
    }
}

/// The server as a command.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster-server"));
    command.args(arguments);
    // Tests wait until a killed server is taken to be dead.
    command.env("ROSTER_SERVER_LEASE", "5");
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
