//! Attacks by frames of HTTP/2 that no library sends, and requests that are not calls of gRPC.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::attack::{Attacked, Hostile};
use crate::wire::{CREATE, GRPC};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The types of frames.
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
/// The flag of the last frame of a block of headers.
const END_HEADERS: u8 = 4;
/// The longest frame that a server takes.
const FRAME_BYTES: usize = 16 << 10;
/// How long an attacker waits for the server to take its bytes.
const STALLED_AFTER: Duration = Duration::from_secs(2);

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a call, without a table of earlier headers.
fn headers() -> Vec<u8> {
    let text = |prefix: &[u8], value: &str| {
        let length = u8::try_from(value.len()).unwrap();
        [prefix, &[length], value.as_bytes()].concat()
    };
    [
        // POST, http.
        vec![0x83, 0x86],
        text(&[0x04], CREATE),
        text(&[0x01], "localhost"),
        text(&[0x0f, 0x10], GRPC.1),
    ]
    .concat()
}

/// A connection that has begun HTTP/2 and does not read.
fn connect(attacked: &Attacked) -> TcpStream {
    let mut stream = TcpStream::connect(&attacked.server.address).unwrap();
    stream.set_write_timeout(Some(STALLED_AFTER)).unwrap();
    stream.set_read_timeout(Some(STALLED_AFTER)).unwrap();
    let begin = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&begin).unwrap();
    stream
}

/// Sends the same bytes over and over: how many were taken before the server closed the connection
/// or did not take more, up to a limit.
fn flood(stream: &mut TcpStream, bytes: &[u8], max: usize) -> usize {
    let mut sent = 0;
    while sent < max {
        match stream.write(bytes) {
            Ok(count) if count == bytes.len() => sent += count,
            // A part of a frame would end the attack; the server has stopped reading anyway.
            _ => break,
        }
    }
    sent
}

/// That an attack cost little, and that others are served.
async fn is_unharmed(attacked: &Attacked, what: &str, before_mib: usize) {
    attacked.serves_others().await;
    let grown = attacked.peak_memory_mib().saturating_sub(before_mib);
    println!("{what}: +{grown} MiB at the peak");
    assert!(grown < 40, "{what}: {grown} MiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_reset_at_once_end_the_connection() {
    let attacked = Attacked::start(&[]);
    attacked.serves_others().await;
    let (before, used) = (attacked.memory_mib(), attacked.processor_time());
    let mut answered = 0;
    for _ in 0..50 {
        let mut stream = connect(&attacked);
        let mut calls = Vec::new();
        for number in 0..500 {
            calls.extend(frame(HEADERS, END_HEADERS, 2 * number + 1, &headers()));
            calls.extend(frame(RESET, 0, 2 * number + 1, &8_u32.to_be_bytes()));
        }
        // The server may close the connection before it has taken all.
        let _ = stream.write_all(&calls);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        // ENHANCE_YOUR_CALM, in a GOAWAY.
        answered += usize::from(bytes.windows(4).any(|code| code == 11_u32.to_be_bytes()));
    }
    println!("{answered} of 50 connections heard ENHANCE_YOUR_CALM");
    is_unharmed(&attacked, "25,000 calls, reset at once", before).await;
    let used = attacked.processor_time() - used;
    assert!(used < Duration::from_secs(15), "{used:?}");
    attacked
        .until("no call is left", |a| {
            a.metric("roster_grpc_requests_in_flight") == 0.0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_end_close_the_connection() {
    let attacked = Attacked::start(&[]);
    attacked.serves_others().await;
    let before = attacked.memory_mib();
    let mut stream = connect(&attacked);
    stream.write_all(&frame(HEADERS, 0, 1, &headers())).unwrap();
    // A header without a table, whose value fills the frame.
    let length = u8::try_from(100).unwrap();
    let header = [&[0x00, 1, b'x', length][..], &[b'y'; 100]].concat();
    let block = header.repeat(FRAME_BYTES / header.len());
    let sent = flood(&mut stream, &frame(CONTINUATION, 0, 1, &block), 100 << 20);
    println!("closed after {} KiB", sent >> 10);
    assert!(sent < 20 << 20, "{sent} bytes");
    is_unharmed(&attacked, "headers without end", before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_and_settings_whose_answers_nobody_reads_cost_nothing() {
    let attacked = Attacked::start(&[]);
    attacked.serves_others().await;
    let before = attacked.memory_mib();
    for (what, bytes) in [
        ("pings", frame(PING, 0, 0, &[7; 8])),
        ("settings", frame(SETTINGS, 0, 0, &[])),
    ] {
        let mut stream = connect(&attacked);
        let frames = bytes.repeat(1_000);
        let sent = flood(&mut stream, &frames, 64 << 20);
        println!("{what}: {} frames", sent / bytes.len());
        is_unharmed(&attacked, what, before).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_have_a_limit() {
    let attacked = Attacked::start(&[]);
    let ask = async |bytes: usize| {
        let mut hostile = attacked.connect().await;
        let request = http::Request::post(format!("http://localhost{CREATE}"))
            .header(GRPC.0, GRPC.1)
            .header("x", "y".repeat(bytes));
        let request = request.body(()).unwrap();
        let (answer, _) = hostile.client.send_request(request, true).unwrap();
        answer.await.map(|answer| answer.status().as_u16()).ok()
    };
    assert_eq!(ask(15 << 10).await, Some(200));
    assert_eq!(ask(17 << 10).await, Some(431));
    assert_ne!(ask(100 << 10).await, Some(200));
    attacked.serves_others().await;
}

/// The status of HTTP and of gRPC that a request is answered with.
async fn ask(hostile: &mut Hostile, method: &str, content_type: &str) -> (u16, String) {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("http://localhost{CREATE}"))
        .header("content-type", content_type);
    let mut client = hostile.client.clone().ready().await.unwrap();
    let request = request.body(()).unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    let answer = answer.await.unwrap();
    let status = answer.headers().get("grpc-status").expect("a status");
    (
        answer.status().as_u16(),
        status.to_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn only_a_post_of_grpc_is_served() {
    let attacked = Attacked::start(&[]);
    let mut hostile = attacked.connect().await;
    // No message: the call itself is refused.
    assert_eq!(ask(&mut hostile, "POST", GRPC.1).await, (200, "3".into()));
    let unimplemented = || "12".to_owned();
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = ask(&mut hostile, method, GRPC.1).await;
        assert_eq!(answer, (405, unimplemented()), "{method}");
    }
    for content_type in ["application/json", "text/plain", "application/grpc-web", ""] {
        let answer = ask(&mut hostile, "POST", content_type).await;
        assert_eq!(answer, (415, unimplemented()), "{content_type}");
    }
    let refused = attacked.metric("roster_calls_refused_total{reason=\"NOT_GRPC\"}");
    assert_eq!(refused, 8.0);
    assert_eq!(attacked.metric("roster_grpc_requests_in_flight"), 0.0);
}

/// In a long run: the server pings after 30 seconds and waits for 10.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_answer_no_ping_are_closed() {
    if std::env::var_os("ROSTER_LONG").is_none() {
        return;
    }
    let attacked = Attacked::start(&[]);
    attacked.serves_others().await;
    let before = attacked.files();
    let begun = Instant::now();
    let idle: Vec<_> = (0..1_000).map(|_| connect(&attacked)).collect();
    attacked.serves_others().await;
    tokio::time::sleep(Duration::from_secs(35)).await;
    attacked
        .until("all are closed", |a| a.files() <= before + 2)
        .await;
    println!("closed after {:?}", begun.elapsed());
    drop(idle);
}
