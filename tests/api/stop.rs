//! How the server ends, and what it does with more work than it can do or than is still wanted.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use roster_api::v1::*;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::world::{Server, World, both_engines, refused};
use crate::write_lock::WriteLock;
use crate::{raw_call, wire};

both_engines!(
    sigterm_turns_health_lets_calls_finish_and_ends_with_0,
    sigint_does_the_same,
    a_write_whose_caller_has_gone_is_dropped_before_its_batch,
    more_writes_than_can_wait_are_refused_at_once_and_those_that_wait_are_done,
);

/// A clean stop takes no longer, whatever is connected. Ten seconds are promised; with nothing left
/// to do it is to be much faster.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// How many writes may wait in the server that is flooded.
const WAITING_MAX: usize = 500;
/// Calls that fill every place that a write can wait in, the batch being worked (256) included.
const FLOOD: usize = WAITING_MAX + 256 + REFUSED_LEAST;
/// So many at least cannot wait.
const REFUSED_LEAST: usize = 200;

fn signal(server: &Server, name: &str) {
    let pid = server.child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([name, &pid])
        .status();
    assert!(sent.expect("the command kill").success());
}

/// Waits for the process to end: its exit code.
async fn end_of(server: &mut Server) -> i32 {
    let began = Instant::now();
    loop {
        if let Some(status) = server.child.try_wait().expect("its state") {
            return status.code().expect("it was not killed");
        }
        assert!(began.elapsed() < STOP_WITHIN, "it does not end");
        tokio::task::yield_now().await;
    }
}

/// Sends a write, and lets it be in the writer's hands before it goes on.
async fn begin(
    world: &World,
    name: &str,
) -> tokio::task::JoinHandle<Result<Response<CreateAccountResponse>, Status>> {
    let request = CreateAccountRequest {
        account: Some(Account {
            name: name.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut accounts = world.clients.accounts.clone();
    let running = tokio::spawn(async move { accounts.create_account(request).await });
    // What is answered after it on the same connection came after it.
    for _ in 0..5 {
        world.read_token().await;
    }
    assert!(!running.is_finished());
    running
}

async fn stops(mut world: World, name: &str) {
    world.account("the organization").await;
    let _idle = world.server.connect().await;
    let _silent = std::net::TcpStream::connect(&world.server.address).unwrap();
    let mut health = HealthClient::new(world.server.channel().await);
    let request = HealthCheckRequest::default();
    let mut watched = health.watch(request).await.unwrap().into_inner();
    let first = watched.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);

    let lock = WriteLock::take(world.engine, &world.database);
    let running = begin(&world, "A").await;
    signal(&world.server, name);
    let next = watched.message().await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    lock.release();
    let made = running.await.unwrap().expect("what ran is finished");
    let id = made.into_inner().account.unwrap().id;
    assert_eq!(end_of(&mut world.server).await, 0);

    world.server = Server::start(&world.database);
    let request = GetAccountRequest {
        id,
        ..Default::default()
    };
    let mut clients = world.server.connect().await;
    clients
        .accounts
        .get_account(request)
        .await
        .expect("it was written");
}

async fn sigterm_turns_health_lets_calls_finish_and_ends_with_0(world: World) {
    stops(world, "-TERM").await;
}

async fn sigint_does_the_same(world: World) {
    stops(world, "-INT").await;
}

async fn a_write_whose_caller_has_gone_is_dropped_before_its_batch(mut world: World) {
    world.account("the organization").await;
    let lock = WriteLock::take(world.engine, &world.database);
    let first = begin(&world, "A").await;
    // No clock runs on this side: the answer is the server's own, which has then dropped the call.
    let headers = [wire::GRPC, ("grpc-timeout", "50m")];
    let message = wire::account("B");
    let status = raw_call::http(&world.server.address, wire::CREATE, &headers, message).await;
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    lock.release();
    first.await.unwrap().unwrap();
    world.account("C").await;
    let listed = world
        .clients
        .accounts
        .list_accounts(ListAccountsRequest::default())
        .await;
    let listed = listed.unwrap().into_inner().accounts;
    let names: Vec<_> = listed.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["A", "C", "the organization"]);
}

async fn delete(
    channel: Channel,
    number: usize,
) -> Result<Response<DeleteTicketsResponse>, Status> {
    let request = DeleteTicketsRequest {
        ids: vec![format!("T-{number}")],
        ..Default::default()
    };
    let mut tickets = ticket_service_client::TicketServiceClient::new(channel);
    tickets.delete_tickets(request).await
}

/// Sends more writes than can wait while none goes on: the refusals, once they are as many as
/// must come, and how many of the first hundred were answered afterwards.
pub async fn flood(world: &mut World) -> (Vec<Status>, usize) {
    world.account("the organization").await;
    world.server.kill();
    let max = WAITING_MAX.to_string();
    world.server = Server::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--database",
        &world.database.url,
        "--writes-waiting-max",
        &max,
    ]);
    world.clients = world.server.connect().await;
    let channel = world.server.channel().await;
    let lock = WriteLock::take(world.engine, &world.database);
    let call = |number: usize| delete(channel.clone(), number);
    // They are polled in the order of the calls, so these come before the flood.
    let first: Vec<_> = (0..100).map(|number| tokio::spawn(call(number))).collect();
    for _ in 0..5 {
        world.read_token().await;
    }
    let mut running: FuturesUnordered<_> = (0..FLOOD).map(call).collect();
    let mut refusals = Vec::new();
    while refusals.len() < REFUSED_LEAST {
        let answer = running.next().await.expect("more calls");
        refusals.push(answer.expect_err("nothing is written yet"));
    }
    // The queue is full: further calls fail at once, while every write waits.
    let last = delete(channel.clone(), FLOOD).await;
    refusals.push(last.expect_err("it is full"));
    assert!(first.iter().all(|write| !write.is_finished()));
    // Those that go leave the queue as their turn comes, undone.
    drop(running);
    lock.release();
    let mut answered = 0;
    for answer in futures::future::join_all(first).await {
        answered += usize::from(answer.expect("no panic").is_ok());
    }
    (refusals, answered)
}

async fn more_writes_than_can_wait_are_refused_at_once_and_those_that_wait_are_done(
    mut world: World,
) {
    let (refusals, answered) = flood(&mut world).await;
    assert_eq!(answered, 100);
    for status in refusals {
        let status = refused(
            Err::<Response<()>, _>(status),
            Code::ResourceExhausted,
            "QUEUE_FULL",
        );
        let details = status.get_error_details();
        assert!(details.retry_info().unwrap().retry_delay.is_some());
        assert!(details.quota_failure().is_some());
    }
}
