//! Attacks by connections: too many, silent, half begun, or without end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::attack::Attacked;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether the peer closes a connection within a time.
fn is_closed_within(stream: &mut TcpStream, limit: Duration) -> bool {
    stream.set_read_timeout(Some(limit)).unwrap();
    let mut bytes = [0; 1_024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

fn connect(attacked: &Attacked) -> TcpStream {
    TcpStream::connect(&attacked.server.address).expect("a connection")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_never_speaks_is_closed_in_time() {
    let attacked = Attacked::start(&[("ROSTER_HANDSHAKE_PATIENCE", "2")]);
    attacked.serves_others().await;
    let before = attacked.files();
    let begun = Instant::now();
    let mut silent: Vec<_> = (0..500).map(|_| connect(&attacked)).collect();
    // Some say a part of the preface.
    for (number, stream) in silent.iter_mut().enumerate() {
        stream
            .write_all(&PREFACE[..number % PREFACE.len()])
            .unwrap();
    }
    attacked.serves_others().await;
    for stream in &mut silent {
        assert!(is_closed_within(stream, Duration::from_secs(10)));
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(1_900), "{took:?}");
    attacked
        .until("all files are closed", |a| a.files() <= before)
        .await;
    let silent = "roster_connections_refused_total{reason=\"silent\"}";
    attacked
        .until("all are counted", |a| a.metric(silent) == 500.0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_speak_http_2_is_closed_at_once() {
    let attacked = Attacked::start(&[]);
    for sent in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00",
        b"\0",
    ] {
        let mut stream = connect(&attacked);
        stream.write_all(sent).unwrap();
        let begun = Instant::now();
        assert!(is_closed_within(&mut stream, Duration::from_secs(5)));
        println!("closed after {:?}", begun.elapsed());
    }
    let refused = "roster_connections_refused_total{reason=\"handshake\"}";
    attacked
        .until("all are counted", |a| a.metric(refused) == 3.0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_files_silent_sockets_keep_nobody_out_and_the_server_idles() {
    let attacked = Attacked::start_by(&[], |command| {
        let mut limited = std::process::Command::new("prlimit");
        limited.arg("--nofile=1024:1024").arg(command.get_program());
        limited.args(command.get_args());
        for (key, value) in command.get_envs() {
            limited.env(key, value.unwrap_or_default());
        }
        limited
    });
    attacked.serves_others().await;
    let before = attacked.processor_time();
    let begun = Instant::now();
    let silent: Vec<_> = (0..1_100).map(|_| connect(&attacked)).collect();
    for _ in 0..3 {
        attacked.serves_others().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(attacked.files() < 1_024 - 100, "{} files", attacked.files());
    let used = attacked.processor_time() - before;
    println!("{used:?} of processor time in {:?}", begun.elapsed());
    assert!(used < begun.elapsed() / 2, "{used:?}");
    drop(silent);
    attacked.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_soft_limit_of_files_is_raised_to_the_hard_limit() {
    let attacked = Attacked::start_by(&[], |command| {
        let mut limited = std::process::Command::new("prlimit");
        limited.arg("--nofile=100:2000").arg(command.get_program());
        limited.args(command.get_args());
        for (key, value) in command.get_envs() {
            limited.env(key, value.unwrap_or_default());
        }
        limited
    });
    let path = format!("/proc/{}/limits", attacked.server.child.id());
    let limits = std::fs::read_to_string(path).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let words: Vec<_> = line.unwrap().split_whitespace().collect();
    assert_eq!(words[3..5], ["2000", "2000"], "{limits}");
}

/// Connections that have begun HTTP/2 and then say nothing.
async fn open(attacked: &Attacked, count: usize) -> Vec<crate::attack::Hostile> {
    let mut open = Vec::new();
    for _ in 0..count {
        open.push(attacked.connect().await);
    }
    open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_taken_up_to_the_limit_and_the_next_is_closed_at_once() {
    const MAX: usize = 10;
    for (max, of_address, reason) in [("10", "11", "limit"), ("20", "10", "address_limit")] {
        let attacked = Attacked::start(&[
            ("ROSTER_CONNECTIONS_MAX", max),
            ("ROSTER_CONNECTIONS_PER_ADDRESS_MAX", of_address),
        ]);
        let mut connections = open(&attacked, MAX - 1).await;
        connections.extend(open(&attacked, 1).await);
        // A connection that has begun is known once its frames are answered.
        let now_open = |a: &Attacked| a.metric("roster_connections_open");
        attacked
            .until("all are open", |a| now_open(a) == MAX as f64)
            .await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut next = connect(&attacked);
        assert!(is_closed_within(&mut next, Duration::from_secs(5)));
        let refused = format!("roster_connections_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(attacked.metric(&refused), 1.0, "{reason}");
        for connection in &connections {
            assert!(!connection.connection.is_finished(), "it is kept");
        }
        drop(connections.pop());
        attacked
            .until("there is room", |a| now_open(a) < MAX as f64)
            .await;
        open(&attacked, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_ends_at_its_age_and_its_calls_finish() {
    let attacked = Attacked::start(&[("ROSTER_CONNECTION_AGE", "2")]);
    let begun = Instant::now();
    let mut hostile = attacked.connect().await;
    let mut call = hostile.begin(crate::wire::CREATE).await;
    let drained = tokio::time::timeout(Duration::from_secs(10), async {
        // The server says that it takes no further call.
        while hostile.client.clone().ready().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    drained.await.expect("the connection ends");
    assert!(begun.elapsed() >= Duration::from_millis(1_700));
    call.sending
        .send_data(crate::wire::account("A").into(), true)
        .unwrap();
    assert!(
        call.body().await.data().await.is_some(),
        "the call finishes"
    );
    let ended = tokio::time::timeout(Duration::from_secs(5), hostile.connection).await;
    ended.expect("the connection is closed").unwrap().unwrap();
    attacked.serves_others().await;
}

/// Changes the limit of open files of a running process.
fn limit_files(attacked: &Attacked, max: usize) {
    let done = std::process::Command::new("prlimit")
        .arg(format!("--nofile={max}:"))
        .args(["--pid", &attacked.server.child.id().to_string()])
        .status();
    assert!(done.expect("the command prlimit").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_free_files_the_server_waits_and_goes_on_when_there_are_some() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let attacked = Attacked::start_by(&[], |mut command| {
        command.stderr(std::fs::File::create(&log).unwrap());
        command.env("RUST_LOG", "warn");
        command
    });
    attacked.serves_others().await;
    let used = attacked.processor_time();
    // Enough for the port for operators is left when the flood is over.
    limit_files(&attacked, attacked.files() + 5);
    let begun = Instant::now();
    let flood: Vec<_> = (0..20).map(|_| connect(&attacked)).collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    limit_files(&attacked, 1_024);
    let took = begun.elapsed();
    attacked.serves_others().await;
    let used = attacked.processor_time() - used;
    println!("{used:?} of processor time in {took:?}");
    assert!(used < took / 2, "{used:?} in {took:?}");
    assert!(attacked.metric("roster_accept_failures_total") >= 2.0);
    let text = std::fs::read_to_string(&log).unwrap();
    let lines = text.matches("cannot accept connections").count();
    assert!((1..=took.as_secs() as usize + 1).contains(&lines), "{text}");
    drop(flood);
}
