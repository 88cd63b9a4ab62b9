//! A server in the test's own process, and the command run against it.

use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

use roster_server::{Configuration, CreateKey, create_key, serve};
use tokio::sync::oneshot;

/// A server with an empty database; both go with the test.
pub struct World {
    pub address: String,
    pub folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub out: String,
    pub err: String,
    pub code: i32,
}

/// The configuration of a server with a database in a folder.
fn configuration(folder: &std::path::Path, more: &[&str]) -> Configuration {
    let database = format!("sqlite:{}", folder.join("roster.db").display());
    let first = [
        "roster-server",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &database,
    ];
    let arguments = first.iter().chain(more).map(std::ffi::OsString::from);
    Configuration::read(arguments.collect::<Vec<_>>()).expect("options")
}

/// Creates a key of the organization `default` in a folder whose database is not served yet.
pub fn key(folder: &std::path::Path) -> String {
    let file = folder.join("owner.key");
    let what = CreateKey {
        organization: Some("default".to_owned()),
        scopes: vec!["owner".to_owned()],
        name: "test".to_owned(),
        out: Some(file.clone()),
    };
    let configuration = configuration(folder, &[]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let created = runtime.block_on(create_key(&configuration.options, &what));
    created.expect("a key");
    let key = std::fs::read_to_string(file).expect("the key");
    key.trim().to_owned()
}

impl World {
    pub fn start() -> Self {
        Self::start_with(tempfile::tempdir().expect("a temporary folder"), &[])
    }

    /// A server with more options.
    pub fn start_with(folder: tempfile::TempDir, more: &[&str]) -> Self {
        let configuration = configuration(folder.path(), more);
        let (stop, stopped) = oneshot::channel();
        let (ready, listening) = std::sync::mpsc::channel();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let stop = async {
                let _ = stopped.await;
            };
            let tell = move |at| ready.send(at).expect("the test waits");
            let served = runtime.block_on(serve(&configuration, tell, stop));
            served.expect("the server stops in peace");
        });
        let listening = listening.recv().expect("the server starts");
        Self {
            address: {
                let scheme = if listening.is_encrypted {
                    "https"
                } else {
                    "http"
                };
                format!("{scheme}://{}", listening.calls)
            },
            folder,
            stop: Some(stop),
            serving: Some(serving),
        }
    }

    /// The command with this server, ready to be run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
        command
            .args(args)
            .env("ROSTER_SERVER", &self.address)
            .env_remove("ROSTER_ORGANIZATION")
            .env_remove("ROSTER_TOKEN")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.command(args)
            .output()
            .expect("the command runs")
            .into()
    }

    /// What a command that succeeds prints.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    }

    /// What a command that fails complains of.
    #[track_caller]
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        ran.err
    }

    /// The lines of JSON of a command that succeeds.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Vec<serde_json::Value> {
        let args = [args, &["--json"]].concat();
        let lines = self.ok(&args);
        let parsed = lines.lines().map(serde_json::from_str);
        parsed.collect::<Result<_, _>>().expect("JSON")
    }

    /// Runs a command at a terminal, where the question is answered so.
    pub fn at_a_terminal(&self, answer: &str, args: &[&str]) -> Ran {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cli/terminal.py");
        let mut command = Command::new("python3");
        command
            .args([script, answer, env!("CARGO_BIN_EXE_roster")])
            .args(args)
            .env("ROSTER_SERVER", &self.address)
            .env("TERM", "xterm")
            .stdin(Stdio::null());
        let ran = command.output().expect("python3 is there");
        ran.into()
    }

    /// Two accounts of which c1 belongs to both, and the second has tickets of his.
    pub fn with_tickets_of_a_secondary_account() -> Self {
        let world = Self::start();
        world.ok(&["settings", "set", "multiple_accounts=true"]);
        world.ok(&["accounts", "create", "A"]);
        world.ok(&["accounts", "create", "B"]);
        world.ok(&["contacts", "create", "田中"]);
        world.ok(&["associate", "a1", "c1"]);
        world.ok(&["associate", "a2", "c1"]);
        world.ok(&["tickets", "record", "T-1", "c1", "--account", "a2"]);
        world.ok(&["tickets", "record", "T-2", "c1", "--account", "a2"]);
        world.ok(&[
            "tickets",
            "record",
            "T-3",
            "c1",
            "--account",
            "a2",
            "--status",
            "closed",
        ]);
        world
    }

    /// The account of a ticket.
    pub fn account_of(&self, ticket: &str) -> String {
        let shown = self.json(&["tickets", "show", ticket]);
        shown[0]["ticket"]["account_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take()
            && serving.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server failed");
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
            code: output.status.code().expect("an exit code"),
        }
    }
}
