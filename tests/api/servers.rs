//! Two servers on one PostgreSQL: whoever carries a token reads its writes on either, whatever dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use roster_api::v1::*;
use tokio::task::JoinSet;
use tonic::Status;

use crate::memory::{at_least, check, metric, try_let_see};
use crate::postgres::Postgres;
use crate::world::{Clients, Server};

/// Who try at once.
const WRITERS: usize = 4;
/// How often all of them together write here and read there.
const TRIES: usize = 1_000;

/// What one of them has: a colleague who may see the account's ticket or not, by turns.
struct Desk {
    account: String,
    colleague: String,
    ticket: String,
}

async fn contact(clients: &Clients, family_name: &str) -> String {
    let request = CreateContactRequest {
        contact: Some(Contact {
            family_name: family_name.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let made = clients.contacts.clone().create_contact(request).await;
    made.unwrap().into_inner().contact.unwrap().id
}

async fn furnish(clients: &Clients, number: usize) -> Desk {
    let account = CreateAccountRequest {
        account: Some(Account {
            name: format!("株式会社{number}"),
            ..Default::default()
        }),
        ..Default::default()
    };
    let account = clients
        .accounts
        .clone()
        .create_account(account)
        .await
        .unwrap();
    let account = account.into_inner().account.unwrap().id;
    let requester = contact(clients, "佐藤").await;
    let colleague = contact(clients, "鈴木").await;
    let associate = AssociateContactsRequest {
        account_id: account.clone(),
        contacts: [&requester, &colleague]
            .into_iter()
            .map(|id| ContactToAssociate {
                contact_id: id.clone(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    clients
        .associations
        .clone()
        .associate_contacts(associate)
        .await
        .unwrap();
    let ticket = format!("t{number}");
    let record = RecordTicketsRequest {
        tickets: vec![TicketRecord {
            id: ticket.clone(),
            requester_id: requester,
            account_id: Some(account.clone()),
            ..Default::default()
        }],
        ..Default::default()
    };
    clients
        .tickets
        .clone()
        .record_tickets(record)
        .await
        .unwrap();
    Desk {
        account,
        colleague,
        ticket,
    }
}

/// Asks again while the server or the database is away; nothing else may go wrong.
async fn patiently<T, F: Future<Output = Result<T, Status>>>(ask: impl Fn() -> F) -> T {
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(status) => {
                let died = matches!(
                    status.code(),
                    tonic::Code::Unavailable | tonic::Code::Unknown | tonic::Code::Cancelled
                );
                assert!(died, "{status:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Writes on one server and reads on the other, which take turns, until all have tried enough.
async fn work(servers: [Clients; 2], desk: Desk, tried: Arc<AtomicUsize>, tries: usize) {
    for turn in 0.. {
        if tried.fetch_add(1, Ordering::Relaxed) >= tries {
            return;
        }
        let sees = turn % 2 == 0;
        let (here, there) = (&servers[turn / 2 % 2], &servers[(turn / 2 + 1) % 2]);
        let token = patiently(|| try_let_see(here, &desk.account, &desk.colleague, sees)).await;
        let asked = || check(there, &desk.colleague, &desk.ticket, at_least(&token));
        let (visible, _) = patiently(asked).await;
        assert_eq!(visible, sees, "turn {turn} of {}", desk.colleague);
    }
}

async fn until(tried: &AtomicUsize, count: usize) {
    while tried.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_reads_its_write_on_either_server_though_one_is_killed_and_the_database_restarted()
{
    let tries = if std::env::var_os("ROSTER_LONG").is_some() {
        100_000
    } else {
        TRIES
    };
    let postgres = Postgres::create();
    postgres.start();
    let url = postgres.url();
    let start = |listen: &str| {
        Server::start_with(&[
            "--listen",
            listen,
            "--metrics",
            "127.0.0.1:0",
            "--database",
            &url,
        ])
    };
    let (first, mut second) = (start("127.0.0.1:0"), start("127.0.0.1:0"));
    let servers = [first.connect().await, second.connect().await];
    let tried = Arc::new(AtomicUsize::new(0));
    let mut working = JoinSet::new();
    for number in 0..WRITERS {
        let desk = furnish(&servers[0], number).await;
        working.spawn(work(servers.clone(), desk, Arc::clone(&tried), tries));
    }
    until(&tried, tries / 4).await;
    second.kill();
    second = start(&second.address);
    until(&tried, tries / 2).await;
    assert!(postgres.stop("immediate"));
    postgres.start();
    while let Some(worked) = working.join_next().await {
        worked.unwrap();
    }
    for server in [&first, &second] {
        let memory = metric(server, "roster_answers_from_memory_total");
        assert!(memory > 0.0, "no answer came from memory");
    }
}
