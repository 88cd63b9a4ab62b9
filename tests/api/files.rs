//! The files of a SQLite database: whoever copies, moves, replaces or loses one of them loses
//! nothing that was acknowledged, or hears of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use roster_api::v1::*;
use tonic::{Code, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::world::{Clients, Engine, Server, World, command, refused};

/// The exit code of a start that finds less than was acknowledged.
const LOST: i32 = 4;
/// An idle server has completed its file, and a server has noticed a displaced file, within this
/// time: two seconds, and the rest for a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(10);

/// A database and its neighbors.
struct Files {
    folder: PathBuf,
}

impl Files {
    fn of(world: &World) -> Self {
        let path = world.database.url.strip_prefix("sqlite:").expect("a file");
        let folder = Path::new(path).parent().expect("a folder").to_owned();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn database(&self) -> PathBuf {
        self.path("roster.db")
    }

    fn log(&self) -> PathBuf {
        self.path("roster.db-wal")
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }
}

pub fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// The exit code and the message of a start that ends by itself.
fn start_refused(path: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = command(&["--listen", "127.0.0.1:0", "--database", &url(path)])
        .args(more)
        .output()
        .expect("the server's program");
    let text = String::from_utf8(output.stderr).expect("text");
    (output.status.code(), text)
}

/// That a start says what is missing, and changes nothing.
#[track_caller]
fn lost(path: &Path, what: &str) {
    let before = std::fs::read(path).ok();
    let (code, text) = start_refused(path, &[]);
    assert_eq!(code, Some(LOST), "{text}");
    assert!(text.contains("acknowledged writes are missing: "), "{text}");
    assert!(text.contains(what), "{what}\nin\n{text}");
    assert!(text.contains("--accept-loss"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(std::fs::read(path).ok(), before);
}

pub async fn serve(path: &Path, more: &[&str]) -> (Server, Clients) {
    let url = url(path);
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--database", &url];
    arguments.extend(more);
    let server = Server::start_with(&arguments);
    let clients = server.connect().await;
    (server, clients)
}

async fn accounts(clients: &Clients) -> Vec<String> {
    let mut accounts = clients.accounts.clone();
    let listed = accounts.list_accounts(ListAccountsRequest::default()).await;
    let listed = listed.unwrap().into_inner().accounts;
    listed.into_iter().map(|account| account.name).collect()
}

pub async fn write(
    clients: &Clients,
    name: &str,
) -> Result<Response<CreateAccountResponse>, Status> {
    let account = Account {
        name: name.into(),
        ..Default::default()
    };
    let request = CreateAccountRequest {
        account: Some(account),
        ..Default::default()
    };
    clients.accounts.clone().create_account(request).await
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < SOON, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn health(server: &Server) -> ServingStatus {
    let mut health = HealthClient::new(server.channel().await);
    let answer = health.check(HealthCheckRequest::default()).await;
    answer.unwrap().into_inner().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_the_log_of_a_killed_server_says_what_is_missing() {
    let mut world = World::start(Engine::Sqlite).await;
    let files = Files::of(&world);
    for name in ["A", "B", "C"] {
        world.account(name).await;
    }
    world.server.kill();
    let kept = files.path("kept");
    std::fs::rename(files.log(), &kept).unwrap();
    let missing = "the database ends at revision 0 of organization default, but a server had \
                   acknowledged revision 3: ";
    lost(&files.database(), missing);
    lost(
        &files.database(),
        "roster.db-wal is missing or was replaced",
    );
    // An empty log is no log.
    std::fs::write(files.log(), "").unwrap();
    lost(&files.database(), missing);
    // The same for the migration.
    let output = command(&["migrate", "--database", &world.database.url]).output();
    assert_eq!(output.unwrap().status.code(), Some(LOST));
    // With its log, everything is there.
    std::fs::rename(&kept, files.log()).unwrap();
    let (mut server, clients) = serve(&files.database(), &[]).await;
    assert_eq!(accounts(&clients).await, ["A", "B", "C"]);
    write(&clients, "D").await.unwrap();
    server.kill();
    // What is given up once is given up.
    std::fs::remove_file(files.log()).unwrap();
    lost(
        &files.database(),
        "but a server had acknowledged revision 4",
    );
    let (mut server, clients) = serve(&files.database(), &["--accept-loss"]).await;
    assert!(!accounts(&clients).await.contains(&"D".to_owned()));
    server.kill();
    let (_server, clients) = serve(&files.database(), &[]).await;
    write(&clients, "E").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_the_log_misses_a_change_of_credentials_too() {
    let mut world = World::start(Engine::Sqlite).await;
    let files = Files::of(&world);
    let organization = Organization {
        name: "second".into(),
        ..Default::default()
    };
    let request = CreateOrganizationRequest {
        organization: Some(organization),
    };
    let mut admin = admin_service_client::AdminServiceClient::new(world.server.channel().await);
    admin.create_organization(request).await.unwrap();
    world.server.kill();
    std::fs::remove_file(files.log()).unwrap();
    let missing = "the database ends at change 0 of credentials and organizations, but a server had \
                   acknowledged change 1: ";
    lost(&files.database(), missing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_file_of_an_idle_server_is_complete_and_one_of_a_busy_server_says_that_it_is_not()
 {
    let world = World::start(Engine::Sqlite).await;
    let files = Files::of(&world);
    world.account("A").await;
    // Its log is elsewhere.
    let busy = files.path("busy.db");
    std::fs::copy(files.database(), &busy).unwrap();
    lost(
        &busy,
        "busy.db-wal, which is missing: the file was copied, linked or moved without it",
    );
    let restored = url(&files.path("restored.db"));
    let output = command(&["restore", busy.to_str().unwrap(), "--database", &restored])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(LOST), "{output:?}");
    assert!(!files.path("restored.db").exists());
    until("the log is emptied", async || length(&files.log()) == 0).await;
    let idle = files.path("idle.db");
    std::fs::copy(files.database(), &idle).unwrap();
    let (_server, clients) = serve(&idle, &[]).await;
    assert_eq!(accounts(&clients).await, ["A"]);
    // After a pause, the next write makes the file incomplete again.
    world.account("B").await;
    let again = files.path("again.db");
    std::fs::copy(files.database(), &again).unwrap();
    lost(&again, "again.db-wal, which is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_in_the_place_of_the_file_is_refused_also_beside_a_log_of_the_newer_file() {
    let mut world = World::start(Engine::Sqlite).await;
    let files = Files::of(&world);
    world.account("A").await;
    until("the log is emptied", async || length(&files.log()) == 0).await;
    let (old, new) = (files.path("old"), files.path("new"));
    std::fs::copy(files.database(), &old).unwrap();
    world.account("B").await;
    world.server.kill();
    std::fs::rename(files.database(), &new).unwrap();
    std::fs::copy(&old, files.database()).unwrap();
    // SQLite would apply the log of the newer file to the older one.
    lost(
        &files.database(),
        "is an older copy, or another file, than its last server had",
    );
    let log = std::fs::read(files.log()).unwrap();
    std::fs::remove_file(files.log()).unwrap();
    lost(&files.database(), "is an older copy");
    // Another store.
    std::fs::remove_file(files.database()).unwrap();
    let other = World::start(Engine::Sqlite).await;
    other.account("other").await;
    let backup = files.database();
    let backup = backup.to_str().unwrap();
    let output = command(&["backup", backup, "--database", &other.database.url]).output();
    assert!(output.unwrap().status.success());
    lost(&files.database(), "is an older copy, or another file");
    std::fs::rename(&new, files.database()).unwrap();
    std::fs::write(files.log(), &log).unwrap();
    let (_server, clients) = serve(&files.database(), &[]).await;
    assert_eq!(accounts(&clients).await, ["A", "B"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_on_with_an_older_copy_has_the_older_copy_and_no_log_of_the_newer_file() {
    let mut world = World::start(Engine::Sqlite).await;
    let files = Files::of(&world);
    world.account("A").await;
    until("the log is emptied", async || length(&files.log()) == 0).await;
    let old = files.path("old");
    std::fs::copy(files.database(), &old).unwrap();
    world.account("B").await;
    world.server.kill();
    std::fs::rename(&old, files.database()).unwrap();
    let (mut server, clients) = serve(&files.database(), &["--accept-loss"]).await;
    assert_eq!(accounts(&clients).await, ["A"]);
    write(&clients, "C").await.unwrap();
    server.kill();
    assert!(length(&files.path("roster.db-wal.given-up")) > 0);
    let (_server, clients) = serve(&files.database(), &[]).await;
    assert_eq!(accounts(&clients).await, ["A", "C"]);
    let (code, text) = crate::check::check(&world.database.url);
    assert_eq!(code, Some(0), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_by_another_name_of_the_file_does_not_miss_the_log_of_the_first_name() {
    let mut world = World::start(Engine::Sqlite).await;
    let files = Files::of(&world);
    world.account("A").await;
    world.server.kill();
    let (hard, soft) = (files.path("hard.db"), files.path("soft.db"));
    std::fs::hard_link(files.database(), &hard).unwrap();
    lost(&hard, "hard.db-wal, which is missing");
    std::os::unix::fs::symlink(files.database(), &soft).unwrap();
    let (mut server, clients) = serve(&soft, &[]).await;
    assert_eq!(accounts(&clients).await, ["A"]);
    write(&clients, "B").await.unwrap();
    server.kill();
    let (_server, clients) = serve(&files.database(), &[]).await;
    assert_eq!(accounts(&clients).await, ["A", "B"]);
}

/// A server whose log lines are in a file.
fn serve_logging(path: &Path, log: &Path) -> Server {
    let mut command = command(&["--listen", "127.0.0.1:0", "--database", &url(path)]);
    command.env("RUST_LOG", "info");
    command.stderr(std::fs::File::create(log).unwrap());
    Server::spawn(command, false)
}

/// That a server refuses writes and says so, once.
async fn stopped_acknowledging(server: &Server, clients: &Clients, log: &Path, what: &str) {
    for _ in 0..3 {
        refused(write(clients, "X").await, Code::Unavailable, "UNAVAILABLE");
    }
    until("health tells", async || {
        health(server).await == ServingStatus::NotServing
    })
    .await;
    let text = std::fs::read_to_string(log).unwrap();
    let errors: Vec<_> = text.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    assert!(errors[0].contains(what), "{text}");
    assert!(errors[0].contains("is_complete=true"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_moved_from_under_a_server_is_complete_and_the_server_writes_when_it_is_back()
 {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (
        folder.path().join("roster.db"),
        folder.path().join("moved.db"),
    );
    let log = folder.path().join("log");
    let server = serve_logging(&path, &log);
    let clients = server.connect().await;
    write(&clients, "A").await.unwrap();
    std::fs::rename(&path, &moved).unwrap();
    let what = "the file of the database was moved, replaced or deleted";
    stopped_acknowledging(&server, &clients, &log, what).await;
    // What was acknowledged is read, here and in the moved file without its log.
    assert_eq!(accounts(&clients).await, ["A"]);
    let copy = folder.path().join("copy.db");
    std::fs::copy(&moved, &copy).unwrap();
    let (_other, others) = serve(&copy, &[]).await;
    assert_eq!(accounts(&others).await, ["A"]);
    std::fs::rename(&moved, &path).unwrap();
    until("the server writes again", async || {
        write(&clients, "B").await.is_ok()
    })
    .await;
    until("health tells", async || {
        health(&server).await == ServingStatus::Serving
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_deleted_from_under_a_server_takes_nothing_with_it() {
    for name in ["roster.db-wal", "roster.db-shm"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roster.db");
        let log = folder.path().join("log");
        let mut server = serve_logging(&path, &log);
        let clients = server.connect().await;
        write(&clients, "A").await.unwrap();
        write(&clients, "B").await.unwrap();
        std::fs::remove_file(folder.path().join(name)).unwrap();
        let what = "the -wal or -shm file of the database was moved, replaced or deleted";
        stopped_acknowledging(&server, &clients, &log, what).await;
        server.kill();
        let (_server, clients) = serve(&path, &[]).await;
        assert_eq!(accounts(&clients).await, ["A", "B"], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_replaced_or_deleted_from_under_a_server_is_missed_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roster.db");
    let other = folder.path().join("other.db");
    let (mut unused, _) = serve(&other, &[]).await;
    unused.kill();
    let log = folder.path().join("log");
    let mut server = serve_logging(&path, &log);
    let clients = server.connect().await;
    write(&clients, "A").await.unwrap();
    std::fs::rename(&other, &path).unwrap();
    let what = "the file of the database was moved, replaced or deleted";
    stopped_acknowledging(&server, &clients, &log, what).await;
    server.kill();
    lost(
        &path,
        "is an older copy, or another file, than its last server had",
    );
    std::fs::remove_file(&path).unwrap();
    lost(&path, "roster.db is missing, empty or not a database");
    assert!(!path.exists());
    let (_server, clients) = serve(&path, &["--accept-loss"]).await;
    assert_eq!(accounts(&clients).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_stop_leaves_one_complete_file_and_no_log() {
    let mut world = World::start(Engine::Sqlite).await;
    let files = Files::of(&world);
    world.account("A").await;
    let pid = world.server.child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.unwrap().success());
    assert!(world.server.child.wait().unwrap().success());
    assert_eq!(files.names(), ["roster.db", "roster.db-acknowledged"]);
    let copy = files.path("copy.db");
    std::fs::copy(files.database(), &copy).unwrap();
    let (_server, clients) = serve(&copy, &[]).await;
    assert_eq!(accounts(&clients).await, ["A"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_moves_the_log_into_the_file_of_a_killed_server_raises_no_alarm() {
    let mut world = World::start(Engine::Sqlite).await;
    let files = Files::of(&world);
    world.account("A").await;
    world.server.kill();
    assert!(length(&files.log()) > 0);
    crate::memory::behind_the_back(&world.database, "SELECT count(*) FROM accounts");
    assert!(!files.log().exists());
    let (_server, clients) = serve(&files.database(), &[]).await;
    assert_eq!(accounts(&clients).await, ["A"]);
}
