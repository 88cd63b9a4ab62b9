//! The first page of the tickets that a contact sees, against the bare SQL of that page and an echo
//! of the same size.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::FutureExt;

use super::Row;
use crate::bench::Bench;
use crate::calls::{Clients, number_of};
use crate::databases::Engine;
use crate::load::{Slice, closed, warm_up};
use crate::pairs::{Spread, alternate};
use crate::report::{Bar, Figure};
use crate::sql::{self, Bare};
use crate::world::World;

/// The number of contacts whose pages are listed.
const READERS: usize = 512;

pub(super) const ROW: Row = Row {
    name: "list",
    about: "ListVisibleTickets, the time of a first page of 50, against the bare SQL of the page \
            plus an echo of the same size: at most 1.3 ×",
    takes: "",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

/// A contact and the accounts that share their tickets with it.
type Reader = (u64, Vec<u64>);

fn readers(world: &World) -> Arc<[Reader]> {
    let mut questions = world.questions(3);
    let reader = |_| {
        let contact = questions.reader();
        (contact, world.sharing_accounts(contact).collect())
    };
    (0..READERS).map(reader).collect()
}

/// Calls of ListVisibleTickets on one stream, for each reader in turn.
#[derive(Clone)]
pub(crate) struct Pages {
    clients: Clients,
    readers: Arc<[Reader]>,
}

impl Pages {
    pub(crate) fn new(clients: Clients, world: &World) -> Self {
        let readers = readers(world);
        Self { clients, readers }
    }

    /// The same readers with another server.
    fn of(&self, clients: Clients) -> Self {
        let readers = Arc::clone(&self.readers);
        Self { clients, readers }
    }

    /// Sends requests for this time.
    pub(crate) async fn slice(&self, time: Duration) -> Result<Slice> {
        let pages = self.clone();
        let page = move |number: u64| {
            let pages = pages.clone();
            async move {
                let (contact, _) = &pages.readers[number as usize % pages.readers.len()];
                pages.clients.list(*contact).await.map(drop)
            }
        };
        closed(1, time, page).await
    }
}

/// Checks a page: it equals the page of the tables, and the contact may see each ticket of it.
async fn compare(
    world: &World,
    clients: &Clients,
    bare: &mut dyn Bare,
    (contact, accounts): &Reader,
) -> Result<()> {
    let answer = clients.list(*contact).await?;
    let listed = answer
        .tickets
        .iter()
        .filter_map(|listed| listed.ticket.as_ref());
    let ids: Vec<String> = listed.map(|ticket| ticket.id.clone()).collect();
    for (id, visible) in ids.iter().zip(&answer.tickets) {
        let number = id.strip_prefix("T-").and_then(|digits| digits.parse().ok());
        let ticket = world.ticket(number.unwrap_or(1));
        let expected = world.expected(*contact, &ticket);
        if !expected.matches(roster_api::v1::Visibility::Visible, &visible.grounds) {
            bail!(
                "c{contact} sees {id} on the grounds {:?}, expected {expected:?}",
                visible.grounds
            );
        }
        let requester = visible
            .ticket
            .as_ref()
            .map(|ticket| ticket.requester_id.as_str());
        if requester.and_then(|id| number_of('c', id)) != Some(ticket.requester) {
            bail!("{id} is listed with the requester {requester:?}");
        }
    }
    if ids != bare.page(*contact, accounts)? {
        bail!("the page of c{contact} differs from the page of the tables");
    }
    Ok(())
}

/// Measures the mean time of a page by bare SQL.
fn bare_slice(bare: &mut dyn Bare, readers: &[Reader], time: Duration) -> Result<f64> {
    let (started, mut pages) = (Instant::now(), 0);
    while started.elapsed() < time || pages == 0 {
        let (contact, accounts) = &readers[pages % readers.len()];
        bare.page(*contact, accounts)?;
        pages += 1;
    }
    Ok(started.elapsed().as_secs_f64() / pages as f64)
}

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.expected(&bench.world());
    let database = bench.filled(engine, &bench.world()).await?;
    let (server, echo) = (bench.serve(&database)?, bench.echo()?);
    let pages = Pages::new(Clients::connect(&server.url()).await?, &world);
    let echoes = pages.of(Clients::connect(&echo.url()).await?);
    let mut bare = sql::open(&database)?;
    let readers = &pages.readers;
    for reader in readers.iter() {
        compare(&world, &pages.clients, bare.as_mut(), reader).await?;
    }
    // Both parts of the baseline share the time of one slice.
    let half = bench.slice() / 2;
    warm_up(async || Ok(pages.slice(half).await?.per_second())).await?;
    let mut parts = Vec::new();
    let pairs = alternate(
        bench.slices(),
        async || {
            let of_sql = tokio::task::block_in_place(|| bare_slice(bare.as_mut(), readers, half))?;
            let of_echo = echoes.slice(half).await?.mean();
            parts.push((of_sql, of_echo));
            Ok(of_sql + of_echo)
        },
        async || Ok(pages.slice(bench.slice()).await?.mean()),
    )
    .await?;
    let micros = |values: &mut dyn Iterator<Item = f64>| Spread::of(values).median * 1e6;
    Ok(vec![Figure {
        name: ROW.name,
        engine: Some(engine),
        spread: Spread::of_ratios(&pairs),
        unit: " ×",
        bar: Bar::AtMost(1.3),
        note: format!(
            "{:.0} µs per page, {:.0} µs of SQL, {:.0} µs of echo",
            micros(&mut pairs.iter().map(|pair| pair.measured)),
            micros(&mut parts.iter().map(|(of_sql, _)| *of_sql)),
            micros(&mut parts.iter().map(|(_, of_echo)| *of_echo))
        ),
    }])
}
