//! Attacks by calls whose messages do not come, or whose answers nobody takes.

use std::time::{Duration, Instant};

use bytes::Bytes;
use roster_api::v1::*;
use tonic::Code;
use tonic_types::StatusExt;

use crate::attack::{Attacked, Hostile};
use crate::error_shape;
use crate::wire::{CREATE, account};

const CHECK: &str = "/roster.v1.VisibilityService/CheckTicket";
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const UPLOAD: &str = "/roster.v1.ImportService/StartImport";
const LIST: &str = "/roster.v1.AccountService/ListAccounts";
/// The calls of a connection that the protocol lets it open.
const STREAMS: usize = 1_024;

/// The first bytes of a message: its flags and its length.
fn prefix(length: usize) -> Bytes {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&[0][..], &length].concat().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_messages_lock_nobody_out() {
    let attacked = Attacked::start(&[("ROSTER_MESSAGE_PATIENCE", "4")]);
    let before = attacked.memory_mib();
    let (mut connections, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..16 {
        let mut hostile = attacked.connect().await;
        for _ in 0..STREAMS {
            calls.push(hostile.begin(CREATE).await);
        }
        connections.push(hostile);
    }
    attacked.serves_others().await;
    attacked.serves_others().await;
    let grown = attacked.memory_mib().saturating_sub(before);
    println!("16 connections of {STREAMS} calls without a message: +{grown} MiB");
    assert!(grown < 150, "{grown} MiB");
    // Each ends with a reason: refused at once, or after the limit.
    let (mut refused, mut late) = (0, 0);
    for call in calls {
        let status = call.status().await;
        match (status.code(), error_shape::well(&status)) {
            (Code::ResourceExhausted, ErrorReason::QueueFull) => refused += 1,
            (Code::DeadlineExceeded, ErrorReason::DeadlineExceeded) => late += 1,
            other => panic!("{other:?}: {status:?}"),
        }
    }
    println!("{refused} refused at once, {late} ended by the limit");
    assert!(late > 500, "a connection may wait for messages");
    assert_eq!(attacked.metric("roster_grpc_requests_in_flight"), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_has_a_time_limit_from_its_headers_on() {
    let attacked = Attacked::start(&[("ROSTER_MESSAGE_PATIENCE", "2")]);
    let mut hostile = attacked.connect().await;
    for method in [CREATE, CHECK, HEALTH] {
        for sent in [0, 3, 8] {
            let begun = Instant::now();
            let mut call = hostile.begin(method).await;
            let bytes = account("A").split_at(sent).0.to_vec();
            call.sending.send_data(bytes.into(), false).unwrap();
            let status = call.status().await;
            assert_eq!(
                status.code(),
                Code::DeadlineExceeded,
                "{method}: {status:?}"
            );
            let took = begun.elapsed();
            assert!(took >= Duration::from_millis(1_900), "{took:?}");
            assert!(took < Duration::from_secs(8), "{took:?}");
        }
    }
    // In time by a second.
    let mut call = hostile.begin(CREATE).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    call.sending.send_data(account("A").into(), true).unwrap();
    let mut body = call.body().await;
    assert!(body.data().await.is_some(), "an answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_message_is_there_but_whose_end_does_not_come_holds_no_place() {
    let attacked = Attacked::start(&[("ROSTER_CALLS_MAX", "1"), ("ROSTER_MESSAGE_PATIENCE", "3")]);
    let mut hostile = attacked.connect().await;
    let mut open = hostile.begin(CREATE).await;
    open.sending.send_data(account("A").into(), false).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    attacked.serves_others().await;
    assert_eq!(open.status().await.code(), Code::DeadlineExceeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_has_a_time_limit_for_each_message_and_holds_a_place_from_the_first_on() {
    let attacked = Attacked::start(&[("ROSTER_CALLS_MAX", "2"), ("ROSTER_UPLOAD_PATIENCE", "2")]);
    let mut hostile = attacked.connect().await;
    let config = StartImportRequest {
        part: Some(start_import_request::Part::Config(ImportConfig {
            kind: ImportKind::Accounts.into(),
            ..Default::default()
        })),
    };
    let config: Bytes = {
        let message = prost::Message::encode_to_vec(&config);
        [&prefix(message.len())[..], &message].concat().into()
    };
    let mut uploads = Vec::new();
    for _ in 0..2 {
        let mut upload = hostile.begin(UPLOAD).await;
        upload.sending.send_data(config.clone(), false).unwrap();
        uploads.push(upload);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Both places are taken; probes need no place.
    let refused = crate::attack::whole_call(&attacked.server).await;
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert_eq!(error_shape::well(&refused), ErrorReason::QueueFull);
    assert!(refused.get_error_details().retry_info().is_some());
    assert!(attacked.metric("roster_calls_refused_total{reason=\"QUEUE_FULL\"}") >= 1.0);
    let mut health = hostile.begin(HEALTH).await;
    health.sending.send_data(prefix(0), true).unwrap();
    assert!(health.body().await.data().await.is_some(), "health");
    for upload in uploads {
        assert_eq!(upload.status().await.code(), Code::DeadlineExceeded);
    }
    attacked.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_left_a_byte_short_are_held_within_a_budget() {
    const LENGTH: usize = 15 << 20;
    // A connection may hold half of what is free: of 128 MiB, three messages of 15 MiB.
    let attacked = Attacked::start(&[("ROSTER_MESSAGE_MIB", "128")]);
    let before = attacked.memory_mib();
    let mut hostile = attacked.connect().await;
    let mut calls = Vec::new();
    for _ in 0..64 {
        let mut call = hostile.begin(CREATE).await;
        call.sending.send_data(prefix(LENGTH), false).unwrap();
        calls.push(call);
    }
    let piece = Bytes::from(vec![0x0a; 16 << 10]);
    let mut tasks = tokio::task::JoinSet::new();
    for mut call in calls {
        let piece = piece.clone();
        tasks.spawn(async move {
            let mut rest = LENGTH - 1;
            while rest > 0 {
                call.sending.reserve_capacity(piece.len().min(rest));
                let more = std::future::poll_fn(|cx| call.sending.poll_capacity(cx)).await;
                let Some(Ok(capacity)) = more else { break };
                let count = capacity.min(rest).min(piece.len());
                let sent = call.sending.send_data(piece.slice(..count), false);
                if sent.is_err() {
                    break;
                }
                rest -= count;
            }
            call.status().await
        });
    }
    // The refusals come at once; the others may take a minute for their last byte.
    for _ in 0..61 {
        let status = tasks.join_next().await.expect("a call").expect("a status");
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        assert_eq!(error_shape::well(&status), ErrorReason::QueueFull);
    }
    attacked.serves_others().await;
    let held = attacked.metric("roster_message_memory_bytes");
    assert_eq!(held, 3.0 * LENGTH as f64);
    let grown = attacked.peak_memory_mib().saturating_sub(before);
    println!("64 calls of 15 MiB, a byte short: +{grown} MiB at the peak");
    assert!(grown < 100, "{grown} MiB");
    drop(tasks);
    hostile.connection.abort();
    attacked
        .until("all is freed", |a| {
            a.metric("roster_message_memory_bytes") == 0.0
        })
        .await;
    attacked.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_budget_of_messages_is_kept_at_its_limit() {
    // A message may have half of what is free.
    for (length, taken) in [
        ((1 << 20) - 1, true),
        (1 << 20, true),
        ((1 << 20) + 1, false),
    ] {
        let limits = [
            ("ROSTER_MESSAGE_MIB", "2"),
            ("ROSTER_MESSAGE_PATIENCE", "1"),
        ];
        let attacked = Attacked::start(&limits);
        let mut hostile = attacked.connect().await;
        let mut call = hostile.begin(CREATE).await;
        call.sending.send_data(prefix(length), false).unwrap();
        let code = call.status().await.code();
        let expected = if taken {
            Code::DeadlineExceeded
        } else {
            Code::ResourceExhausted
        };
        assert_eq!(code, expected, "{length}");
    }
}

/// A server with accounts whose list is an answer of 3 MiB, and the request for that list.
async fn with_long_answers(limits: &[(&str, &str)]) -> (Attacked, Bytes) {
    let attacked = Attacked::start(limits);
    let mut accounts = attacked.server.connect().await.accounts;
    for number in 0..300 {
        let attributes = (0..7).map(|key| (format!("k{key}"), "あ".repeat(999)));
        let account = Account {
            name: format!("A{number}"),
            attributes: attributes.collect(),
            ..Default::default()
        };
        let request = CreateAccountRequest {
            account: Some(account),
            ..Default::default()
        };
        accounts.create_account(request).await.unwrap();
    }
    let list = ListAccountsRequest {
        page_size: 300,
        ..Default::default()
    };
    let list = prost::Message::encode_to_vec(&list);
    (attacked, [&prefix(list.len())[..], &list].concat().into())
}

/// A connection whose calls may receive so many bytes before it takes more, which it never does.
async fn with_window(attacked: &Attacked, bytes: u32) -> Hostile {
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(bytes);
    Hostile::connect(&attacked.server.address, builder).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_takes_are_held_within_a_budget() {
    const CALLS: usize = 60;
    // Of 6 MiB, a connection may hold one answer of 3 MiB.
    let limits = [
        ("ROSTER_MESSAGE_MIB", "6"),
        ("ROSTER_ANSWER_PATIENCE", "600"),
    ];
    let (attacked, list) = with_long_answers(&limits).await;
    for window in [0, 65_535] {
        let mut hostile = with_window(&attacked, window).await;
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..CALLS {
            let mut call = hostile.begin(LIST).await;
            call.sending.send_data(list.clone(), true).unwrap();
            waiting.spawn(async move { call.body().await.trailers().await });
        }
        for _ in 1..CALLS {
            let trailers = waiting.join_next().await.expect("a call").unwrap();
            let trailers = trailers.unwrap().expect("trailers");
            let status = tonic::Status::from_header_map(&trailers).expect("a status");
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        }
        assert!(waiting.try_join_next().is_none(), "one answer waits");
        let held = attacked.metric("roster_answer_memory_bytes");
        assert!((2e6..3.2e6).contains(&held), "{held}");
        attacked.serves_others().await;
        hostile.connection.abort();
        attacked
            .until("the answer is freed", |a| {
                a.metric("roster_answer_memory_bytes") == 0.0
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_takes_ends_and_its_memory_is_freed() {
    let (attacked, list) = with_long_answers(&[("ROSTER_ANSWER_PATIENCE", "2")]).await;
    for (number, window) in [0, 1, 65_535].into_iter().enumerate() {
        let mut hostile = with_window(&attacked, window).await;
        let mut call = hostile.begin(LIST).await;
        call.sending.send_data(list.clone(), true).unwrap();
        let begun = Instant::now();
        let _body = call.body().await;
        let ended = (number + 1) as f64;
        attacked
            .until("the call ends", |a| {
                a.metric("roster_answers_untaken_total") == ended
            })
            .await;
        assert!(begun.elapsed() >= Duration::from_millis(1_900));
        attacked
            .until("its memory is freed", |a| {
                a.metric("roster_answer_memory_bytes") == 0.0
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_drops_an_upload_writes_no_line_and_begins_no_import() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let attacked = Attacked::start_by(&[], |mut command| {
        command.stderr(std::fs::File::create(&log).unwrap());
        command.env("RUST_LOG", "info");
        command
    });
    attacked.serves_others().await;
    let config = StartImportRequest {
        part: Some(start_import_request::Part::Config(ImportConfig {
            kind: ImportKind::Accounts.into(),
            ..Default::default()
        })),
    };
    let chunk = StartImportRequest {
        part: Some(start_import_request::Part::Chunk("Name\nA\n".into())),
    };
    for reason in [
        h2::Reason::CANCEL,
        h2::Reason::NO_ERROR,
        h2::Reason::INTERNAL_ERROR,
    ] {
        let mut hostile = attacked.connect().await;
        let mut upload = hostile.begin(UPLOAD).await;
        for message in [&config, &chunk] {
            let message = prost::Message::encode_to_vec(message);
            let framed = [&prefix(message.len())[..], &message].concat();
            upload.sending.send_data(framed.into(), false).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        upload.sending.send_reset(reason);
        tokio::time::sleep(Duration::from_millis(200)).await;
        // The connection breaks in the middle of the next.
        let mut upload = hostile.begin(UPLOAD).await;
        upload.sending.send_data(prefix(1_000), false).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        hostile.connection.abort();
    }
    attacked
        .until("they end", |a| {
            a.metric("roster_grpc_requests_in_flight") == 0.0
        })
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let text = std::fs::read_to_string(&log).unwrap();
    for unwanted in ["ERROR", "WARN", "import"] {
        assert!(!text.contains(unwanted), "{text}");
    }
    let mut imports = attacked.server.connect().await.imports;
    let request = GetImportRequest { id: "i1".into() };
    let none = imports.get_import(request).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound, "{none:?}");
}
