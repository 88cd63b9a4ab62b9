//! One server a SQLite file, by whatever name it is opened.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::world::{Database, Engine, Server, World, command};

/// A server that is refused ends within this time; whoever still runs then serves.
const REFUSED_WITHIN: Duration = Duration::from_secs(10);

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn path_of(database: &Database) -> PathBuf {
    database.url.strip_prefix("sqlite:").expect("a file").into()
}

/// What a second server says that does not start; none where it runs.
fn refusal(url: &str) -> Option<String> {
    let mut child = command(&["--listen", "127.0.0.1:0", "--database", url])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server's program");
    let begun = Instant::now();
    while child.try_wait().expect("a process").is_none() {
        if begun.elapsed() > REFUSED_WITHIN {
            child.kill().expect("a process to kill");
            child.wait().expect("its end");
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(1));
    Some(String::from_utf8(output.stderr).expect("text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_is_refused_by_whatever_name_it_opens_the_file() {
    let mut world = World::start(Engine::Sqlite).await;
    world.account("A").await;
    let path = path_of(&world.database);
    let folder = path.parent().expect("a folder");
    let (hard, soft) = (folder.join("hard.db"), folder.join("soft.db"));
    std::fs::hard_link(&path, &hard).unwrap();
    std::os::unix::fs::symlink(&path, &soft).unwrap();
    // Files beside the database that are not its log mean nothing.
    for entry in std::fs::read_dir(folder).unwrap() {
        let beside = entry.unwrap().path();
        if beside
            .extension()
            .is_some_and(|extension| extension == "lock")
        {
            std::fs::remove_file(beside).unwrap();
        }
    }
    for name in [&path, &hard, &soft] {
        let said =
            refusal(&url(name)).unwrap_or_else(|| panic!("{} is served twice", name.display()));
        assert!(
            said.contains("another roster-server has this file open"),
            "{said}"
        );
    }
    world.account("B").await;
    let output = command(&["check", "--database", &world.database.url])
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "a check works beside a server: {output:?}"
    );
    // A server that was killed leaves nothing behind that keeps the next one out.
    world.server.kill();
    std::fs::remove_file(&hard).unwrap();
    world.server = Server::start_with(&["--listen", "127.0.0.1:0", "--database", &url(&soft)]);
    world.clients = world.server.connect().await;
    world.account("C").await;
    assert!(refusal(&url(&path)).is_some());
}
