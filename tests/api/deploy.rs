//! The files of `crates/server/deploy`: they name only metrics, options and pages that exist, and
//! the server runs under what they ask of it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::world::{Engine, Server, World, command};

/// The exposure of the unit as systemd-analyze rates it, from 0 (safe) to 10, in tenths. It was 12.
const EXPOSURE_MAX: u32 = 20;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(deploy().join(name)).unwrap()
}

/// All files, by name.
fn files() -> Vec<(String, String)> {
    let folders = [deploy(), deploy().join("kubernetes")];
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file())
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), text)
        })
        .collect()
}

/// The words of a text that begin with one of these, without what cannot be in a name.
fn words<'t>(text: &'t str, begins: &'t [&str], extra: char) -> impl Iterator<Item = &'t str> {
    text.split(move |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == extra))
        .filter(move |word| begins.iter().any(|begin| word.starts_with(begin)))
}

fn scrape(address: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_of_the_dashboard_and_of_the_alerts_is_exported() {
    let mut world = World::start(Engine::Sqlite).await;
    world.server.kill();
    let at = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let at = [&at[..], &["--database", &world.database.url]].concat();
    world.server = Server::start_with(&at);
    let text = scrape(world.server.metrics.as_deref().unwrap());
    let mut exported = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (family, kind) = line.split_once(' ').unwrap();
        let ends: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => &[""],
        };
        exported.extend(ends.iter().map(|end| format!("{family}{end}")));
    }
    let mut named = BTreeSet::new();
    for file in ["grafana-dashboard.json", "alerts.yaml"] {
        let text = read(file);
        named.extend(words(&text, &["roster_", "process_"], '_').map(str::to_owned));
    }
    assert!(named.len() > 15, "{named:?}");
    let unknown: Vec<_> = named.difference(&exported).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {exported:?}");
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars()
        .filter(|c| c.is_alphanumeric() || *c == '-')
        .collect()
}

#[test]
fn every_alert_says_what_to_do_and_the_manual_has_a_section_for_it() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let headings = manual.lines().filter(|line| line.starts_with('#'));
    let anchors: BTreeSet<_> = headings
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect();
    let text = read("alerts.yaml");
    let alerts: Vec<_> = text.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 10);
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for part in ["expr: ", "severity: ", "summary: ", "action: "] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
        let page = format!("crates/server/docs/operating.md#{}", anchor(name));
        assert!(
            alert.contains(&format!("runbook: {page}\n")),
            "{name}: {page}"
        );
        assert!(
            anchors.contains(&anchor(name)),
            "operating.md has no section {name}"
        );
    }
}

#[test]
fn every_variable_and_every_option_that_is_named_exists() {
    let help = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for (name, text) in files() {
        for variable in words(&text, &["ROSTER_"], '_') {
            assert!(help.contains(&format!("{variable}=")), "{name}: {variable}");
        }
        let starts = text
            .lines()
            .filter(|line| line.contains("/usr/local/bin/roster-server "));
        for option in starts.flat_map(|line| words(line, &["--"], '-')) {
            assert!(help.contains(&format!("{option} ")), "{name}: {option}");
        }
    }
}

#[test]
fn the_configuration_file_is_accepted_and_sets_every_key_that_it_names() {
    let file = deploy().join("roster.toml");
    let output = command(&["--config", file.to_str().unwrap(), "config"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let text = read("roster.toml");
    let set = text.lines().filter(|line| line.contains(" = "));
    assert_eq!(
        set.clone().count(),
        printed.matches("roster.toml:").count() - 1
    );
    for line in set {
        assert!(
            printed.contains(&format!("{line} # ")),
            "{line}\nin\n{printed}"
        );
    }
}

#[test]
fn every_panel_of_the_dashboard_has_a_query_and_an_explanation() {
    let dashboard: Value = serde_json::from_str(&read("grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        assert!(
            panel["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        for target in panel["targets"].as_array().unwrap() {
            assert!(target["expr"].as_str().unwrap().contains("job=\"roster\""));
        }
    }
}

#[test]
fn systemd_accepts_the_unit_and_rates_it_safe() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("roster-server.service");
    let program = env!("CARGO_BIN_EXE_roster-server");
    let text = read("roster-server.service").replace("/usr/local/bin/roster-server", program);
    std::fs::write(&unit, text).unwrap();
    let analyze = |arguments: &[&str]| {
        Command::new("systemd-analyze")
            .args(arguments)
            .arg(&unit)
            .output()
    };
    let Ok(verified) = analyze(&["verify"]) else {
        println!("left out: systemd-analyze is not on this machine");
        return;
    };
    assert!(verified.status.success(), "{verified:?}");
    let complaints = String::from_utf8(verified.stderr).unwrap();
    assert!(
        !complaints.contains("roster-server.service"),
        "{complaints}"
    );
    let rated = analyze(&["security", "--offline=true"]).unwrap();
    let text = String::from_utf8(rated.stdout).unwrap();
    let rating = text
        .split("exposure level for roster-server.service: ")
        .nth(1);
    let rating = rating
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap();
    let tenths: u32 = rating.replace('.', "").parse().unwrap();
    assert!(tenths <= EXPOSURE_MAX, "{rating}");
}

/// Runs in a mount namespace of its own: makes everything read-only but a folder for the data, and
/// starts the program there as a user that has no account.
const READ_ONLY_ROOT: &str = "set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
cp \"$1\" /mnt/roster-server
mkdir /mnt/data
chmod 755 /mnt /mnt/roster-server
chown 12345:12345 /mnt/data
mount -o remount,ro,bind /
exec setpriv --reuid=12345 --regid=12345 --clear-groups --no-new-privs --inh-caps=-all \
    /mnt/roster-server --listen 127.0.0.1:0 --database sqlite:/mnt/data/roster.db";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_runs_as_a_user_without_an_account_on_a_read_only_root() {
    let isolated = Command::new("unshare").args(["--mount", "true"]).status();
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !root || !isolated.is_ok_and(|done| done.success()) {
        println!("left out: only root may make a file system read-only");
        return;
    }
    let mut command = Command::new("unshare");
    let program = env!("CARGO_BIN_EXE_roster-server");
    command.args(["--mount", "sh", "-c", READ_ONLY_ROOT, "sh", program]);
    let server = Server::spawn(command, false);
    let clients = server.connect().await;
    let request = roster_api::v1::CreateAccountRequest {
        account: Some(roster_api::v1::Account {
            name: "A".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    clients
        .accounts
        .clone()
        .create_account(request)
        .await
        .unwrap();
}
