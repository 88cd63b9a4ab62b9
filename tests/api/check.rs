//! `roster-server check`: what it says where it cannot look, and of what memory cannot hold.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use roster_api::v1::*;

use crate::memory::behind_the_back;
use crate::world::{Engine, World, both_engines, command};

both_engines!(a_check_of_numbers_above_those_of_memory_names_the_limit_and_finds_all_well,);

/// A user without rights; nobody needs an account for it.
const NOBODY: u32 = 65_534;

/// The exit code of a check, and what it said.
pub fn check(url: &str) -> (Option<i32>, String) {
    outcome(
        command(&["check", "--database", url])
            .output()
            .expect("the server's program"),
    )
}

fn outcome(output: Output) -> (Option<i32>, String) {
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

/// A check by somebody who may only read.
fn check_without_rights(programs: &Path, path: &Path) -> (Option<i32>, String) {
    without_rights(
        programs,
        &["check", "--database", &format!("sqlite:{}", path.display())],
    )
}

/// The program, started by a user without rights. `programs` is a folder that the user may read.
pub fn without_rights(programs: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !root {
        return outcome(command(arguments).output().expect("the server's program"));
    }
    // Root has all permissions, and only root may be able to read the build folder.
    let program = programs.join("roster-server");
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_roster-server"), &program).expect("a copy");
        set_mode(&program, 0o755);
    }
    outcome(
        Command::new(program)
            .args(arguments)
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .expect("the server's program"),
    )
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("rights");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_reads_a_file_in_a_folder_that_cannot_be_written_and_makes_nothing_there() {
    let mut world = World::start(Engine::Sqlite).await;
    world.account("A").await;
    let path = Path::new(world.database.url.strip_prefix("sqlite:").unwrap()).to_owned();
    let folder = path.parent().unwrap().to_owned();
    let programs = tempfile::tempdir().unwrap();
    set_mode(programs.path(), 0o755);
    // Killed, it leaves a log, which SQLite reads only where it may write.
    world.server.kill();
    for entry in std::fs::read_dir(&folder).unwrap() {
        set_mode(&entry.unwrap().path(), 0o444);
    }
    std::fs::remove_file(folder.join("roster.db-shm")).unwrap();
    set_mode(&folder, 0o555);
    let (code, text) = check_without_rights(programs.path(), &path);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("the file cannot be read") && text.contains("roster.db-wal"),
        "{text}"
    );
    // Whoever may write ends the log.
    set_mode(&folder, 0o755);
    set_mode(&path, 0o644);
    for entry in std::fs::read_dir(&folder).unwrap() {
        set_mode(&entry.unwrap().path(), 0o644);
    }
    behind_the_back(&world.database, "PRAGMA wal_checkpoint(TRUNCATE)");
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = files();
    for file_mode in [0o444, 0o644] {
        set_mode(&path, file_mode);
        set_mode(&folder, 0o555);
        let (code, text) = check_without_rights(programs.path(), &path);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("default: ok at revision 1"), "{text}");
        assert_eq!(files(), before);
    }
    set_mode(&path, 0o000);
    let (code, text) = check_without_rights(programs.path(), &path);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("the file cannot be read"), "{text}");
    set_mode(&folder, 0o755);
}

#[test]
fn a_check_says_whether_there_is_no_file_or_no_database_or_one_of_another_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roster.db");
    let url = format!("sqlite:{}", path.display());
    let (code, text) = check(&url);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("there is no such file"), "{text}");
    assert!(!path.exists());
    std::fs::write(&path, "name,email\n".repeat(1_000)).unwrap();
    let (code, text) = check(&url);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("is not a database of SQLite"), "{text}");
    let (code, text) = check(&format!("sqlite:{}", folder.path().display()));
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("is not a database of SQLite"), "{text}");
    std::fs::remove_file(&path).unwrap();
    SqliteConnection::establish(path.to_str().unwrap())
        .unwrap()
        .batch_execute("CREATE TABLE other (a)")
        .unwrap();
    let (code, text) = check(&url);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("are not those of this version"), "{text}");
}

async fn a_check_of_numbers_above_those_of_memory_names_the_limit_and_finds_all_well(
    mut world: World,
) {
    world.account("A").await;
    behind_the_back(
        &world.database,
        "UPDATE organizations SET next_account = 3000000000",
    );
    assert_eq!(world.account("B").await, "a3000000000");
    let (code, text) = check(&world.database.url);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("default: ok at revision 2") && text.contains("above 1073741823"),
        "{text}"
    );
    let asked = GetAccountRequest {
        id: "a3000000000".into(),
        ..Default::default()
    };
    world.clients.accounts.get_account(asked).await.unwrap();
}
