//! The configuration file and `roster-server config`.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::world::{Server, command};

fn config(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = command(&[]);
    command.env_remove("ROSTER_SERVER_LEASE");
    command.envs(environment.iter().copied());
    command
        .args(arguments)
        .arg("config")
        .output()
        .expect("the server's program")
}

fn printed(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = config(arguments, environment);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("roster.toml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_flag_precedes_the_environment_the_environment_the_file_and_the_file_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "memory-mib = 7\nstale-after = 8\nserver-lease = 9\ninsecure = true\n",
    );
    let path = path.to_str().unwrap();
    let environment = [
        ("ROSTER_MEMORY_MIB", "17"),
        ("ROSTER_STALE_AFTER", "18"),
        ("ROSTER_CONFIG", path),
    ];
    let text = printed(&["--memory-mib", "27"], &environment);
    for line in [
        format!("# The configuration file: {path}"),
        "memory-mib = 27 # command line".to_owned(),
        "stale-after = 18 # environment ROSTER_STALE_AFTER".to_owned(),
        format!("server-lease = 9 # {path}:3"),
        format!("insecure = true # {path}:4"),
        "import-patience = 60 # default".to_owned(),
        "demo = false # default".to_owned(),
        "# metrics is not set".to_owned(),
        "listen = \"127.0.0.1:7400\" # default".to_owned(),
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line}\nin\n{text}"
        );
    }
    let text = printed(&["--config", path], &[("ROSTER_INSECURE", "false")]);
    assert!(text.contains("insecure = false # environment"), "{text}");
}

#[test]
fn the_printed_options_are_a_file_that_prints_the_same_options() {
    let folder = tempfile::tempdir().unwrap();
    let set = [
        "--metrics",
        "127.0.0.1:0",
        "--log-level",
        "warn,roster_server=debug",
        "--database",
        "sqlite:/tmp/取引先 \"x\".db",
    ];
    let first = printed(&set, &[]);
    let path = file(folder.path(), &first);
    let second = printed(&["--config", path.to_str().unwrap()], &[]);
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("# The"));
        lines
            .map(|line| line.split(" # ").next().unwrap_or(line).to_owned())
            .collect()
    };
    assert_eq!(values(&first), values(&second));
}

#[test]
fn no_password_is_printed_and_a_hidden_one_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "# secret\ndatabase = 'postgres://u:s3cret@h/n?sslpassword=s3cret'\n",
    );
    let first = printed(&["--config", path.to_str().unwrap()], &[]);
    assert!(!first.contains("s3cret"), "{first}");
    assert!(
        first.contains("database = \"postgres://u:***@h/n?sslpassword=***\" # "),
        "{first}"
    );
    let path = file(folder.path(), &first);
    let output = config(&["--config", path.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    let line = 1 + first
        .lines()
        .position(|line| line.starts_with("database"))
        .unwrap();
    let expected = format!(
        "roster-server: {}:{line}: `database` has *** in place of its secret, as `roster-server config` \
         prints it: write the secret there\n",
        path.display()
    );
    assert_eq!(text, expected);
}

#[test]
fn a_wrong_file_is_named_in_one_line_and_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let wrong = file(
        folder.path(),
        "listen = '127.0.0.1:0'\nmemory-mib = 'much'\n",
    );
    for (path, what) in [
        (&missing, ": the configuration file cannot be read: "),
        (&wrong, ":2: `memory-mib` is not an integer"),
    ] {
        for task in [&["config"][..], &["check"], &[]] {
            let mut command = command(&["--config", path.to_str().unwrap()]);
            let output = command.args(task).output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            let text = String::from_utf8(output.stderr).unwrap();
            let start = format!("roster-server: {}{what}", path.display());
            assert!(text.starts_with(&start), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }
}

#[test]
fn a_server_serves_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("of the file.db");
    let text = format!(
        "listen = '127.0.0.1:0'\nmetrics = '127.0.0.1:0'\ndatabase = 'sqlite:{}'\n",
        database.display()
    );
    let path = file(folder.path(), &text);
    let server = Server::spawn(command(&["--config", path.to_str().unwrap()]), true);
    assert!(server.metrics.is_some());
    assert!(database.exists());
}
