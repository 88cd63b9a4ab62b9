//! An organization beside one that floods.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use futures::FutureExt;
use roster_api::v1;
use roster_api::v1::ticket_service_client::TicketServiceClient;
use tonic::Code;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;

use super::Row;
use crate::bench::Bench;
use crate::calls::{Checks, Clients};
use crate::databases::Engine;
use crate::load::{STREAMS, Slice, open};
use crate::pairs::Spread;
use crate::report::{Bar, Figure};

/// Checks a second of the neighbour.
const CHECKS_PER_SECOND: u64 = 500;
/// Writes a second of the neighbour.
const WRITES_PER_SECOND: u64 = 50;
/// The tickets of a call of the flood, the most that a call may have.
const FLOOD_TICKETS: usize = 1_000;
/// The time of a slice: 250 writes, enough for a 99th percentile.
const SLICE: Duration = Duration::from_secs(5);
/// The organization that floods.
const FLOODING: &str = "flood";

pub(super) const ROW: Row = Row {
    name: "noisy-neighbour",
    about: "CheckTicket at 500 calls per second and CreateAccount at 50, the p99 of latencies while \
            64 callers of another organization record 1,000 tickets a call, against the p99 \
            without them: at most 2 ×",
    takes: "a copy of the world's database",
    per_engine: true,
    only_by_name: true,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

/// Records tickets of another organization until stopped. Refusals are the server's right.
async fn flood(url: String, stop: Arc<AtomicBool>) -> Result<()> {
    let mut metadata = MetadataMap::new();
    metadata.insert("roster-organization", FLOODING.parse()?);
    let clients = Clients::over(&Channel::from_shared(url)?, metadata).await?;
    let contact = v1::CreateContactRequest {
        contact: Some(v1::Contact {
            family_name: "Flood".to_owned(),
            ..v1::Contact::default()
        }),
        ..v1::CreateContactRequest::default()
    };
    let mut contacts = v1::contact_service_client::ContactServiceClient::new(clients.channel(0));
    let created = contacts.create_contact(clients.request(contact)).await?;
    let contact = created.into_inner().contact.unwrap_or_default().id;
    let caller = |number: usize| {
        let (clients, contact, stop) = (clients.clone(), contact.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let record = |ticket: usize| v1::TicketRecord {
                id: format!("F{number}-{ticket}"),
                requester_id: contact.clone(),
                ..v1::TicketRecord::default()
            };
            let request = v1::RecordTicketsRequest {
                tickets: (0..FLOOD_TICKETS).map(record).collect(),
                ..v1::RecordTicketsRequest::default()
            };
            let mut client = TicketServiceClient::new(clients.channel(number as u64));
            while !stop.load(Ordering::Relaxed) {
                match client
                    .record_tickets(clients.request(request.clone()))
                    .await
                {
                    Ok(_) => {}
                    Err(status)
                        if matches!(status.code(), Code::ResourceExhausted | Code::Unavailable) => {
                    }
                    Err(status) => bail!("the flood was answered by {status}"),
                }
            }
            Ok(())
        })
    };
    for caller in (0..STREAMS).map(caller).collect::<Vec<_>>() {
        caller.await??;
    }
    Ok(())
}

async fn create(clients: Clients, number: u64) -> Result<()> {
    Ok(clients.create_account(number).await?)
}

/// Checks and writes at their rates, at once.
async fn slice(clients: &Clients, checks: &Checks) -> Result<(Slice, Slice)> {
    let (clients, checks) = (clients.clone(), checks.clone());
    let continues = |due| due < SLICE;
    let checking = open(CHECKS_PER_SECOND, continues, move |n| {
        checks.clone().call(n)
    });
    let writing = open(WRITES_PER_SECOND, continues, move |n| {
        create(clients.clone(), n)
    });
    let (checked, written) = tokio::join!(checking, writing);
    Ok((checked?, written?))
}

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let database = bench.copy(engine, &world).await?;
    let server = bench.serve(&database)?;
    let clients = Clients::connect(&server.url()).await?;
    let checks = Checks::new(clients.clone(), &bench.expected(&world));
    checks.until_in_memory(&server).await?;
    slice(&clients, &checks).await?;
    let (mut of_checks, mut of_writes) = (Vec::new(), Vec::new());
    let mut note = String::new();
    for _ in 0..bench.repetitions() {
        let (quiet_checks, quiet_writes) = slice(&clients, &checks).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let flooding = tokio::spawn(flood(server.url(), Arc::clone(&stop)));
        let loud = slice(&clients, &checks).await;
        stop.store(true, Ordering::Relaxed);
        flooding.await??;
        let (loud_checks, loud_writes) = loud?;
        of_checks.push(loud_checks.latency(0.99) / quiet_checks.latency(0.99));
        of_writes.push(loud_writes.latency(0.99) / quiet_writes.latency(0.99));
        note = format!(
            "p99 of checks {:.1} ms and of writes {:.1} ms without the flood, {:.1} and {:.1} ms with \
             it",
            quiet_checks.latency(0.99) * 1e3,
            quiet_writes.latency(0.99) * 1e3,
            loud_checks.latency(0.99) * 1e3,
            loud_writes.latency(0.99) * 1e3,
        );
    }
    let figure = |name, ratios: Vec<f64>, note| Figure {
        name,
        engine: Some(engine),
        spread: Spread::of(ratios),
        unit: " ×",
        bar: Bar::AtMost(2.0),
        note,
    };
    Ok(vec![
        figure(ROW.name, of_checks, note),
        figure("noisy-neighbour-writes", of_writes, String::new()),
    ])
}
