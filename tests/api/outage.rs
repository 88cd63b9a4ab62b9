//! PostgreSQL goes away under the server and comes back.

use std::time::{Duration, Instant};

use roster_api::v1::*;
use tonic::{Code, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::memory::{question, until_in_memory};
use crate::postgres::Postgres;
use crate::world::{Clients, Server, refused};

/// A call hears within this that the database is away. The server waits 0.8 s for a connection;
/// the rest is for a machine that is busy with other tests.
const TOLD_WITHIN: Duration = Duration::from_millis(2_000);
/// All is well again within this after the database's return.
const WELL_WITHIN: Duration = Duration::from_secs(5);

async fn write(clients: &Clients) -> Result<Response<CreateAccountResponse>, Status> {
    let request = CreateAccountRequest {
        account: Some(Account {
            name: "A".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    clients.accounts.clone().create_account(request).await
}

async fn read(clients: &Clients) -> Result<Response<ListAccountsResponse>, Status> {
    clients
        .accounts
        .clone()
        .list_accounts(ListAccountsRequest::default())
        .await
}

/// That a call hears soon and without the engine's words that the database is away.
async fn away<T: std::fmt::Debug>(call: impl Future<Output = Result<Response<T>, Status>>) {
    let began = Instant::now();
    let status = refused(call.await, Code::Unavailable, "UNAVAILABLE");
    assert!(began.elapsed() < TOLD_WITHIN, "{:?}", began.elapsed());
    let expected = "the database cannot be reached: try again, a write with the same request_id";
    assert_eq!(status.message(), expected);
    assert!(
        status
            .get_error_details()
            .retry_info()
            .unwrap()
            .retry_delay
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_away_calls_are_unavailable_and_soon_after_its_return_all_is_well() {
    let postgres = Postgres::create();
    postgres.start();
    let url = postgres.url();
    let server = Server::start_with(&["--listen", "127.0.0.1:0", "--database", &url]);
    let clients = server.connect().await;
    let mut health = HealthClient::new(server.channel().await);
    let mut watched = health
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut written = 0;
    for how in ["fast", "immediate"] {
        let serving = watched.message().await.unwrap().unwrap();
        assert_eq!(serving.status(), ServingStatus::Serving);
        // Several at once, so that there are several connections to lose.
        for answer in futures::future::join_all((0..8).map(|_| write(&clients))).await {
            answer.unwrap();
            written += 1;
        }
        assert!(postgres.stop(how));
        for _ in 0..2 {
            away(write(&clients)).await;
            away(read(&clients)).await;
        }
        let told = watched.message().await.unwrap().unwrap();
        assert_eq!(told.status(), ServingStatus::NotServing);
        postgres.start();
        let back = Instant::now();
        while let Err(status) = write(&clients).await {
            refused(
                Err::<Response<()>, _>(status),
                Code::Unavailable,
                "UNAVAILABLE",
            );
            assert!(back.elapsed() < WELL_WITHIN);
        }
        written += 1;
        assert_eq!(
            read(&clients).await.unwrap().into_inner().accounts.len(),
            written
        );
    }
    let serving = watched.message().await.unwrap().unwrap();
    assert_eq!(serving.status(), ServingStatus::Serving);
}

/// The contact c1 and its ticket t1.
pub async fn one_ticket(clients: &Clients) {
    let contact = CreateContactRequest {
        contact: Some(Contact {
            family_name: "佐藤".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    clients
        .contacts
        .clone()
        .create_contact(contact)
        .await
        .unwrap();
    let tickets = RecordTicketsRequest {
        tickets: vec![TicketRecord {
            id: "t1".into(),
            requester_id: "c1".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    clients
        .tickets
        .clone()
        .record_tickets(tickets)
        .await
        .unwrap();
}

/// For how many seconds the server of the test below tells facts that it cannot compare.
const STALE_AFTER: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_away_checks_go_on_from_memory_until_the_facts_are_too_old() {
    let postgres = Postgres::create();
    postgres.start();
    let (url, seconds) = (postgres.url(), STALE_AFTER.to_string());
    let server = Server::start_with(&[
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--database",
        &url,
        "--stale-after",
        &seconds,
    ]);
    let clients = server.connect().await;
    one_ticket(&clients).await;
    until_in_memory(&server, &clients, ("c1", "t1")).await;
    let check = || async {
        let mut client = clients.visibility.clone();
        client.check_ticket(question("c1", "t1")).await
    };
    for _ in 0..2 {
        assert!(postgres.stop("immediate"));
        let gone = Instant::now();
        away(write(&clients)).await;
        let refused_after = loop {
            match check().await {
                Ok(answer) => assert_eq!(answer.into_inner().visibility(), Visibility::Visible),
                Err(status) => {
                    let status = refused(
                        Err::<Response<()>, _>(status),
                        Code::Unavailable,
                        "UNAVAILABLE",
                    );
                    let details = status.get_error_details();
                    assert!(details.retry_info().unwrap().retry_delay.is_some());
                    break gone.elapsed();
                }
            }
        };
        // The last word of the database may have come a moment before it was gone.
        let patience = Duration::from_secs(STALE_AFTER);
        assert!(
            refused_after + Duration::from_secs(1) > patience,
            "{refused_after:?}"
        );
        assert!(refused_after < patience + TOLD_WITHIN, "{refused_after:?}");
        postgres.start();
        let back = Instant::now();
        while check().await.is_err() || write(&clients).await.is_err() {
            assert!(back.elapsed() < WELL_WITHIN);
        }
    }
}
