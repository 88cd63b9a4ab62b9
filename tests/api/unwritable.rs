//! A SQLite database where it cannot be written: in a read-only folder, on a full disk.

use std::path::Path;
use std::process::{Command, Stdio};

use roster_api::v1::*;
use tonic::Code;

use crate::files::{serve, url, write};
use crate::world::refused;

#[test]
fn a_start_in_a_folder_that_cannot_be_written_is_refused_and_changes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let may = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    may(programs.path(), 0o755);
    may(folder.path(), 0o555);
    let url = url(&folder.path().join("roster.db"));
    let arguments = ["--listen", "127.0.0.1:0", "--database", &url];
    let (code, text) = crate::check::without_rights(programs.path(), &arguments);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("cannot be opened: Permission denied"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    may(folder.path(), 0o755);
}

/// A small file system of the test's own, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` if this user may not mount one.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|done| done.success())
            .then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_loses_none() {
    let Some(disk) = SmallDisk::mount() else {
        println!("left out: only a user who may mount a file system can fill one");
        return;
    };
    let path = disk.0.path().join("roster.db");
    let (mut server, clients) = serve(&path, &[]).await;
    let text = "x".repeat(200);
    let mut acknowledged = Vec::new();
    for number in 0..10_000 {
        let name = format!("{number:05}{}", &text[..150]);
        match write(&clients, &name).await {
            Ok(_) => acknowledged.push(name),
            Err(status) => {
                refused::<()>(Err(status), Code::Unavailable, "UNAVAILABLE");
                break;
            }
        }
    }
    assert!(acknowledged.len() > 10 && acknowledged.len() < 10_000);
    server.kill();
    let remount = ["-o", "remount,size=30m"];
    let larger = Command::new("mount")
        .args(remount)
        .arg(disk.0.path())
        .status();
    assert!(larger.unwrap().success());
    let (server, clients) = serve(&path, &[]).await;
    let mut request = ListAccountsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let mut found = std::collections::BTreeSet::new();
    loop {
        let page = clients
            .accounts
            .clone()
            .list_accounts(request.clone())
            .await;
        let page = page.unwrap().into_inner();
        found.extend(page.accounts.into_iter().map(|account| account.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    for name in &acknowledged {
        assert!(found.contains(name), "{name}");
    }
    write(&clients, "more").await.unwrap();
    drop(server);
}
