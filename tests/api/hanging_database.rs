//! PostgreSQL hangs: it refuses nothing, closes nothing and answers nothing.

use std::time::{Duration, Instant};

use futures::future::join_all;
use roster_api::v1::consistency::Requirement;
use roster_api::v1::*;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::importing::{messages, of};
use crate::memory::{question, until_in_memory};
use crate::outage::one_ticket;
use crate::postgres::Postgres;
use crate::world::{Clients, Server, refused};

/// For how long the database hangs.
const HANGS_FOR: Duration = Duration::from_secs(12);
/// A call that waits for the database hears within this that it hangs.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// A call hears within this once the server reports that it hangs.
const HEARD_WITHIN_ONCE_KNOWN: Duration = Duration::from_secs(1);
/// All is well again within this after the database goes on.
const WELL_WITHIN: Duration = Duration::from_secs(5);
/// The threads that the hang took are gone within this: idle threads end after ten seconds.
const TIDY_WITHIN: Duration = Duration::from_secs(60);
/// Calls at once: more than there are connections.
const CALLS: usize = 40;

fn in_organization<T>(message: T, organization: usize) -> Request<T> {
    let mut request = Request::new(message);
    let name = format!("o{}", organization % 8).parse().unwrap();
    request.metadata_mut().insert("roster-organization", name);
    request
}

async fn write(clients: &Clients, number: usize, deadline: Option<Duration>) -> Heard {
    let message = CreateAccountRequest {
        account: Some(Account {
            name: format!("A{number}"),
            ..Default::default()
        }),
        request_id: format!("request-{number}"),
    };
    let mut request = in_organization(message, number);
    if let Some(deadline) = deadline {
        request.set_timeout(deadline);
    }
    heard(clients.accounts.clone().create_account(request)).await
}

async fn read(clients: &Clients, number: usize) -> Heard {
    let request = in_organization(ListAccountsRequest::default(), number);
    heard(clients.accounts.clone().list_accounts(request)).await
}

async fn start_import(clients: &Clients) -> Heard {
    let messages = messages(of(ImportKind::Accounts), "会社名\n山田\n".as_bytes());
    let mut client = clients.imports.clone();
    heard(client.start_import(tokio_stream::iter(messages))).await
}

async fn check_in_database(clients: &Clients) -> Heard {
    let requirement = Some(Requirement::FullyConsistent(true));
    let asked = CheckTicketRequest {
        consistency: Some(Consistency { requirement }),
        ..question("c1", "t1")
    };
    heard(clients.visibility.clone().check_ticket(asked)).await
}

/// The answer of a call, and how long it took.
type Heard = (Result<(), Status>, Duration);

async fn heard<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Heard {
    let began = Instant::now();
    let answer = call.await;
    (answer.map(drop), began.elapsed())
}

#[track_caller]
fn unavailable((answer, took): Heard, within: Duration) {
    let status = refused(answer.map(Response::new), Code::Unavailable, "UNAVAILABLE");
    let details = status.get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    assert!(took <= within, "{took:?}");
}

fn threads(server: &Server) -> usize {
    let tasks = format!("/proc/{}/task", server.child.id());
    std::fs::read_dir(tasks).unwrap().count()
}

async fn is_serving(health: &mut HealthClient<tonic::transport::Channel>) -> bool {
    let answer = health.check(HealthCheckRequest::default()).await.unwrap();
    answer.into_inner().status() == ServingStatus::Serving
}

async fn hang_and_wake(postgres: &Postgres, server: &Server, clients: &Clients) {
    let mut health = HealthClient::new(server.channel().await);
    let check = || async {
        let mut client = clients.visibility.clone();
        client.check_ticket(question("c1", "t1")).await
    };
    postgres.hang();
    let hung = Instant::now();
    let writes = (0..CALLS).map(|number| {
        let deadline = (number % 2 == 0).then_some(Duration::from_secs(60));
        write(clients, number, deadline)
    });
    let (writes, reads, import, checked) = tokio::join!(
        join_all(writes),
        join_all((0..CALLS).map(|number| read(clients, number))),
        start_import(clients),
        check_in_database(clients),
    );
    for answer in writes.into_iter().chain(reads).chain([import, checked]) {
        unavailable(answer, HEARD_WITHIN);
    }
    while is_serving(&mut health).await {
        assert!(hung.elapsed() < HEARD_WITHIN);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    while hung.elapsed() < HANGS_FOR {
        let (written, listed, import, in_database) = tokio::join!(
            write(clients, CALLS, None),
            read(clients, 1),
            start_import(clients),
            check_in_database(clients),
        );
        for answer in [written, listed, import, in_database] {
            unavailable(answer, HEARD_WITHIN_ONCE_KNOWN);
        }
        assert_eq!(
            check().await.unwrap().into_inner().visibility(),
            Visibility::Visible
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    postgres.wake();
    let woken = Instant::now();
    while !is_serving(&mut health).await || start_import(clients).await.0.is_err() {
        assert!(woken.elapsed() < WELL_WITHIN);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Some were carried out after their callers had heard that the outcome was open.
    for number in 0..=CALLS {
        write(clients, number, None).await.0.unwrap();
    }
    for organization in 0..8 {
        let request = in_organization(ListAccountsRequest::default(), organization);
        let listed = clients.accounts.clone().list_accounts(request).await;
        let accounts = listed.unwrap().into_inner().accounts;
        let expected = (0..=CALLS).filter(|number| number % 8 == organization);
        let mut names: Vec<_> = accounts.into_iter().map(|account| account.name).collect();
        let mut expected: Vec<_> = expected.map(|number| format!("A{number}")).collect();
        names.sort();
        expected.sort();
        assert_eq!(names, expected, "each request id once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_hangs_calls_are_unavailable_and_when_it_goes_on_no_thread_is_left() {
    let postgres = Postgres::create();
    postgres.start();
    let url = postgres.url();
    let server = Server::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--database",
        &url,
    ]);
    let clients = server.connect().await;
    one_ticket(&clients).await;
    until_in_memory(&server, &clients, ("c1", "t1")).await;
    // All roles have had their threads.
    join_all((0..CALLS).map(|number| read(&clients, number))).await;
    let before = threads(&server);
    hang_and_wake(&postgres, &server, &clients).await;
    hang_and_wake(&postgres, &server, &clients).await;
    let woken = Instant::now();
    while threads(&server) > before {
        let after = threads(&server);
        assert!(
            woken.elapsed() < TIDY_WITHIN,
            "{before} threads before, {after} after"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
